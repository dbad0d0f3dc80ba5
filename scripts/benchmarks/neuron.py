"""The neuron scans: how every neuron ranks every attribute, and its best threshold for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from benchmarks.measure import Row, Timed, joined, said_of, timed
from benchmarks.states import Bench, Recorded
from denote.observers.neuron import best_thresholds, rank_neurons
from denote.streams import stream

PAIRS = 200
"""Pairs of a neuron and an attribute that the loops are run over."""

WARM = 4
"""Neurons of the first call, which is not counted."""

FLOOR = "one torch.sort, neuron x row"

Pair = tuple[int, int]
Score = Callable[[np.ndarray, np.ndarray], float]


def neuron(bench: Bench, name: str) -> list[Row]:
    """Both scans of all pairs against loops over pairs and against one sort."""
    state, a = bench.state(name), bench.arguments
    pairs = _pairs(state, a.seed)
    total = a.neurons * a.attributes
    contiguous = torch.from_numpy(np.ascontiguousarray(state.values.T))
    floor = timed(lambda: torch.sort(contiguous, dim=1), a.repeats).seconds
    sampled = said_of(len(pairs), total, "pairs")

    def row(what: str, ours: Timed[Any], first: float, found: np.ndarray, called: str, score: Score) -> Row:
        seconds, truth = _loop(state, pairs, score)
        difference = float(np.abs(found[tuple(np.transpose(pairs))] - truth).max())
        return Row(
            "neuron", name, what, ours.seconds, called, seconds * total / len(pairs), FLOOR, floor,
            difference=difference,
            note=joined(sampled, ours.said(a.repeats), f"first call, {WARM} neurons: {first:.2g} s"),
            more={"first_call_s": first},
        )  # fmt: skip

    warm = slim(state.values), state.labels
    first = timed(lambda: rank_neurons(*warm)).seconds
    ranking = timed(lambda: rank_neurons(state.values, state.labels), a.repeats)
    what = f"AUROC and p of {total} pairs"
    rows = [
        row(what, ranking, first, ranking.result.auroc, "loop of roc_auc_score", _auroc),
        row(what, ranking, first, ranking.result.p_value, "loop of scipy's mannwhitneyu (p-values)", _p_value),
    ]
    first = timed(lambda: best_thresholds(*warm)).seconds
    scan = timed(lambda: best_thresholds(state.values, state.labels), a.repeats)
    found = scan.result.balanced_accuracy
    rows.append(row(f"best threshold of {total} pairs", scan, first, found, "loop of roc_curve", _best_accuracy))
    return rows


def _pairs(state: Recorded, seed: int) -> list[Pair]:
    """Pairs that have an answer: live neurons, any attribute."""
    live = np.flatnonzero((state.values != state.values[0]).any(0))
    draws = stream("benchmark pairs", seed)
    total = len(live) * state.labels.shape[1]
    chosen = np.sort(draws.choice(total, min(PAIRS, total), replace=False))
    return [(int(live[i // state.labels.shape[1]]), int(i % state.labels.shape[1])) for i in chosen]


def slim(values: np.ndarray) -> np.ndarray:
    """A few neurons of a state: what is made ready on a first call can depend on the number of rows."""
    return np.ascontiguousarray(values[:, :WARM])


def _loop(state: Recorded, pairs: Iterable[Pair], score: Score) -> tuple[float, np.ndarray]:
    """Seconds and results, pair by pair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = perf_counter()
        found = [score(state.labels[:, a], state.values[:, n]) for n, a in pairs]
        return perf_counter() - start, np.array(found)


def _auroc(label: np.ndarray, value: np.ndarray) -> float:
    return float(roc_auc_score(label, value))


def _p_value(label: np.ndarray, value: np.ndarray) -> float:
    exact = value.astype(np.float64)
    return float(stats.mannwhitneyu(exact[label == 1], exact[label == 0], method="asymptotic").pvalue)


def _best_accuracy(label: np.ndarray, value: np.ndarray) -> float:
    fpr, tpr, _ = roc_curve(label, value, drop_intermediate=False)
    return 0.5 + float(np.abs(tpr - fpr).max()) / 2
