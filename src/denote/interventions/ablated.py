"""What is ablated, how, and what it costs: the terms of `denote.interventions.ablation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32, Int8

from denote.interventions.comparing import Comparison
from denote.interventions.matching import LEAST, NEAREST
from denote.interventions.words import RESAMPLE, WITH
from denote.notes import Note


@dataclass(frozen=True)
class AblationSettings:
    """How neurons and observers are ablated.

    Attributes:
        draws: Resamplings of every denoting neuron and observer.
        directions: Random directions of equal norm; more where a correction asks for more.
        nearest: Largest standardised distance of a matched neuron, in each of three features.
        least: Matched neurons below which random directions take their place.
        min_rows: Least number of test rows with the property.
        seed: Names the draws.
    """

    draws: int = 20
    directions: int = 999
    nearest: float = NEAREST
    least: int = LEAST
    min_rows: int = 25
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Ablated:
    """What is ablated together: a neuron, several, or the direction of an observer.

    Attributes:
        labels: Of its property on the samples that are run: 1, 0, or -1 where not known.
        donor_labels: The same on the donors.
        neurons: The neurons; empty for a direction.
        direction: A unit vector, or None for neurons.
        columns: Columns of its rows in the tables.
        apart: Whether it is told what each of several neurons adds.
    """

    labels: Int8[np.ndarray, " row"]
    donor_labels: Int8[np.ndarray, " donor"]
    neurons: tuple[int, ...] = ()
    direction: Float32[np.ndarray, " neuron"] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = False


@dataclass(frozen=True)
class Effect:
    """What one kind of intervention on one subject costs on some rows.

    Attributes:
        kind: Such as ``resample``.
        measure: ``score`` or ``loss`` of the task, or ``output``, how far outputs are from what they were.
        rows: ``with``, ``without``, ``all``, or ``class=3``.
        n_rows: Number of them.
        baseline: The mean before.
        value: The mean after.
        low: Lower bound of the change; None where it has none.
        high: Upper bound.
    """

    kind: str
    measure: str
    rows: str
    n_rows: int
    baseline: float
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def effect(self) -> float:
        """The harm: the drop of a score, the rise of a loss, the change of outputs."""
        return self.baseline - self.value if self.measure == "score" else self.value - self.baseline


@dataclass(frozen=True)
class AblationResult:
    """What ablating one subject costs.

    Attributes:
        subject: The subject.
        effects: Kind by kind, on several sets of rows.
        comparison: Resample ablation on rows with the property, beside random ones; None where it cannot be made.
        note: Why there is none, or what is to be said of it.
        parts: Of several neurons what each of them adds to resampling the others: without any of its own it is not
            used, whatever the others are.
    """

    subject: Ablated
    effects: Sequence[Effect]
    comparison: Comparison | None
    note: Note | None = None
    parts: Mapping[int, Effect] = field(default_factory=dict)

    @property
    def headline(self) -> Effect | None:
        """The drop of the score under resample ablation on rows with the property; None where these are too few."""
        if self.note is not None and self.comparison is None:
            return None
        wanted = (RESAMPLE, "score", WITH)
        return next((each for each in self.effects if (each.kind, each.measure, each.rows) == wanted), None)
