"""Which of the neurons and observers that read something the network itself uses, where they were ablated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.interventions.words import (
    ELSEWHERE,
    OWN_OUTPUTS,
    OWN_PREDICTIONS,
    TOGETHER_ONLY,
    USED,
    resampled,
    untested,
    verdict,
)
from denote.numbers import count, proportion
from denote.reporting.answer.networks import NEURON, Networks
from denote.tables import says


@dataclass(frozen=True)
class Uses:
    """What ablation showed of some subjects, each counted once.

    Attributes:
        rows: Decided neurons or cells.
        key: Columns that tell subjects apart.
    """

    rows: pl.DataFrame
    key: Sequence[str]

    @cached_property
    def tested(self) -> pl.DataFrame:
        """One row per tested subject: its ``verdict`` (of several the best), ``effect`` and ``random``, means."""
        rows = self.rows.filter(pl.col("ablation_p").is_not_null())  # not what was erased alone
        rows = rows.with_columns(verdict=verdict()).drop_nulls("verdict")
        best = pl.when((pl.col("verdict") == USED).any()).then(pl.lit(USED)).otherwise(pl.col("verdict").max())
        means = (pl.col(f"ablation_{name}").mean().alias(name) for name in ("effect", "random"))
        return rows.group_by(*self.key).agg(best.alias("verdict"), *means)

    @property
    def n_used(self) -> int:
        """How many are shown to be used: to resample one costs more than random ones."""
        return int((self.tested["verdict"] == USED).sum())

    @property
    def of(self) -> str:
        """``5 of 12``."""
        return f"{f'{self.n_used:,}' if self.n_used else 'none'} of {len(self.tested):,}"

    @property
    def together(self) -> str:
        """``, 2 more only together with others that denote the same``, or nothing."""
        more = int((self.tested["verdict"] == TOGETHER_ONLY).sum())
        return f", {more:,} more only together with others that denote the same" if more else ""

    @property
    def elsewhere(self) -> str:
        """``, 2 more but not along the direction that is read``, or nothing."""
        more = int((self.tested["verdict"] == ELSEWHERE).sum())
        return f", {more:,} more {ELSEWHERE.partition(', ')[2]}" if more else ""

    @property
    def costs(self) -> str:
        """``.22 of the score on its rows, random .01``: means over all that were tested."""
        effect, random = (proportion(self.tested[name].mean()) for name in ("effect", "random"))  # type: ignore[arg-type]
        return f"{effect} of the score on its rows, random {random}"


@dataclass(frozen=True)
class Ablations:
    """What the ablations of some networks showed.

    Attributes:
        observers: What observers of one kind of probe read.
        neurons: Neurons that denote.
        n_subjects: Of all that were ablated, whether or not they could be tested.
        why: The reason why none could be.
    """

    observers: Uses
    neurons: Uses
    n_subjects: int
    why: str = "for which the column note has the reason"

    @classmethod
    def of(cls, networks: Networks) -> Ablations:
        """Take those of some networks; outputs have no verdict."""
        cells = networks.read.filter(pl.col("probe") == pl.lit(networks.probe, pl.String))
        observers = Uses(cells, ["object_model", "layer", "pooling", "attribute", "probe_seed"])
        neurons = Uses(networks.searched.filter(pl.col("denotes").fill_null(value=False)), NEURON)
        subjects = resampled(networks.tables["interventions"])
        reasons = subjects.select(why=untested())["why"].drop_nulls().unique(maintain_order=True)
        return cls(observers, neurons, len(subjects), *(_reason(str(reasons[0])) for _ in reasons[:1]))

    def told(self, *, brief: bool = False) -> str:
        """Say what networks are shown to use of what is read and denoted; nothing where nothing was ablated.

        Args:
            brief: Leave out how much.
        """
        if not self.n_subjects:
            return ""
        said = []
        if n := len(self.observers.tested):
            costs = "" if brief else f" ({self.observers.costs}){self.observers.elsewhere}"
            read = f"what {self.observers.of}" if self.observers.n_used else f"nothing that {n:,}"
            said.append(f"{read} {'observer reads' if n == 1 else 'observers read'}{costs}")
        if n := len(self.neurons.tested):
            costs = "" if brief else f" that denote ({self.neurons.costs}){self.neurons.together}"
            said.append(f"{self.neurons.of} {'neuron' if n == 1 else 'neurons'}{costs}")
        if not said:
            return f"Ablated: none of {count(self.n_subjects, 'subject')} could be tested, {self.why}."
        return f"Shown to be used{'' if brief else ' (what resampling costs)'}: {', '.join(said)}."


OWN = {
    OWN_PREDICTIONS: "what the network itself predicts",
    OWN_OUTPUTS: "the network's own outputs, as a share of their variance",
}
"""What effects are of where no targets are known, by the code of the note that says so."""


def own_outputs(tables: Sequence[pl.DataFrame]) -> Iterator[str]:
    """Say where effects are of what networks themselves give; nothing where they are of their task.

    Args:
        tables: Cells and neurons.
    """
    for code, what in OWN.items():
        if any(table.select(says(code).any()).item() for table in tables):
            yield (
                f"Effects of ablation are of {what}, not of what is right: no targets of its outputs are known "
                "(Python: classes= 0 to k - 1, in the order of its k outputs)."
            )


def _reason(told: str) -> str:
    """``as it is an output of the network`` of ``not tested, as it is an output of the network``."""
    return told.partition(", ")[2] or told.partition(": ")[2]
