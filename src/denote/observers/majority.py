"""The majority probe: says of every sample what most *fit* samples are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denote.observers.observer import BuiltInProbe, FitData, Observer, class_counts
from denote.observers.reading import check_state


@dataclass(frozen=True)
class MajorityProbe(BuiltInProbe):
    """Reads no neuron: its score is +1 where most *fit* rows have the attribute, else -1."""

    kind = "majority"
    has_map = False
    is_baseline = True

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes (see ``Probe.fit``); only an attribute without any row has no fit."""
        state, labels = data.state, data.labels
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
