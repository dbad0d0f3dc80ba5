"""How well observers read attributes in two results: means over attributes at layers, and the cells behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.comparison.differences import (
    Differences,
    PerTest,
    mean_intervals,
    over_networks,
    over_pairs,
    over_rows,
    pair_differences,
)
from denote.comparison.matching import LayerPair, Probe
from denote.comparison.pairing import NETWORKS, PAIRS, Pairing
from denote.comparison.sign_flips import LEAST_PAIRS, sign_flip_p_values
from denote.evidence.corrections import benjamini_hochberg
from denote.notes import Note
from denote.numbers import Estimate

LEVEL = 0.05
"""Corrected p-value up to which a difference is called one."""
HEADLINE, CELL = "headline", "cell"
"""Scopes of the table: means over attributes, and single ones. Each is a family of tests of its own."""
TESTS = {PAIRS: "paired t", NETWORKS: "Welch's t"}
SIGN_FLIPS, OVER_ROWS = "sign flips", "interval over rows"
STEP_DOWN, FALSE_DISCOVERY = "largest of all (Westfall and Young)", "Benjamini and Hochberg"

Row = dict[str, Any]
Scores = Float[np.ndarray, "network layer attribute"]


@dataclass(frozen=True)
class ReadScores:
    """AUROC of one probe in the networks of a group.

    Attributes:
        score: nan where a cell has none. Means over poolings and seeds of the observer.
        low: Lower end of its interval over test rows.
        high: Upper end.
        decisive: 1 where the cell is decisive.
    """

    score: Scores
    low: Scores
    high: Scores
    decisive: Scores

    @classmethod
    def of(
        cls, cells: pl.DataFrame, networks: Sequence[str], layers: Sequence[str], attributes: Sequence[str]
    ) -> ReadScores:
        """Read the scores off cells of one probe.

        Args:
            cells: Columns of ``tables.CELLS``.
            networks: Keys of the networks, in the order of the result.
            layers: Names of the layers, likewise.
            attributes: Names of the attributes, likewise.
        """
        columns = ("auroc", "auroc_low", "auroc_high", "decisive")
        at = [{name: place for place, name in enumerate(names)} for names in (networks, layers, attributes)]
        values = np.full((len(columns), len(networks), len(layers), len(attributes)), np.nan)
        means = cells.group_by("object_model", "layer", "attribute").agg(pl.col(columns).cast(pl.Float64).mean())
        for network, layer, attribute, *numbers in means.iter_rows():
            if network in at[0] and layer in at[1] and attribute in at[2]:
                place = at[0][network], at[1][layer], at[2][attribute]
                values[(slice(None), *place)] = [np.nan if number is None else number for number in numbers]
        return cls(*values)

    def flat(self, name: str, kept: Any = True) -> Float[np.ndarray, "score test"]:
        """Return one of its numbers with a column for each layer, and a row for each score there that is kept."""
        values = np.where(kept, getattr(self, name), np.nan)
        return np.moveaxis(values, 1, 2).reshape(-1, values.shape[1])


@dataclass(frozen=True)
class ProbePair:
    """The scores of a probe in both results, at layers and of attributes that both have.

    Attributes:
        probe: Its kinds in the baseline and in the other result.
        layers: The layers.
        attributes: Names of the attributes.
        families: Their families.
        baseline: Scores of the baseline's networks.
        other: Those of the other networks.
    """

    probe: Probe
    layers: tuple[LayerPair, ...]
    attributes: tuple[str, ...]
    families: tuple[str, ...]
    baseline: ReadScores
    other: ReadScores

    @classmethod
    def of(
        cls, cells: tuple[pl.DataFrame, pl.DataFrame], probe: Probe, layers: Sequence[LayerPair], pairing: Pairing
    ) -> ProbePair:
        """Read the scores of a probe off the cells of both results."""
        ours, others = (frame.filter(pl.col("probe") == kind) for frame, kind in zip(cells, probe, strict=True))
        known = ours.group_by("attribute", maintain_order=True).agg(pl.col("family").first())
        common = known.join(others.select("attribute").unique(), on="attribute", how="semi", maintain_order="left")
        names = common["attribute"].to_list()
        # A layer that was observed only for what neurons denote has no cells.
        read = [pair for pair in layers if pair.baseline in ours["layer"] and pair.other in others["layer"]]
        return cls(
            probe,
            tuple(read),
            tuple(names),
            tuple(common["family"]),
            ReadScores.of(ours, pairing.baseline, [pair.baseline for pair in read], names),
            ReadScores.of(others, pairing.other, [pair.other for pair in read], names),
        )

    @property
    def complete(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """``layer x attribute``: whether all networks of both results have a score."""
        return np.asarray(np.isfinite(self.baseline.score).all(axis=0) & np.isfinite(self.other.score).all(axis=0))

    def means(self, side: ReadScores) -> Float[np.ndarray, "network layer"]:
        """Means over the attributes that all networks have a score of."""
        kept = self.complete
        total = np.where(kept, side.score, 0.0).sum(axis=2)
        return np.where(kept.any(axis=1), total / np.maximum(kept.sum(axis=1), 1), np.nan)


def compared(
    pairing: Pairing,
    baseline: Float[np.ndarray, "network test"],
    other: Float[np.ndarray, "network test"],
) -> Differences:
    """Compare networks, or pairs of them, by what the pairing allows.

    Args:
        pairing: With networks as its unit, paired or not.
        baseline: Numbers of its networks.
        other: Those of the other networks.
    """
    return (over_pairs if pairing.unit == PAIRS else over_networks)(baseline, other)


def observer_rows(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the headline, then the cells, as rows of ``tables.COMPARISON``.

    Args:
        pairing: Which networks are compared, and over what.
        pairs: One for every probe.
    """
    pairs = [pair for pair in pairs if pair.layers and pair.attributes]
    if pairs:
        yield from _headline(pairing, pairs)
        yield from _cells(pairing, pairs)


def _headline(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the mean difference over attributes at every layer, of all probes one family of tests."""
    baseline, other = (
        np.concatenate([pair.means(getattr(pair, side)) for pair in pairs], axis=1) for side in ("baseline", "other")
    )
    numbers = [_number(pair, at) for pair in pairs for at in range(len(pair.layers))]
    if pairing.unit in TESTS:
        found, test = compared(pairing, baseline, other), TESTS[pairing.unit]
    else:
        found, test = _over_rows(pairs), OVER_ROWS
    p, correction = found.p_value, FALSE_DISCOVERY
    if pairing.unit == PAIRS and pairing.numbers[0] >= LEAST_PAIRS:
        p, corrected = sign_flip_p_values(pair_differences(baseline, other))
        test, correction = SIGN_FLIPS, STEP_DOWN
    else:
        corrected = benjamini_hochberg(p)
    places = [(pair, at) for pair in pairs for at in range(len(pair.layers))]
    means = mean_intervals(baseline), mean_intervals(other)
    for place, (pair, at) in enumerate(places):
        none = None if numbers[place] else Note.of("no_attribute_in_all")
        yield {
            "scope": HEADLINE, "quantity": "auroc", **_place(pair, at), "n_attributes": numbers[place],
            **sides(means, place), **difference(found, place),
            **tested(p[place], corrected[place], test, correction, int(np.isfinite(p).sum())),
            "note": none or why_untested(p[place], found.value[place]),
        }  # fmt: skip


def _number(pair: ProbePair, at: int) -> int:
    return int(pair.complete[at].sum())


def _over_rows(pairs: Sequence[ProbePair]) -> Differences:
    """Compare the means over attributes by the intervals of their scores over test rows."""
    parts = []
    for pair in pairs:
        sides = [
            Estimate(*(side.flat(name, pair.complete) for name in ("score", "low", "high")))
            for side in (pair.baseline, pair.other)
        ]
        parts.append(over_rows(*sides))
    return Differences(*(np.concatenate([getattr(part, name) for part in parts])
                         for name in ("value", "low", "high", "p_value")))  # fmt: skip


def _cells(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the difference of every cell, of all probes one family of tests, and how often it is decisive."""
    found = [_of_cells(pairing, pair) for pair in pairs]
    every = np.concatenate([each.p_value for each in found])
    corrected, n_tests = benjamini_hochberg(every), int(np.isfinite(every).sum())
    test, start = TESTS.get(pairing.unit, OVER_ROWS), 0
    for pair, each in zip(pairs, found, strict=True):
        means = [mean_intervals(_flat(side.score)) for side in (pair.baseline, pair.other)]
        for place, (at, attribute) in enumerate(np.ndindex(len(pair.layers), len(pair.attributes))):
            which = _place(pair, at) | {"name": pair.attributes[attribute], "family": pair.families[attribute]}
            column = (slice(None), at, attribute)
            p = each.p_value[place]
            yield {
                "scope": CELL, "quantity": "auroc", **which,
                **sides(means, place), **difference(each, place),
                **tested(p, corrected[start + place], test, FALSE_DISCOVERY, n_tests),
                "note": why_untested(p, each.value[place]),
            }  # fmt: skip
            decisive = pair.baseline.decisive[column], pair.other.decisive[column]
            yield {"scope": CELL, "quantity": "decisive_share", **which, **plain_sides(*decisive)}
        start += len(each.p_value)


def _of_cells(pairing: Pairing, pair: ProbePair) -> Differences:
    both = pair.baseline, pair.other
    if pairing.unit in TESTS:
        return compared(pairing, *(_flat(side.score) for side in both))
    return over_rows(*(Estimate(_flat(side.score), _flat(side.low), _flat(side.high)) for side in both))


def _flat(values: Scores) -> Float[np.ndarray, "network test"]:
    """Return scores with a column for every layer and attribute."""
    return values.reshape(len(values), -1)


def _place(pair: ProbePair, at: int) -> Row:
    baseline, other = pair.probe
    return {"probe": baseline if baseline == other else f"{baseline} / {other}", **layer_columns(pair.layers[at])}


def layer_columns(layer: LayerPair) -> Row:
    """Return the columns that say which layers a row is about."""
    return {
        "layer": layer.baseline, "other_layer": layer.other, "relative_depth": layer.depth,
        "other_relative_depth": layer.other_depth, "is_head": layer.is_head,
    }  # fmt: skip


def sides(means: Sequence[Estimate[PerTest]], place: int) -> Row:
    """Return the means of both results with their t-intervals over networks.

    Args:
        means: Of all tests, those of the baseline first.
        place: Of the test.
    """
    ours, others = (Estimate(*(float(end[place]) for end in (each.value, each.low, each.high))) for each in means)
    return ours.columns("baseline_value", "baseline") | others.columns("other_value", "other")


def plain_sides(baseline: Float[np.ndarray, " network"], other: Float[np.ndarray, " network"]) -> Row:
    """Return the means of both results and their difference, which nothing is tested of."""
    means = [float(np.mean(side[np.isfinite(side)])) if np.isfinite(side).any() else None for side in (baseline, other)]
    change = None if means[0] is None or means[1] is None else means[1] - means[0]
    return {"baseline_value": means[0], "other_value": means[1], "difference": change}


def difference(found: Differences, place: int) -> Row:
    """Return a difference with its interval."""
    return Estimate(*(float(getattr(found, name)[place]) for name in ("value", "low", "high"))).columns("difference")


def tested(p: float, corrected: float, test: str, correction: str, n_tests: int) -> Row:
    """Return the columns of a test; without a p-value only that there was none."""
    if not np.isfinite(p):
        return {"differs": None}
    return {
        "p_value": float(p), "p_corrected": float(corrected), "differs": bool(corrected <= LEVEL), "test": test,
        "correction": correction, "n_tests": n_tests,
    }  # fmt: skip


def why_untested(p: float, value: float) -> Note | None:
    """Say why a difference has no p-value."""
    if np.isfinite(p):
        return None
    return Note.of("too_few_with_score") if not np.isfinite(value) else Note.of("no_spread")
