"""What an erasure costs a network, beside random erasures of equal rank and random displacements of equal norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int
from torch import Tensor

from denote.interventions.ablated import Effect
from denote.interventions.comparing import Comparison
from denote.interventions.drops import drop_interval, rank_p_value
from denote.interventions.edits import Displace, Distance, Edit
from denote.interventions.kinds import Erase
from denote.interventions.leace import Erasure
from denote.interventions.passes import LayerPasses
from denote.interventions.random_erasures import RandomErasure
from denote.interventions.task_scores import RowScores, TaskScores
from denote.interventions.words import LOSS, SCORE
from denote.notes import Note

SIGNS = {SCORE: 1.0, LOSS: -1.0}
"""What counts as a cost: the drop of a score, the rise of a loss."""

RowSets = Mapping[str, Bool[np.ndarray, " row"]]
"""Sets of *test* rows by name."""


@dataclass(frozen=True)
class Loss:
    """What an erasure costs the network on some rows, beside random ones.

    Attributes:
        effect: The cost.
        comparison: The random ones; or why there are none.
    """

    effect: Effect
    comparison: Comparison | Note


@dataclass(frozen=True)
class Costs:
    """What an erasure costs.

    Attributes:
        losses: By measure and set of rows.
        bypassed: Whether something goes round the layer, or it cannot be told.
    """

    losses: tuple[Loss, ...]
    bypassed: bool


def erasure_costs(
    passes: LayerPasses,
    scores: TaskScores,
    erasure: Erasure,
    random: Sequence[RandomErasure] | Note,
    rows: RowSets,
    groups: Int[np.ndarray, " row"] | None = None,
) -> Costs | Note:
    """Compare what an erasure costs with random erasures, and with moving every row as far along their directions.

    In a wide layer a random direction holds little of the state, so that its erasure hardly moves anything; in a narrow
    one a displacement of equal norm may stay within what the erasure takes. The erasure must cost more than either.

    Args:
        passes: The layer of the *test* rows.
        scores: The task and their targets.
        erasure: The erasure.
        random: Random ones of its rank; or why there are none.
        rows: Sets of the rows.
        groups: Rows of a group count as one draw.

    Returns:
        The costs; or why the network's outputs cannot be scored.
    """
    outputs = passes.baseline()
    if (reason := scores.reason(outputs)) is not None:
        return reason
    drawn = [] if isinstance(random, Note) else random
    sums = _Sums(scores.of(outputs, slice(None)), rows, 1 + 2 * len(drawn))

    def keep(edit: Int[np.ndarray, " output"], row: Int[np.ndarray, " output"], given: Tensor) -> None:
        sums.add(edit, row, scores.of(given, row))

    far = Distance(erasure)
    moved = [Displace(each.direction, far) for each in drawn]
    edits: list[Edit] = [erasure, *(each.erasure for each in drawn), *moved]
    passes.run(edits, keep)
    losses = []
    for measure in SIGNS:
        for name in rows:
            effect = sums.effect(measure, name, groups, bounded=measure == SCORE and scores.is_share)
            losses.append(Loss(effect, random if isinstance(random, Note) else sums.comparison(measure, name)))
    return Costs(tuple(losses), not passes.shortcuts.restarts)


class _Sums:
    """Costs summed over sets of rows; of the erasure itself, the first of the edits, row by row too."""

    def __init__(self, base: RowScores, rows: RowSets, n_edits: int) -> None:
        self.base, self.rows = base, rows
        self.erased: dict[str, Float32[np.ndarray, " row"]] = {
            measure: getattr(base, measure).copy() for measure in SIGNS
        }
        self.costs = {(measure, name): np.zeros(n_edits) for measure in SIGNS for name in rows}

    def add(self, edit: Int[np.ndarray, " output"], row: Int[np.ndarray, " output"], given: RowScores) -> None:
        """Add what some rows lose by some edits, those that these change."""
        for measure, sign in SIGNS.items():
            after = getattr(given, measure)
            self.erased[measure][row[edit == 0]] = after[edit == 0]
            cost = sign * (getattr(self.base, measure)[row].astype(np.float64) - after)
            for name, chosen in self.rows.items():
                sums = self.costs[measure, name]
                sums += np.bincount(edit, cost * chosen[row], minlength=len(sums))

    def effect(self, measure: str, name: str, groups: Int[np.ndarray, " row"] | None, *, bounded: bool) -> Effect:
        """Return the cost on a set of rows."""
        chosen = self.rows[name]
        before, after = (
            each[chosen].astype(np.float64) for each in (getattr(self.base, measure), self.erased[measure])
        )
        of = None if groups is None else groups[chosen]
        interval = drop_interval(SIGNS[measure] * (before - after), of, bounded)
        low, high = (None if np.isnan(bound) else bound for bound in (interval.low, interval.high))
        n = int(chosen.sum())
        return Effect(Erase.name, measure, name, n, float(before.mean()), float(after.mean()), low, high)

    def comparison(self, measure: str, name: str) -> Comparison:
        """Return random costs on a set of rows: the larger of two kinds, and of their p-values."""
        observed, *others = self.costs[measure, name] / self.rows[name].sum()
        kinds = np.array(others).reshape(2, -1)
        draws = kinds.shape[1]
        remark = Note.of("random_sets", number=draws, floor=f"1/{draws + 1}")
        p_value = max(rank_p_value(float(observed), kind) for kind in kinds)
        return Comparison(float(kinds.mean(1).max()), draws, p_value, remark)
