"""How many neurons denote, beside random directions and untrained networks, with examples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.evidence.rule import Rule, denoting_rule
from denote.numbers import Estimate, count, proportion, signed_interval
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import NEURON, Networks
from denote.reporting.answer.neuron_examples import examples_of
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import family_words, joined_words, listed

CONTROLS = {"rotated": "random directions", "untrained": "untrained"}
"""Controls of neurons, whose share that denotes is told."""
HEADS = ("layers", "label_proportion_by_depth")
"""Tables that say which layers are heads."""
PLACE = ["object_model", "layer", "pooling"]
"""Where a search was made, with its controls."""
HEADS = ("layers", "label_proportion_by_depth")
"""Tables that say which layers are heads."""
PLACE = ["object_model", "layer", "pooling"]
"""Where a search was made, with its controls."""


@dataclass(frozen=True)
class Denoting:
    """What the neurons of some networks denote: one family, whose share stands beside controls of the same neurons.

    Outputs (heads) are counted apart: they are trained to tell the target.

    Attributes:
        networks: Whose neurons, at least one of them live.
    """

    networks: Networks

    @cached_property
    def hidden(self) -> pl.DataFrame:
        """Rows of the neurons that are no outputs; of all where nothing else was searched."""
        apart = self.networks.searched.filter(~self._is_output)
        return apart if len(apart) else self.networks.searched

    @cached_property
    def _is_output(self) -> pl.Expr:
        heads = [self.networks.tables[name].filter("is_head")["layer"] for name in HEADS]
        return pl.col("layer").is_in(pl.concat(heads).unique().implode())

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many hidden neurons denote, by family, the largest number first."""
        neurons = pl.struct(NEURON).filter("denotes").n_unique().alias("denotes")
        rows = self.hidden.group_by("family", maintain_order=True).agg(neurons)
        return dict(rows.sort("denotes", descending=True, maintain_order=True).rows())

    @property
    def family(self) -> str:
        """The family in which most neurons denote."""
        return next(iter(self.counts))

    @cached_property
    def _by_model(self) -> pl.DataFrame:
        """Network by network and layer by layer, with the controls: of that family, and of layers that have them."""
        rows = self.networks.tables["label_proportion_by_model"].filter(
            pl.col("family") == self.family, pl.col("n_live") > 0
        )
        rows = rows.join(self.hidden.select(PLACE).unique(), on=PLACE, how="semi", nulls_equal=True)
        compared = rows.filter(pl.col("rotated_share_denoting").is_not_null())
        return compared if len(compared) else rows

    @cached_property
    def counted(self) -> pl.DataFrame:
        """Rows of the neurons that are counted: of one family, where random directions were searched if anywhere."""
        rows = self.hidden.filter(pl.col("family") == self.family)
        if self.shares["rotated"] is None:
            return rows
        return rows.join(self._by_model.select(PLACE).unique(), on=PLACE, how="semi", nulls_equal=True)

    @property
    def is_whole(self) -> bool:
        """False where random directions were searched at some layers or in some networks only."""
        return len(self.counted) == len(self.hidden.filter(pl.col("family") == self.family))

    @cached_property
    def found(self) -> pl.DataFrame:
        """Rows of the counted neurons that denote."""
        return self.counted.filter("denotes")

    @property
    def number(self) -> int:
        """How many of the counted neurons denote."""
        return self.found.select(NEURON).n_unique()

    @cached_property
    def live(self) -> int:
        """How many of the counted neurons are not constant."""
        return self.counted.filter("live").select(NEURON).n_unique()

    @property
    def share(self) -> float:
        """Share of the live ones that denote."""
        return self.number / self.live if self.live else 0.0

    @property
    def who(self) -> str:
        """``944 live hidden neurons``, or ``live neurons`` where no outputs were searched."""
        only = "" if self.is_whole else " where random directions were searched"
        return f"{count(self.live, f'live {self._kind}neuron')}{only}"

    @property
    def _kind(self) -> str:
        return "hidden " if len(self.hidden) < len(self.networks.searched) else ""

    def outputs(self) -> str:
        """``; and 10 of 30 outputs``: outputs that denote, which were trained to tell something."""
        if not self._kind:
            return ""
        heads = self.networks.searched.filter(self._is_output, "live")
        denoting = heads.filter("denotes").select(NEURON).n_unique()
        return f"; and {denoting:,} of {count(heads.select(NEURON).n_unique(), 'output')}" if denoting else ""

    @cached_property
    def shares(self) -> dict[str, float | None]:
        """Share of each control's neurons that denote: same family, layers and networks, weighted by live neurons.

        None where a control was not run, or not everywhere.
        """
        rows, shares = self._by_model, dict[str, float | None]()
        live = float(rows["n_live"].sum())
        for control in CONTROLS:
            of = rows[f"{control}_share_denoting"]
            shares[control] = float((of * rows["n_live"]).sum()) / live if live and not of.null_count() else None
        return shares

    @cached_property
    def excess(self) -> Estimate[float] | None:
        """Share of neurons minus share of random directions, mean over networks with a t-interval; None without."""
        if self.shares["rotated"] is None:
            return None
        from denote.evidence.intervals import t_interval  # loads scipy: without random directions nothing waits for it

        more = pl.col("n_denoting") - pl.col("rotated_share_denoting") * pl.col("n_live")
        by_model = self._by_model.group_by("object_model", maintain_order=True).agg(more.sum() / pl.col("n_live").sum())
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

    def others(self) -> str:
        """``; 63 more tell only a class``: neurons that denote in other families, which have no control beside them."""
        some = [family for family, number in self.counts.items() if number and family != self.family]
        neurons = self.hidden.filter("denotes", pl.col("family") != self.family)
        more = neurons.join(self.found, on=NEURON, how="anti", nulls_equal=True).select(NEURON).n_unique()
        if not more:
            return ""
        said = listed([self.words(family) for family in some]).replace(" and ", " or ")
        return f"; {more:,} more {'tells' if more == 1 else 'tell'} only {said}"

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
        return self.words(self.family).partition(" (")[0]


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
    share = f"{found.number:,} of {found.who} ({proportion(found.share)})"
    tell, denote = ("each tell", "denote") if found.number > 1 else ("tells", "denotes")
    brief = f"{denote} ({tell.removeprefix('each ')} by a threshold)"
    meaning = f"by a threshold ({denote} it)"
    controls, (examples, seed) = found.beside(excess=True), examples_of(found.networks, found.found)
    others, outputs, without = found.others(), found.outputs(), found.without()
    rest = f"{others}{'; ' * bool(without)}{without}{outputs}"
    what, briefly = found.words(found.family), found.briefly()
    more = others.split(" only ")[0].rpartition(" ")[0] + " in other families" if others else ""
    rule_said = f" Rule: {denoting_rule(rule)}."
    return Told(
        [
            [f"{share} {tell} {what} {meaning}; {controls}{rest}.{rule_said}{seed}", *examples],
            *[[f"{share} {brief} {briefly}; {controls}{more}.{seed}", *examples[:most]] for most in (3, 2, 1)],
            [f"{share} {denote}; {found.beside()}{outputs}."],
        ],
        f"{share} {denote}; {controls}{more}.",
        f"{share} {denote}; {found.beside()}",
        f"{proportion(found.share)} denote ({found.beside()})",
    )


def _nothing(found: Denoting, rule: Rule) -> Told:
    """Say that no neuron denotes, and what would have been missed."""
    head, without, outputs = f"None of {found.who} denotes", found.without(), found.outputs()
    meaning = f"{head}: {without.replace('none ', 'none alone tells ', 1)}{' by a threshold' * ('none ' in without)}"
    beside, limit = f"; {found.beside()}" if found.shares["rotated"] is not None else "", _limit(found)
    return Told(
        [
            [f"{meaning} ({denoting_rule(rule)}){beside}{outputs}.{limit}"],
            [f"{meaning}{beside}{outputs}.{limit}"],
            [f"{head}{beside}{outputs}.{limit}"],
            [f"{head}{outputs}."],
        ],
        f"{head}{beside}{outputs}.",
        f"none of {found.who} denotes",
        ".00 denote",
    )


def _limit(found: Denoting) -> str:
    """Say what the rows were too few for: the smallest label proportion that passes with a chance of .8."""
    rows = found.networks.tables["label_proportion_by_depth"]
    rows = rows.join(found.hidden.select("layer", "family").unique(), on=["layer", "family"], how="semi")
    floors = [proportion(floor) for floor in rows["smallest_detectable_proportion"].drop_nulls().unique().sort()]
    if not floors:
        return ""
    which = floors[0] if floors[0] == floors[-1] else f"{floors[0]} to {floors[-1]} (by layer and family)"
    return f" With these rows, what fewer than {which} of inputs have would be missed more than once in five."


def denoting_number(networks: Networks) -> Number | None:
    """Return how many neurons denote, beside the controls."""
    if not networks.live:
        return None
    found = Denoting(networks)
    return Number("neurons that denote", proportion(found.share), found.beside())
