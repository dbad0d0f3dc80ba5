"""Label proportion over depth: the plain sentence first, what it is made of, then the verdict or what it needs."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from denote.denotation.depth import plan
from denote.numbers import Estimate, count, interval, proportion, signed_interval, small
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean, family_words, listed
from denote.reporting.sheet import Row

ENOUGH = f"{plan.LEAST_MODELS} or more of one architecture would"
PARTS = {
    plan.POLARITY: "from how often neurons are on at all (polarity)",
    plan.ANY_BASIS: "shared by random directions",
    plan.OWN: "the neurons' own",
}
MEANING = {
    plan.BEYOND_BASIS: "yes: it depends on depth beyond polarity and what random directions show",
    plan.ANY_BASIS_SHOWS: "only as random directions do: it depends on depth through the distribution that any basis "
    "shows",
    plan.POLARITY_ONLY: "only through polarity, how often neurons are on at all; min(p, 1 - p) does not show it",
    plan.NOT_SHOWN: "not shown",
}
"""Verdicts in words that say no more than they do."""


def depth_versions(networks: Networks) -> list[list[str]]:
    """Return the block's lines, from the fullest to the shortest; nothing where no neuron was searched.

    Args:
        networks: Whose label proportions.
    """
    if networks.searched.is_empty():
        return []
    if not networks.trained:
        return [["Untrained networks say nothing of what training makes of depth."]]
    family = main_curve(networks)
    if family is None:
        why = f"too few neurons denote at any hidden layer ({plan.GAP} per network)"
        return [[f"No label proportion by depth: {why}. {needs(networks) or ''}".strip()]]
    plain, made, end = course(networks, family), made_of(networks, family), verdict(networks, family)
    return [[f"{plain}{_others(networks, family)}", *made, end], [plain, end], [plain]]


def _described(networks: Networks) -> pl.DataFrame:
    return networks.tables["depth_description"].filter(pl.col("layer").is_not_null())


def main_curve(networks: Networks) -> str | None:
    """Return the family that is told about: the planned one, else that with the most layers; None where none has any.

    Where several have as many layers, the one with the most denoting neurons.
    """
    described = _described(networks)
    if described.is_empty():
        return None
    planned = networks.tables["depth_verdicts"].filter("planned")["family"].to_list()
    neurons = networks.searched.group_by("family").agg(denoting=pl.col("denotes").sum())
    rows = described.group_by("family", maintain_order=True).len().join(neurons, on="family", how="left")
    rows = rows.with_columns(planned=pl.col("family").is_in(planned))
    return str(rows.sort("planned", "len", "denoting", descending=True, maintain_order=True)["family"][0])


def course(networks: Networks, family: str) -> str:
    """Say the mean label proportion at the first, middle and last compared layer, never chosen by the data."""
    rows = _described(networks).filter(pl.col("family") == family).rows(named=True)
    raw = all(row["sign_identified"] for row in rows)
    column, bounds = ("label_proportion_mean", "label_proportion") if raw else ("folded_mean", "folded")
    places = [f"{interval(Estimate.of(row, column, bounds=bounds))} at {clean(row['layer'])}" for row in rows]
    what = "Mean label proportion" if raw else "Mean of min(p, 1 - p), p the label proportion (the sign is arbitrary),"
    with_value = sorted({row["n_models_with_value"] for row in rows})
    n_models = rows[0]["n_models"]
    of = "" if with_value == [n_models] else f"{'-'.join(map(str, with_value))} of "
    return f"{what} of what neurons denote: {listed(places)} ({of}{count(n_models, 'network')})."


def _others(networks: Networks, family: str) -> str:
    """The other families that have a label proportion by depth."""
    others = [each for each in _described(networks)["family"].unique(maintain_order=True) if each != family]
    return f" Others are in the report: {listed([family_words(each) for each in others])}." if others else ""


def made_of(networks: Networks, family: str) -> list[str]:
    """Say what the change from first to last layer is made of; nothing where that cannot be told."""
    parts = networks.tables["depth_parts"].filter(pl.col("family") == family, pl.col("shape") == plan.CHANGE)
    rows = {row["part"]: row for row in parts.iter_rows(named=True)}
    if plan.RAW not in rows:
        return []
    raw = rows[plan.RAW]
    said = [f"{signed_interval(Estimate.of(rows[part], 'value'))} {words}" for part, words in PARTS.items()]
    return [
        f"Change from {clean(raw['first_layer'])} to {clean(raw['last_layer'])}: "
        f"{signed_interval(Estimate.of(raw, 'value'))} = {', '.join(said)}."
    ]


def needs(networks: Networks) -> str | None:
    """Say how many networks a verdict needs; None where there are enough."""
    n_models = networks.n_models
    if n_models >= plan.LEAST_MODELS:
        return None
    which = "One network cannot" if n_models == 1 else f"{n_models} networks cannot"
    return f"{which} answer whether it depends on depth; {ENOUGH}."


def verdict(networks: Networks, family: str) -> str:
    """Say the verdict with its test, or what it needs."""
    rows = networks.tables["depth_verdicts"].filter(pl.col("family") == family)
    known = [row for row in rows.iter_rows(named=True) if row["verdict"] != plan.TOO_FEW]
    if not known:
        return needs(networks) or "No verdict: fewer than 3 layers could be compared."
    row = known[0]
    return f"Does it depend on depth? {in_words(row['verdict'])} ({_tested(row)})."


def in_words(said: str) -> str:
    """Return a verdict in words; one that holds a number stays as it is."""
    return next((words for verdict, words in MEANING.items() if said == verdict), said)


def _tested(row: Row) -> str:
    p = "" if row["p_value"] is None else f"p = {small(row['p_value'])} beyond polarity and random directions, "
    return f"{p}{count(row['n_models'], 'network')}, {'planned' if row['planned'] else 'exploratory'}"


def depth_number(networks: Networks) -> Number | None:
    """Return the change of label proportion from first to last layer, or what is missing for it."""
    if networks.searched.is_empty() or not networks.trained:
        return None
    family = main_curve(networks)
    parts = networks.tables["depth_parts"].filter(
        pl.col("family").eq_missing(pl.lit(family, pl.String)),
        pl.col("shape") == plan.CHANGE,
        pl.col("part") == plan.RAW,
    )
    label = "label proportion over depth"
    if parts.is_empty():
        few = networks.n_models < plan.LEAST_MODELS
        return Number(label, "-", f"needs {plan.LEAST_MODELS} networks" if few else "too few neurons denote")
    row = parts.row(0, named=True)
    missing = f"; {plan.LEAST_MODELS} networks needed" if networks.n_models < plan.LEAST_MODELS else ""
    return Number(label, _signed(row["value"]), f"[{_signed(row['value_low'])}, {_signed(row['value_high'])}]{missing}")


def _signed(value: float | None) -> str:
    return f"{'+' if value is not None and value > 0 else ''}{proportion(value)}"


def short_verdict(networks: Networks) -> str:
    """Return the block in one sentence, for the first screen."""
    versions = depth_versions(networks)
    lines: Sequence[str] = versions[-1] if versions else []
    return " ".join(lines)
