"""`denote.observe` and its contenders in a process with a number of threads of its own: JSON in, JSON out.

The contenders take turns, so that what changes on the machine meanwhile meets all of them; each round is made quiet and
then beside busy processes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float32, Int8

import denote
from benchmarks import contenders
from benchmarks.contenders import Answer, Task
from benchmarks.measure import spread_out
from benchmarks.processes import busy
from denote.api.results import ObservationResult
from denote.observers.linear import LinearProbe
from denote.observers.reading import Resources
from denote.streams import stream

PAIRS = 200
"""Pairs of a neuron and an attribute that slow scans are run over."""

OFF: dict[str, Any] = {
    "evidence": "quick", "controls": [], "permutations": 0, "bootstraps": 0, "randomisation": False,
    "stability": False, "examples": 0,
}  # fmt: skip

CALLS: dict[str, dict[str, Any]] = {"defaults": {}, "quick": {"evidence": "quick"}, "off": OFF}
"""Arguments of `denote.observe`."""

WARM = 16
"""Neurons of the first calls, which are not counted."""

LAYER = "state"


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Time everything.

    Args:
        asked: ``values`` and ``labels`` (files), ``repeats``, ``sample`` (columns of slow fits), ``busy`` (processes,
            0 for quiet rounds only), ``device`` and ``seed``.

    Returns:
        By contender: ``share`` that was run, ``quiet`` and ``busy`` (wall and processor seconds of every round, not
        scaled), ``auroc`` and ``balanced_accuracy`` (held-out means over the sampled columns), and ``difference``
        (largest, of the AUROCs of the sampled pairs from those of ``rankdata``).
    """
    values, labels = np.load(asked["values"]), np.load(asked["labels"])
    task = task_of(values, labels, asked["sample"], asked["seed"], asked["device"])
    ways = ways_of(task, values, labels, asked["seed"])
    few = values[:, :WARM]
    for way in ways_of(task_of(few, labels, 1, asked["seed"], asked["device"]), few, labels, asked["seed"]).values():
        way()
    loads = {"quiet": 0, "busy": asked["busy"]} if asked["busy"] else {"quiet": 0}
    seconds: dict[str, dict[str, list[tuple[float, float]]]] = {name: {load: [] for load in loads} for name in ways}
    answers = {}
    for _ in range(asked["repeats"]):
        for load, count in loads.items():
            with busy(count):
                for name, way in ways.items():
                    wall, cpu = perf_counter(), process_time()
                    answers[name] = way()
                    seconds[name][load].append((perf_counter() - wall, process_time() - cpu))
    truth = answers["rankdata and product"].auroc
    return {name: {**seconds[name], **_told(answers[name], task, truth)} for name in ways}


def task_of(
    values: Float32[np.ndarray, "row neuron"], labels: Int8[np.ndarray, "row attribute"], sample: int, seed: int,
    device: str,
) -> Task:  # fmt: skip
    """Halve the rows at random and draw what slow contenders are run over."""
    order = stream("benchmark halves", seed).permutation(len(values))
    fit, test = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    mean, scale = values[fit].mean(0, dtype=np.float64), values[fit].std(0, dtype=np.float64)
    scaled = ((values - mean) / np.where(scale > 0, scale, 1)).astype(np.float32)
    live, n_attributes = np.flatnonzero(scale > 0), labels.shape[1]
    chosen = stream("benchmark pairs", seed).choice(
        len(live) * n_attributes, min(PAIRS, len(live) * n_attributes), replace=False
    )
    pairs = np.stack([live[chosen // n_attributes], chosen % n_attributes], axis=1)
    columns = spread_out(n_attributes, sample)
    return Task(scaled[fit], scaled[test], labels[fit], labels[test], columns, pairs, device)


def ways_of(task: Task, values: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, Callable[[], Any]]:
    """All that is timed, by name."""
    return {
        **{name: partial(observed, values, labels, task, seed, arguments) for name, arguments in CALLS.items()},
        "linear fit": partial(_fitted, task),
        "lbfgs": partial(contenders.scikit_learn_fits, task, "lbfgs"),
        "newton-cholesky": partial(contenders.scikit_learn_fits, task, "newton-cholesky"),
        "torch Newton": partial(contenders.torch_newton_fits, task),
        "Adam": partial(contenders.adam_fits, task, seed),
        "roc_auc_score": partial(contenders.scikit_learn_scan, task),
        "roc_curve": partial(contenders.scikit_learn_thresholds, task),
        "torchmetrics": partial(contenders.torchmetrics_scan, task),
        "rankdata and product": partial(contenders.rank_scan, task),
    }


def observed(
    values: np.ndarray, labels: np.ndarray, task: Task, seed: int, arguments: dict[str, Any]
) -> ObservationResult:
    """The whole call, on the same halves as the contenders."""
    order = stream("benchmark halves", seed).permutation(len(values))
    parts = {"fit": order[: len(order) // 2], "test": order[len(order) // 2 :]}
    attributes = {str(index): column for index, column in enumerate(labels.T)}
    return denote.observe(
        states={LAYER: values}, attributes=attributes, parts=parts, seed=seed, device=task.device, **arguments
    )


def _fitted(task: Task) -> Answer:
    observer = LinearProbe().fit(task.fit, task.fit_labels, resources=Resources(device=task.device))
    return Answer(1.0, observer.scores(task.test)[:, task.columns])


def _told(answer: Answer | ObservationResult, task: Task, truth: np.ndarray) -> dict[str, Any]:
    """Share, quality and agreement of an answer."""
    if isinstance(answer, ObservationResult):
        places = {str(index): place for place, index in enumerate(task.columns)}
        cells = answer.cells.filter(pl.col("attribute").is_in(list(places)))
        told = {name: cells[name].mean() for name in ("auroc", "balanced_accuracy")}
        rows = answer.tables["pairs"].select("neuron", "attribute", "auroc").iter_rows()
        known = {(neuron, int(attribute)): auroc for neuron, attribute, auroc in rows}
        auroc = np.array([known.get((int(neuron), int(attribute)), np.nan) for neuron, attribute in task.pairs])
        return {"share": 1.0, **told, "difference": _largest(auroc - truth), "compared": int((~np.isnan(auroc)).sum())}
    difference = None if answer.auroc is None else _largest(answer.auroc - truth)
    return {"share": answer.share, **answer.quality(task), "difference": difference}


def _largest(differences: np.ndarray) -> float | None:
    return None if np.isnan(differences).all() else float(np.nanmax(np.abs(differences)))


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = main(json.loads(sys.argv[1]))
    print(json.dumps(found))
