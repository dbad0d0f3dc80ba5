"""What the neurons of two results denote: how many do, over depth and in all, and which properties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.comparison.columns import layer_columns, plain_sides, sides
from denote.comparison.differences import mean_intervals
from denote.comparison.family import TESTS, Family, compared
from denote.comparison.matching import Groups, Layers
from denote.comparison.pairing import Pairing
from denote.denotation.depth.by_depth import averaged_within_models
from denote.interventions.words import USED, verdict
from denote.notes import Note

NEURONS, CURVE, PROPERTY, OVERLAP = "neurons", "depth", "property", "property_overlap"
"""Scopes of the table."""
WITHIN_RESULT, ACROSS, OF_PARTNERS = "jaccard_within", "jaccard_across", "jaccard_partners"
"""How much two networks share: of one result, of one of each, and of one of each that are partners."""
EXCESS = "share_denoting - rotated_share_denoting"
SHARES = ("share_denoting", EXCESS)
CURVES = ("share_denoting", "label_proportion", "folded", "rotated_folded")
"""Quantities that are compared at every layer."""
USED_SHARE, EFFECT = "used_share", "ablation_effect"
"""Of denoting neurons that were ablated: how many are shown to be used, and the mean cost of resampling one."""
WITHIN = {EXCESS: (-1.0, 1.0), EFFECT: (-np.inf, np.inf), "folded": (0.0, 0.5), "rotated_folded": (0.0, 0.5)}
"""Between which numbers means lie; all others are shares."""
SHARE = (0.0, 1.0)
UNTESTED = ("rotated_folded",)
"""Curves that are shown beside others: random directions are no finding."""

Row = dict[str, Any]
Values = Float[np.ndarray, "network test"]


def families_in(groups: Groups) -> list[str]:
    """Return the families of attributes that the neurons of both groups were searched over."""
    ours, others = (group.tables["neurons"]["family"].drop_nulls().unique(maintain_order=True) for group in groups)
    return [family for family in ours if family in others]


def share_rows(groups: Groups, pairing: Pairing, layers: Layers) -> Iterator[Row]:
    """Return how many neurons denote in the compared layers, outputs left out; all families one family of tests.

    Args:
        groups: The networks.
        pairing: Which of them are compared, and over what.
        layers: The layers that are compared.
    """
    families = families_in(groups)
    tables = [
        _shares(group.tables["label_proportion_by_model"], names)
        for group, names in zip(groups, _hidden(layers), strict=True)
    ]
    tests = [(family, quantity) for family in families for quantity in SHARES]
    ours, others = (
        _matrix([_by_network(table, family, quantity) for family, quantity in tests], networks)
        for table, networks in zip(tables, (pairing.baseline, pairing.other), strict=True)
    )
    places = [{"family": family, "quantity": quantity} for family, quantity in tests]
    yield from _tested_rows(NEURONS, places, pairing, ours, others)


def use_rows(groups: Groups, pairing: Pairing, layers: Layers) -> Iterator[Row]:
    """Return how many denoting neurons are shown to be used, and what ablating one costs; nothing but where both were.

    Args:
        groups: The networks.
        pairing: Which of them are compared, and over what.
        layers: The layers that are compared; outputs are left out.
    """
    tables = [
        _uses(group.tables["neurons"], names) for group, names in zip(groups, _hidden(layers), strict=True)
    ]  # fmt: skip
    families = [name for name in families_in(groups) if all(name in set(table["family"]) for table in tables)]
    places = [{"family": family, "quantity": quantity} for family in families for quantity in (USED_SHARE, EFFECT)]
    if not places:
        return
    ours, others = (
        _matrix([_by_network(table, place["family"], place["quantity"]) for place in places], networks)
        for table, networks in zip(tables, (pairing.baseline, pairing.other), strict=True)
    )
    yield from _tested_rows(NEURONS, places, pairing, ours, others)


def _uses(neurons: pl.DataFrame, layers: Sequence[str]) -> pl.DataFrame:
    """Return by network and family what ablation showed of the neurons that denote in some layers."""
    tested = neurons.filter("denotes", pl.col("layer").is_in(list(layers)), verdict().is_not_null())
    return tested.group_by("object_model", "family").agg(
        (verdict() == USED).mean().alias(USED_SHARE), pl.col("ablation_effect").mean().alias(EFFECT)
    )


def _hidden(layers: Layers) -> tuple[list[str], list[str]]:
    """Return the names of the compared layers in both results, outputs left out where there are others."""
    hidden = [pair for pair in layers.pairs if not pair.is_head] or list(layers.pairs)
    return [pair.baseline for pair in hidden], [pair.other for pair in hidden]


def _shares(by_model: pl.DataFrame, layers: Sequence[str]) -> pl.DataFrame:
    """Return by network and family the share of live neurons that denote, and how much more than random directions."""
    live = pl.col("n_live")
    rows = by_model.filter(pl.col("layer").is_in(list(layers)), live > 0)
    return rows.group_by("object_model", "family").agg(
        (pl.col("n_denoting").sum() / live.sum()).alias("share_denoting"),
        pl.when(pl.col("rotated_share_denoting").is_not_null().all())
        .then((pl.col("n_denoting").sum() - (pl.col("rotated_share_denoting") * live).sum()) / live.sum())
        .alias(EXCESS),
    )


def _by_network(table: pl.DataFrame, family: str, quantity: str) -> dict[str, float | None]:
    return dict(table.filter(pl.col("family") == family).select("object_model", quantity).iter_rows())


def _matrix(columns: Sequence[dict[str, float | None]], networks: Sequence[str]) -> Values:
    """Put numbers by network into columns; nan where a network has none."""
    values = [[column.get(network) for column in columns] for network in networks]
    return np.array(values, dtype=float).reshape(len(networks), len(columns))


def _tested_rows(
    scope: str, places: Sequence[Row], pairing: Pairing, ours: Values, others: Values, untested: Sequence[int] = ()
) -> Iterator[Row]:
    """Return a row for every number, corrected together; over test rows nothing is known of neurons at large.

    Args:
        scope: Of the rows.
        places: Columns that say what each number is.
        pairing: Which networks are compared.
        ours: Numbers of the baseline's networks.
        others: Those of the other networks.
        untested: Places of numbers that are only shown.
    """
    if pairing.unit not in TESTS:
        for place, columns in enumerate(places):
            shown = plain_sides(ours[:, place], others[:, place])
            yield {"scope": scope, **columns, **shown, "note": Note.of("too_few_networks_compared")}
        return
    low, high = (np.array([WITHIN.get(columns["quantity"], SHARE)[end] for columns in places]) for end in (0, 1))
    family = Family.of(compared(pairing, ours, others, high - low), TESTS[pairing.unit], untested)
    means = [mean_intervals(side, (low, high)) for side in (ours, others)]
    for place, columns in enumerate(places):
        note = Note.of("shown_not_compared") if place in untested else family.why_untested(place)
        yield {"scope": scope, **columns, **sides(means, place), **family.columns(place), "note": note}


def curve_rows(groups: Groups, pairing: Pairing, layers: Layers) -> Iterator[Row]:
    """Return what neurons denote at every pair of layers, side by side; every family of attributes one of tests.

    Args:
        groups: The networks.
        pairing: Which of them are compared, and over what.
        layers: The layers that are compared. Outputs are shown and not tested.
    """
    tables = [averaged_within_models(group.tables["label_proportion_by_model"]) for group in groups]
    for family in families_in(groups):
        tests = [(pair, quantity) for pair in layers.pairs for quantity in CURVES]
        ours, others = (
            _matrix([_at_layer(table, family, name(pair), quantity) for pair, quantity in tests], networks)
            for table, networks, name in zip(
                tables,
                (pairing.baseline, pairing.other),
                (lambda pair: pair.baseline, lambda pair: pair.other),
                strict=True,
            )
        )
        places = [{"family": family, "quantity": quantity, **layer_columns(pair)} for pair, quantity in tests]
        shown = [at for at, (pair, quantity) in enumerate(tests) if pair.is_head or quantity in UNTESTED]
        yield from _tested_rows(CURVE, places, pairing, ours, others, shown)


def _at_layer(table: pl.DataFrame, family: str, layer: str, quantity: str) -> dict[str, float | None]:
    rows = table.filter(pl.col("family") == family, pl.col("layer") == layer)
    return dict(rows.select("object_model", quantity).iter_rows())


def property_rows(groups: Groups, pairing: Pairing, layers: Layers) -> Iterator[Row]:
    """Return in how many networks each property is denoted, and how many properties two networks share.

    A property and its complement count as one, at whatever of the compared hidden layers. How many networks of one
    result share stands beside how many a network of each shares: seeds differ, too. What partners share, such as one
    network before and after fine-tuning, is a number of its own.

    Args:
        groups: The networks.
        pairing: Which of them are compared.
        layers: The layers that are compared.
    """
    denoted = [
        group.tables["properties"].filter(pl.col("layer").is_in(names))
        for group, names in zip(groups, _hidden(layers), strict=True)
    ]
    networks = pairing.baseline, pairing.other
    for family in families_in(groups):
        held = [
            _held(frame.filter(pl.col("family") == family), keys) for frame, keys in zip(denoted, networks, strict=True)
        ]
        yield from _overlap(family, held, pairing)
        for name in sorted(set[str]().union(*held[0].values(), *held[1].values())):
            counts = [sum(name in properties for properties in side.values()) for side in held]
            shares = [count / len(side) for count, side in zip(counts, held, strict=True)]
            yield {
                "scope": PROPERTY, "quantity": "share_of_networks", "family": family, "name": name,
                "baseline_value": shares[0], "other_value": shares[1], "difference": shares[1] - shares[0],
            }  # fmt: skip


def _held(rows: pl.DataFrame, networks: Sequence[str]) -> dict[str, set[str]]:
    """Return by network the properties that its neurons denote."""
    held = dict(rows.group_by("object_model").agg("property").iter_rows())
    return {network: set(held.get(network, ())) for network in networks}


def _overlap(family: str, held: Sequence[dict[str, set[str]]], pairing: Pairing) -> Iterator[Row]:
    """Return the mean Jaccard index of two networks: of one result, of one of each, and of partners.

    Two networks of one result are no partners, and so are those of one of each: what seeds change is in both.
    """
    inside = [_mean_jaccard(list(combinations(side.values(), 2))) for side in held]
    ours, others = (list(enumerate(side.values())) for side in held)
    both = [(at == other, (one, two)) for (at, one), (other, two) in product(ours, others)]
    across = _mean_jaccard([sets for same, sets in both if not (same and pairing.has_partners)])
    found = {WITHIN_RESULT: inside, ACROSS: [across, across]}
    if pairing.has_partners:
        partners = _mean_jaccard([sets for same, sets in both if same])
        found[OF_PARTNERS] = [partners, partners]
    for quantity, value in found.items():
        yield {
            "scope": OVERLAP, "quantity": quantity, "family": family,
            "baseline_value": value[0], "other_value": value[1],
            "note": None if None not in value else Note.of("no_property_shared"),
        }  # fmt: skip


def _mean_jaccard(pairs: Sequence[tuple[set[str], set[str]]]) -> float | None:
    known = [len(one & other) / len(one | other) for one, other in pairs if one | other]
    return float(np.mean(known)) if known else None
