"""All ways to observe a transformer in a process of its own: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Float32, Int8, Int64
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

import denote
from benchmarks.linear import L2
from benchmarks.measure import spread_out
from benchmarks.processes import forget_peak, most_resident
from benchmarks.states import highest
from denote.object_models.architectures.transformer import Transformer
from denote.streams import stream

TOKENS, HEADS = 2_000, 4
"""Token ids of the vocabulary, and heads of attention."""

PROPORTIONS = (0.1, 0.5)
"""Label proportions of the rarest and the most frequent attribute."""

PAIRS = 100
"""Pairs of a neuron and an attribute of a layer that the loops by hand are run over."""

WARM = 64
"""Sequences of the first call, which is not counted."""

BATCH = 256


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Observe all blocks by hand and at every level of evidence.

    Args:
        asked: ``unit``, ``levels``, ``layers``, ``width``, ``sequences``, ``length``, ``tokens``, ``attributes``,
            ``sample`` (columns that the loop of fits by hand is run over), ``device`` and ``seed``.

    Returns:
        ``rows``, and for ``by hand`` and every level: ``wall_s`` and ``cpu_s`` (scaled up to all columns and pairs),
        ``auroc`` (mean over layers and the sampled columns, held out), ``before_mib`` and ``peak_mib`` of the process;
        by hand also ``parts`` and what was ``said`` of them.
    """
    ids, labels = inputs(asked)
    parts, columns = halves(len(ids), asked), spread_out(asked["attributes"], asked["sample"])
    few = {"fit": np.arange(WARM // 2), "test": np.arange(WARM // 2, WARM)}
    observed(ids[:WARM], labels[:WARM], few, asked | {"unit": "sample"}, "quick")
    ways = {"by hand": partial(_by_hand, ids, labels, parts, columns, asked)} | {
        level: partial(_by_level, ids, labels, parts, columns, asked, level) for level in asked["levels"]
    }
    told: dict[str, Any] = {"rows": sum(map(len, parts.values()))}
    for name, way in ways.items():
        forget_peak()
        before = most_resident() / 2**20
        told[name] = {**way(), "before_mib": before, "peak_mib": most_resident() / 2**20}
    return told


def network(asked: dict[str, Any], seed: int = 0) -> Transformer:
    """The network at its initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Transformer(
            (asked["length"],), 4, TOKENS, per_position=True, layers=asked["layers"], width=asked["width"], heads=HEADS,
            hidden=4 * asked["width"], positions=asked["length"],
        )  # fmt: skip


def inputs(asked: dict[str, Any]) -> tuple[Int64[np.ndarray, "sequence position"], Int8[np.ndarray, ...]]:
    """Token ids, and labels of sequences (how often tokens of a set occur) or of tokens (whether one is in it)."""
    draws, per_token = stream("benchmark tokens", asked["seed"]), asked["unit"] == "token"
    n = max(2, asked["tokens"] // asked["length"]) if per_token else asked["sequences"]
    ids = draws.integers(TOKENS, size=(n, asked["length"]))
    shares = np.linspace(*PROPORTIONS, asked["attributes"])
    sets = np.stack([draws.permutation(TOKENS) < share * TOKENS for share in shares], axis=1)
    labels = sets[ids].astype(np.int8)
    if not per_token:
        counts = labels.sum(1) + 0.01 * draws.random((n, len(shares)))
        labels = np.stack([highest(column, share) for column, share in zip(counts.T, shares, strict=True)], axis=1)
    return ids, labels


def halves(sequences: int, asked: dict[str, Any]) -> dict[str, np.ndarray]:
    """Rows of both halves; tokens of a sequence stay together."""
    order = stream("benchmark halves", asked["seed"]).permutation(sequences)
    parts = {"fit": np.sort(order[: sequences // 2]), "test": np.sort(order[sequences // 2 :])}
    if asked["unit"] == "token":
        places = np.arange(sequences * asked["length"]).reshape(sequences, -1)
        parts = {name: places[rows].ravel() for name, rows in parts.items()}
    return parts


def observed(
    ids: np.ndarray, labels: np.ndarray, parts: dict[str, np.ndarray], asked: dict[str, Any], level: str
) -> denote.ObservationResult:
    """The whole call, with untrained networks."""
    flat = labels.reshape(-1, labels.shape[-1]) if asked["unit"] == "token" else labels.reshape(len(ids), -1)
    attributes = {str(index): column for index, column in enumerate(flat.T[: asked["attributes"]])}
    seeds = iter(range(1, 1_000))
    return denote.observe(
        network(asked), {"input_ids": torch.from_numpy(ids)}, attributes, unit=asked["unit"], layers="block_*",
        parts=parts, evidence=level, untrained=lambda: network(asked, next(seeds)), device=asked["device"],
    )  # fmt: skip


def _by_level(
    ids: np.ndarray, labels: np.ndarray, parts: dict[str, np.ndarray], columns: np.ndarray, asked: dict[str, Any],
    level: str,
) -> dict[str, Any]:  # fmt: skip
    result, wall, cpu = _timed(partial(observed, ids, labels, parts, asked, level))
    scored = result.cells.filter(pl.col("attribute").is_in([str(column) for column in columns]))
    return {"wall_s": wall, "cpu_s": cpu, "auroc": float(scored["auroc"].mean())}


def _by_hand(
    ids: np.ndarray, labels: np.ndarray, parts: dict[str, np.ndarray], columns: np.ndarray, asked: dict[str, Any]
) -> dict[str, Any]:
    """Record with hooks, then loop over some attributes and pairs of every layer."""
    labels = labels.reshape(-1, asked["attributes"])
    states, *recording = _timed(partial(_recorded, network(asked), ids, asked["unit"]))
    fits, scans, aurocs = np.zeros(2), np.zeros(2), []
    for state in states:
        mean, scale = state[parts["fit"]].mean(0), state[parts["fit"]].std(0) + 1e-12
        fit, test = ((state[parts[name]] - mean) / scale for name in ("fit", "test"))
        fit_labels, test_labels = (labels[parts[name]] for name in ("fit", "test"))
        for column in columns:
            auroc, *took = _timed(partial(_read, fit, fit_labels[:, column], test, test_labels[:, column]))
            fits += took
            aurocs.append(auroc)
        neurons = spread_out(state.shape[1], -(-PAIRS // len(columns)))
        _, *took = _timed(partial(_scanned, fit, test, fit_labels, test_labels, neurons, columns))
        scans += took
    share = len(columns) / asked["attributes"], len(neurons) * len(columns) / (state.shape[1] * asked["attributes"])
    split = {"recording": np.array(recording), "fits": fits / share[0], "scans": scans / share[1]}
    said = ", ".join(f"{name} {taken[0]:.3g} s" for name, taken in split.items())
    wall, cpu = sum(split.values())
    return {
        "wall_s": wall, "cpu_s": cpu, "auroc": float(np.mean(aurocs)),
        "parts": {name: list(taken) for name, taken in split.items()},
        "said": f"{said}; {share[0]:.3g} of the fits, {share[1]:.3g} of the scans run, scaled up",
    }  # fmt: skip


def _recorded(model: Transformer, ids: np.ndarray, unit: str) -> list[Float32[np.ndarray, "row neuron"]]:
    """States of all blocks: means of sequences, or every position."""
    kept: list[list[torch.Tensor]] = [[] for _ in model.blocks]

    def keep(place: int, module: torch.nn.Module, given: object, output: torch.Tensor) -> None:
        kept[place].append(output.mean(1) if unit == "sample" else output.flatten(0, 1))

    handles = [
        model.get_submodule(name).register_forward_hook(partial(keep, place)) for place, name in enumerate(model.blocks)
    ]
    model.eval()
    with torch.inference_mode():
        for batch in torch.from_numpy(ids).split(BATCH):
            model(batch)
    for handle in handles:
        handle.remove()
    return [torch.cat(blocks).numpy() for blocks in kept]


def _read(fit: np.ndarray, fit_label: np.ndarray, test: np.ndarray, test_label: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=1 / (2 * len(fit) * L2), class_weight="balanced").fit(fit, fit_label)
    return float(roc_auc_score(test_label, model.decision_function(test)))


def _scanned(
    fit: np.ndarray, test: np.ndarray, fit_labels: np.ndarray, test_labels: np.ndarray, neurons: np.ndarray,
    columns: np.ndarray,
) -> None:  # fmt: skip
    """AUROC on *test* and best threshold on *fit*."""
    for neuron in neurons:
        for column in columns:
            roc_auc_score(test_labels[:, column], test[:, neuron])
            fpr, tpr, thresholds = roc_curve(fit_labels[:, column], fit[:, neuron], drop_intermediate=False)
            thresholds[np.abs(tpr - fpr).argmax()]


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, cpu = perf_counter(), process_time()
    result = work()
    return result, perf_counter() - wall, process_time() - cpu


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = main(json.loads(sys.argv[1]))
    print(json.dumps(found))
