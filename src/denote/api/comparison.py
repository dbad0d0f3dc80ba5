"""The comparison of results in Python: from folders or results to frames, sentences and a page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.api.findings import Result
from denote.api.interface import load
from denote.api.results import SweepResult
from denote.comparison.compare import Comparison, LeftOut
from denote.comparison.compare import compare as compare_all
from denote.comparison.compared import Compared
from denote.comparison.neurons import CURVE, NEURONS, PROPERTY
from denote.comparison.observers import CELL, HEADLINE, OVERALL
from denote.comparison.pairing import AUTO
from denote.comparison.settings import SETTING
from denote.comparison.verdicts import VERDICT
from denote.errors import ConfigError, DenoteError, StoreError
from denote.files import atomic_write
from denote.runs.fingerprint import NOT_SHAPING, training_settings
from denote.runs.record import finished_jobs, read_record

if TYPE_CHECKING:
    from denote.reporting.answer.contents import Answer

PAGE, TABLE = "compare.html", "compare.parquet"
"""What a comparison leaves in its folder."""
ALLOWED = "allowed: multirun/NAME of a sweep, or the folder of a job or a saved observation"
IN_MEMORY = ("first", "second", "third")
"""Names of results that were never saved."""

NO_SETTINGS = NOT_SHAPING - {"analysis"} | {"code_dir", "trusted_targets"}
"""Keys of a config that say where and how a job runs; the plan of the analysis shapes verdicts."""

_VALUES = ["baseline_value", "other_value", "difference", "difference_low", "difference_high"]
_TEST = ["p_value", "p_corrected", "differs"]
_LAYER = ["layer", "other_layer", "relative_depth", "other_relative_depth"]


@dataclass(frozen=True)
class ComparisonResult:
    """What `compare` found: frames, sentences, a page. Printing it shows the sentences.

    Attributes:
        comparison: The results and their contrasts.
        again: Arguments of ``denote-compare`` that repeat it; empty where a result was given that is in memory.

    Example:
        >>> result = denote.observe(model, inputs, {"high": high}, evidence="quick")
        >>> comparison = denote.compare(result, result)
        >>> comparison.headline["difference"].unique().to_list()
        [0.0]
        >>> comparison.report("pages/same.html").name
        'same.html'
    """

    comparison: Comparison
    again: tuple[str, ...] = ()

    @property
    def table(self) -> pl.DataFrame:
        """Everything, one number or text of both results a row: columns of ``tables.COMPARISON``."""
        return self.comparison.table

    @property
    def left_out(self) -> dict[str, str]:
        """What could not be compared while others could, and why: by name."""
        return {each.name: each.reason for each in self.comparison.left_out}

    @property
    def settings(self) -> pl.DataFrame:
        """The settings that differ: ``name baseline_text other_text``."""
        return self._of(SETTING, ["name", "baseline_text", "other_text"])

    @property
    def overall(self) -> pl.DataFrame:
        """Mean difference of AUROC over attributes and all compared layers, of every probe: chosen by nothing."""
        return self._of(OVERALL, ["probe", *_VALUES, *_TEST, "unit", "test", "n_attributes", "n_layers", "note"])

    @property
    def headline(self) -> pl.DataFrame:
        """Mean difference of AUROC over attributes at every layer, with its interval and corrected p-value."""
        return self._of(HEADLINE, ["probe", *_LAYER, *_VALUES, *_TEST, "unit", "test", "n_attributes", "note"])

    @property
    def cells(self) -> pl.DataFrame:
        """Difference of AUROC of every layer and attribute: a family of tests of its own."""
        columns = ["probe", *_LAYER, "name", "family", *_VALUES, *_TEST, "note"]
        return self._of(CELL, columns).filter(self.table.filter(scope=CELL)["quantity"] == "auroc")

    @property
    def neurons(self) -> pl.DataFrame:
        """Share of live neurons that denote, and how much more than of random directions, by family."""
        return self._of(NEURONS, ["family", "quantity", *_VALUES, *_TEST, "note"])

    @property
    def depth(self) -> pl.DataFrame:
        """What neurons denote at every layer, side by side: share denoting, label proportion, folded."""
        return self._of(CURVE, ["family", "quantity", *_LAYER, *_VALUES, *_TEST, "note"])

    @property
    def properties(self) -> pl.DataFrame:
        """In which share of networks each property is denoted: ``family name baseline_value other_value``."""
        found = self._of(PROPERTY, ["family", "name", "baseline_value", "other_value", "difference"])
        return found.sort(pl.col("difference").abs(), descending=True, maintain_order=True)

    @property
    def verdicts(self) -> pl.DataFrame:
        """Both verdicts on depth, by family."""
        return self._of(VERDICT, ["family", "baseline_text", "other_text", "baseline_value", "other_value"])

    def _of(self, scope: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return rows of one scope, with the names of what is compared where that is several."""
        which = ["other", "dataset", "baseline_networks", "other_networks"]
        several = [name for name in which if len(self.comparison.contrasts) > 1]
        return self.table.filter(scope=scope).select(*several, *columns)

    def findings(self) -> list[str]:
        """Say what differs in sentences, as the terminal does; first what speaks against it."""
        from denote.reporting.answer.contents import BELIEVE, NEXT

        blocks = [block for block in self._answer.blocks if block.question not in (BELIEVE, NEXT)]
        return [*(doubt.text for doubt in self._answer.doubts), *(line for block in blocks for line in block.lines)]

    def numbers(self) -> dict[str, float | int | str]:
        """Return the numbers that comparisons are sorted by, by name, for a tracker.

        ``.../mean`` is the mean over all compared layers, with its interval and p-value (``mean_low mean_high
        mean_p``). ``.../largest`` is the difference at the layer that its size chose: other networks are likely to
        differ by less there. ``.../layers`` and ``cells`` count what was tested.
        """
        from denote.comparison.flat_numbers import flat_numbers

        return flat_numbers(self.comparison)

    def report(self, path: Path | str = PAGE) -> Path:
        """Write everything as one page, which opens in a browser without a network.

        Args:
            path: The file, whose folder is made where it is missing; a folder gets a ``compare.html``. A page of denote
                that was written here before is replaced.

        Returns:
            The path of the file.

        Raises:
            StoreError: if something else lies there, or the folder is that of a job or a sweep's results.
        """
        from denote.api.report_file import writable
        from denote.files import write_text
        from denote.reporting.comparison.page import comparison_page

        path = writable(path, PAGE)
        return write_text(path, comparison_page(self.comparison, self.again))

    def save(self, folder: Path | str) -> Path:
        """Write ``compare.html`` and ``compare.parquet`` into a folder, in place of those of an earlier comparison.

        Args:
            folder: Made where it is missing.

        Returns:
            The folder.

        Raises:
            StoreError: if it is a file, or that of a job or a sweep's results.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise StoreError(str(folder), "is a file", "a folder")
        folder.mkdir(parents=True, exist_ok=True)
        self.report(folder / PAGE)
        with atomic_write(folder / TABLE) as temporary:
            self.table.write_parquet(temporary)
        return folder

    @cached_property
    def _answer(self) -> Answer:
        from denote.api.findings import MOST_LINES
        from denote.reporting.comparison.compose import comparison_answer

        return comparison_answer(self.comparison, most_lines=MOST_LINES)

    def __repr__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.findings())

    def _repr_html_(self) -> str:
        """The sentences and the headline, for a notebook."""
        from denote.reporting.notebook import as_html, as_lines

        shown = self.headline.select(pl.exclude("unit", "test", "note"))
        return f"{as_lines(self.findings())}{as_html(shown)}"

    def __dir__(self) -> list[str]:
        """Return what is public, and what Python needs, so that completion shows nothing else."""
        return [name for name in super().__dir__() if not name.startswith("_") or name.endswith("__")]


def compare(
    baseline: Path | str | Result,
    *others: Path | str | Result,
    pair: str = AUTO,
    names: Sequence[str] = (),
) -> ComparisonResult:
    """Compare results with a baseline: which settings differ, what observers read, what neurons denote.

    Networks that share an initialisation are compared pair by pair (six or more by sign flips over all layers
    together, fewer by t-tests), others by Welch's t-test, fewer than three over test rows only; the result says which.
    Other layers are compared by relative depth.

    Args:
        baseline: What the others are compared with: a result of `observe` or `load`, or the folder of a sweep, a job or
            a saved observation.
        *others: What is compared with it, one or more.
        pair: ``auto`` pairs networks of one initialisation, ``seed`` those of one seed whatever made them (the same
            networks before and after fine-tuning), ``none`` pairs none.
        names: What the results are called, the baseline first; by default the names of their folders.

    Returns:
        Frames, sentences and a page. Of several others those that cannot be compared are left out, and named first
        among its sentences and in ``left_out``.

    Raises:
        ConfigError: if nothing is compared, an argument is no result, or a word or the number of names is not possible.
        StoreError: if a folder is not there, or the baseline or all others hold no results.
        DataError: if no other has a data set, layers and attributes in common with the baseline.

    Example:
        >>> one = denote.observe(model, inputs, {"high": high}, evidence="quick")
        >>> other = denote.observe(model, inputs, {"high": high}, evidence="quick", probe={"linear": {"l2": 0.1}})
        >>> comparison = denote.compare(one, other, names=["weak", "strong"])
        >>> comparison.headline["unit"].unique().to_list()
        ['rows']
        >>> comparison.numbers()["compared"]
        'strong'
    """
    given = [baseline, *others]
    _refuse_what_is_none(given)
    called = names_of(given, names)
    results, left_out, first = [_compared(baseline, called[0])], list[LeftOut](), None
    for each, name in zip(others, called[1:], strict=True):
        try:
            results.append(_compared(each, name))
        except DenoteError as error:
            left_out.append(LeftOut(name, str(error)))
            first = first or error
    if len(results) == 1 and first is not None:
        raise first
    return ComparisonResult(compare_all(results, pair, left_out), _arguments(given, pair))


def _refuse_what_is_none(given: Sequence[object]) -> None:
    """Refuse what is neither a result nor a folder before anything is computed.

    Raises:
        ConfigError: if one is another thing.
        StoreError: if a folder is not there.
    """
    for place, each in enumerate(given, 1):
        if isinstance(each, str | os.PathLike):
            if not Path(each).is_dir():
                raise StoreError(str(each), "there is no such folder", ALLOWED)
        elif not isinstance(each, Result):
            problem = f"argument {place} is {each!r} ({type(each).__name__})"
            raise ConfigError("compare", problem, f"{ALLOWED}, or what observe or load gave")


def _arguments(given: Sequence[Path | str | Result], pair: str) -> tuple[str, ...]:
    """Return what the command is given to repeat a comparison of folders: paths from here where they lie below."""
    paths = [Path(each) for each in given if not isinstance(each, Result)]
    if len(paths) < len(given):
        return ()
    here = Path.cwd()
    shown = [path.relative_to(here) if path.is_relative_to(here) else path for path in paths]
    return (*map(str, shown), *([f"pair={pair}"] if pair != AUTO else []))


def names_of(given: Sequence[Path | str | Result], names: Sequence[str] = ()) -> list[str]:
    """Return a name of its own for every result.

    Args:
        given: The results, or their folders.
        names: What they are called, if not by their folders.

    Raises:
        ConfigError: if there are more or fewer names, or two are alike.
    """
    if names and len(names) != len(given):
        raise ConfigError("names", f"{len(names)} came for {len(given)} results", "a name for each, the baseline first")
    if len(set(names)) < len(names):
        raise ConfigError("names", "two are alike", "a name of its own for each")
    return list(names) if names else _apart([_parts(each, place) for place, each in enumerate(given)])


def _parts(each: Path | str | Result, place: int) -> tuple[str, ...]:
    """Return the folders that a result lies in, the innermost last."""
    if isinstance(each, Result) and not isinstance(each, SweepResult):
        return (IN_MEMORY[place] if place < len(IN_MEMORY) else f"result {place + 1}",)
    parts = Path(each.folder if isinstance(each, SweepResult) else each).absolute().parts
    return parts[:-1] if parts[-1] == "sweep" and len(parts) > 2 else parts


def _apart(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the shortest ends of paths that tell them apart; what is given twice is numbered."""
    ends = dict.fromkeys(paths, 1)
    for _ in range(max(map(len, paths))):
        names = {path: "/".join(path[-end:]) for path, end in ends.items()}
        shared = [path for path, name in names.items() if list(names.values()).count(name) > 1]
        ends |= {path: ends[path] + 1 for path in shared}
    times = [paths[:at].count(path) for at, path in enumerate(paths)]
    return [names[path] + (f" ({before + 1})" if before else "") for path, before in zip(paths, times, strict=True)]


def _compared(given: Path | str | Result, name: str) -> Compared:
    """Return a result with the settings and versions that its records tell."""
    result = given if isinstance(given, Result) else load(given)
    records = _records(given, result)
    jobs = [(str(record.get("object_model")), _settings(record["config"])) for record in records]
    known = [job for job in jobs if "dataset" in job[1]]  # a saved observation knows no settings but its rule
    versions: dict[str, str] = dict(records[0].get("versions") or {}) if records else {}
    return Compared(name, result._sweep_tables, known if len(known) == len(jobs) else (), versions, result._rule)


def _records(given: Path | str | Result, result: Result) -> list[dict[str, Any]]:
    if isinstance(result, SweepResult):
        return [record for _, record in finished_jobs(result.folder)]
    record = None if isinstance(given, Result) else read_record(Path(given))
    return [] if record is None else [record]


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a resolved config that shapes results, and the plan of the analysis."""
    kept = {key: value for key, value in config.items() if key not in NO_SETTINGS}
    return {**kept, "trainer": training_settings(config)} if "trainer" in config else kept
