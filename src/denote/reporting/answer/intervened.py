"""What ablating, erasing and steering showed, and what was asked for and found nothing to do: is what is read used?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.evidence.rule import Rule
from denote.interventions.kinds import Erase, Steer
from denote.interventions.words import AUROC, NEURON, READING, SCORE, SLOPE, used
from denote.numbers import count, proportion, setting
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.untouched import nothing_done
from denote.reporting.answer.used import Ablations

PLACE = ["object_model", "layer", "pooling"]
"""Where something is intervened on."""

ERASURE = [*PLACE, "property", "probe_seed"]
"""One erasure."""

STEERED = [*PLACE, "subject_kind", "subject", "family", "property", "probe", "k", "probe_seed"]
"""What is steered."""


@dataclass(frozen=True)
class Erasures:
    """What the erasures of some networks showed.

    Attributes:
        rows: Those of erasures, of `counted_rows`.
        rule: With the largest false discovery rate.
    """

    rows: pl.DataFrame
    rule: Rule

    @cached_property
    def tested(self) -> pl.DataFrame:
        """One row per erasure that is in the family of tests: what it costs of the score, beside random ones."""
        return self.rows.filter(pl.col("measure") == SCORE, pl.col("q_value").is_not_null())

    @property
    def costly(self) -> str:
        """``9 of 15``: how many cost more than random ones."""
        more = self.tested.filter(used(self.rule))
        return f"{len(more):,} of {len(self.tested):,}"

    @cached_property
    def back(self) -> pl.Series:
        """Whether each erasure comes back at a later layer, of those of which that is told."""
        later = self.rows.filter(pl.col("measure") == AUROC, pl.col("comes_back").is_not_null())
        return later.group_by(ERASURE).agg(pl.col("comes_back").any())["comes_back"]

    @property
    def costs(self) -> str:
        """``.36 of the score on average, random .01``."""
        effect, random = (proportion(self.tested[name].mean()) for name in ("effect", "random"))  # type: ignore[arg-type]
        return f"{effect} of the score on average, random {random}"

    def told(self, *, brief: bool = False) -> str:
        """Say what erasing costs and what comes back; nothing where nothing was erased.

        Args:
            brief: Leave out how much.
        """
        made = self.rows.filter(pl.col("effect").is_not_null()).select(ERASURE).n_unique()
        if self.tested.is_empty():
            return f"Erased: none of {count(made, 'erasure')} could be tested (column note)." if made else ""
        if brief:
            back = f", {self.back.sum():,} come back" if len(self.back) else ""
            return f"Erased: {self.costly} cost beyond random{back}."
        attributes, layers = self.tested["property"].n_unique(), self.tested["layer"].n_unique()
        what = f"{count(attributes, 'attribute')} at {count(layers, 'layer')}"
        back = f"; {self.back.sum():,} of {len(self.back):,} come back at a later layer" if len(self.back) else ""
        q = f"(q <= {setting(self.rule.q)})"
        return f"Erased: {what}, each costs {self.costs}; {self.costly} more than random {q}{back}."


@dataclass(frozen=True)
class Steering:
    """What the steering of some networks showed.

    Attributes:
        rows: Those of steering, of `counted_rows`.
        rule: With the largest false discovery rate.
    """

    rows: pl.DataFrame
    rule: Rule

    @cached_property
    def slopes(self) -> pl.DataFrame:
        """Rows on how steeply something answers."""
        return self.rows.filter(pl.col("kind").str.ends_with(SLOPE))

    def moved(self, measure: str) -> int:
        """Count what moves a measure, wherever it is taken, more than random directions do, after correction."""
        moving = self.slopes.filter(pl.col("measure") == measure, pl.col("q_value") <= self.rule.q)
        return moving.select(STEERED).n_unique()

    @property
    def subjects(self) -> str:
        """``12 directions and 5 neurons``."""
        kinds = self.slopes.select(STEERED).unique()["subject_kind"]
        neurons = int((kinds == NEURON).sum())
        told = {"direction": len(kinds) - neurons, "neuron": neurons}
        return " and ".join(count(number, name) for name, number in told.items() if number)

    def told(self, *, brief: bool = False) -> str:
        """Say what answers; nothing where nothing was steered.

        Args:
            brief: Say only how many move what later observers read.
        """
        if self.slopes.is_empty():
            return ""
        tested = self.slopes.filter(pl.col("measure") == READING, pl.col("q_value").is_not_null())
        if tested.is_empty():
            return f"Steered: {self.subjects}; no observer behind them to answer."
        moved = f"{self.moved(READING):,} of {tested.select(STEERED).n_unique():,}"
        if brief:
            return f"Steered: {moved} move later observers."
        q = f"(q <= {setting(self.rule.q)})"
        return f"Steered: {self.subjects}; {moved} move what a later observer reads more than random {q}."


def intervened_told(networks: Networks, rule: Rule) -> Told | None:
    """Say what interventions showed, and what found nothing to do; None where nothing of this was asked for.

    Args:
        networks: Which were intervened on.
        rule: The rule that decided the tables.
    """
    every = networks.tables["interventions"]
    rows = counted_rows(every, networks.tables["layers"])
    erased, steered = (
        make(rows.filter(pl.col("intervention") == kind.name), rule)
        for make, kind in ((Erasures, Erase), (Steering, Steer))
    )
    ablated, nothing = Ablations.of(networks), nothing_done(every)
    full = [line for line in (ablated.told(), erased.told(), steered.told(), *nothing) if line]
    if not full:
        return None
    brief = [line for line in (*(each.told(brief=True) for each in (ablated, erased, steered)), *nothing) if line]
    said = " ".join(brief)
    value = "; ".join(line[:1].lower() + line[1:].rstrip(".") for line in brief)
    return Told([full, [" ".join(full)], [said]], said, said.rstrip("."), value)


def counted_rows(interventions: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of hidden layers, or all where there are none: what is done to outputs changes them trivially.

    Args:
        interventions: Columns of ``tables.INTERVENTIONS``.
        layers: Columns of ``tables.LAYERS``, which say what is a head.
    """
    heads = layers.filter("is_head").select("object_model", "layer").unique()
    hidden = interventions.join(heads, on=["object_model", "layer"], how="anti", maintain_order="left")
    return hidden if len(hidden) else interventions
