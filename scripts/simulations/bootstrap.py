"""Do the intervals that need a bootstrap cover: selectivity where there is nothing to read, AUROC of rows in groups."""

from __future__ import annotations

import numpy as np
from scipy import stats

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.bootstrap import AurocBootstrap, Resampling
from denote.evidence.cells import CellControls, observe_cells
from denote.evidence.control import ControlSamples
from denote.evidence.controls.shuffled import Shuffled, ShuffledDraws
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import auroc_interval
from denote.evidence.rule import Rule
from denote.evidence.scores import Ranking
from denote.numbers import Estimate
from denote.observers.linear import LinearProbe
from denote.streams import stream

ROWS, NEURONS = 300, 20
"""Of a noise data set: rows of *fit* and of *test* each."""

SIZE, ALIKE = 5, 0.5
"""Rows of a group, and the share of a score's variance that they have in common."""

DISTANCES, GROUPS = (0.0, 0.5, 1.0, 1.5, 1.9), (60, 20)
"""AUROC .5, .76, .92, .983 and .996; numbers of groups."""

BESIDE = 25
"""Samples that share the draws of a bootstrap."""


GOALS = {"selectivity on noise": (0.92, 0.98)}
"""By the names of `run`. The AUROC with groups had no goal beforehand: its coverage is reported as it is."""


def run(draws: int = 500) -> dict[str, float]:
    """Coverage of 95 % intervals; ``draws`` data sets of noise, and twice as many samples of groups."""
    found = {"selectivity on noise": float(noise(draws).mean())}
    for distance in DISTANCES:
        for groups in GROUPS:
            of_groups, of_rows = clustered(distance, groups, 2 * draws)
            place = f"d = {distance:g}, {groups} groups of {SIZE}"
            found[f"AUROC, {place}"] = float(of_groups.mean())
            found[f"AUROC, {place}, as if rows were independent"] = float(of_rows.mean())
    return found


def noise(data_sets: int, attributes: int = 1, rows: int = ROWS) -> np.ndarray:
    """Whether the selectivity of a linear observer of noise has 0 inside, ``[data set, attribute]``."""
    return np.stack([_noise(seed, attributes, rows) for seed in range(data_sets)])


def _noise(seed: int, attributes: int, rows: int) -> np.ndarray:
    draws = stream("selectivity on noise", seed)
    state = draws.standard_normal((2 * rows, NEURONS), dtype=np.float32)
    columns = draws.integers(0, 2, (2 * rows, attributes)).astype(np.int8)
    labels = Labels(tuple(f"a{a}" for a in range(attributes)), ("noise",) * attributes, columns)
    places = np.arange(2 * rows)
    both = Halves(labels.at(places[:rows]), labels.at(places[rows:]))
    data = FitTestData(Halves(state[:rows], state[rows:]), both, probe_seed=seed)
    controls = CellControls([ShuffledDraws(ControlSamples(both, probe_seed=seed), Shuffled.draws)])
    cells = observe_cells(data, LinearProbe(), Rule(), controls).cells
    return ((cells["selectivity_low"] <= 0) & (cells["selectivity_high"] >= 0)).to_numpy()


def clustered(distance: float, groups: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether intervals of the AUROC hold the true one: that of groups drawn again, and that of independent rows.

    Half of the groups have the attribute. Scores are normal around -d and +d with unit variance, of which rows of a
    group share `ALIKE`; the AUROC of rows of different groups is Phi(d sqrt 2).
    """
    group = np.repeat(np.arange(groups), SIZE)
    labels = np.repeat((group % 2)[:, None], BESIDE, axis=1).astype(np.int8)
    truth = stats.norm.cdf(distance * np.sqrt(2))
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for seed in range(-(-samples // BESIDE)):
        draws = stream("clustered", str(distance), groups, seed)
        shared, own = draws.standard_normal((groups, BESIDE))[group], draws.standard_normal((len(group), BESIDE))
        scores = distance * (2 * labels - 1) + np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * own
        ranking = Ranking(scores, labels)
        bootstrap = AurocBootstrap(Resampling.of(len(group), group, seed), BESIDE)
        bootstrap.hear(slice(None), ranking)
        found, _ = bootstrap.interval(ranking.auroc)
        alone = auroc_interval(ranking.auroc, ranking.n_positive, ranking.n_negative)
        held.append((_holds(found, truth), _holds(alone, truth)))
    of_groups, of_rows = zip(*held, strict=True)
    return np.concatenate(of_groups), np.concatenate(of_rows)


def _holds(interval: Estimate[np.ndarray], truth: float) -> np.ndarray:
    return np.asarray((interval.low <= truth) & (truth <= interval.high))
