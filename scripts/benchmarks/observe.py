"""The whole call of `denote.observe` on one state, beside what a user, and an expert, would take instead.

Every number of threads gets a process of its own. Seconds of the clock and of the processors, quiet and beside busy
processes; ratios are medians over rounds, of what ran in the same round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measure import Row
from benchmarks.processes import alone
from benchmarks.states import Bench

GOALS = {("defaults", "two loops"): 40.0, ("quick", "two loops"): 100.0, ("quick", "expert"): 2.0}
"""How many times faster than these the calls are to be."""

BARE_FITS, BESIDE_BUSY = 12.0, 2.5
"""Bare linear fits that the default evidence may cost, and times its quiet seconds that a call may take when others
want the cores."""

RANKS = "rankdata and product"
TWO_LOOPS = ("lbfgs", "roc_auc_score", "roc_curve")
EXPERT_FITS = ("lbfgs", "newton-cholesky", "torch Newton")
BASELINES = {
    "newton-cholesky": ("newton-cholesky", RANKS),
    "torch Newton": ("torch Newton", RANKS),
    "torchmetrics": ("lbfgs", "torchmetrics"),
    "Adam": ("Adam", RANKS),
}
"""Ways that together give held-out AUROCs of all attributes and of all pairs."""

COMPARED = {
    "defaults": ("two loops", "expert"),
    "quick": ("two loops", "expert", *BASELINES),
    "off": ("two loops", "expert"),
}
"""What a call is compared with."""


@dataclass(frozen=True)
class Rounds:
    """What one way took in every round, scaled up to all columns and pairs.

    Attributes:
        wall: Seconds of the clock.
        cpu: Seconds of the processors.
    """

    wall: np.ndarray
    cpu: np.ndarray

    @classmethod
    def of(cls, told: dict[str, Any], load: str) -> Rounds:
        """From what the process told of one way."""
        return cls(*np.array(told[load]).T / told["share"])

    def __add__(self, other: Rounds) -> Rounds:
        return Rounds(self.wall + other.wall, self.cpu + other.cpu)

    def times(self, other: Rounds) -> dict[str, float]:
        """How often the other fits into this."""
        return {"wall": float(np.median(self.wall / other.wall)), "cpu": float(np.median(self.cpu / other.cpu))}


def observe(bench: Bench, name: str) -> list[Row]:
    """All levels of evidence against loops, an expert's baseline, torchmetrics, and a bare fit."""
    a, state = bench.arguments, bench.state(name)
    values, labels = (bench.folder / f"observe-{what}.npy" for what in ("values", "labels"))
    np.save(values, state.values)
    np.save(labels, state.labels)
    rows = []
    for threads in a.threads:
        told = alone(
            "observe_alone", threads, values=str(values), labels=str(labels), repeats=a.repeats, sample=a.sample,
            busy=a.busy, device=a.device, seed=a.seed,
        )  # fmt: skip
        for load in ("quiet", "busy") if a.busy else ("quiet",):
            rows += _against(name, told, threads, load)
        if a.busy:
            rows += _beside_busy(name, told, threads)
    values.unlink()
    labels.unlink()
    return rows


def _against(name: str, told: dict[str, Any], threads: int, load: str) -> list[Row]:
    """Calls beside what one would take instead, and beside a bare fit."""
    rounds = {way: Rounds.of(of, load) for way, of in told.items()}
    expert = min(EXPERT_FITS, key=lambda way: float(np.median(rounds[way].cpu)))
    ways = {"two loops": TWO_LOOPS, "expert": (expert, RANKS), **BASELINES}
    rows = []
    for call, names in COMPARED.items():
        said = f"{call}, {threads} threads, {load}"
        for against in names:
            others = sum((rounds[way] for way in ways[against][1:]), rounds[ways[against][0]])
            quality = {
                f"{of}_{score}": told[way][key]
                for of, way in (("ours", call), ("alternative", ways[against][0]))
                for score, key in (("accuracy", "balanced_accuracy"), ("auroc", "auroc"))
            }
            times, more = others.times(rounds[call]), _labelled(call, against, threads, load, rounds[call], others)
            rows.append(
                Row(
                    "observe", name, said, median(rounds[call].wall), f"{against}: {' + '.join(ways[against])}",
                    median(others.wall), difference=told[call]["difference"],
                    more={**more, **quality, "ratio": times["wall"], "cpu_ratio": times["cpu"],
                          "goal": GOALS.get((call, against))},
                )
            )  # fmt: skip
        bare = rounds["linear fit"]
        more = _labelled(call, "linear fit", threads, load, rounds[call], bare)
        times, goal = rounds[call].times(bare), BARE_FITS if call == "defaults" else None
        rows.append(
            Row(
                "observe", name, said, median(rounds[call].wall), "one bare linear fit of the same cells",
                median(bare.wall), times_one=times["wall"], more={**more, "times_one_cpu": times["cpu"], "goal": goal},
            )
        )  # fmt: skip
    scaled = [f"{of['share']:.3g} of {way}" for way, of in told.items() if of["share"] < 1]
    rows[0] = replace(rows[0], note=f"run in part and scaled up: {', '.join(scaled)}" if scaled else "")
    return rows


def _beside_busy(name: str, told: dict[str, Any], threads: int) -> list[Row]:
    """Every way beside busy processes against the same quiet."""
    rows = []
    for way, of in told.items():
        quiet, busy = (Rounds.of(of, load) for load in ("quiet", "busy"))
        times, more = busy.times(quiet), _labelled(way, "quiet", threads, "busy", busy, quiet)
        more |= {"times_one_cpu": times["cpu"], "goal": BESIDE_BUSY if way in COMPARED else None}
        rows.append(
            Row(
                "observe", name, f"{way}, {threads} threads, busy", median(busy.wall), "the same, quiet",
                median(quiet.wall), times_one=times["wall"], more=more,
            )
        )  # fmt: skip
    return rows


def _labelled(call: str, against: str, threads: int, load: str, ours: Rounds, others: Rounds) -> dict[str, Any]:
    cpu = {"ours_cpu_s": median(ours.cpu), "alternative_cpu_s": median(others.cpu)}
    return {"call": call, "against": against, "threads": threads, "load": load, **cpu}
