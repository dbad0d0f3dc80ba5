"""Tables that look like a sweep's, drawn from named streams: what the figures and the report are tested on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from denote.denotation.depth.analysis import depth_analysis
from denote.denotation.depth.by_model import denoted
from denote.denotation.depth.plan import Analysis
from denote.denotation.judging.search_stability import stability
from denote.evidence.audit import audit
from denote.evidence.first_decisive import first_decisive, seed_spread
from denote.evidence.rule import Rule
from denote.interventions.deciding import decide_interventions
from denote.interventions.words import NEURON, OBSERVER
from denote.notes import Note
from denote.streams import stream
from denote.tables import (
    ATTRIBUTE_CORRELATION,
    CELLS,
    CONTROLS,
    CURVES,
    EXAMPLES,
    INTERVENTIONS,
    LABEL_PROPORTION_BY_DEPTH,
    LABEL_PROPORTION_BY_MODEL,
    LAYERS,
    NEURONS,
    NEURONS_KEY,
    NULL_CHECK,
    ON_RATES,
    SCAN,
    SWEEP_TABLES,
    empty,
    table,
)

MEAN_PROPORTION = (0.1, 0.1, 0.3, 0.55, 0.7, 0.75, 0.6, 0.5, 0.3)
SHARE = (0.0, 0.1, 0.25, 0.4, 0.5, 0.5, 0.45, 0.5, 0.8)
ATTRIBUTES = {"odd": 2, "prime": 3, "loop": 4, "class=0": 0, "class=3": 5, "<img src=x onerror=alert(1)>": 99}
"""Attribute -> the depth where the linear probe's score passes (99: never)."""


def all_tables(seeds: int = 3, n_layers: int = 9, width: int = 32) -> dict[str, pl.DataFrame]:
    """Every table of a merged sweep whose controls all ran."""
    cells, neurons = cell_table(seeds, n_layers), neuron_table(seeds, n_layers, width)
    layers, again = layer_table(seeds, n_layers, width), searched_again_table(neurons)
    depth = depth_analysis(neurons, control_table(neurons), layers, analysis=Analysis(family="subsets"))
    return {
        **empty_tables(),
        "cells": cells, "neurons": neurons, "controls": control_table(neurons),
        "scan": scan_table(seeds, n_layers), "pairs": empty(SWEEP_TABLES["pairs"]),
        "curves": curve_table(seeds, n_layers), "null_check": null_check_table(seeds),
        "attribute_correlation": correlation_table(), "seed_spread": seed_spread(cells),
        "audit": audit(cells, neurons),
        "properties": denoted(neurons),
        "layers": layers, "stability": stability(neurons, again), "first_decisive": first_decisive(cells, layers),
        **depth.tables, "label_proportion_by_depth": by_depth_table(neurons, rotated=True),
    }  # fmt: skip


def empty_tables() -> dict[str, pl.DataFrame]:
    """Every table of a sweep in which nothing was observed."""
    return {name: empty(schema) for name, schema in SWEEP_TABLES.items()}


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
        "control_balanced_accuracy": 0.52, "untrained_balanced_accuracy": 0.68, "input_balanced_accuracy": 0.8,
        "rival": "ink > 0.31", "rival_balanced_accuracy": 0.77, **_bounds("balanced_accuracy_interval", score, 0.02),
        **_bounds("tpr", score, 0.03), **_bounds("tnr", score, 0.01), **_bounds("auroc", min(score + 0.01, 1), 0.01),
        "majority_accuracy": max(p, 1 - p), "selectivity": score - 0.52, **_bounds("selectivity", score - 0.52, 0.03),
        "rotated_share": 0.8 * SHARE[at], "detectable_balanced_accuracy": 0.965,
        "fit_agreement": 0.9, "threshold_agreement": 1.0,
        "attributes_passed": 1 if denotes else 0, "attributes_carried": int(rng.integers(0, 5)),
        "note": None if denotes else "abstains",
    }  # fmt: skip


def _bounds(name: str, value: float, half: float) -> dict[str, float]:
    return {f"{name}_low": max(value - half, -1.0), f"{name}_high": min(value + half, 1.0)}


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
            "smallest_detectable_proportion": 0.08,
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
                        "label_proportion": 0.4, "n_fit": 1000, "n_test": 1000, "n_positive_fit": 410,
                        "n_positive_test": 400, "n_carrying": depth,
                    }  # fmt: skip
                    if name == "loop" and depth == 1:
                        rows.append(row | {"note": "too few positive rows in test (12 < 20)"})
                    else:
                        rows.append(row | _scores(seed, depth - passes - later) | _of_probe(probe, depth))
    return table(rows, CELLS)


def _scores(seed: int, since: int) -> dict[str, Any]:
    auroc = float(np.clip(0.985 + 0.004 * since + 0.001 * seed, 0.52, 0.999))
    balanced = auroc - 0.02 if since >= 0 else min(auroc - 0.02, 0.94)
    return {
        "auroc": auroc, "auroc_low": auroc - 0.02, "auroc_high": min(auroc + 0.01, 1), "average_precision": auroc,
        "balanced_accuracy": balanced, "balanced_accuracy_low": balanced - 0.02, "mcc": 2 * balanced - 1,
        **_bounds("balanced_accuracy_interval", balanced, 0.02),
        "accuracy": balanced, "majority_accuracy": 0.6, "control_auroc": 0.5, "selectivity": auroc - 0.5,
        **_bounds("selectivity", auroc - 0.5, 0.02), "untrained_auroc": 0.9, "input_auroc": 0.96,
        "random_subset_percentile": 0.85, "detectable_auroc": 0.58, "detectable_proportion": 0.07,
        "p_value": 1e-9, "q_value": 1e-8, "n_tests": 300, "converged": True, "decisive": since >= 0,
    }  # fmt: skip


def _of_probe(probe: str, depth: int) -> dict[str, Any]:
    """What only some probes have: a rotation changes neurons, and weights have a band, a map and a code."""
    if probe == "neuron":
        return {"rotated_auroc": 0.88}
    return {
        "relevance_band": 0.03, "n_outside_band": 12, "randomised_similarity": 0.02 * depth, "description_bits": 160.5,
        "intercept_bits": 1347.0, "compression": 1347.0 / 160.5,
        "note": Note.of("rotated_alike"),
    }  # fmt: skip


def scan_table(seeds: int = 3, n_layers: int = 9) -> pl.DataFrame:
    """The pair scan of every layer: a third of the neurons carry each attribute."""
    rows = [
        _observed(seed, depth, n_layers, True) | {
            "n_neurons": 32, "attribute": name, "family": "named", "label_proportion": 0.4, "n_test": 1000,
            "n_positive_test": 400, "n_tests": 30, "n_carrying": 10, "below_05": 14, "expected_05": 1.5,
            "below_001": 11, "expected_001": 0.03, "best_neuron": 4, "best_auroc": 0.91, "max_statistic": 9.1,
            "max_p_value": 0.005, "scan_max_p_value": 0.005, "model_max_p_value": 0.005,
        }
        for seed in range(seeds) for depth in range(n_layers) for name in ATTRIBUTES
    ]  # fmt: skip
    return table(rows, SCAN)


def null_check_table(seeds: int = 3, *, alarm: bool = False) -> pl.DataFrame:
    """Replicates with a hit of the cells, which may ring, and of the pair scan of every object model."""
    hits = 7 if alarm else 1
    cells = {
        "scan": "cells", "n_tests": 300, "n_replicates": 20, "n_with_hit": hits, "expected": 1.0,
        "p_value": 3e-5 if alarm else 0.64, "alarm": alarm,
    }  # fmt: skip
    pairs = [
        {"scan": "pairs", "object_model": f"{seed:016x}", "n_tests": 1620, "n_replicates": 20, "n_with_hit": seed % 2,
         "expected": 1.0, "p_value": 1.0, "alarm": False}
        for seed in range(seeds)
    ]  # fmt: skip
    return table([cells, *pairs], NULL_CHECK)


def curve_table(seeds: int = 3, n_layers: int = 9) -> pl.DataFrame:
    """AUROC by number of fit rows and after removing neurons, of the linear probe."""
    points = {"fit_rows": (15, 31, 125, 500, 1000), "removed": (0, 1, 2, 4, 8)}
    rows = [
        _observed(seed, depth, n_layers, True) | {
            "probe": "linear", "probe_seed": 0, "attribute": name, "family": "named", "curve": curve, "x": x,
            "auroc": 0.6 + 0.08 * index if curve == "fit_rows" else 0.98 - 0.02 * index,
        }
        for seed in range(seeds) for depth in range(n_layers) for name in ATTRIBUTES
        for curve, steps in points.items() for index, x in enumerate(steps)
    ]  # fmt: skip
    return table(rows, CURVES)


def correlation_table() -> pl.DataFrame:
    """Pairs of attributes: one the complement of another, one inside another, the rest barely related."""
    pairs = {
        ("odd", "prime"): (0.21, 0.4, 230), ("odd", "class=3"): (0.33, 0.19, 100),
        ("odd", "even"): (-1.0, 0.0, 0), ("loop", "class=0"): (0.41, 0.25, 100), ("prime", "loop"): (None, None, 0),
    }  # fmt: skip
    rows = [
        {"dataset": "mnist", "attribute": first, "family": "named", "other": other, "other_family": "named",
         "phi": phi, "jaccard": jaccard, "n_both": both, "n_rows": 1000,
         "note": None if phi else "phi: an attribute is constant on the rows where both are known"}
        for (first, other), (phi, jaccard, both) in pairs.items()
    ]  # fmt: skip
    return table(rows, ATTRIBUTE_CORRELATION)


def control_table(neurons: pl.DataFrame) -> pl.DataFrame:
    """Rotated neurons: three draws of the same neurons at slightly lower label proportions."""
    rows = [
        row | {"control": "rotated", "draw": draw, "label_proportion": p and max(p - 0.1, 0.1)}
        for draw in range(3)
        for row in neurons.filter("live").iter_rows(named=True)
        for p in [row["label_proportion"]]
    ]
    return table(rows, CONTROLS)


def layer_table(seeds: int = 3, n_layers: int = 9, width: int = 32) -> pl.DataFrame:
    """Layers that spread over fewer directions the deeper they are."""
    rows = [
        _observed(seed, depth, n_layers, True) | {
            "n_neurons": width, "n_live": width - 3, "participation_ratio": 12.0 - depth, "active_share": 0.4,
            "sign_identified": depth < n_layers - 1, "is_head": depth == n_layers - 1,
        }
        for seed in range(seeds) for depth in range(n_layers)
    ]  # fmt: skip
    return table(rows, LAYERS)


def searched_again_table(neurons: pl.DataFrame) -> pl.DataFrame:
    """The searches of stability: on other rows every fourth denoting neuron abstains, with fewer thresholds none."""
    rows = [
        row | {"control": control, "draw": 0, "denotes": row["denotes"] and not (row["neuron"] % 4 == 0 and missing)}
        for control, missing in (("second_fit", True), ("thresholds", False))
        for row in neurons.drop("fit_agreement", "threshold_agreement").iter_rows(named=True)
    ]
    return table(rows, CONTROLS)


def by_model_table(neurons: pl.DataFrame) -> pl.DataFrame:
    """What each network of these neurons denotes, and rotated directions that differ a little."""
    key = ["dataset", "architecture", "trained", "epoch", "seed", "object_model", "layer", "depth", "relative_depth",
           "pooling", "family", "probe_seed"]  # fmt: skip
    rows = []
    for keys, part in neurons.group_by(key, maintain_order=True):
        row: dict[str, Any] = dict(zip(key, keys, strict=True))
        found = part.filter("denotes")
        if found["property"].n_unique() >= 5:
            folded = float(found["folded_label_proportion"].mean())  # type: ignore[arg-type]
            noise = float(stream("synthetic rotation", row["object_model"], row["layer"]).normal(0, 0.02))
            row |= {"folded": folded, "rotated_folded": folded - 0.02 + noise}
        rows.append(row)
    return table(rows, LABEL_PROPORTION_BY_MODEL)


def with_bands(by_depth: pl.DataFrame) -> pl.DataFrame:
    """A by-depth table whose rotated control ran, with the intervals and measures that a merge adds."""
    p, folded, share = pl.col("label_proportion_mean"), pl.col("rotated_folded_mean"), pl.col("share_denoting")
    rotated = pl.col("rotated_share_denoting")
    return by_depth.with_columns(
        rotated_label_proportion_mean=p - 0.05, rotated_label_proportion_low=p - 0.1,
        rotated_label_proportion_high=p + 0.02, rotated_folded_low=folded - 0.03, rotated_folded_high=folded + 0.03,
        rotated_share_low=rotated - 0.05, rotated_share_high=rotated + 0.05, untrained_share_low=pl.lit(0.0),
        untrained_share_high=pl.lit(0.03), share_denoting_mean=share, share_denoting_low=share - 0.04,
        share_denoting_high=share + 0.04, active_share_mean=0.8 * pl.col("on_proportion_mean"),
        sign_identified=pl.lit(True), is_head=pl.col("relative_depth") == 1, n_live_mean=pl.col("n_live") / 3,
        property_entropy_mean=4 * share, n_members_mean=2 + 3 * share, participation_ratio_mean=20 - 15 * share,
    )  # fmt: skip


def on_rate_table(neurons: pl.DataFrame, classes: tuple[str, ...] = tuple("0123456789")) -> pl.DataFrame:
    """On-rates that follow from each live neuron's property: high in its classes, low in the others."""
    rows = []
    for neuron in neurons.filter("live").iter_rows(named=True):
        inside = neuron["property"].split("{")[1].strip("}").split(", ")
        rng = stream("synthetic on-rates", neuron["object_model"], neuron["layer"], neuron["neuron"])
        for name in classes:
            rate = rng.uniform(0.8, 1) if name in inside else rng.uniform(0, 0.2)
            rows.append({key: neuron[key] for key in NEURONS_KEY} | {"class": name, "on_rate": rate, "n_rows": 100})
    return table(rows, ON_RATES)


def example_table(neurons: pl.DataFrame, per_layer: int = 2) -> pl.DataFrame:
    """Eight inputs of each kind for some denoting neurons; one of each eight near the threshold is a mistake."""
    rows = []
    for _, part in neurons.filter("denotes").group_by("object_model", "layer", maintain_order=True):
        for neuron in part.head(per_layer).iter_rows(named=True):
            rows += [
                {key: neuron[key] for key in (*NEURONS_KEY, "property")} | {
                    "kind": kind, "rank": rank, "sample": (3 * neuron["neuron"] + rank) % 40, "activation": 1.0,
                    "has_property": (kind != "below") != (rank == 3 and kind != "top"), "target": f"class {rank}",
                }
                for kind in ("top", "above", "below") for rank in range(8)
            ]  # fmt: skip
    return table(rows, EXAMPLES)


def cut_cells(seeds: int = 2, n_layers: int = 4, cuts: tuple[int, ...] = (2, 5, 10, 20, 30, 50, 70)) -> pl.DataFrame:
    """Cells of one column cut at several label proportions: rare ones are read less well."""
    cells = cell_table(seeds, n_layers, {f"ink top {cut}%": 0 for cut in cuts})
    share = pl.col("attribute").str.extract(r"(\d+)%").cast(pl.Float64) / 100
    return cells.with_columns(
        family=pl.lit("quantiles"), label_proportion=share, balanced_accuracy=0.95 - 0.2 * (0.5 - share).abs(),
        detectable_auroc=0.5 + 0.02 / share.clip(0.03), detectable_proportion=pl.lit(0.06),
    )  # fmt: skip


def cut_scan(cells: pl.DataFrame) -> pl.DataFrame:
    """The pair scan of these cells: the more balanced a cut, the more neurons pass."""
    key = [name for name in SCAN if name in cells.columns and name not in ("note", "n_tests")]
    rows = cells.filter(pl.col("probe") == "linear").select(key).iter_rows(named=True)
    return table([row | {"n_tests": 20, "n_passing": round(10 * row["label_proportion"])} for row in rows], SCAN)


def said_below(figure: Figure) -> str:
    """The note below a figure, in one line."""
    return " ".join(" ".join(legend.get_title().get_text() for legend in figure.legends).split())


def ablated(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same after ``intervention=ablate``: the network uses even neurons and every other observer.

    A fifth of them have too few rows to be tested.
    """
    neurons, cells = tables["neurons"].filter("denotes"), tables["cells"].filter("decisive", probe="linear")
    of_neurons = [
        {**row, "subject_kind": NEURON, "subject": str(row["neuron"])} | _ablation(row["neuron"], MATCHED_NOTE)
        for row in neurons.iter_rows(named=True)
    ]
    of_cells = [
        {**row, "subject_kind": OBSERVER, "subject": "direction", "property": row["attribute"], "family": None}
        | _ablation(index, Note.of("random_directions"))
        for index, row in enumerate(cells.iter_rows(named=True))
    ]
    columns = [*INTERVENTIONS]
    every = [{name: row[name] for name in columns if name in row} for row in (*of_neurons, *of_cells)]
    return {**tables, **decide_interventions({**tables, "interventions": table(every, INTERVENTIONS)}, Rule())}


def erased_and_steered(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same after ``intervention=[erase,steer]`` of what decisive linear observers read.

    Every other erasure costs more than random ones and comes back at a later layer; every other push moves what a
    later observer reads.
    """
    cells, columns = tables["cells"].filter("decisive", probe="linear"), [*INTERVENTIONS]
    rows = []
    for index, cell in enumerate(cells.iter_rows(named=True)):
        known = {name: cell[name] for name in columns if name in cell}
        where = known | {"property": cell["attribute"], "note": None, "note_codes": None}
        p = {"n_random": 999, "random": 0.01, "p_value": 0.9 if index % 2 else 0.001}
        erased = where | {
            "intervention": "erase",
            "kind": "leace",
            "subject_kind": "attribute",
            "probe": None,
            "k": None,
        }
        cost = 0.0 if index % 2 else 0.4
        rows.append(erased | p | {"measure": "score", "rows": "all", "effect": cost, "effect_low": cost - 0.1})
        untested = erased | {"measure": "score", "effect": cost, "p_value": None}
        rows += [untested | {"rows": side} for side in ("with", "without")]
        rows.append(erased | {"measure": "auroc", "target": "later", "effect": 0.4, "comes_back": index % 2 == 0})
        steered = where | {
            "intervention": "steer",
            "kind": "push slope",
            "subject_kind": OBSERVER,
            "subject": "direction",
        }
        rows.append(steered | p | {"measure": "reading", "target": "later", "effect": 1.0})
        rows.append(steered | p | {"measure": "score", "effect": 0.1, "p_value": None})
    return {**tables, **decide_interventions({**tables, "interventions": table(rows, INTERVENTIONS)}, Rule())}


def untouched(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same after ``intervention=[ablate,erase,steer]`` that found nothing to do at any layer."""
    layers, columns = tables["layers"].filter(pl.col("depth").is_not_null()), [*INTERVENTIONS]
    why = Note.of("none_decisive")
    rows = [
        {name: layer[name] for name in columns if name in layer} | {"intervention": kind, "note": why}
        for layer in layers.iter_rows(named=True)
        for kind in ("ablate", "erase", "steer")
    ]
    return {**tables, "interventions": table(rows, INTERVENTIONS)}


MATCHED_NOTE = Note.of("matched_neurons", number=24, floor="1/25")


def _ablation(number: int, note: Note) -> dict[str, Any]:
    """A headline: of an even number with an effect; of some too few rows."""
    effect, few = 0.56 if number % 2 == 0 else 0.0, number % 5 == 4
    compared = {"random": 0.01, "n_random": 24, "p_value": 0.002 if effect else 0.8, "note": note}
    too_few = {"p_value": None, "note": Note.of("few_ablation_rows", rows=12, without=988, least=25)}
    return {
        "intervention": "ablate", "kind": "resample", "measure": "score", "rows": "with",
        "n_rows": 12 if few else 200, "n_draws": 20, "baseline": 0.97, "value": 0.97 - effect, "effect": effect,
        "effect_low": effect - 0.06, "effect_high": effect + 0.05, **(too_few if few else compared),
    }  # fmt: skip
