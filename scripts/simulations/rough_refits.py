"""How far rough fits are from exact ones, in units of the noise that what is reported of them has itself.

Exact and rough observers are fitted to the same labels of the same data sets; distances are divided by the standard
error of the exact numbers, over shuffled draws or by theory, so that 0.1 means a tenth of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples
from denote.evidence.controls.shuffled import Shuffled, ShuffledDraws
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import hanley_mcneil_variance
from denote.evidence.replicates import Replicate, replicates
from denote.evidence.scores import Ranking
from denote.observers.linear import LinearProbe
from denote.observers.reading import moments
from denote.observers.rough import Rough
from denote.streams import stream

PROPORTIONS = (0.02, 0.1, 0.5)
"""Of the attributes of a data set; the rarest are nearly separable by chance and take the most steps."""

SERIES = 2
"""Series of draws of a data set, for the spread of the band over redraws."""

EPOCHS = 40
"""Of the network that learns the digits."""

REDRAWN = 400
"""Resamples of the largest relevances behind that spread."""

SCORES = ("auroc", "balanced_accuracy", "average_precision", "mcc", "accuracy")
"""Columns of replicates that are compared one by one."""

State = Float32[np.ndarray, "row neuron"]


def correlated(rows: int, neurons: int, draws: np.random.Generator) -> State:
    """Neurons that share 48 directions, few of them strong, as in trained layers, rectified."""
    rank = min(48, neurons)
    mixing = draws.standard_normal((rank, neurons)) * np.arange(1, rank + 1)[:, None] ** -0.5
    values = draws.standard_normal((rows, rank)) @ mixing + draws.standard_normal((rows, neurons))
    return np.maximum(values, 0).astype(np.float32)


def independent(rows: int, neurons: int, draws: np.random.Generator) -> State:
    """Neurons that have nothing in common."""
    return draws.standard_normal((rows, neurons), dtype=np.float32)


def steep(rows: int, neurons: int, draws: np.random.Generator) -> State:
    """Standard deviations of the directions that fall as 1 / k, in a random basis."""
    axes = np.linalg.qr(draws.standard_normal((neurons, neurons)))[0]
    return ((draws.standard_normal((rows, neurons)) / np.arange(1, neurons + 1)) @ axes).astype(np.float32)


def digits(rows: int, neurons: int, draws: np.random.Generator) -> State:
    """Third hidden layer of a network that has learned the digits from other rows."""
    inputs, targets = load_digits(return_X_y=True)
    order = draws.permutation(len(inputs))
    inputs, targets = inputs[order] / 16, targets[order]
    network = MLPClassifier((neurons,) * 3, random_state=0)
    for _ in range(EPOCHS):
        network.partial_fit(inputs[rows:], targets[rows:], classes=np.unique(targets))
    hidden = inputs[:rows]
    for weights, bias in zip(network.coefs_[:3], network.intercepts_[:3], strict=True):
        hidden = np.maximum(hidden @ weights + bias, 0)
    return hidden.astype(np.float32)


def rarely_on(rows: int, neurons: int, draws: np.random.Generator) -> State:
    """Neurons that are off for all but one row in fifty to one in five hundred, as units of sparse dictionaries are."""
    share = np.geomspace(1 / 50, 1 / 500, neurons)
    return ((draws.random((rows, neurons)) < share) * draws.exponential(size=(rows, neurons))).astype(np.float32)


WORLDS: dict[str, tuple[Callable[[int, int, np.random.Generator], State], int, int]] = {
    "correlated, 10,000 x 512": (correlated, 10_000, 512),
    "correlated, 2,000 x 128": (correlated, 2_000, 128),
    "steep, 2,000 x 128": (steep, 2_000, 128),
    "independent, 300 x 200": (independent, 300, 200),
    "digits, 539 x 64": (digits, 539, 64),
    "rarely on, 3,000 x 200": (rarely_on, 3_000, 200),
}
"""What makes a state, rows of *fit* (and of *test*), neurons."""

SETS, READABLE = 21, (0.5, 3.0)
"""Attributes that can be read, and how far the least and the most readable of them are above their noise."""

OUTCOMES = ("auroc", "control_auroc", "relevance_band", "untrained_auroc", "random_subset_percentile")

GOALS = {f"{world}: {what}": (None, 0.1) for world in WORLDS for what in OUTCOMES}
"""By the names of `run`: a tenth of the standard error. Other columns are reported as they are."""


def run(draws: int = 3) -> dict[str, dict[str, float]]:
    """Distances of each world, means over ``draws`` data sets."""
    return {world: distances(world, draws) for world in WORLDS}


def distances(world: str, data_sets: int) -> dict[str, float]:
    """Mean distances of one world by column.

    Args:
        world: A key of `WORLDS`.
        data_sets: How many.
    """
    found = [_distances(*_data(world, seed)) | _of_readable(world, seed) for seed in range(data_sets)]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def _data(world: str, seed: int) -> tuple[FitTestData, list[ShuffledDraws]]:
    make, rows, neurons = WORLDS[world]
    rng = stream("rough refits", world, seed)
    state = make(2 * rows, neurons, rng)
    proportions = [p for p in PROPORTIONS if p * rows >= 2]
    values = np.zeros((2 * rows, len(proportions)), dtype=np.int8)
    for column, p in enumerate(proportions):
        values[: round(p * rows), column] = values[rows : rows + round(p * rows), column] = 1
    labels = Labels(tuple(f"p = {p:g}" for p in proportions), ("noise",) * len(proportions), values)
    both = Halves(labels.at(np.arange(rows)), labels.at(np.arange(rows, 2 * rows)))
    data = FitTestData(Halves(state[:rows], state[rows:]), both, probe_seed=seed)
    series = [ControlSamples(both, probe_seed=1_000 * seed + each) for each in range(SERIES)]
    return data, [ShuffledDraws(samples, Shuffled.draws) for samples in series]


def _distances(data: FitTestData, series: list[ShuffledDraws]) -> dict[str, float]:
    spread = moments(data.state.fit).variance.sqrt().numpy()
    exact, rough = ([_fitted(data, draws, spread, rough) for draws in series] for rough in (False, True))
    found: dict[str, float] = {}
    for name in SCORES:
        own, other = (np.array([[each.curve[0][name] for each in draws] for draws in fits]) for fits in (exact, rough))
        sd = own.std(axis=1, ddof=1)
        found[name] = float(np.nanmean(np.abs(other - own) / sd[:, None]))
        if name == "auroc":
            error = sd / np.sqrt(own.shape[1])
            found["control_auroc"] = float(np.mean(np.abs(other.mean(axis=1) - own.mean(axis=1)) / error))
    own, other = (np.array([[each.largest[0] for each in draws] for draws in fits]) for fits in (exact, rough))
    found["relevance_band"] = float(np.mean(np.abs(other.max(axis=1) - own.max(axis=1)) / _spread_of_band(own)))
    return found


def _of_readable(world: str, seed: int) -> dict[str, float]:
    """Distances where there is something to read, as in an untrained network and with random sets of classes."""
    make, rows, neurons = WORLDS[world]
    rng = stream("rough refits", world, seed, "readable")
    state = make(2 * rows, neurons, rng)
    live = state[:, state.std(axis=0) > 0]
    scores = live / live.std(axis=0) @ rng.standard_normal((live.shape[1], SETS))
    scores = np.linspace(*READABLE, SETS) * scores / scores.std(axis=0) + rng.logistic(size=scores.shape)
    values = (scores > np.quantile(scores, 1 - PROPORTIONS[1], axis=0)).astype(np.int8)
    exact, rough = (
        Ranking(probe.fit(state[:rows], values[:rows]).scores(state[rows:]), values[rows:]).auroc
        for probe in (LinearProbe(), LinearProbe().rough(Rough.SCORES))
    )
    n_positive = values[rows:].sum(axis=0).astype(np.float64)
    error = np.sqrt(hanley_mcneil_variance(exact, n_positive, rows - n_positive))
    own, other = (
        np.array([np.mean(np.delete(all_sets, i) < exact[i]) for i in range(SETS)]) for all_sets in (exact, rough)
    )
    middle = ((SETS - 1) * own + 1) / (SETS + 1)  # Agresti and Coull's, since none is certain to be 0 or 1
    return {
        "untrained_auroc": float(np.mean(np.abs(rough - exact) / error)),
        "random_subset_percentile": float(np.mean(np.abs(other - own) / np.sqrt(middle * (1 - middle) / (SETS + 1)))),
    }


def _spread_of_band(largest: np.ndarray) -> np.ndarray:
    """Standard deviation of the band over redraws: of the largest of draws that are drawn with replacement."""
    of_all = largest.reshape(-1, largest.shape[-1])
    drawn = stream("redrawn").integers(len(of_all), size=(REDRAWN, largest.shape[1]))
    return np.asarray(of_all[drawn].max(axis=1).std(axis=0))


def _fitted(data: FitTestData, draws: ShuffledDraws, spread: np.ndarray, rough: bool) -> list[Replicate]:
    """Replicates of a series, rough as shuffled controls are, or exact as the attributes themselves."""
    drawn = (draw if rough else replace(draw, rough=None) for draw in draws.draws())
    return list(replicates(drawn, data, LinearProbe(), spread, {}))
