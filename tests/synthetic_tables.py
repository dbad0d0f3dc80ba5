"""Tables that look like a sweep's, drawn from named streams: what the figures and the report are tested on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from denote.streams import stream
from denote.tables import CELLS, CONTROLS, LABEL_PROPORTION_BY_DEPTH, NEURONS, table

MEAN_PROPORTION = (0.1, 0.1, 0.3, 0.55, 0.7, 0.75, 0.6, 0.5, 0.3)
SHARE = (0.0, 0.1, 0.25, 0.4, 0.5, 0.5, 0.45, 0.5, 0.8)
ATTRIBUTES = {"odd": 2, "prime": 3, "loop": 4, "class=0": 0, "class=3": 5, "<img src=x onerror=alert(1)>": 99}
"""Attribute -> the depth where the linear probe's score passes (99: never)."""


def _observed(seed: int, depth: int, n_layers: int, trained: bool) -> dict[str, Any]:
    head = depth == n_layers - 1
    return {
        "dataset": "mnist", "architecture": f"mlp-{n_layers - 1}x32-relu",
        "trained": trained, "epoch": 20 if trained else 0,
        "seed": seed, "object_model": f"{seed:016x}", "object_accuracy": 0.93 + 0.005 * (seed % 3) if trained else 0.1,
        "layer": "logits" if head else f"blocks.{depth}", "depth": depth,
        "relative_depth": depth / (n_layers - 1) if n_layers > 1 else None,
        "pooling": "none",
    }  # fmt: skip


def neuron_table(
    seeds: int = 3, n_layers: int = 9, width: int = 32, *, denoting: bool = True, trained: bool = True
) -> pl.DataFrame:
    """Neurons of ``seeds`` models; a tenth are dead, and depth decides how many denote what."""
    rows = []
    for seed in range(seeds):
        for depth in range(n_layers):
            rng = stream("synthetic neurons", seed, depth)
            at = round(depth * 8 / max(n_layers - 1, 1))
            for neuron in range(10 if depth == n_layers - 1 else width):
                row = _observed(seed, depth, n_layers, trained) | {
                    "neuron": neuron, "neuron_name": f"unit {neuron}", "probe_seed": 0, "family": "subsets",
                    "live": bool(rng.random() > 0.1),
                }  # fmt: skip
                rows.append(row | (_property(rng, at, denoting) if row["live"] else {"note": "dead: constant on fit"}))
    return table(rows, NEURONS)


def _property(rng: np.random.Generator, at: int, denoting: bool) -> dict[str, Any]:
    p = float(np.clip(np.round(rng.normal(MEAN_PROPORTION[at], 0.15), 1), 0.1, 0.9))
    denotes = bool(denoting and rng.random() < SHARE[at])
    score = float(rng.uniform(0.96, 0.999) if denotes else rng.uniform(0.6, 0.95))
    classes = ", ".join(str(c) for c in sorted(rng.choice(10, round(10 * p), replace=False)))
    return {
        "property": f"class in {{{classes}}}", "label_proportion": p, "folded_label_proportion": min(p, 1 - p),
        "direction": 1, "threshold": 0.5, "balanced_accuracy": score, "balanced_accuracy_low": score - 0.02,
        "tpr": score, "tnr": score, "precision": score, "auroc": min(score + 0.01, 1), "mcc": 2 * score - 1,
        "p_value": 1e-6 if denotes else 0.4, "q_value": 1e-5 if denotes else 0.9, "n_tests": 700, "denotes": denotes,
        "on_proportion": float(np.clip(p + rng.normal(0, 0.02), 0, 1)), "fit_balanced_accuracy": score,
        "n_fit": 1000, "n_test": 1000, "n_positive_fit": round(1000 * p), "n_positive_test": round(1000 * p),
        "input_balanced_accuracy": 0.8, "note": None if denotes else "abstains",
    }  # fmt: skip


def by_depth_table(neurons: pl.DataFrame, *, rotated: bool = False) -> pl.DataFrame:
    """The by-depth table of these neurons, with a gap where a model has fewer than 5 denoting ones."""
    key = ["dataset", "architecture", "trained", "epoch", "layer", "family", "depth", "relative_depth"]
    rows = []
    for keys, part in neurons.group_by(key, maintain_order=True):
        row: dict[str, Any] = dict(zip(key, keys, strict=True))
        live, found = part.filter("live"), part.filter("denotes")
        counts = found.group_by("object_model").len()
        row |= {
            "n_models": part["object_model"].n_unique(), "n_neurons": len(part), "n_live": len(live),
            "n_denoting": len(found), "n_distinct": found["property"].n_unique(),
            "share_denoting": len(found) / len(live), "untrained_share_denoting": 0.01,
            "on_proportion_mean": live["on_proportion"].mean(),
            "unconditional_label_proportion_mean": live["label_proportion"].mean(),
            "unconditional_folded_mean": live["folded_label_proportion"].mean(),
            "rotated_share_denoting": 0.8 * len(found) / len(live) if rotated else None,
        }  # fmt: skip
        if len(counts) < row["n_models"] or counts["len"].min() < 3:  # type: ignore[operator]
            rows.append(row | {"note": "a model has fewer than 5 distinct denoted properties"})
            continue
        p, folded = found["label_proportion"].mean(), found["folded_label_proportion"].mean()
        row |= {
            "label_proportion_mean": p, "label_proportion_low": p - 0.06, "label_proportion_high": p + 0.06,
            "folded_mean": folded, "folded_low": folded - 0.03, "folded_high": folded + 0.03,
            "majority_side_share": (found["label_proportion"] > 0.5).mean(),
            "rotated_folded_mean": folded - 0.02 if rotated else None,
            "note": None if rotated else "rotated control not computed; untrained: none denotes",
        }  # fmt: skip
        rows.append(row)
    return table(rows, LABEL_PROPORTION_BY_DEPTH)


def cell_table(seeds: int = 3, n_layers: int = 9, attributes: dict[str, int] | None = None) -> pl.DataFrame:
    """Cells of two probes; one attribute is never read and one has no score at depth 1."""
    rows = []
    for seed in range(seeds):
        for depth in range(n_layers):
            for name, passes in (ATTRIBUTES if attributes is None else attributes).items():
                for probe, later in (("linear", 0), ("neuron", 2)):
                    row = _observed(seed, depth, n_layers, True) | {
                        "n_neurons": 32, "probe": probe, "probe_seed": 0, "attribute": name, "family": "named",
                        "label_proportion": 0.4, "n_fit": 1000, "n_test": 1000,
                    }  # fmt: skip
                    if name == "loop" and depth == 1:
                        rows.append(row | {"note": "too few positive rows in test (12 < 20)"})
                    else:
                        rows.append(row | _scores(seed, depth - passes - later))
    return table(rows, CELLS)


def _scores(seed: int, since: int) -> dict[str, Any]:
    auroc = float(np.clip(0.985 + 0.004 * since + 0.001 * seed, 0.52, 0.999))
    balanced = auroc - 0.02
    return {
        "auroc": auroc, "auroc_low": auroc - 0.02, "auroc_high": min(auroc + 0.01, 1), "average_precision": auroc,
        "balanced_accuracy": balanced, "balanced_accuracy_low": balanced - 0.02, "mcc": 2 * balanced - 1,
        "accuracy": balanced, "majority_accuracy": 0.6, "control_auroc": 0.5, "selectivity": auroc - 0.5,
        "untrained_auroc": 0.9, "input_auroc": 0.96, "p_value": 1e-9, "q_value": 1e-8, "n_tests": 300,
        "converged": True, "decisive": since >= 0,
    }  # fmt: skip


def control_table(neurons: pl.DataFrame) -> pl.DataFrame:
    """Rotated neurons: three draws of the same neurons at slightly lower label proportions."""
    rows = [
        row | {"control": "rotated", "draw": draw, "label_proportion": p and max(p - 0.1, 0.1)}
        for draw in range(3)
        for row in neurons.filter("live").iter_rows(named=True)
        for p in [row["label_proportion"]]
    ]
    return table(rows, CONTROLS)
