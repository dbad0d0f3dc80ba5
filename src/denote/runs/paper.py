"""The folder of a paper: figures at a column's width, tables as LaTeX and Markdown, the sentences of its methods."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from denote.config.levels import LEVELS
from denote.config.paper_settings import PaperSettings
from denote.errors import StoreError, printable
from denote.evidence.rule import rule_of
from denote.figures import on_paper
from denote.figures.canvas import save_figure
from denote.figures.curves import drawn_cells
from denote.files import remove_folder, write_text
from denote.observers.kinds import reads_state
from denote.progress import step
from denote.reporting.paper.latex import latex
from denote.reporting.paper.markdown import markdown
from denote.reporting.paper.methods import Done, methods
from denote.reporting.paper.not_made import FIGURES, TABLES, missing_kinds, not_made
from denote.reporting.paper.tables import curves_on_paper, paper_tables
from denote.runs.drawing import Drawing
from denote.runs.evidence_figures import networks
from denote.runs.record import evidence_level

log = logging.getLogger(__name__)

METHODS = "methods.md"
"""Its sentences, by which the folder of a paper is known."""
WRITERS = {"latex": (".tex", latex), "markdown": (".md", markdown)}
"""By format of a table the end of its file's name, and what writes it."""

LINES = "Lines are means over networks; bars and bands are 95 % t-intervals over networks; dots are neurons."
ONE = "One network, so no intervals over networks."
VERDICT = " A verdict asks for what is left in (c), after polarity and what random directions denote{thin}."
THIN = "; thin lines there are networks"


def fill_paper(folder: Path, done: Done, settings: PaperSettings, asked: Collection[str] = ()) -> None:
    """Write figures, tables and methods.

    Args:
        folder: Made where it is missing.
        done: What was done.
        settings: Formats and width.
        asked: Formats that must have something to show: those that the user typed now.

    Raises:
        StoreError: if there is nothing for one of them.
    """
    written, captions, names = set[str](), dict[str, str](), list[str]()
    kinds = [*(TABLES if settings.tables else ()), *(FIGURES if settings.figures else ())]
    with step("paper"):
        for drawing in _drawings(done.tables, settings) if settings.figures else ():
            save_figure(drawing.figure, folder, drawing.file, settings.figures)
            captions[drawing.file] = drawing.caption(on_paper=True)
            names.append(drawing.file)
            written |= {*settings.figures}
        for table in paper_tables(done.tables, done.rule, settings.epochs) if settings.tables else ():
            names.append(table.name)
            for name in settings.tables:
                ending, write = WRITERS[name]
                write_text(folder / f"{table.name}{ending}", write(table))
                written.add(name)
        if missing := [name for name in asked if name in settings.formats and name not in written]:
            problem = "there is nothing to show: no attribute was read by depth and no neuron denotes"
            raise StoreError(f"format={','.join(missing)}", problem, "allowed: html, which says what there is")
        write_text(folder / METHODS, methods(done, captions, [*not_made(done.tables, names, kinds)]))


def fill_again(folder: Path, done: Callable[[], Done], settings: PaperSettings, sweep: Path) -> PaperSettings:
    """Write a paper that nobody asked for now, as one of before would show other numbers than the results beside it.

    If it cannot be written the results are worth no less: a warning says why, and there is none.

    Args:
        folder: Made where it is missing, and removed if anything fails.
        done: Returns what was done.
        settings: Formats and width of the paper of before.
        sweep: The sweep's folder, for the warning.

    Returns:
        Under which settings a paper was written.
    """
    try:
        fill_paper(folder, done(), settings)
    except Exception as error:
        remove_folder(folder)
        said = printable((str(error).strip().splitlines() or [""])[0])
        again = f"denote-report sweep={shlex.quote(str(sweep))} 'format=[{','.join(settings.formats)}]'"
        log.warning(
            "the paper of before is gone, as none can be written (%s: %s): %s", type(error).__name__, said, again
        )
        return PaperSettings()
    return settings


def done_in(tables: Mapping[str, pl.DataFrame], records: Sequence[Mapping[str, Any]]) -> Done:
    """Return what was done in some finished jobs.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        records: Of the jobs, which agree on what shapes no network; probes may be different ones in each.
    """
    probes = {name: probe for record in records for name, probe in (record["config"].get("probe") or {}).items()}
    config, used = {**records[0]["config"], "probe": probes}, {evidence_level(record) for record in records}
    versions: dict[str, list[str]] = {}
    for record in records:
        for package, version in (record.get("versions") or {}).items():
            if version not in versions.setdefault(package, []):
                versions[package].append(version)
    every = {package: " and ".join(different) for package, different in versions.items()}
    trainings = {str(record.get("object_model")): record["config"].get("trainer") or {} for record in records}
    return Done(tables, rule_of(config), config, every, [level for level in LEVELS if level in used], trainings)


def _drawings(tables: Mapping[str, pl.DataFrame], settings: PaperSettings) -> Iterator[Drawing]:
    """Yield the figures of a paper, with the names and captions of those of the report."""
    width = settings.width
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    for curve in curves_on_paper(by_depth, settings.epochs):
        drawn = tables["neurons"], by_depth, by_model
        figure = on_paper.draw_label_proportion(*drawn, curve, width)
        own = curve.of(by_depth)
        several = bool((own["n_models"] > 1).any())
        lines = LINES if several else f"{ONE} Dots are its neurons."
        verdict = _verdict(*on_paper.panels_of(*drawn, curve), several=several)
        words = {"of": curve.title, "lines": lines, "verdict": verdict}
        yield Drawing("label_proportion_by_depth", curve.slug, figure, own, words)
        parts = curve.of(tables["depth_parts"])
        if parts["part"].is_not_null().any():
            figure = on_paper.draw_parts(parts, curve, width)
            several = bool((parts["n_models"] > 1).any())
            words = {"of": curve.title, "lines": "Means and 95 % t-intervals over networks." if several else ONE}
            yield Drawing("depth_parts", curve.slug, figure, parts, words)
    cells = tables["cells"].filter(reads_state(), pl.col("depth").is_not_null(), pl.col("auroc").is_not_null())
    for network in networks(cells):
        figure = on_paper.draw_attributes(network.rows, network.of(tables["first_decisive"]), width)
        has_input = network.rows["input_auroc"].is_not_null().any()
        mean = "mean over networks" if drawn_cells(network.rows)["object_model"].n_unique() > 1 else "one network"
        words = {
            "of": network.title,
            "mean": mean,
            "input": " Input: the same observer on the raw input." if has_input else "",
        }
        yield Drawing("attribute_by_depth", network.slug, figure, network.rows, words)


def _verdict(letters: str, absent: Mapping[str, str], *, several: bool) -> str:
    """Say what a verdict asks for where it is drawn, and which panels are missing and why."""
    missing = "".join(f" Not drawn: ({letter}), as {why}." for letter, why in absent.items())
    return (VERDICT.format(thin=THIN if several else "") if "c" in letters else "") + missing


def say_paper(folder: Path) -> None:
    """Print which files lie in the folder of a paper, and of which kinds there are none.

    Args:
        folder: The folder.
    """
    files = sorted(file.name for file in folder.iterdir() if file.name != METHODS)
    endings = {Path(name).suffix for name in files}
    has_tables = bool(endings & {ending for ending, _ in WRITERS.values()})
    kinds = [*(TABLES if has_tables else ()), *(FIGURES if endings & {".pdf", ".svg"} else ())]
    missing = missing_kinds(files, kinds)
    if missing:
        print(f"{folder}: without {', '.join(missing)}, {METHODS} says why")
    print(f"{folder}: {', '.join(sorted([*files, METHODS]))}")
