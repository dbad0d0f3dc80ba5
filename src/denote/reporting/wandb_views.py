"""A saved view and a report in W&B, made of the panels in `panels` by the library ``wandb-workspaces``.

Both are found again, the view by a name that is made of project and sweep and the report by its title, so that there is
one of each however often they are made. No call waits longer than `LIMIT` for an answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from denote.config.keys import digest
from denote.errors import ConfigError, first_line
from denote.files import slug
from denote.reporting.panels import Bars, Lines, Panel, Parallel, Pictures, Scatter, Section, Table, sections
from denote.reporting.wandb_names import shortened

LIMIT = 4
"""Seconds in which W&B's server must answer a call."""

RECENT = 50
"""Runs of a type, the newest, whose keys have panels."""

SHOWN = 100
"""Runs or groups of a panel; W&B draws no more than that."""

HALF, WHOLE, HEIGHT = 12, 24, 10
"""Widths and height of panels in a report's grid, in W&B's units."""


@dataclass(frozen=True)
class Place:
    """Runs that a dashboard is of.

    Attributes:
        project: W&B project.
        entity: W&B team or user.
        group: Group of a sweep's runs; None for all runs of the project.
    """

    project: str
    entity: str
    group: str | None = None

    @property
    def title(self) -> str:
        """What the view and the report are called; the library takes few signs."""
        name = f"denote sweep {self.group}" if self.group else f"denote project {self.project}"
        return shortened(slug(name, keep="._- "))

    @property
    def view(self) -> str:
        """The part of the view's address that is its own."""
        return digest(["view", self.project, self.group])[:11]


def prepare() -> Any:
    """Load W&B's client, have it wait no longer than `LIMIT`, and log in.

    Returns:
        W&B's public interface.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    import wandb

    # The library makes its own interfaces, whose limit is this default.
    wandb.Api._HTTP_TIMEOUT = min(LIMIT, wandb.Api._HTTP_TIMEOUT)
    return wandb.Api()


def logged(api: Any, place: Place) -> dict[str, set[str]]:
    """Return the keys of rows that runs have logged, by job type; only types that there are.

    Args:
        api: W&B's public interface.
        place: The runs.

    Raises:
        ConfigError: if there is no such project.
    """
    found: dict[str, set[str]] = {}
    path = f"{place.entity}/{place.project}"
    for job_type in ("sweep", "curve", "job"):
        filters = {"jobType": job_type, **({"group": place.group} if place.group else {})}
        runs = api.runs(path, filters=filters, order="-created_at", per_page=RECENT, lazy=False)
        try:
            newest = list(islice(runs, RECENT))
        except ValueError as error:
            raise ConfigError("project", first_line(error), f"allowed: projects of {place.entity} with runs") from error
        for run in newest:
            held = (run.history_keys or {}).get("keys") or {}
            found.setdefault(job_type, set()).update(key for key in held if not key.startswith("_"))
    return found


def panels_of(found: dict[str, set[str]]) -> list[Section]:
    """Return the sections for what runs have logged.

    Args:
        found: Keys by job type.
    """
    return sections(set().union(*found.values()), jobs="job" in found)


def save_view(place: Place, made: Sequence[Section], job_types: Iterable[str]) -> str:
    """Save the view of a project or sweep, in place of the one that there is, and return its address.

    All of its panels are of the same runs. Where jobs have runs, curves would count them twice.

    Args:
        place: The runs.
        made: What it shows.
        job_types: Types of runs that have logged something.
    """
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws

    view = _view(ws, place)
    shown = ("job" if "job" in job_types else "curve", "sweep")
    view.name = place.title
    view.sections = [
        ws.Section(name=section.title, panels=[_panel(wr, panel) for panel in section.panels], is_open=True)
        for section in made
    ]
    view.settings = ws.WorkspaceSettings(max_runs=SHOWN)
    columns = [column for section in made for column in section.columns]
    view.runset_settings = ws.RunsetSettings(
        filters=_filters(place, shown), pinned_columns=["run:displayName", *dict.fromkeys(columns)]
    )
    view.save()
    return str(view.url)


def _view(ws: Any, place: Place) -> Any:
    """Return the view that there is, else a new one of the same name."""
    address = f"https://host/{place.entity}/{place.project}?nw={place.view}"  # the library reads the path alone
    try:
        return ws.Workspace.from_url(address)
    except ValueError as error:
        if "not found" not in str(error):
            raise
    view = ws.Workspace(entity=place.entity, project=place.project, auto_generate_panels=False)
    view._internal_name = f"nw-{place.view}-v"
    return view


def save_report(api: Any, place: Place, made: Sequence[Section]) -> str:
    """Save the report of a project or sweep, in place of the one that there is, and return its address.

    Args:
        api: W&B's public interface.
        place: The runs.
        made: What it shows.
    """
    import wandb_workspaces.reports.v2 as wr

    report = wr.Report(project=place.project, entity=place.entity, title=place.title, width="fluid")
    report.description = "Made by denote-dashboard, which writes it again: copy it to change it."
    report.blocks = [block for section in made for block in _blocks(wr, place, section)]
    for other in api.reports(f"{place.entity}/{place.project}"):
        if other.display_name == place.title:
            report.id = other.id
            break
    report.save()
    return str(report.url)


def _blocks(wr: Any, place: Place, section: Section) -> list[Any]:
    runs = wr.Runset(
        entity=place.entity,
        project=place.project,
        name=section.title,
        filters=_filters(place, section.job_types, section.states),
        pinned_columns=["run:displayName", *section.columns],
    )
    drawn = [_panel(wr, panel) for panel in section.panels]
    x = y = 0
    for panel, of in zip(drawn, section.panels, strict=True):
        width = HALF if isinstance(of, Lines | Scatter | Bars) else WHOLE
        if x + width > WHOLE:
            x, y = 0, y + HEIGHT
        panel.layout = wr.Layout(x=x, y=y, w=width, h=HEIGHT)
        x += width
    grid = wr.PanelGrid(runsets=[runs], panels=drawn)
    return [wr.H2(text=section.title), wr.P(text=section.text), grid]


def _filters(place: Place, job_types: Iterable[str], states: Iterable[str] = ()) -> str:
    """Return a filter as the library reads it."""
    wanted = {"JobType": list(job_types), "Group": [place.group] if place.group else [], "State": list(states)}
    return " and ".join(f"Metric('{name}') in {values!r}" for name, values in wanted.items() if values)


def _panel(wr: Any, panel: Panel) -> Any:
    match panel:
        case Lines():
            return wr.LinePlot(
                title=panel.title,
                x=panel.x,
                y=list(panel.keys),
                groupby=wr.Config(panel.by),
                groupby_aggfunc="mean",
                groupby_rangefunc="minmax",
                max_runs_to_show=SHOWN,
            )
        case Scatter():
            return wr.ScatterPlot(title=panel.title, x=wr.SummaryMetric(panel.x), y=wr.SummaryMetric(panel.y))
        case Parallel():
            axes = [*map(wr.Config, panel.settings), *map(wr.SummaryMetric, panel.numbers)]
            columns = [wr.ParallelCoordinatesPlotColumn(axis) for axis in axes]
            return wr.ParallelCoordinatesPlot(title=panel.title, columns=columns)
        case Bars():
            by = wr.Config(panel.by)
            return wr.BarPlot(title=panel.title, metrics=list(panel.numbers), groupby=by, groupby_aggfunc="mean")
        case Pictures():
            return wr.MediaBrowser(title=panel.title, media_keys=list(panel.keys), num_columns=2)
        case Table():
            return wr.WeavePanelSummaryTable(table_name=panel.key)


def close() -> None:
    """End W&B's service, which would hold up the end of this process if its server hangs."""
    with suppress(Exception):
        import wandb

        wandb.teardown()
