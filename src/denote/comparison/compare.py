"""Compare results with a baseline: settings, observers, neurons, depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from denote.comparison.compared import Compared
from denote.comparison.matching import Groups, Layers, matched_groups, matched_layers, matched_probes, read_cells
from denote.comparison.neurons import curve_rows, property_rows, share_rows, use_rows
from denote.comparison.observers import observer_rows
from denote.comparison.pairing import AUTO, WAYS, Pairing, paired
from denote.comparison.scores import ProbePair
from denote.comparison.settings import SETTING, Setting, differing_settings
from denote.comparison.shown_names import shown_names
from denote.comparison.verdicts import verdict_rows
from denote.denotation.network_groups import NetworkGroup
from denote.errors import ConfigError, DataError, DenoteError, one_of
from denote.tables import COMPARISON, table

Row = dict[str, Any]


@dataclass(frozen=True)
class Contrast:
    """Networks of one kind in another result, compared with those of the baseline.

    Attributes:
        baseline: The result that is compared with.
        other: The result that is compared.
        groups: The networks of both.
        pairing: Which of them are compared, and over what.
        layers: The layers that are compared.
        settings: Those that differ between the results.
        table: Columns of ``tables.COMPARISON``.
    """

    baseline: Compared
    other: Compared
    groups: Groups
    pairing: Pairing
    layers: Layers
    settings: tuple[Setting, ...]
    table: pl.DataFrame

    def rows(self, scope: str, quantity: str | None = None) -> pl.DataFrame:
        """Return the rows of one scope, and of one quantity where it is named."""
        wanted = pl.col("scope") == scope
        return self.table.filter(wanted if quantity is None else wanted & (pl.col("quantity") == quantity))


@dataclass(frozen=True)
class LeftOut:
    """A result, or networks of one, that could not be compared while others could.

    Attributes:
        name: What it is called.
        reason: Why, in one line.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Results compared with the first of them.

    Attributes:
        results: The baseline first.
        contrasts: One for every other result and kind of its networks.
        left_out: What could not be compared.
    """

    results: tuple[Compared, ...]
    contrasts: tuple[Contrast, ...]
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def table(self) -> pl.DataFrame:
        """Columns of ``tables.COMPARISON``: the settings of every other result, then the rows of its contrasts."""
        settings = {contrast.other.name: contrast.settings for contrast in self.contrasts}
        rows = [row for name, found in settings.items() for row in self._settings(name, found)]
        return pl.concat([table(rows, COMPARISON), *(contrast.table for contrast in self.contrasts)])

    def _settings(self, other: str, found: Sequence[Setting]) -> Iterator[Row]:
        for each in found:
            yield {
                "baseline": self.results[0].name, "other": other, "scope": SETTING, "name": each.key, "differs": True,
                "baseline_text": each.baseline, "other_text": each.other,
            }  # fmt: skip


def compare(results: Sequence[Compared], pair: str = AUTO, left_out: Sequence[LeftOut] = ()) -> Comparison:
    """Compare results with the first of them, and go on with the others where one cannot be compared.

    Args:
        results: Two at least, of different names.
        pair: How networks are paired, one of `pairing.WAYS`.
        left_out: Results that could not be read.

    Raises:
        ConfigError: if ``pair`` is another word or cannot be done, or there are fewer than two results.
        DataError: if no result has a dataset, layers and attributes or families in common with the baseline.
    """
    if pair not in WAYS:
        raise ConfigError("pair", f"{pair!r} is not possible", one_of(pair, WAYS))
    if len(results) < 2:
        raise ConfigError("compare", f"{len(results)} result is given", "allowed: two or more, the baseline first")
    names = shown_names([result.name for result in results])
    baseline, *others = results = [replace(each, brief=name) for each, name in zip(results, names, strict=True)]
    contrasts, unfit, first = list[Contrast](), list(left_out), None
    for other in others:
        found, mistakes = _contrasts(baseline, other, pair)
        contrasts += found
        unfit += [LeftOut(name, str(mistake)) for name, mistake in mistakes]
        first = first or next((mistake for _, mistake in mistakes), None)
    if not contrasts and first is not None:
        raise first
    kept = {contrast.other.name for contrast in contrasts}
    return Comparison((baseline, *(each for each in others if each.name in kept)), tuple(contrasts), tuple(unfit))


Unfit = list[tuple[str, DenoteError]]
"""Names of what cannot be compared, and why."""


def _contrasts(baseline: Compared, other: Compared, way: str) -> tuple[list[Contrast], Unfit]:
    """Return the contrasts of a result with the baseline, and what of it cannot be compared."""
    try:
        matched = matched_groups(baseline, other)
    except DataError as error:
        return [], [(other.shown, error)]
    found, unfit = list[Contrast](), Unfit()
    for groups in matched:
        try:
            found.append(_contrast(baseline, other, groups, way))
        except (ConfigError, DataError) as error:
            which = f" ({named(groups[1])} on {groups[1].dataset})" if len(matched) > 1 else ""
            unfit.append((f"{other.shown}{which}", error))
    return found, unfit


def _contrast(baseline: Compared, other: Compared, groups: Groups, way: str) -> Contrast:
    pairing, layers = paired((baseline, other), groups, way), matched_layers(*groups)
    cells = read_cells(groups[0]), read_cells(groups[1])
    probes = [ProbePair.of(cells, probe, layers.pairs, pairing) for probe in matched_probes(*cells)]
    rows = [
        *observer_rows(pairing, probes),
        *share_rows(groups, pairing, layers),
        *use_rows(groups, pairing, layers),
        *curve_rows(groups, pairing, layers),
        *property_rows(groups, pairing, layers),
        *verdict_rows((baseline, other), groups),
    ]
    if not layers.pairs or not rows:
        _refuse(baseline, other, layers)
    shared = {
        "baseline": baseline.name, "other": other.name, "dataset": groups[0].dataset, "unit": pairing.unit,
        "baseline_networks": named(groups[0]), "other_networks": named(groups[1]),
        "n_baseline": pairing.numbers[0], "n_other": pairing.numbers[1],
    }  # fmt: skip
    found = table(({**shared, **row} for row in rows), COMPARISON)
    settings = tuple(differing_settings(baseline, other))
    return Contrast(baseline, other, groups, pairing, layers, settings, found)


def named(group: NetworkGroup) -> str:
    """``mlp-6x64-relu``, with the epoch where one was chosen."""
    if not group.trained:
        return f"untrained {group.architecture}"
    return group.architecture if group.epoch is None else f"{group.architecture} epoch {group.epoch}"


def _refuse(baseline: Compared, other: Compared, layers: Layers) -> None:
    """Say that two results have nothing in common.

    Raises:
        DataError: always.
    """
    where = f"{baseline.shown} and {other.shown}"
    if not layers.pairs:
        raise DataError(where, "have no layers in common, nor such of nearly the same relative depth")
    asked = [", ".join(side.attributes[:5]) or "no attributes" for side in (baseline, other)]
    problem = "have no attributes in common, nor neurons that were searched over the same ones"
    raise DataError(where, problem, f"{baseline.shown} has {asked[0]}; {other.shown} has {asked[1]}")
