"""Which of the neurons and observers that read something the network itself uses, where they were ablated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.interventions.words import OWN_PREDICTIONS, TOGETHER_ONLY, USED, verdict
from denote.numbers import proportion
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
        rows = self.rows.with_columns(verdict=verdict()).drop_nulls("verdict")
        best = pl.when((pl.col("verdict") == USED).any()).then(pl.lit(USED)).otherwise(pl.col("verdict").max())
        means = (pl.col(f"ablation_{name}").mean().alias(name) for name in ("effect", "random"))
        return rows.group_by(*self.key).agg(best.alias("verdict"), *means)

    @property
    def n_used(self) -> int:
        """How many are shown to be used: to resample one costs more than random ones."""
        return int((self.tested["verdict"] == USED).sum())

    @property
    def of(self) -> str:
        """``5 of the 12``."""
        return f"{f'{self.n_used:,}' if self.n_used else 'none'} of the {len(self.tested):,}"

    @property
    def together(self) -> str:
        """``, 2 more only together with others that denote the same``, or nothing."""
        more = int((self.tested["verdict"] == TOGETHER_ONLY).sum())
        return f", {more:,} more only together with others that denote the same" if more else ""

    @property
    def costs(self) -> str:
        """``to resample one costs .22 of the score on its rows, random .01``: means over all that were tested."""
        effect, random = (proportion(self.tested[name].mean()) for name in ("effect", "random"))  # type: ignore[arg-type]
        return f"to resample one costs {effect} of the score on its rows on average, random {random}"


def used_neurons(denoting: pl.DataFrame, key: Sequence[str], *, brief: bool = False) -> str:
    """Say of how many neurons that denote it is shown that the network uses them; nothing where none was tested.

    Args:
        denoting: Rows of neurons that denote.
        key: Columns that tell neurons apart.
        brief: Leave out by how much.
    """
    uses = Uses(denoting, key)
    if uses.tested.is_empty():
        return ""
    which = " tested" if len(uses.tested) < denoting.select(key).n_unique() else ""
    return f" Shown to be used: {uses.of}{which}{'' if brief else f'{uses.together} ({uses.costs})'}."


def used_observers(cells: pl.DataFrame, *, brief: bool = False) -> str:
    """Say of how many observers it is shown that the network uses what they read; nothing where none was tested.

    Args:
        cells: Of one probe.
        brief: Leave out by how much.
    """
    uses = Uses(cells, ["object_model", "layer", "pooling", "attribute", "probe_seed"])
    if uses.tested.is_empty():
        return ""
    return f" Shown to be used: what {uses.of} ablated observers read{'' if brief else f' ({uses.costs})'}."


def own_predictions(tables: Sequence[pl.DataFrame]) -> Iterator[str]:
    """Say where effects are of what networks themselves predict; nothing where they are of their task.

    Args:
        tables: Cells and neurons.
    """
    if any(table.select(says(OWN_PREDICTIONS).any()).item() for table in tables):
        yield (
            "Effects of ablation are of what the network itself predicts, not of what is right: no targets of its "
            "outputs are known (Python: classes= 0 to k - 1, in the order of its k outputs)."
        )
