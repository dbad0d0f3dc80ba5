"""Panels of a W&B dashboard as data: which keys of which runs are drawn, against what, and under which heading.

Nothing here knows W&B's library: `wandb_views` makes a saved view and a report of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from denote.reporting.curve_records import PLACE
from denote.reporting.dashboard import OF_SWEEPS
from denote.reporting.run_end import STATUS

DEPTH, RELATIVE_DEPTH, _ = PLACE

FAILED_STATES = ("failed", "crashed", "killed")
"""States of runs in W&B that did not end well."""

TABLES = ("cells", "denoting_neurons", OF_SWEEPS, "depth_verdicts")
"""Merged tables that are shown."""

HEAT_MAPS, FIGURES = "figures/relevance", "figures/"
"""Key of the heat maps of linear observers, and what keys of all pictures begin with."""

SORTED_BY = ("auroc/best", "auroc/mean", "decisive_share", "share_denoting", "object_accuracy", "verdict")
"""Numbers of a run that stand beside its name."""


@dataclass(frozen=True)
class Lines:
    """Lines over depth, the mean over the runs of a group.

    Attributes:
        title: What is above it.
        keys: Keys of the rows that runs have logged.
        by: Setting by which runs are grouped.
        x: Key of the x axis.
    """

    title: str
    keys: tuple[str, ...]
    by: str
    x: str = DEPTH


@dataclass(frozen=True)
class Scatter:
    """One point a run.

    Attributes:
        title: What is above it.
        x: Number of the runs' summary.
        y: Likewise.
    """

    title: str
    x: str
    y: str


@dataclass(frozen=True)
class Parallel:
    """One line a run, through its settings and numbers.

    Attributes:
        title: What is above it.
        settings: Keys of runs' configs, the first axes.
        numbers: Numbers of their summaries, the last axes.
    """

    title: str
    settings: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Bars:
    """One bar a group of runs and number, its mean.

    Attributes:
        title: What is above it.
        numbers: Numbers of the runs' summary.
        by: Setting by which runs are grouped.
    """

    title: str
    numbers: tuple[str, ...]
    by: str


@dataclass(frozen=True)
class Pictures:
    """Pictures with their captions.

    Attributes:
        title: What is above it.
        keys: Keys under which they are logged.
    """

    title: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of all runs that have logged it.

    Attributes:
        key: Its key.
    """

    key: str


Panel = Lines | Scatter | Parallel | Bars | Pictures | Table


@dataclass(frozen=True)
class Section:
    """Panels under one heading, with the runs that they are drawn from.

    Attributes:
        title: The heading.
        text: One sentence below it.
        job_types: Types of runs.
        panels: What is drawn.
        states: States of runs in W&B; all where none is named.
        columns: Columns of the table of runs: ``SECTION:NAME``.
    """

    title: str
    text: str
    job_types: tuple[str, ...]
    panels: tuple[Panel, ...]
    states: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def sections(logged: Iterable[str], *, jobs: bool = True) -> list[Section]:
    """Return the sections of a dashboard; what no run has logged has no panel.

    Args:
        logged: Keys of the rows that jobs, curves and sweeps have logged.
        jobs: Whether jobs have runs of their own; else curves stand for them.
    """
    keys = sorted(set(logged))
    all_of = [
        _read(keys, "job" if jobs else "curve"),
        _attributes(keys),
        _denoted(keys),
        _compared("job" if jobs else "curve"),
        _ended(),
        Section(
            "Merged tables",
            "Of all finished jobs of a sweep, corrected over all of them.",
            ("sweep",),
            tuple(Table(key) for key in TABLES if key in keys),
        ),
        _pictures(keys),
    ]
    return [section for section in all_of if section.panels]


def _groups(keys: Iterable[str], quantity: str) -> list[str]:
    """Return the probes or families, with their poolings where there are several, that have a quantity over depth."""
    return [key.removesuffix(f"/{quantity}") for key in keys if key.endswith(f"/{quantity}")]


def _lines(title: str, groups: list[str], quantities: tuple[str, ...], by: str, x: str = DEPTH) -> tuple[Lines, ...]:
    keys = tuple(f"{group}/{quantity}" for group in groups for quantity in quantities)
    return (Lines(title, keys, by, x),) if keys else ()


def _read(keys: list[str], job_type: str) -> Section:
    probes, of = _groups(keys, "auroc"), ("auroc",)
    return Section(
        "What observers read",
        "Where an attribute is read, and by which probe: means over runs.",
        (job_type,),
        (
            *_lines("AUROC against depth, by attribute", probes, of, "attribute"),
            *_lines("AUROC against relative depth, by architecture", probes, of, "architecture", RELATIVE_DEPTH),
        ),
    )


def _attributes(keys: list[str]) -> Section:
    probes = _groups(keys, "auroc")
    single = tuple(key for key in keys for probe in probes if key.startswith(f"{probe}/auroc/"))
    return Section(
        "Trained against untrained",
        "One run per dataset, architecture and epoch; its lines are means over networks.",
        ("curve",),
        (
            *_lines("AUROC of trained and untrained networks", probes, ("auroc", "untrained_auroc"), "sweep"),
            *((Lines("AUROC of each attribute against depth", single, "sweep"),) if single else ()),
            *_lines("Share of decisive cells against depth, by sweep", probes, ("decisive_share",), "sweep"),
        ),
    )


def _denoted(keys: list[str]) -> Section:
    families = _groups(keys, "share_denoting")
    shares = ("share_denoting", "rotated_share_denoting")
    return Section(
        "What neurons denote",
        "Layers in which no neuron denotes have no label proportion; rotated is the control in a random basis.",
        ("curve",),
        (
            *_lines("Folded label proportion against depth, by sweep", families, ("folded",), "sweep"),
            *_lines("Share of live neurons that denote, against depth, by sweep", families, shares, "sweep"),
        ),
    )


def _compared(job_type: str) -> Section:
    settings = ("dataset", "architecture", "attribute", DEPTH)
    return Section(
        "Runs side by side",
        "The best AUROC over layers is chosen on the test part: it sorts runs, and is no estimate.",
        (job_type,),
        (
            Parallel("Dataset, architecture, attribute, depth, best AUROC", settings, ("auroc/best",)),
            Scatter("Object accuracy against share denoting", "share_denoting", "object_accuracy"),
            Bars("Mean AUROC by probe", ("auroc/mean",), "probe"),
        ),
        columns=(*(f"config:{key}.value" for key in (*settings, "probe")), *(f"summary:{key}" for key in SORTED_BY)),
    )


def _ended() -> Section:
    return Section(
        "Runs that failed",
        "The table below has every run that failed, crashed or was killed, with its error.",
        ("object_model", "job", "curve", "sweep"),
        (Bars("Jobs that failed, by sweep", ("n_failed",), "sweep"),),
        FAILED_STATES,
        ("run:state", "run:jobType", f"summary:{STATUS}", "summary:error", "config:sweep.value"),
    )


def _pictures(keys: list[str]) -> Section:
    others = tuple(key for key in keys if key.startswith(FIGURES) and key != HEAT_MAPS)
    heat_maps = (Pictures("Heat maps of linear observers", (HEAT_MAPS,)),) if HEAT_MAPS in keys else ()
    return Section(
        "Heat maps and figures",
        "Which parts of a layer a linear observer relies on, and the other figures of the sweep.",
        ("sweep",),
        (*heat_maps, *((Pictures("Figures", others),) if others else ())),
    )
