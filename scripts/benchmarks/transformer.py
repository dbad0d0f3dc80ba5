"""A transformer with random weights, from the model to the tables, beside hooks and scikit-learn.

Samples and tokens are a process each; the peak of memory starts anew with every way.
"""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Row
from benchmarks.processes import alone
from benchmarks.states import Bench

GOAL = 20.0
"""Times as long that hooks and scikit-learn take."""

SIZES = {"layers": 12, "width": 256, "sequences": 4_000, "length": 64, "tokens": 50_000, "attributes": 20}
SMALL = {"layers": 2, "width": 16, "sequences": 800, "length": 8, "tokens": 1_600, "attributes": 3}
"""``tokens`` is how many are observed where a row is a token."""

UNITS = ("sample", "token")
LEVELS = ("quick", "standard")


def transformer(bench: Bench) -> list[Row]:
    """Samples and tokens, quick and standard."""
    a, rows = bench.arguments, []
    threads = a.threads[-1]
    sizes = SMALL if a.small else SIZES
    for unit in UNITS:
        told = alone(
            "transformer_alone",
            threads,
            unit=unit,
            levels=LEVELS,
            sample=a.sample,
            seed=a.seed,
            device=a.device,
            **sizes,
        )
        rows += [_row(unit, level, told, threads) for level in LEVELS]
    return rows


def _row(unit: str, level: str, told: dict[str, Any], threads: int) -> Row:
    ours, by_hand = told[level], told["by hand"]
    more = {
        "unit": unit, "level": level, "threads": threads, "ours_cpu_s": ours["cpu_s"],
        "alternative_cpu_s": by_hand["cpu_s"], "cpu_ratio": by_hand["cpu_s"] / ours["cpu_s"],
        "ours_auroc": ours["auroc"], "alternative_auroc": by_hand["auroc"], "before_mib": ours["before_mib"],
        "peak_mib": ours["peak_mib"], "alternative_peak_mib": by_hand["peak_mib"], "parts": by_hand["parts"],
        "goal": GOAL if level == "standard" else None,
    }  # fmt: skip
    note = f"by hand: {by_hand['said']}; {ours['before_mib']:.0f} MiB are held before the call"
    return Row(
        "transformer", "random", f"{level}, {told['rows']} {unit}s, {threads} threads", ours["wall_s"],
        "hooks, scikit-learn's loops", by_hand["wall_s"], note=note, more=more,
    )  # fmt: skip
