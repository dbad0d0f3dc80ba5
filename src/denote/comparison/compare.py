"""Compare results with a baseline: settings, observers, neurons, depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from denote.comparison.compared import Compared
from denote.comparison.matching import Groups, Layers, matched_groups, matched_layers, matched_probes, read_cells
from denote.comparison.neurons import curve_rows, property_rows, share_rows
from denote.comparison.observers import observer_rows
from denote.comparison.pairing import AUTO, WAYS, Pairing, paired
from denote.comparison.scores import ProbePair
from denote.comparison.settings import SETTING, Setting, differing_settings
from denote.comparison.shown_names import shown_names
from denote.comparison.verdicts import verdict_rows
from denote.denotation.network_groups import NetworkGroup
from denote.errors import ConfigError, DataError, one_of
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
class Comparison:
    """Results compared with the first of them.

    Attributes:
        results: The baseline first.
        contrasts: One for every other result and kind of its networks.
    """

    results: tuple[Compared, ...]
    contrasts: tuple[Contrast, ...]

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


def compare(results: Sequence[Compared], pair: str = AUTO) -> Comparison:
    """Compare results with the first of them.

    Args:
        results: Two at least, of different names.
        pair: How networks are paired, one of `pairing.WAYS`.

    Raises:
        ConfigError: if ``pair`` is another word, or there are fewer than two results.
        DataError: if results have no dataset, layers, attributes or families in common.
    """
    if pair not in WAYS:
        raise ConfigError("pair", f"{pair!r} is not possible", one_of(pair, WAYS))
    if len(results) < 2:
        raise ConfigError("compare", f"{len(results)} result is given", "allowed: two or more, the baseline first")
    names = shown_names([result.name for result in results])
    baseline, *others = results = [replace(each, brief=name) for each, name in zip(results, names, strict=True)]
    contrasts = [
        _contrast(baseline, other, groups, pair) for other in others for groups in matched_groups(baseline, other)
    ]
    return Comparison(tuple(results), tuple(contrasts))


def _contrast(baseline: Compared, other: Compared, groups: Groups, way: str) -> Contrast:
    pairing, layers = paired((baseline, other), groups, way), matched_layers(*groups)
    cells = read_cells(groups[0]), read_cells(groups[1])
    probes = [ProbePair.of(cells, probe, layers.pairs, pairing) for probe in matched_probes(*cells)]
    rows = [
        *observer_rows(pairing, probes),
        *share_rows(groups, pairing, layers),
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
