"""The sentences that the methods section of a paper needs, each of what was done and counted in the tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from importlib.resources import files
from typing import Any

import polars as pl

from denote.attributes.family_words import family_name
from denote.data.trained_on import NONE, UNKNOWN
from denote.evidence.rule import Rule, rule_in_full
from denote.figures.curves import some
from denote.numbers import NULL, count, count_range, proportion, setting
from denote.reporting.answer.checks import checks_of
from denote.reporting.answer.doubts import doubts_of
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.answer.words import clean, listed
from denote.reporting.findings import PAPER
from denote.reporting.paper.citation import bibtex, references
from denote.reporting.paper.depth_methods import depth_sentences
from denote.reporting.paper.markdown import escaped
from denote.reporting.paper.training_methods import training_sentences
from denote.tables import says

MOST_NAMED = 12
"""Layers, seeds and attributes that are named; of more how many there are."""


@dataclass(frozen=True)
class Done:
    """What was done, as tables and records say it.

    Attributes:
        tables: Those of ``tables.SWEEP_TABLES``.
        rule: The rule that decided them.
        config: The settings that all jobs share, with the probes of all; empty of a result in memory, which has none.
        versions: Package -> version.
        levels: How much evidence was made, by its names in ``evidence=``.
        trainings: Settings of the training of every object model, by its key; those of ``trainer.*``.
    """

    tables: Mapping[str, pl.DataFrame]
    rule: Rule = field(default_factory=Rule)
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    levels: Sequence[str] = ()
    trainings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def networks(self) -> list[Networks]:
        """Those that are told about."""
        return networks_of(self.tables)

    @property
    def split(self) -> Mapping[str, Any]:
        """How rows were dealt, as far as it is known."""
        return self.config.get("split") or {}

    @cached_property
    def is_grouped(self) -> bool:
        """Whether rows of a group were held together."""
        return self.split.get("group") is not None or bool(self.tables["cells"].select(says("groups").any()).item())

    @cached_property
    def cells(self) -> pl.DataFrame:
        """Cells that were tested."""
        return self.tables["cells"].filter(pl.col("p_value").is_not_null())

    @cached_property
    def neurons(self) -> pl.DataFrame:
        """Neurons that were tested."""
        return self.tables["neurons"].filter(pl.col("p_value").is_not_null())


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("denote.reporting.paper").joinpath("methods.toml").read_text(encoding="utf-8"))


def methods(done: Done, captions: Mapping[str, str], not_made: Sequence[str] = ()) -> str:
    """Return the page ``methods.md``.

    Args:
        done: What was done.
        captions: Of the figures beside it, by the name of their file.
        not_made: Sentences on the figures and tables that are missing, and why.
    """
    made, missing = checks_of(done.tables, done.networks)
    checks = [f"Checked: {'; '.join(made)}."] if made else []
    checks += [f"Not checked: {'; '.join(missing)}."] if missing else []
    sections = {
        "Networks and data": [*_networks(done), *_rows(done)],
        "Observers": list(_observers(done)),
        "Neurons": list(_neurons(done)),
        "Controls": list(_controls(done)),
        "Intervals": list(_intervals(done)),
        "Depth": depth_sentences(done.tables, done.networks),
        "Checks": [*checks, *(doubt.text for doubt in doubts_of(done.tables, done.networks))],
        "Software": list(_software(done)),
        "Figures": [f"{name}: {caption}" for name, caption in captions.items()],
        "Not made": list(not_made),
    }
    version = done.versions.get("denote") or metadata.version("denote")
    parts = ["# Methods"]
    for heading, sentences in sections.items():
        between = "\n\n" if heading == "Figures" else " "
        parts += [f"## {heading}", between.join(map(escaped, sentences))] if sentences else []
    said = [escaped(PAPER), *(f"- {escaped(each)}" for each in references(version))]
    return "\n\n".join([*parts, "## References", *said, f"```bibtex\n{bibtex(version)}```"]) + "\n"


def _networks(done: Done) -> Iterator[str]:
    for networks in done.networks:
        observed = networks.observed.sort("depth", nulls_last=True, maintain_order=True)
        layers = observed["layer"].unique(maintain_order=True).to_list()
        seeds = pl.concat([networks.tables[name]["seed"] for name in ("cells", "neurons")]).drop_nulls().unique().sort()
        with_seeds = f" (seed{'' if len(seeds) == 1 else 's'} {listed([*map(str, seeds)], MOST_NAMED)})"
        yield (
            f"{networks.counted()} of {networks.place}{with_seeds if len(seeds) else ''}"
            f"{f', at epoch {networks.epoch},' if networks.epoch is not None else ''} "
            f"{'was' if networks.n_models == 1 else 'were'} observed at {count(len(layers), 'layer')} "
            f"({some(list(map(clean, layers)), MOST_NAMED)}): {count(networks.n_neurons, 'neuron')}, of which "
            f"{networks.live:,} are live, not constant on fit."
        )
        if networks.accuracy is not None:
            guess = "" if networks.largest_class is None else f" (guessing: {proportion(networks.largest_class)})"
            yield f"Held-out accuracy: {networks.accuracy}{guess}."
        yield from _origin(networks)
        yield from training_sentences(networks, done.trainings)


def _origin(networks: Networks) -> Iterator[str]:
    """Say what is known of the rows that given networks were trained on."""
    known = pl.concat([networks.tables[name]["trained_on"] for name in ("cells", "neurons")]).drop_nulls().unique()
    for words in known.sort():
        if words == UNKNOWN:
            yield "Whether they were trained on rows that they are judged on is unknown."
        elif words == NONE:
            yield "They were trained on none of the rows below."
        else:
            yield "Rows that they were trained on are left out."


def _rows(done: Done) -> Iterator[str]:
    frames = [done.tables[name].select("dataset", "n_fit", "n_test") for name in ("cells", "neurons")]
    for (dataset,), rows in pl.concat(frames).group_by(["dataset"], maintain_order=True):
        counted = done.tables["duplicates"].filter(pl.col("dataset") == dataset, pl.col("part") == "object")
        n_object = count(counted["n_part"].max(), "row") if len(counted) else ""  # type: ignore[arg-type]
        trained = f"{n_object} (object) were for training the networks; " if n_object else ""
        yield (
            f"Of {clean(str(dataset))}, {trained}{count_range(rows['n_fit'], 'row')} (fit) chose every threshold, "
            f"property and observer, and {count_range(rows['n_test'], 'other row')} (test) gave every number."
        )
    if done.split.get("group") is not None:
        yield f"Rows with the same {clean(str(done.split['group']))} stand in the same part."
    if done.split.get("seed") is not None:
        yield f"The parts were dealt with split.seed={done.split['seed']}."


def _observers(done: Done) -> Iterator[str]:
    probes = [probe for networks in done.networks for probe in networks.probes]
    for probe in dict.fromkeys(probes):
        what = _words()["probes"].get(probe, "an observer of the user's own")
        given = (done.config.get("probe") or {}).get(probe) or {}
        settings = ", ".join(
            f"{key}={_setting(value)}" for key, value in given.items() if key not in ("kind", "_target_")
        )
        yield f"The observer {clean(probe)} is {what}{f' ({settings})' if settings else ''}."
    if done.cells.is_empty():
        return
    kinds = done.cells.select("family", "attribute").unique(maintain_order=True).group_by("family", maintain_order=True)
    of = listed([f"{family_name(str(family))} ({_attributes(rows)})" for (family,), rows in kinds], MOST_NAMED)
    tests = count(done.cells["n_tests"].max(), "test")  # type: ignore[arg-type]
    yield (
        f"Observers of {of} make {tests}, {_words()['tests']['grouped' if done.is_grouped else 'cells']}, corrected as "
        f"one family by Benjamini and Hochberg at {setting(done.rule.q)}."
    )
    decisive = int(done.cells["decisive"].sum())
    yield (
        f"An attribute is decisive for an observer of a layer where {rule_in_full(done.rule)[0]}: "
        f"{decisive:,} of {len(done.cells):,} are."
    )


def _setting(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else NULL if value is None else clean(str(value))


def _attributes(rows: pl.DataFrame) -> str:
    names = rows["attribute"].to_list()
    named = f": {listed(list(map(clean, names)), MOST_NAMED)}" if len(names) <= MOST_NAMED else ""
    return f"{count(len(names))}{named}"


def _neurons(done: Done) -> Iterator[str]:
    if done.neurons.is_empty():
        return
    thresholds = (done.config.get("evidence") or {}).get("thresholds")
    of = f", from {thresholds} quantiles of its activations," if thresholds else ""
    yield f"On fit a threshold{of} and the property that it tells best were chosen for every live neuron."
    yield "On test this choice was judged."
    yield _words()["tests"]["neurons"].format(null=setting(done.rule.null))
    for (family,), rows in done.neurons.group_by(["family"], maintain_order=True):
        tests = count(rows["n_tests"].max(), "test")  # type: ignore[arg-type]
        denoting = int(rows["denotes"].sum())
        yield (
            f"For {family_name(str(family))} this makes {tests} over all layers{_of_networks(rows)}, corrected as one "
            f"family by Benjamini and Hochberg; {count(denoting, 'neuron')} denote{'s' if denoting == 1 else ''}."
        )
    yield f"A neuron denotes where {rule_in_full(done.rule)[1]}."


def _of_networks(rows: pl.DataFrame) -> str:
    """`` of 6 networks at 2 epochs``: an epoch of a network is an object model of its own."""
    n, n_epochs = rows["object_model"].n_unique(), rows["epoch"].n_unique()
    if n_epochs > 1:
        n = rows.select("dataset", "architecture", "trained", "seed").n_unique()
    return f" of {count(n, 'network')}{f' at {n_epochs} epochs' if n_epochs > 1 else ''}"


def _controls(done: Done) -> Iterator[str]:
    """Yield the controls that have a number somewhere, and no other."""
    rows, cells, told = done.tables["controls"], done.tables["cells"], _words()["controls"]
    draws = dict(rows.group_by("control").agg(pl.col("draw").n_unique()).iter_rows())
    for name, words in told.items():
        column = _COLUMN.get(name)
        if name in draws or (column is not None and cells[column].is_not_null().any()):
            yield f"Control {words}{_drawn(draws.get(name), each=name == 'untrained')}."
    for name in sorted(draws.keys() - told.keys() - _SEARCHES):
        yield f"Control {clean(name)}: one of the user's own{_drawn(draws[name])}."


def _drawn(draws: int | None, *, each: bool = False) -> str:
    """`` (3 draws)``, where their number is known."""
    return "" if draws is None else f" ({count(draws, 'draw')}{' for each network' if each else ''})"


_COLUMN = {
    "shuffled": "control_auroc",
    "untrained": "untrained_auroc",
    "raw_input": "input_auroc",
    "random_subset": "random_subset_percentile",
    "control_task": "control_task_auroc",
}
"""Columns of cells that are filled where a control was made, for those that may leave no draws."""

_SEARCHES = {"second_fit", "thresholds"}
"""Further searches of neurons in the table of controls, which are none."""


def _intervals(done: Done) -> Iterator[str]:
    told = _words()["intervals"]
    if done.cells["auroc_low"].is_not_null().any():
        yield f"{told['cells']}{told['grouped'] if done.is_grouped else ''}."
    if done.neurons["balanced_accuracy_interval_low"].is_not_null().any():
        yield told["neurons"]
    if any(networks.n_models > 1 for networks in done.networks):
        yield told["networks"]


def _software(done: Done) -> Iterator[str]:
    if done.levels:
        yield f"Evidence was made at evidence={', '.join(done.levels)}."
    if done.versions:
        yield f"Versions: {', '.join(f'{package} {version}' for package, version in done.versions.items())}."
