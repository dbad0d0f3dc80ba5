"""How many neurons denote, beside random directions and untrained networks, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
from rich.cells import cell_len

from denote.evidence.rule import Rule, denoting_rule
from denote.numbers import Estimate, count, interval, proportion, setting, signed_interval
from denote.reporting.answer.contents import Number
from denote.reporting.answer.fit import INDENT, WIDTH
from denote.reporting.answer.networks import NEURON, Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, family_words, joined_words, listed, plain_property

CONTROLS = {"rotated": "random directions", "untrained": "untrained"}
"""Controls of neurons, whose share that denotes is told."""
EXAMPLES = 3
"""Neurons that are named."""
SHORT = 16
"""Letters of a layer, a neuron and a property in an example; one of a longer property where no other denotes."""
LEAST = 12
"""Letters of a property that are always shown."""


@dataclass(frozen=True)
class Denoting:
    """What the neurons of some networks denote.

    Attributes:
        networks: Whose neurons, at least one of them live.
    """

    networks: Networks

    @cached_property
    def found(self) -> pl.DataFrame:
        """The neurons that denote, a row per family."""
        return self.networks.searched.filter("denotes")

    @property
    def number(self) -> int:
        """How many neurons denote something, each counted once."""
        return self.found.select(NEURON).n_unique()

    @property
    def share(self) -> float:
        """Share of live neurons that denote something."""
        return self.number / self.networks.live

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many denote, by family, the largest number first."""
        rows = self.networks.searched.group_by("family", maintain_order=True).agg(pl.col("denotes").sum())
        return dict(rows.sort("denotes", descending=True, maintain_order=True).rows())

    @property
    def family(self) -> str:
        """The family in which most neurons denote."""
        return next(iter(self.counts))

    @cached_property
    def shares(self) -> dict[str, float | None]:
        """Share of each control's neurons that denote in that family, over all layers, weighted by live neurons."""
        rows = self.networks.tables["label_proportion_by_depth"].filter(pl.col("family") == self.family)
        found: dict[str, float | None] = {}
        for control in CONTROLS:
            column = f"{control}_share_denoting"
            known = rows.filter(pl.col(column).is_not_null(), pl.col("n_live") > 0)
            live = float(known["n_live"].sum())
            found[control] = float((known[column] * known["n_live"]).sum()) / live if live else None
        return found

    @cached_property
    def excess(self) -> Estimate[float] | None:
        """Share of neurons minus share of random directions, mean over networks with a t-interval; None without."""
        rows = self.networks.tables["label_proportion_by_model"].filter(
            pl.col("family") == self.family, pl.col("rotated_share_denoting").is_not_null(), pl.col("n_live") > 0
        )
        if rows.is_empty() or self.shares["rotated"] is None:
            return None
        from denote.evidence.intervals import t_interval  # loads scipy: without random directions nothing waits for it

        more = pl.col("n_denoting") - pl.col("rotated_share_denoting") * pl.col("n_live")
        by_model = rows.group_by("object_model", maintain_order=True).agg(more.sum() / pl.col("n_live").sum())
        return t_interval(by_model.to_series(1).to_numpy())

    def beside(self, *, excess: bool = False) -> str:
        """``random directions .12, untrained .00``.

        Args:
            excess: Say how much more often than random directions neurons denote: only that speaks for single neurons.
        """
        written = [
            f"{words} {'not compared' if self.shares[control] is None else proportion(self.shares[control])}"
            for control, words in CONTROLS.items()
        ]
        written[0] += self._special() if excess else ""
        return ", ".join(written if self.networks.trained else written[:1])

    def _special(self) -> str:
        more = self.excess
        if more is None:
            return ""
        if more.low != more.low:
            return f" (excess {signed_interval(more)}; one network has no interval)"
        return f" ({'excess' if more.low > 0 else 'no clear excess:'} {signed_interval(more)})"

    def words(self, family: str) -> str:
        """One of the attributes of a family."""
        cells = self.networks.tables["cells"].filter(pl.col("family") == family)
        return family_words(family, cells["attribute"].unique(maintain_order=True).to_list(), one=True)

    def which(self) -> str:
        """Say of which families neurons denote something, those without findings together."""
        some = [family for family, number in self.counts.items() if number]
        several = len(some) > 1
        said = [f"{self.words(family)}{f', {self.counts[family]:,} of them' if several else ''}" for family in some]
        return "; ".join(part for part in (listed(said), self.without()) if part)

    def without(self) -> str:
        """Name the families of which no neuron denotes anything, and those that could not be tested."""
        tested = self.networks.searched.drop_nulls("p_value")["family"].unique().to_list()
        none = [self.words(family) for family, number in self.counts.items() if not number and family in tested]
        untested = [self.words(family) for family in self.counts if family not in tested]
        said = [f"none {joined_words(none, 'or')}"] if none else []
        said += [f"too few rows to test {joined_words(untested, 'or')}"] if untested else []
        return "; ".join(said)

    def briefly(self) -> str:
        """``a set of classes``, without what was typed."""
        some = [self.words(family).partition(" (")[0] for family, number in self.counts.items() if number]
        return joined_words(some, "or")

    def examples(self, most: int = EXAMPLES) -> list[str]:
        """Name neurons of one network: short properties and hidden layers first, then the surest, one of each layer."""
        short, head = (
            pl.col("property").str.len_chars() // SHORT,
            (pl.col("relative_depth") == 1).fill_null(value=False),
        )
        rows = self._of_one_network().with_columns(length=short, head=head)
        order = ["head", "length", "q_value", "balanced_accuracy"]
        rows = rows.sort(order, descending=[False, False, False, True], nulls_last=True, maintain_order=True)
        properties = rows.unique("property", keep="first", maintain_order=True)
        layers = properties.unique("layer", keep="first", maintain_order=True)
        chosen = pl.concat([layers, properties, rows]).unique(NEURON, keep="first", maintain_order=True).head(most)
        return [example(self.networks, row) for row in chosen.sort("depth", maintain_order=True).iter_rows(named=True)]

    def _of_one_network(self) -> pl.DataFrame:
        """The denoting neurons of the network that has most of them."""
        counts = self.found.group_by("object_model", maintain_order=True).len()
        most = counts.sort("len", descending=True, maintain_order=True)["object_model"][0]
        return self.found.filter(pl.col("object_model") == most)

    def of_which(self) -> str:
        """Say of which network the examples are, where there are several."""
        seed = self._of_one_network()["seed"][0]
        return "" if self.networks.n_models == 1 or seed is None else f" Seed {seed}:"


def example(networks: Networks, row: Mapping[str, Any]) -> str:
    """One line: ``hidden_6 unit 41: class 0, balanced accuracy .97 [.94, .99], label proportion .10``."""
    name = row["neuron_name"] or f"neuron {row['neuron']}"
    where = f"{clean(row['layer'], SHORT)} {clean(name, SHORT)}: "
    score = interval(Estimate.of(row, "balanced_accuracy", bounds="balanced_accuracy_interval"))
    rest = f", balanced accuracy {score}, label proportion {proportion(row['label_proportion'])}"
    room = max(WIDTH - INDENT - cell_len(where + rest), LEAST)
    return f"{where}{clean(plain_property(row['property'], networks.classes, short=True), room)}{rest}"


def denoting_told(networks: Networks, rule: Rule) -> Told | None:
    """Say how many neurons denote, beside the controls, with examples; None where no neuron was searched.

    Args:
        networks: Whose neurons.
        rule: The rule that decided the tables.
    """
    if networks.searched.is_empty():
        return None
    if not networks.live:
        said = "All neurons are constant on the rows that choose thresholds, so none can denote"
        return Told([[f"{said}."]], f"{said}.", "no neuron varies", "none varies")
    found = Denoting(networks)
    return _something(found, rule) if found.number else _nothing(found, rule)


def _something(found: Denoting, rule: Rule) -> Told:
    share = f"{found.number:,} of {count(found.networks.live, 'live neuron')} ({proportion(found.share)})"
    tell, denote = ("each tell", "denote") if found.number > 1 else ("tells", "denotes")
    meaning, against = f"by a threshold ({denote} it)", f"by the same rule, against {setting(rule.null)}"
    if found.networks.probe is None:  # no attribute was read, so that no rule stands above
        against = denoting_rule(rule)
    controls, examples, seed = found.beside(excess=True), found.examples(), found.of_which()
    return Told(
        [
            [f"{share} {tell} {found.which()} {meaning}; {controls}. Rule: {denoting_rule(rule)}.{seed}", *examples],
            [f"{share} {tell} {found.which()} {meaning}, {against}; {controls}.{seed}", *examples],
            [f"{share} {tell} {found.briefly()} {meaning}; {controls}.{seed}", *examples],
            [f"{share} {tell} {found.briefly()} {meaning}; {found.beside()}.{seed}", *examples[:1]],
            [f"{share} {denote}; {found.beside()}."],
        ],
        f"{share} {denote}; {controls}.",
        f"{share} {denote}; {found.beside()}",
        f"{proportion(found.share)} denote ({found.beside()})",
    )


def _nothing(found: Denoting, rule: Rule) -> Told:
    """Say that no neuron denotes, and what could not have been found."""
    live, without = count(found.networks.live, "live neuron"), found.without()
    floor = found.networks.tables["label_proportion_by_depth"]["smallest_detectable_proportion"].min()
    limit = ""
    if isinstance(floor, float):
        limit = f" With these rows, what fewer than {proportion(floor)} of inputs have could hardly be found."
    head = f"None of {live} denotes"
    meaning = f"{head}: {without.replace('none ', 'none alone tells ', 1)}{' by a threshold' * ('none ' in without)}"
    beside = f"; {found.beside()}" if found.shares["rotated"] is not None else ""
    return Told(
        [
            [f"{meaning} ({denoting_rule(rule)}){beside}.{limit}"],
            [f"{meaning}{beside}.{limit}"],
            [f"{head}{beside}.{limit}"],
            [f"{head}."],
        ],
        f"{head}{beside}.",
        f"none of {live} denotes",
        ".00 denote",
    )


def denoting_number(networks: Networks) -> Number | None:
    """Return how many neurons denote, beside the controls."""
    if not networks.live:
        return None
    found = Denoting(networks)
    return Number("neurons that denote", proportion(found.share), found.beside())
