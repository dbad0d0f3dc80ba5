"""What the same probe reads off the raw input, and how much more or less a layer gives it (METHOD sections 4, 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64

from denote.estimate import Estimate
from denote.evidence.bootstrap import AurocBootstrap
from denote.evidence.cells import BySize, StatesElsewhere
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.measuring import Columns, auroc_of, scored_together
from denote.evidence.resampling import Resampling
from denote.evidence.scores import PerAttribute, Ranking, Reasons
from denote.observers.observer import Observer, Probe

Names: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, eq=False)
class Redrawn:
    """AUROCs of one size under draws of the test rows.

    Attributes:
        auroc: On all test rows, with their intervals.
        areas: In every draw.
    """

    auroc: Estimate[PerAttribute]
    areas: Float64[np.ndarray, "attribute draw"]


@dataclass(frozen=True)
class InputReading(StatesElsewhere):
    """One probe on the raw input, read once for all layers; observers are matched by `Observer.size`.

    Attributes:
        auroc: On *test*, per size and attribute.
        names: Per size the input that each observer reads, where it reads one and inputs have names.
        redrawn: Per size the same under draws of the test rows; empty without draws.
    """

    auroc: Mapping[int | None, PerAttribute]
    names: Mapping[int | None, Names] = field(default_factory=dict)
    redrawn: Mapping[int | None, Redrawn] = field(default_factory=dict)

    kind = RawInput

    @classmethod
    def read(
        cls,
        observers: Sequence[Observer],
        inputs: FitTestData,
        names: Sequence[str] | None = None,
        resampling: Resampling | None = None,
    ) -> InputReading:
        """Score observers that were fitted on the input.

        Args:
            observers: One per size.
            inputs: The flattened inputs in the place of a state.
            names: Of every input value; None where they have none.
            resampling: Draws of the test rows, those of the layers' observers; None for none.
        """
        labels = inputs.test_labels
        auroc, redrawn = {}, {}
        for observer in observers:
            bootstrap = None if resampling is None else AurocBootstrap(resampling, len(observer.bias))
            parts = []
            for part in scored_together(labels, inputs.resources):
                ranking = Ranking(observer.at(part).scores(inputs.state.test), labels[:, part])
                parts.append(ranking.auroc)
                if bootstrap is not None:
                    bootstrap.hear(part, ranking)
            size = observer.size
            auroc[size] = np.concatenate(parts)
            if bootstrap is not None:
                redrawn[size] = Redrawn(bootstrap.interval(auroc[size])[0], bootstrap.areas)
        return cls(auroc, {observer.size: read_names(observer, names) for observer in observers}, redrawn)

    def aurocs(self, probe: Probe, data: FitTestData) -> list[BySize]:
        """See `StatesElsewhere`."""
        return [self.auroc]

    def further(self, size: int | None, real: Columns, bootstrap: AurocBootstrap | None) -> Columns:
        """``input_name``, and ``input_gain`` with its interval from the draws that were used here."""
        auroc = auroc_of(real)
        if size not in self.auroc:
            return {"note": None}
        names = self.names.get(size, (None,) * len(auroc.value))
        columns: dict[str, Any] = {"input_name": list(names), "input_gain": auroc.value - self.auroc[size]}
        reasons: Reasons = ("input_gain_low, input_gain_high: no bootstrap was asked for",) * len(auroc.value)
        if bootstrap is not None and size in self.redrawn:
            other = self.redrawn[size]
            gain, reasons = bootstrap.gain(auroc, other.auroc, other.areas)
            columns |= gain.columns("input_gain")
        return {**columns, "note": list(reasons)}


def read_names(observer: Observer, names: Sequence[str] | None) -> Names:
    """The input that each observer reads; None without a fit, names, or where it reads several."""
    if observer.neuron is None or names is None:
        return (None,) * len(observer.bias)
    return tuple(
        names[neuron] if fitted else None for neuron, fitted in zip(observer.neuron, observer.fitted, strict=True)
    )
