"""The bootstrap against itself written plainly: rows that are drawn twice stand there twice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from simulations.bootstrap import clustered, noise
from sklearn.metrics import roc_auc_score

from denote.evidence import bootstrap as resampling_module
from denote.evidence.bootstrap import LEAST_UNITS, AurocBootstrap, Resampling, influence, resampled_areas
from denote.evidence.intervals import auroc_interval
from denote.evidence.scores import Ranking, auroc
from denote.numbers import Estimate

ALL = slice(None)


def sample(n: int = 120, attributes: int = 6, seed: int = 0, decimals: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties and labels with nulls; the last attribute has one class, the one before has no fit."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1, 0, 1], (n, attributes), p=[0.1, 0.6, 0.3]).astype(np.int8)
    scores = (rng.standard_normal((n, attributes)) + 0.7 * labels).round(decimals)
    labels[:, -1], scores[:, -2] = 1, np.nan
    return scores, labels


def in_groups(n: int = 120, groups: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, groups, n) * 3 - 50


def counts_of(resampling: Resampling) -> np.ndarray:
    return np.concatenate([counts for _, counts in resampling.blocks()], axis=1)


@pytest.mark.parametrize("groups", [None, in_groups()], ids=["rows", "groups"])
def test_areas_are_those_of_rows_that_stand_there_as_often_as_they_were_drawn(groups: np.ndarray | None) -> None:
    scores, labels = sample()
    resampling = Resampling.of(120, groups, probe_seed=4, draws=7)
    areas = resampled_areas(Ranking(scores, labels), resampling)
    for draw, counts in enumerate(counts_of(resampling).T):
        rows = np.repeat(np.arange(120), counts[resampling.unit])
        expected = auroc(scores[rows], labels[rows])
        np.testing.assert_allclose(areas[:, draw], expected, rtol=0, atol=1e-14)
        known = labels[rows, 0] >= 0
        assert areas[0, draw] == pytest.approx(roc_auc_score(labels[rows, 0][known], scores[rows, 0][known]), abs=1e-12)
    assert np.isnan(areas[-2:]).all()


def test_draws_are_named_and_shared_and_do_not_depend_on_their_number_or_on_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = counts_of(Resampling.of(30, None, 1, draws=20))
    assert (whole.sum(axis=0) == 30).all()
    np.testing.assert_array_equal(counts_of(Resampling.of(30, None, 1, draws=8)), whole[:, :8])
    assert (counts_of(Resampling.of(30, None, 2, draws=20)) != whole).any()
    assert (whole[:, 0] != whole[:, 1]).any()
    scores, labels = sample(30)
    areas = resampled_areas(Ranking(scores, labels), Resampling.of(30, None, 1, draws=20))
    monkeypatch.setattr(resampling_module, "BLOCK", 90)
    np.testing.assert_array_equal(counts_of(Resampling.of(30, None, 1, draws=20)), whole)
    np.testing.assert_array_equal(resampled_areas(Ranking(scores, labels), Resampling.of(30, None, 1, draws=20)), areas)


def test_groups_are_drawn_whole_and_each_as_likely() -> None:
    groups = in_groups()
    resampling = Resampling.of(120, groups, draws=2000)
    counts = counts_of(resampling)
    members = np.unique(groups)
    assert (members[resampling.unit] == groups).all()
    assert (counts.sum(axis=0) == len(members)).all()
    # Mean of 2,000 counts of variance < 1: a standard error of .022.
    assert np.abs(counts.mean(axis=1) - 1).max() < 0.15
    values = np.arange(240).reshape(120, 2)
    sums = [values[groups == member].sum(axis=0) for member in members]
    np.testing.assert_array_equal(resampling.summed(values), sums)
    held = [(values[groups == member] > 200).any(axis=0) for member in members]
    np.testing.assert_array_equal(resampling.holding(values > 200), np.sum(held, axis=0))


@pytest.mark.parametrize("groups", [None, in_groups()], ids=["rows", "groups"])
def test_influence_is_the_derivative_by_how_often_a_unit_stands_there(groups: np.ndarray | None) -> None:
    scores, labels = sample()
    resampling = Resampling.of(120, groups)
    found = influence(Ranking(scores, labels), resampling)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-6)
    assert (found[:, -2:] == 0).all()
    step = 1e-6
    for unit in range(resampling.n_units):
        weights = 1 + step * (resampling.unit == unit)
        for a in range(labels.shape[1] - 2):
            change = (plainly(scores[:, a], labels[:, a], weights) - plainly(scores[:, a], labels[:, a])) / step
            assert found[unit, a] == pytest.approx(change, abs=1e-6)


def plainly(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | float = 1.0) -> float:
    """AUROC as the weighted share of pairs that are ranked right."""
    weights = np.broadcast_to(weights, labels.shape)
    positive, negative = labels == 1, labels == 0
    above = scores[positive][:, None] - scores[negative]
    right = (above > 0) + (above == 0) / 2
    pairs = weights[positive][:, None] * weights[negative]
    return float((right * pairs).sum() / pairs.sum())


def heard(
    scores: np.ndarray, labels: np.ndarray, refits: list[tuple[np.ndarray, np.ndarray]], resampling: Resampling
) -> tuple[Estimate[np.ndarray], np.ndarray]:
    """Selectivity by the module, and the AUROC of every refit and draw."""
    bootstrap = AurocBootstrap(resampling, labels.shape[1])
    ranking, others = Ranking(scores, labels), [Ranking(*refit) for refit in refits]
    bootstrap.hear(ALL, ranking)
    for other in others:
        bootstrap.hear_shuffled(ALL, other)
    own = auroc_interval(ranking.auroc, ranking.n_positive, ranking.n_negative)
    found, _ = bootstrap.selectivity(own, np.stack([other.auroc for other in others]))
    return found, np.stack([resampled_areas(other, resampling) for other in others])


def test_selectivity_is_that_of_the_full_paired_bootstrap() -> None:
    """Refits that read the same rows as the observer: what they share with it must not count twice."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (300, 4)).astype(np.int8)
    scores = rng.standard_normal((300, 4))
    refits = [(scores + rng.standard_normal((300, 4)), labels) for _ in range(6)]
    resampling = Resampling.of(300, None, draws=4000)
    found, areas = heard(scores, labels, refits, resampling)
    single = np.stack([auroc(*refit) for refit in refits])
    difference = resampled_areas(Ranking(scores, labels), resampling) - areas.mean(axis=0)
    half = stats.norm.ppf(0.975) * np.sqrt(difference.var(axis=1, ddof=1) + single.var(axis=0, ddof=1) / 6)
    np.testing.assert_allclose(found.value, auroc(scores, labels) - single.mean(axis=0), atol=1e-12)
    for found_half in (found.value - found.low, found.high - found.value):
        # Linear terms know the variance to some percent; where the observer's own interval is wider, so is this.
        assert (found_half > 0.97 * half).all()
        assert (found_half < 1.1 * half).all()
    assert (difference.var(axis=1) < 0.7 * areas[0].var(axis=1)).all()  # what is shared has gone


def test_refits_enter_to_first_order_exactly_enough() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, (200, 3)).astype(np.int8)
    resampling = Resampling.of(200, None, draws=300)
    bootstrap = AurocBootstrap(resampling, 3)
    rankings = [Ranking(rng.standard_normal((200, 3)), rng.permutation(labels)) for _ in range(20)]
    for ranking in rankings:
        bootstrap.hear_shuffled(ALL, ranking)
    exact = np.mean([resampled_areas(r, resampling) - r.auroc[:, None] for r in rankings], axis=0)
    linear = bootstrap._shuffled_change() / 20
    assert ((linear - exact).var(axis=1) < 0.02 * exact.var(axis=1)).all()


def test_a_refit_without_a_score_is_left_out() -> None:
    scores, labels = sample(300, 3, decimals=5)
    scores, labels = scores[:, :1], labels[:, :1]
    refits = [(np.random.default_rng(seed).standard_normal((300, 1)), labels) for seed in range(4)]
    blank = (np.full((300, 1), np.nan), labels)
    resampling = Resampling.of(300, None)
    with_blank, without = (heard(scores, labels, some, resampling)[0] for some in ([*refits, blank], refits))
    assert (with_blank.low, with_blank.high) == (without.low, without.high)
    lone, _ = heard(scores, labels, refits[:1], resampling)  # no variance between refits can be seen
    assert np.isnan([lone.low, lone.high]).all()
    assert not np.isnan(lone.value).any()


def test_at_the_ceiling_intervals_do_not_vanish() -> None:
    labels = np.repeat([0, 1], 60)[:, None].astype(np.int8)
    groups = np.repeat(np.arange(40), 3)
    scores = labels.astype(float) + np.random.default_rng(0).random((120, 1)) / 2
    for resampling in (Resampling.of(120, None), Resampling.of(120, groups)):
        bootstrap = AurocBootstrap(resampling, 1)
        bootstrap.hear(ALL, Ranking(scores, labels))
        found, _ = bootstrap.interval(np.ones(1))
        units = 20 if resampling.grouped else 60
        assert (found.low, found.high) == (auroc_interval(1.0, units, units).low, 1.0)
        value, _ = bootstrap.selectivity(found, np.array([[0.4], [0.6]]))
        assert value.value[0] - value.low[0] > 1 - found.low[0]


def test_copies_count_once() -> None:
    scores, labels = sample(80, 3, decimals=5)
    scores, labels = scores[:, :1], labels[:, :1]
    single = AurocBootstrap(Resampling.of(80, np.arange(80)), 1)
    copied = AurocBootstrap(Resampling.of(240, np.repeat(np.arange(80), 3)), 1)
    single.hear(ALL, Ranking(scores, labels))
    copied.hear(ALL, Ranking(np.repeat(scores, 3, axis=0), np.repeat(labels, 3, axis=0)))
    area = auroc(scores, labels)
    (once, _), (thrice, _) = single.interval(area), copied.interval(area)
    assert thrice.low[0] == pytest.approx(once.low[0], abs=0.01)
    assert thrice.high[0] == pytest.approx(once.high[0], abs=0.01)


def test_too_few_units_of_a_class_give_no_interval_but_a_reason() -> None:
    labels = (np.arange(120) < LEAST_UNITS - 1).astype(np.int8)[:, None]
    scores = np.random.default_rng(0).standard_normal((120, 1))
    for groups, what in ((None, "rows"), (np.arange(120), "groups")):
        bootstrap = AurocBootstrap(Resampling.of(120, groups), 1)
        bootstrap.hear(ALL, Ranking(scores, labels))
        area = auroc(scores, labels)
        for found, reasons in (bootstrap.interval(area), bootstrap.selectivity(Estimate(area, area, area), area[None])):
            assert np.isnan([found.low, found.high]).all()
            assert f"only 9 {what} hold one of the labels, 10 are needed" in str(reasons[0])


def test_selectivity_covers_nothing_where_there_is_nothing() -> None:
    """8 data sets of 40 attributes; at coverage .95, P(Bin(320, .95) outside 289..316) < 1/1,000."""
    assert 289 <= noise(8, attributes=40).sum() <= 316


@pytest.mark.parametrize("distance", [0.0, 1.0, 1.9])
def test_auroc_of_rows_in_groups_covers(distance: float) -> None:
    """500 samples; at .93, P(Bin(500, .93) < 445) < 1/1,000. Independent rows would claim too much."""
    of_groups, of_rows = clustered(distance, 60, 500)
    assert of_groups.sum() >= 445
    assert distance > 1 or of_rows.sum() < 445
