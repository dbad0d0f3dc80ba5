"""The majority probe: says of every sample what most *fit* samples are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denote.observers.observer import Observer, Probe, class_counts
from denote.observers.reading import UNBOUNDED, Groups, Resources, State, Values, check_state


@dataclass(frozen=True)
class MajorityProbe(Probe):
    """Reads no neuron: its score is +1 where most *fit* rows have the attribute, else -1."""

    kind = "majority"
    joint = False
    reads_neurons = False
    has_map = False
    is_baseline = True

    def fit(
        self,
        state: State,
        labels: Values,
        seed: int = 0,
        resources: Resources = UNBOUNDED,
        groups: Groups | None = None,
    ) -> Observer:
        """Fit all attributes (see ``Probe.fit``); only an attribute without any row has no fit."""
        check_state(state, labels)
        positives, negatives = class_counts(labels)
        empty = positives + negatives == 0
        bias = np.where(empty, np.nan, np.where(positives > negatives, 1.0, -1.0))
        return Observer(
            self.kind,
            np.zeros((state.shape[1], len(bias))),
            bias,
            ~empty,
            np.where(empty, np.nan, 0.0),
            tuple("not fitted: no fit rows" if none else None for none in empty),
        )
