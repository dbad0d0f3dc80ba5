"""The centroid probe: the direction from the mean of the negatives to the mean of the positives, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from denote.config.settings import Switch
from denote.notes import Note
from denote.observers.observer import BuiltInProbe, FitData, Observer, class_counts, unfit_notes
from denote.observers.reading import (
    BLOCK,
    UNBOUNDED,
    Moments,
    Resources,
    State,
    Values,
    check_state,
    moments,
    row_blocks,
)

COINCIDE = 1e-10
"""Distance of two means, in standard deviations of the neuron, that rounding alone can make."""


@dataclass(frozen=True)
class CentroidProbe(BuiltInProbe):
    """Weights are the difference of the two class means, per neuron; a score is > 0 beyond the means' midpoint.

    On standardised neurons, w = (m1 - m0) / s; the score is w . (x - (m1 + m0) / 2) / s. It needs no solver and no
    penalty, and cannot follow the correlations of neurons: it is the best linear observer only where both classes are
    spherical after scaling (also called mass-mean or difference-of-means probe).

    Attributes:
        standardise: Neurons are scaled to unit variance on *fit*; constant ones get weight 0 either way.
    """

    standardise: Switch = True

    kind = "centroid"
    capacity = 2
    contains_weaker = False  # it is one of the directions that a linear observer may take

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes (see ``Probe.fit``).

        An attribute whose two means coincide has no direction and no fit, and a note says so.

        Raises:
            StateError: if the state is not finite or has another number of rows than the labels.
        """
        state, labels = data.state, data.labels
        check_state(state, labels)
        neurons = moments(state)
        scale = neurons.scale[:, None]
        positive, negative = class_means(state, labels, neurons, data.resources)
        gap = (positive - negative) / scale
        apart = (gap.abs() > COINCIDE).any(0).numpy()
        weights = gap / scale if self.standardise else positive - negative
        weights[neurons.constant] = 0.0
        bias = -((positive + negative) / 2 * weights).sum(0) - neurons.mean @ weights
        notes = tuple(
            reason or (None if ok else Note.of("same_mean"))
            for reason, ok in zip(unfit_notes(labels), apart, strict=True)
        )
        return Observer.in_closed_form(self.kind, weights.numpy(), bias.numpy(), notes)


def class_means(
    state: State, labels: Values, neurons: Moments, resources: Resources = UNBOUNDED
) -> tuple[Float64[Tensor, "neuron attribute"], Float64[Tensor, "neuron attribute"]]:
    """Means of the positive and of the negative rows of every attribute, less the neuron's mean; NaN without rows.

    Sums are float64 about the neuron's mean, so that activations far from zero keep their digits.

    Args:
        state: Activations, read by blocks of rows.
        labels: 1, 0, or -1 for rows that are left out of that attribute.
        neurons: Moments of the state.
        resources: Where products are made, and with how much memory.
    """
    where = torch.device(resources.device)
    mean = neurons.mean.to(where)
    sums = [torch.zeros((state.shape[1], labels.shape[1]), dtype=torch.float64, device=where) for _ in range(2)]
    # A block is held three times: as it is read, in float64, and as indicators of its labels.
    numbers = int(max(state.shape[1], min(BLOCK, resources.memory / 64)))
    for rows, block in row_blocks(state, numbers):
        centred = (block.to(where).double() - mean).T
        values = torch.from_numpy(labels[rows]).to(where)
        for total, label in zip(sums, (1, 0), strict=True):
            total += centred @ (values == label).double()
    counts = (torch.from_numpy(count).double() for count in class_counts(labels))
    positive, negative = (total.cpu() / count for total, count in zip(sums, counts, strict=True))
    return positive, negative
