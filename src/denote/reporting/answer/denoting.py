"""How many neurons denote, beside random directions and untrained networks, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.evidence.intervals import t_interval
from denote.evidence.rule import Rule
from denote.numbers import Estimate, count, interval, proportion, setting
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import NEURON, Networks
from denote.reporting.answer.words import clean, family_words, listed, plain_property

EXAMPLES = 3
"""Neurons that are named."""


def denoting_rule(rule: Rule) -> str:
    """Say in full when a neuron denotes."""
    return (
        f"balanced accuracy at least {setting(rule.decisive)}, tested against {setting(rule.null)} "
        f"(q <= {setting(rule.q)}), {rule.min_rows} rows with and without the property, on about as often as it holds"
    )


def denoting_versions(networks: Networks, rule: Rule) -> list[list[str]]:
    """Return the block's lines, from the fullest to the shortest; nothing where no neuron was searched.

    Args:
        networks: Whose neurons.
        rule: The rule that decided the tables.
    """
    if networks.searched.is_empty():
        return []
    if not networks.live:
        return [["No neuron is live: all are constant on the rows that choose thresholds."]]
    n_denoting, which = denoting(networks), families(networks)
    if not n_denoting:
        floor = networks.tables["label_proportion_by_depth"]["smallest_detectable_proportion"].min()
        limit = f" Properties rarer than {proportion(floor)} could hardly be found." if isinstance(floor, float) else ""
        said = f"None of {count(networks.live, 'live neuron')} denotes: no single neuron and threshold tells a property"
        return [[f"{said} ({denoting_rule(rule)}).{limit}"], [f"{said}."]]
    head = f"{beside(networks)}."
    explained = f"Above its threshold such a neuron tells its property: {denoting_rule(rule)}."
    examples = example_lines(networks)
    return [[head, f"{explained}{which}", *examples], [head, *examples], [head, *examples[:1]], [head]]


def denoting(networks: Networks) -> int:
    """Return how many neurons denote something, each counted once."""
    return networks.searched.filter("denotes").select(NEURON).n_unique()


def beside(networks: Networks) -> str:
    """Say which share denotes, beside that of the controls, control by control."""
    n_denoting = denoting(networks)
    share = n_denoting / networks.live
    said = f"{n_denoting:,} of {count(networks.live, 'live neuron')} {'denotes' if n_denoting == 1 else 'denote'}"
    return f"{said} a property ({proportion(share)}); {controls(networks)}"


def controls(networks: Networks) -> str:
    """``random directions .12, untrained networks .00``, of the family in which most neurons denote."""
    family = main_family(networks)
    said = []
    for control, words in (("rotated", "random directions"), ("untrained", "untrained networks")):
        if control == "untrained" and not networks.trained:
            continue
        share = control_share(networks, family, control)
        said.append(f"{words} {'not compared' if share is None else proportion(share)}")
    return ", ".join(said)


def main_family(networks: Networks) -> str:
    """The family in which most neurons denote."""
    counts = networks.searched.group_by("family", maintain_order=True).agg(pl.col("denotes").sum())
    return str(counts.sort("denotes", descending=True, nulls_last=True, maintain_order=True)["family"][0])


def control_share(networks: Networks, family: str, control: str) -> float | None:
    """Return the share of a control's neurons that denote, over all layers, weighted by live neurons."""
    rows = networks.tables["label_proportion_by_depth"].filter(pl.col("family") == family)
    column = f"{control}_share_denoting"
    known = rows.filter(pl.col(column).is_not_null(), pl.col("n_live") > 0)
    live = float(known["n_live"].sum())
    return float((known[column] * known["n_live"]).sum()) / live if live else None


def families(networks: Networks) -> str:
    """Say in which families neurons denote, those without findings together."""
    attributes = networks.tables["cells"].filter(pl.col("family") == "named")["attribute"].unique(maintain_order=True)
    counts = networks.searched.group_by("family", maintain_order=True).agg(pl.col("denotes").sum())
    words = {family: family_words(family, attributes.to_list()) for family in counts["family"]}
    some = [f"{words[family]} {number:,}" for family, number in counts.rows() if number]
    none = [words[family] for family, number in counts.rows() if not number]
    return f" Of {listed(some)}" + (f"; none of {listed(none)}." if none else ".")


def example_lines(networks: Networks, most: int = EXAMPLES) -> list[str]:
    """Name neurons: the surest of hidden layers, of different properties and layers where there are such."""
    found = networks.searched.filter("denotes")
    last = pl.col("relative_depth") == 1
    hidden = found.filter(~last.fill_null(value=False))
    order = ["q_value", "balanced_accuracy"]
    rows = (hidden if len(hidden) else found).sort(order, descending=[False, True], nulls_last=True)
    spread = rows.unique("property", keep="first", maintain_order=True).unique(
        "layer", keep="first", maintain_order=True
    )
    chosen = pl.concat([spread, rows.unique("property", keep="first", maintain_order=True), rows])
    chosen = chosen.unique(NEURON, keep="first", maintain_order=True).head(most)
    return [example(networks, row) for row in chosen.sort("depth", maintain_order=True).iter_rows(named=True)]


def example(networks: Networks, row: Mapping[str, Any]) -> str:
    """``hidden_6 unit 41: class 0, balanced accuracy .97 [.94, .99], label proportion .10``."""
    name = clean(row["neuron_name"] or f"neuron {row['neuron']}")
    seed = f" (seed {row['seed']})" if networks.n_models > 1 and row["seed"] is not None else ""
    score = interval(Estimate.of(row, "balanced_accuracy", bounds="balanced_accuracy_interval"))
    return (
        f"{clean(row['layer'])} {name}{seed}: {clean(plain_property(row['property'], networks.classes), 44)}, "
        f"balanced accuracy {score}, label proportion {proportion(row['label_proportion'])}"
    )


def excess(networks: Networks) -> Estimate[float] | None:
    """Return the mean over networks of the share that denotes minus that of random directions, with a t-interval."""
    rows = networks.tables["label_proportion_by_model"].filter(
        pl.col("family") == main_family(networks), pl.col("rotated_share_denoting").is_not_null(), pl.col("n_live") > 0
    )
    share = (pl.col("n_denoting") - pl.col("rotated_share_denoting") * pl.col("n_live")).sum() / pl.col("n_live").sum()
    by_model = rows.group_by("object_model", maintain_order=True).agg(share.alias("excess"))["excess"]
    return t_interval(by_model.to_numpy()) if len(by_model) else None


def denoting_number(networks: Networks) -> Number | None:
    """Return the share of neurons that denote, beside random directions."""
    if not networks.live:
        return None
    return Number("neurons that denote", f"{denoting(networks):,} of {networks.live:,}", controls(networks))
