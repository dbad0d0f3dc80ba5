"""Curves over depth as SVG, drawn without a script: panels below each other that share the layers as their axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from denote.numbers import Estimate, proportion, signed

LEFT, RIGHT, GAP = 40, 12, 30
"""Pixels left and right of panels, and above each for its title."""
FOOT = 36
"""Pixels below the panels, for the names of layers."""
LETTER = 6.2
"""Pixels of a letter, on average."""
MOST_TICKS = 4
LEAST_SPAN = 0.02
"""Of an axis: where all values are alike, it shows no more of their rounding."""
TESTED = {True: ", differs", False: ", no difference after correction", None: ", not tested"}


@dataclass(frozen=True)
class Line:
    """One line of a panel.

    Attributes:
        look: Classes that give it its colour and dash: ``baseline``, ``other``, ``difference``, ``beside``.
        name: Whose it is, for the hover texts.
        places: Where its points lie, in [0, 1].
        layers: Names of their layers.
        values: Values with their intervals; nan where there is none.
        sure: Whether a point differs, which fills its mark, None where it was not tested; None: all are filled.
    """

    look: str
    name: str
    places: Sequence[float]
    layers: Sequence[str]
    values: Sequence[Estimate[float]]
    sure: Sequence[bool | None] | None = None


@dataclass(frozen=True)
class Panel:
    """Lines with one axis of values.

    Attributes:
        title: What the axis measures.
        lines: Its lines.
        height: Pixels.
        is_change: Whether values are differences: 0 is drawn, and signs are written.
    """

    title: str
    lines: Sequence[Line]
    height: int = 150
    is_change: bool = False


@dataclass(frozen=True)
class Axis:
    """The layers along the bottom.

    Attributes:
        places: In [0, 1].
        names: What stands there.
        title: What it is, where names are numbers.
    """

    places: Sequence[float]
    names: Sequence[str]
    title: str = ""


def drawing(panels: Sequence[Panel], axis: Axis, label: str, width: int) -> Markup:
    """Draw panels.

    Args:
        panels: From top to bottom.
        axis: The layers.
        label: Names the chart for those who do not see it.
        width: Pixels.

    Returns:
        An SVG element whose texts are escaped; empty where no line has a value.
    """
    kept = [panel for panel in panels if any(_known(line) for line in panel.lines)]
    if not kept:
        return Markup("")
    height = sum(panel.height + GAP for panel in kept) + FOOT
    described = " ".join(_words(line) for panel in kept for line in panel.lines if _known(line))
    chart = Element("svg", {"class": "chart depth compare", "viewBox": f"0 0 {width} {height}", "role": "img"})
    chart.set("aria-label", f"{label}. {described}")
    across = _scale(0.0, 1.0, LEFT + 14, width - RIGHT - 14)
    top = 0
    for panel in kept:
        _draw_panel(chart, panel, across, top + GAP, width)
        top += GAP + panel.height
    _draw_axis(chart, axis, across, top, width)
    # Made of elements, whose texts and attributes are escaped as they are written.
    return Markup(tostring(chart, encoding="unicode"))  # noqa: S704


def _known(line: Line) -> list[int]:
    return [place for place, estimate in enumerate(line.values) if isfinite(estimate.value)]


def _words(line: Line) -> str:
    said = [f"{line.layers[place]} {proportion(line.values[place].value, 3)}" for place in _known(line)]
    return f"{line.name}: {', '.join(said)}."


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _draw_panel(chart: Element, panel: Panel, across: Callable[[float], float], top: int, width: int) -> None:
    low, high, ticks = _ends(panel)
    floor_ = top + panel.height
    up = _scale(low, high, floor_, top)
    SubElement(chart, "text", {"class": "tick", "x": str(LEFT), "y": str(top - 10)}).text = panel.title
    decimals = max(0, ceil(-log10(abs(ticks[1] - ticks[0])) - 1e-9)) if len(ticks) > 1 else 2
    for tick in ticks:
        look, y = ("zero" if panel.is_change and abs(tick) < 1e-12 else "grid"), f"{up(tick):.1f}"
        SubElement(chart, "line", {"class": look, "x1": str(LEFT), "x2": str(width - RIGHT), "y1": y, "y2": y})
        write = signed if panel.is_change else proportion
        text = SubElement(chart, "text", {"class": "tick end", "x": str(LEFT - 6), "y": f"{up(tick) + 4:.1f}"})
        text.text = "0" if abs(tick) < 1e-12 else write(tick, max(decimals, 1))

    def inside(value: float) -> float:
        return min(floor_, max(top, up(value)))

    for line in panel.lines:
        _draw_band(chart, line, across, inside)
    for line in panel.lines:
        _draw_line(chart, line, across, up, panel.is_change)


def _ends(panel: Panel) -> tuple[float, float, list[float]]:
    """Return the ends of an axis, those of the data; an interval far beyond all values is cut."""
    values = [line.values[place].value for line in panel.lines for place in _known(line)]
    values += [0.0] if panel.is_change else []
    ends = [end for line in panel.lines for each in line.values for end in (each.low, each.high) if isfinite(end)]
    low, high = min(values), max(values)
    reach = max(high - low, 0.02)
    low = min(low, *(max(end, low - reach) for end in [*ends, low]))
    high = max(high, *(min(end, high + reach) for end in [*ends, high]))
    short = max(LEAST_SPAN - (high - low), 0.0)
    # A score or share has no room below 0, or above 1.
    below = short / 2 if panel.is_change else min(max(short / 2, high + short - 1.0), max(low, 0.0))
    low, high = low - below, high + short - below
    pad = (high - low) * 0.06
    low, high = low - pad, high + pad
    return low, high, _ticks(low, high)


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [number * step for number in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _runs(line: Line, *, bounded: bool = False) -> list[list[int]]:
    """Return neighbouring points that have a value, or an interval."""
    runs: list[list[int]] = [[]]
    for place, estimate in enumerate(line.values):
        if isfinite(estimate.low if bounded else estimate.value):
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _draw_band(chart: Element, line: Line, across: Callable[[float], float], inside: Callable[[float], float]) -> None:
    if "beside" in line.look:
        return
    for run in _runs(line, bounded=True):
        upper = [f"{across(line.places[at]):.1f} {inside(line.values[at].high):.1f}" for at in run]
        lower = [f"{across(line.places[at]):.1f} {inside(line.values[at].low):.1f}" for at in reversed(run)]
        look = "interval" if len(run) > 1 else "whisker"
        path = f"M{'L'.join([*upper, *lower])}" + ("Z" if len(run) > 1 else "")
        SubElement(chart, "path", {"class": f"{look} {line.look}", "d": path})


def _draw_line(
    chart: Element, line: Line, across: Callable[[float], float], up: Callable[[float], float], is_change: bool
) -> None:
    at = [(across(place), up(each.value)) for place, each in zip(line.places, line.values, strict=True)]
    for run in _runs(line):
        path = "M" + "L".join(f"{at[place][0]:.1f} {at[place][1]:.1f}" for place in run)
        if len(run) > 1:
            SubElement(chart, "path", {"class": f"line {line.look}", "d": path})
        for place in run:
            unsure = line.sure is not None and not line.sure[place]
            mark = _mark(line.look, *at[place])
            mark.set("class", f"point {line.look}{' unsure' * unsure}")
            SubElement(mark, "title").text = _told(line, place, is_change)
            chart.append(mark)


def _mark(look: str, x: float, y: float) -> Element:
    """Return a mark of its own for each line, so that colour is not all that tells them apart."""
    if "other" in look:
        return Element("rect", {"x": f"{x - 3.5:.1f}", "y": f"{y - 3.5:.1f}", "width": "7", "height": "7"})
    if "difference" in look:
        return Element("path", {"d": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5Z"})
    return Element("circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3.5"})


def _told(line: Line, place: int, is_change: bool) -> str:
    estimate, write = line.values[place], (signed if is_change else proportion)
    ends = f" [{write(estimate.low, 3)}, {write(estimate.high, 3)}]" if isfinite(estimate.low) else ""
    rest = "" if line.sure is None else TESTED[line.sure[place]]
    return f"{line.name} at {line.layers[place]}: {write(estimate.value, 3)}{ends}{rest}"


def _draw_axis(chart: Element, axis: Axis, across: Callable[[float], float], top: int, width: int) -> None:
    """Write the names of layers, every second or third where they would touch."""
    room = (width - LEFT - RIGHT) / max(len(axis.names), 1)
    longest = max((len(name) for name in axis.names), default=0) * LETTER + 6
    every = max(1, ceil(longest / room))
    for place, (at, name) in enumerate(zip(axis.places, axis.names, strict=True)):
        if place % every == 0:
            text = SubElement(chart, "text", {"class": "tick middle", "x": f"{across(at):.1f}", "y": str(top + 18)})
            text.text = name
    if axis.title:
        middle = {"class": "tick middle", "x": str(width // 2), "y": str(top + 33)}
        SubElement(chart, "text", middle).text = axis.title
