"""The forecast of a sweep on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from denote.config.byte_units import in_units
from denote.numbers import count
from denote.progress import hide
from denote.reporting.forecast import Forecast, InterventionCost
from denote.reporting.terminal import MOST_LISTED

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def print_forecast(forecast: Forecast, console: Console | None = None) -> None:
    """Print what a sweep would do, need and be able to say.

    Args:
        forecast: What is told of it.
        console: Where to print; standard output where None.
    """
    hide()
    console = console or Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    table.title = f"plan of {escape(forecast.folder)}: nothing is run"
    for heading, justify in (("", "left"), ("", "right"), ("", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    table.show_header = False
    for row in _rows(forecast):
        table.add_row(*map(escape, row))
    console.print(table)
    refused = [work for work in forecast.work if work.state == "refused"]
    for work in refused[:MOST_LISTED]:
        console.print(f"  [red]refused[/] {escape(work.name)}: {escape(work.reason)}", highlight=False, soft_wrap=True)
    if len(refused) > MOST_LISTED:
        console.print(f"  and {len(refused) - MOST_LISTED} more", highlight=False)
    for sentence in forecast.unknown:
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    for sentence in forecast.unsaid:
        console.print(f"[bold yellow]this sweep cannot say:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    if forecast.disk_bytes > forecast.free_bytes:
        needed, free = in_units(forecast.disk_bytes), in_units(forecast.free_bytes)
        console.print(f"[bold red]too little disk:[/] {needed} are needed, {free} are free", highlight=False)


def _rows(forecast: Forecast) -> Iterator[tuple[str, str, str]]:
    yield "jobs", count(len(forecast.work)), ""
    states = Counter((work.state, work.level) for work in forecast.work)
    for (state, level), number in states.items():
        yield f"  {state}", count(number), f"evidence={level}" if level else ""
    yield from _needs(forecast)
    duration = forecast.duration
    if forecast.running and duration.n_known:
        basis = f"one job after another, by {count(duration.n_from, 'finished job')} of their kind"
        if duration.n_known < len(forecast.running):
            basis += f"; of {count(duration.n_known)} of {count(len(forecast.running), 'job')}"
        yield "time", f"about {rough_time(duration.seconds)}", basis
    elif forecast.running:
        yield "time", "not known", "no job of their kind is finished: run one of them, then plan again"


def _needs(forecast: Forecast) -> Iterator[tuple[str, str, str]]:
    if forecast.unknown and forecast.trainings[0] == 0:
        yield "trainings, disk", "not known", f"see below; {in_units(forecast.free_bytes)} are free"
        return
    needed, stored = forecast.trainings
    yield "networks to train", count(needed - stored), f"{count(stored)} of {count(needed)} are in the store"
    needed, stored = forecast.recordings
    passes = f"{count(stored)} of {count(needed)} are in the store; of networks, untrained twins, randomised copies"
    yield "recordings of states", count(needed - stored), passes
    yield "disk", in_units(forecast.disk_bytes), _disk(forecast)
    if forecast.interventions is not None:
        yield from _interventions(forecast.interventions)


def _interventions(cost: InterventionCost) -> Iterator[tuple[str, str, str]]:
    rows = f"over the {count(cost.n_rows)} test rows"
    if cost.passes:
        more = (
            f"at most {count(cost.of_observers)} more for observers and {count(cost.of_neuron)} for each that denotes"
        )
        fewer = "far fewer where random ones cost as much"
        yield "ablation", f"{count(cost.passes)} passes", f"{rows} for all neurons; {more}, {fewer}"
    if cost.of_erasures:
        yield "erasure", f"{count(cost.of_erasures)} passes", f"{rows} at most, and as many fits as later layers"
    if cost.of_steering:
        yield "steering", f"{count(cost.of_steering)} passes", f"{rows} at most, random directions over some of them"
    yield "memory of interventions", f"about {in_units(cost.memory_bytes)}", "beside the network"


def _disk(forecast: Forecast) -> str:
    parts = [f"states {in_units(forecast.states_bytes)}", f"weights {in_units(forecast.weights_bytes)}"]
    tables = forecast.table_bytes
    parts.append("tables not known" if tables is None else f"tables about {in_units(tables)}")
    return f"{', '.join(parts)}; {in_units(forecast.free_bytes)} are free"


def rough_time(seconds: float) -> str:
    """Write seconds in the unit that a plan is made in: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.1f} days"
