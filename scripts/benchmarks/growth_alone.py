"""Calls of `denote.observe` on drawn states of several sizes in a process of its own: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from time import perf_counter, process_time
from typing import Any

import numpy as np

import denote
from benchmarks.processes import forget_peak, most_resident
from benchmarks.states import highest, synthetic
from denote.streams import stream

WARM_ROWS, WARM_NEURONS = 400, 8
"""Of the first call, which is not counted."""


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Observe states of every size.

    Args:
        asked: ``level``, ``device``, ``seed``, and ``sizes``: a list of ``rows``, ``neurons``, and ``attributes`` or
            ``classes``.

    Returns:
        ``points``: of every size seconds ``wall_s`` and ``cpu_s``, and memory of the process, ``before_mib`` (with the
        state) and ``peak_mib``.
    """
    level = {"evidence": asked["level"], "device": asked["device"]}
    values, _ = synthetic(WARM_ROWS, WARM_NEURONS, 1, asked["seed"])
    high = highest(values[:, 0], 0.5)
    denote.observe(states={"state": values}, attributes={"high": high}, classes=high, **level)
    return {"points": [_observed(sizes, level, asked["seed"]) for sizes in asked["sizes"]]}


def _observed(sizes: dict[str, int], level: dict[str, str], seed: int) -> dict[str, float]:
    values, labels = synthetic(sizes["rows"], sizes["neurons"], sizes.get("attributes", 1), seed)
    given: dict[str, Any] = {"attributes": {str(index): column for index, column in enumerate(labels.T)}}
    if "classes" in sizes:
        given = {"classes": _classes(values, sizes["classes"], seed)}
    forget_peak()
    before, wall, cpu = most_resident(), perf_counter(), process_time()
    denote.observe(states={"state": values}, **given, **level)
    return {
        "wall_s": perf_counter() - wall, "cpu_s": process_time() - cpu, "before_mib": before / 2**20,
        "peak_mib": most_resident() / 2**20,
    }  # fmt: skip


def _classes(values: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Equally many rows of each class, which lie in order along a direction of the state."""
    along = values @ stream("benchmark classes", seed).standard_normal(values.shape[1], dtype=np.float32)
    return along.argsort().argsort() * count // len(along)


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = main(json.loads(sys.argv[1]))
    print(json.dumps(found))
