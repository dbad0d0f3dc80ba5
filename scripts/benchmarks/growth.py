"""How the whole call of `denote.observe` grows with neurons, attributes, rows and classes, on one thread.

Every level is a process of its own. The exponent between two neighbouring sizes is that of seconds of the processor,
which other work on the machine changes less than those of the clock.
"""

from __future__ import annotations

from itertools import pairwise
from math import log
from typing import Any

from benchmarks.measure import Row, joined
from benchmarks.processes import alone
from benchmarks.states import Bench

LEVELS = ("quick", "standard")

STEEP = 1.3
"""Exponents above this are marked: only a Gram matrix may grow faster."""

Sizes = dict[str, int]

CURVES: dict[str, tuple[Sizes, tuple[int, ...]]] = {
    "neurons": ({"rows": 8_000, "attributes": 40}, (512, 1_024, 2_048, 4_096)),
    "attributes": ({"rows": 8_000, "neurons": 256}, (40, 200, 1_000)),
    "rows": ({"neurons": 128, "attributes": 20}, (12_500, 50_000, 200_000)),
    "classes": ({"rows": 60_000, "neurons": 32}, (10, 100, 1_000)),
}
"""The other sizes, and the sizes of a curve."""

SMALLER, NARROWER = 30, 32
"""By these rows, attributes and classes, and neurons, are divided with ``--small``, ..."""

LEAST = {"rows": 400, "neurons": 8, "attributes": 2, "classes": 2}
"""... but none becomes smaller than this."""


def growth(bench: Bench) -> list[Row]:
    """One row per level and curve, with its points."""
    a = bench.arguments
    curves = {
        axis: [_sized(fixed | {axis: size}, a.small) for size in sizes] for axis, (fixed, sizes) in CURVES.items()
    }
    rows = []
    for level in LEVELS:
        asked = [sizes for curve in curves.values() for sizes in curve]
        told = iter(alone("growth_alone", 1, level=level, device=a.device, seed=a.seed, sizes=asked)["points"])
        for axis, curve in curves.items():
            rows.append(_row(axis, level, [{"size": sizes[axis], **next(told)} for sizes in curve]))
    return rows


def _sized(sizes: Sizes, small: bool) -> Sizes:
    if not small:
        return sizes
    return {
        name: max(LEAST[name], size // (NARROWER if name == "neurons" else SMALLER)) for name, size in sizes.items()
    }


def _row(axis: str, level: str, points: list[dict[str, Any]]) -> Row:
    for before, point in pairwise(points):
        point["exponent"] = log(point["cpu_s"] / before["cpu_s"]) / log(point["size"] / before["size"])
    steep = [
        f"from {a['size']} to {b['size']}: {b['exponent']:.2f}" for a, b in pairwise(points) if b["exponent"] > STEEP
    ]
    note = joined(f"steeper than {STEEP:g}: {', '.join(steep)}" if steep else "")
    last = points[-1]
    more = {
        "axis": axis, "level": level, "points": points, "steep": bool(steep), "ours_cpu_s": last["cpu_s"],
        "peak_mib": last["peak_mib"],
    }  # fmt: skip
    return Row("growth", "synthetic", f"{level} by {axis}, at {last['size']}", last["wall_s"], note=note, more=more)
