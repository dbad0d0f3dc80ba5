"""How well observers read attributes in two results: means over layers, at layers, and the cells behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from denote.comparison.columns import layer_columns, plain_sides, sides
from denote.comparison.differences import Differences, mean_intervals, mean_over_rows, over_rows
from denote.comparison.family import OVER_ROWS, TESTS, Family, compared
from denote.comparison.pairing import Pairing
from denote.comparison.scores import ProbePair, ReadScores, Scores
from denote.notes import Note
from denote.numbers import Estimate

OVERALL, HEADLINE, CELL = "overall", "headline", "cell"
"""Scopes of the table: means over attributes and layers, over attributes, and single scores. Each is a family of tests
of its own; the first is chosen by nothing in the data."""

Row = dict[str, Any]
Means = Float[np.ndarray, "network layer"]


def observer_rows(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the mean over layers, the headline, then the cells, as rows of ``tables.COMPARISON``.

    Args:
        pairing: Which networks are compared, and over what.
        pairs: One for every probe.
    """
    pairs = [pair for pair in pairs if pair.layers and pair.attributes]
    if pairs:
        yield from _overall(pairing, pairs)
        yield from _headline(pairing, pairs)
        yield from _cells(pairing, pairs)


def _overall(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the mean difference over layers of the means over attributes; of all probes one family of tests."""
    ours, others = (
        np.stack([_over_layers(pair, getattr(pair, side)) for pair in pairs], axis=1) for side in ("baseline", "other")
    )
    family = _family(pairing, ours, others, [_overall_over_rows(pair) for pair in pairs])
    means = mean_intervals(ours), mean_intervals(others)
    for place, pair in enumerate(pairs):
        kept = pair.complete
        yield {
            "scope": OVERALL, "quantity": "auroc", "probe": _probe(pair), **sides(means, place),
            **family.columns(place), "n_attributes": int(kept.any(axis=0).sum()),
            "n_layers": int(pair.compared_layers.sum()), "note": _why_none(family, place, is_known=bool(kept.any())),
        }  # fmt: skip


def _headline(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the mean difference over attributes at every layer, of all probes one family of tests."""
    ours, others = (
        np.concatenate([pair.means(getattr(pair, side)) for pair in pairs], axis=1) for side in ("baseline", "other")
    )
    family = _family(pairing, ours, others, [over_rows(*_estimates(pair)) for pair in pairs])
    means = mean_intervals(ours), mean_intervals(others)
    places = [(pair, at) for pair in pairs for at in range(len(pair.layers))]
    for place, (pair, at) in enumerate(places):
        number = int(pair.complete[at].sum())
        yield {
            "scope": HEADLINE, "quantity": "auroc", **_place(pair, at), "n_attributes": number,
            **sides(means, place), **family.columns(place), "note": _why_none(family, place, is_known=number > 0),
        }  # fmt: skip


def _family(pairing: Pairing, ours: Means, others: Means, by_rows: Sequence[Differences]) -> Family:
    """Test means of networks over networks where these are enough, else over test rows."""
    if pairing.unit in TESTS:
        return Family.of_means(pairing, ours, others)
    return Family.of(Differences.joined(by_rows), OVER_ROWS)


def _why_none(family: Family, place: int, *, is_known: bool) -> Note | None:
    return family.why_untested(place) if is_known else Note.of("no_attribute_in_all")


def _over_layers(pair: ProbePair, side: ReadScores) -> Float[np.ndarray, " network"]:
    """Return the mean over layers of the means over attributes, each layer counting as much as any other."""
    kept = pair.compared_layers
    means = pair.means(side)
    return np.asarray(means[:, kept].mean(axis=1)) if kept.any() else np.full(len(means), np.nan)


def _estimates(pair: ProbePair) -> tuple[Estimate[Means], Estimate[Means]]:
    """Return the scores of both results with their intervals over test rows, a column for each layer."""
    ours, others = (
        Estimate(*(side.flat(name, pair.complete) for name in ("score", "low", "high")))
        for side in (pair.baseline, pair.other)
    )
    return ours, others


def _overall_over_rows(pair: ProbePair) -> Differences:
    """Compare the means over layers by the intervals of scores over test rows, which all layers share."""
    at_layers = (mean_over_rows(side) for side in _estimates(pair))
    return over_rows(*(Estimate(*(end[:, None] for end in (each.value, each.low, each.high))) for each in at_layers))


def _cells(pairing: Pairing, pairs: Sequence[ProbePair]) -> Iterator[Row]:
    """Return the difference of every cell, of all probes one family of tests, and how often it is decisive."""
    found = Differences.joined([_of_cells(pairing, pair) for pair in pairs])
    family, start = Family.of(found, TESTS.get(pairing.unit, OVER_ROWS)), 0
    for pair in pairs:
        means = [mean_intervals(_flat(side.score)) for side in (pair.baseline, pair.other)]
        for at, (layer, attribute) in enumerate(np.ndindex(len(pair.layers), len(pair.attributes))):
            which = _place(pair, layer) | {"name": pair.attributes[attribute], "family": pair.families[attribute]}
            yield {
                "scope": CELL, "quantity": "auroc", **which, **sides(means, at), **family.columns(start + at),
                "note": family.why_untested(start + at),
            }  # fmt: skip
            decisive = (side.decisive[:, layer, attribute] for side in (pair.baseline, pair.other))
            yield {"scope": CELL, "quantity": "decisive_share", **which, **plain_sides(*decisive)}
        start += len(pair.layers) * len(pair.attributes)


def _of_cells(pairing: Pairing, pair: ProbePair) -> Differences:
    both = pair.baseline, pair.other
    if pairing.unit in TESTS:
        return compared(pairing, *(_flat(side.score) for side in both))
    return over_rows(*(Estimate(_flat(side.score), _flat(side.low), _flat(side.high)) for side in both))


def _flat(values: Scores) -> Float[np.ndarray, "network test"]:
    """Return scores with a column for every layer and attribute."""
    return values.reshape(len(values), -1)


def _probe(pair: ProbePair) -> str:
    baseline, other = pair.probe
    return baseline if baseline == other else f"{baseline} / {other}"


def _place(pair: ProbePair, at: int) -> Row:
    return {"probe": _probe(pair), **layer_columns(pair.layers[at])}
