"""How seconds grow with rows, neurons, attributes and layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from benchmarks.measure import Row, timed
from benchmarks.states import Bench
from denote.observers.linear import LinearProbe
from denote.observers.neuron import rank_neurons

FACTORS = (0.25, 0.5, 1.0, 2.0)
"""Of the size asked for; layers stop at 1."""

AXES = ("rows", "neurons", "attributes", "layers")

Fits = dict[str, Callable[[np.ndarray, np.ndarray], object]]
FITS: Fits = {"linear": lambda state, labels: LinearProbe().fit(state, labels), "neuron scan": rank_neurons}


def scaling(bench: Bench, name: str) -> list[Row]:
    """One row per curve and fit, with the points of the curve; the other sizes are those asked for."""
    rows = []
    for axis in AXES:
        for kind, fit in FITS.items():
            points = [_point(bench, name, axis, factor, fit) for factor in FACTORS if axis != "layers" or factor <= 1]
            # Small states can round to the same size.
            points = list({point["size"]: point for point in points}.values())
            for point in points:
                point["per_product"] = (point["seconds"] / point["work"]) / (points[0]["seconds"] / points[0]["work"])
            rows.append(_row(name, kind, axis, points, getattr(bench.arguments, axis)))
    return rows


def _point(
    bench: Bench, name: str, axis: str, factor: float, fit: Callable[[np.ndarray, np.ndarray], object]
) -> dict[str, float]:
    a = bench.arguments
    sizes = {each: max(1, round(getattr(a, each) * (factor if each == axis else 1))) for each in AXES[:3]}
    if axis == "layers":
        stored, count = bench.stored(name), max(1, round(a.layers * factor))
        opened = list(stored.opened())[:count]
        over_layers = timed(lambda: [fit(values, stored.labels) for values in opened])
        return {"size": count, "seconds": over_layers.seconds, "work": count * prod(sizes.values())}
    # All points are corners of one state of twice the size; attributes stay spread over the label proportions.
    whole = bench.state(name, 2)
    values = np.ascontiguousarray(whole.values[: sizes["rows"], : sizes["neurons"]])
    places = np.linspace(0, whole.labels.shape[1] - 1, sizes["attributes"]).round().astype(np.int64)
    labels = np.ascontiguousarray(whole.labels[: sizes["rows"], places])
    seconds = timed(lambda: fit(values, labels), a.repeats)
    return {"size": sizes[axis], "seconds": seconds.seconds, "work": prod(sizes.values())}


def _row(name: str, kind: str, axis: str, points: list[dict[str, float]], asked: int) -> Row:
    sizes, seconds = ([point[key] for point in points] for key in ("size", "seconds"))
    exponent = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) if len(points) > 1 else None
    said = "" if exponent is None else f"seconds ~ {axis} ** {exponent:.2f}"
    more = {"axis": axis, "kind": kind, "exponent": exponent, "points": points}
    return Row("scaling", name, f"{kind} by {axis}", seconds[sizes.index(asked)], note=said, more=more)
