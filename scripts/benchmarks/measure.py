"""Timing, and the rows that sections hand back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch.profiler import ProfilerActivity, profile

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds after which a run is not repeated any more."""

PRODUCTS = ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm", "aten::baddbmm")
"""What torch calls its matrix products."""


@dataclass(frozen=True)
class Row:
    """One comparison. What is not known is None.

    Attributes:
        section: Name of the section.
        state: Name of the state.
        what: What of ours was run.
        ours_s: Its seconds, median of the repeats.
        alternative: What else a user would take.
        alternative_s: Its seconds; scaled up where only some of it was run.
        floor: What cannot be avoided.
        floor_s: Its seconds.
        times_floor: How often the floor fits into ours; by default ``ours_s / floor_s``.
        times_one: How often a smaller piece of the same work, which the note names, fits into ours.
        objective_gap: Largest ``(ours - best) / best`` of the objective, in float64.
        coefficient_error: Largest ``|ours - best| / |best|`` of the coefficients on the standardised scale.
        difference: Largest absolute difference of the results from the alternative's.
        note: What was sampled, and remarks.
        more: Further keys of the JSON row.
    """

    section: str
    state: str
    what: str
    ours_s: float | None = None
    alternative: str | None = None
    alternative_s: float | None = None
    floor: str | None = None
    floor_s: float | None = None
    times_floor: float | None = None
    times_one: float | None = None
    objective_gap: float | None = None
    coefficient_error: float | None = None
    difference: float | None = None
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times longer the alternative takes."""
        return self.alternative_s / self.ours_s if self.alternative_s and self.ours_s else None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        known = asdict(self)
        more = known.pop("more")
        if self.times_floor is None and self.floor_s and self.ours_s:
            known["times_floor"] = self.ours_s / self.floor_s
        return {**known, "ratio": self.ratio, **more}


@dataclass(frozen=True)
class Timed(Generic[T]):
    """Some runs of the same work.

    Attributes:
        seconds: Median.
        runs: How many.
        result: Of the last.
    """

    seconds: float
    runs: int
    result: T

    def said(self, repeats: int) -> str:
        """A remark where fewer runs were made than asked for."""
        return "" if self.runs == repeats else f"{self.runs} of {repeats} repeats"


def timed(work: Callable[[], T], repeats: int = 1) -> Timed[T]:
    """Run it again and again, unless that takes too long."""
    seconds: list[float] = []
    while True:
        start = perf_counter()
        result = work()
        seconds.append(perf_counter() - start)
        if len(seconds) >= repeats or sum(seconds) > PATIENCE:
            return Timed(median(seconds), len(seconds), result)


def products_within(work: Callable[[], object], repeats: int = 1) -> tuple[float, float]:
    """Seconds of the matrix products inside some work on one thread, and of the whole work in that same run.

    The profiler sees the thread that started it and no other. Of several runs the one with the middle ratio counts.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with profile(activities=[ProfilerActivity.CPU]):
            torch.zeros(1).add_(1)  # the profiler's own start is not part of the work
        runs = [_profiled(work) for _ in range(repeats)]
    finally:
        torch.set_num_threads(threads)
    return sorted(runs, key=lambda run: run[1] / run[0] if run[0] else 0.0)[len(runs) // 2]


def _profiled(work: Callable[[], object]) -> tuple[float, float]:
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        start = perf_counter()
        work()
        whole = perf_counter() - start
    inside = sum(event.self_cpu_time_total for event in seen.key_averages() if event.key in PRODUCTS)
    return inside / 1e6, whole


def spread_out(total: int, sample: int) -> Int[np.ndarray, " place"]:
    """At most that many places, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, total - 1, min(sample, total)).round().astype(np.int64))


def said_of(run: int, total: int, things: str) -> str:
    """How much of a loop was run."""
    return f"loop: {run} of {total} {things}, scaled up" if run < total else f"loop: all {total} {things}"


def joined(*remarks: str) -> str:
    """Remarks as one note."""
    return "; ".join(remark for remark in remarks if remark)
