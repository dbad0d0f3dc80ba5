"""Scores against scikit-learn and scipy, with ties, nulls and huge activations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, wilcoxon
from sklearn import metrics

from denote.evidence.scores import Ranking, auroc, average_precision, confusion, mann_whitney_greater

REFERENCES = {
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "tpr": metrics.recall_score,
    "precision": metrics.precision_score,
    "mcc": metrics.matthews_corrcoef,
    "accuracy": metrics.accuracy_score,
}


@pytest.fixture(params=[(1.0, 0.0), (1e6, 0.0), (1.0, 1e6)])
def scored(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    scale, offset = request.param
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, (250, 6)).astype(np.int8)
    scores = np.round(rng.standard_normal((250, 6)) + 0.5 * labels, 1) * scale + offset  # many ties
    return scores, labels


def test_rank_scores_of_every_column(scored: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = scored
    area, precision = auroc(scores, labels), average_precision(scores, labels)
    p, reasons = mann_whitney_greater(scores, labels)
    for a in range(labels.shape[1]):
        rows = labels[:, a] >= 0
        truth, column = labels[rows, a], scores[rows, a]
        assert area[a] == pytest.approx(metrics.roc_auc_score(truth, column), abs=1e-12)
        assert precision[a] == pytest.approx(metrics.average_precision_score(truth, column), abs=1e-12)
        expected = mannwhitneyu(column[truth == 1], column[truth == 0], alternative="greater", method="asymptotic")
        assert p[a] == pytest.approx(expected.pvalue, rel=1e-9)
    assert reasons == (None,) * 6


def test_infinite_scores_rank_beside_rows_without_a_label() -> None:
    scores, labels = np.array([0, 1, np.inf, 5, np.inf, -1]), np.array([0, 0, 1, -1, 1, -1], dtype=np.int8)
    assert auroc(scores[:, None], labels[:, None]) == [1]
    assert average_precision(scores[:, None], labels[:, None]) == [1]


def test_decision_scores_of_every_column(scored: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = scored
    decided = scores > np.median(scores)
    counts = confusion(decided, labels)
    for a in range(labels.shape[1]):
        rows = labels[:, a] >= 0
        for name, reference in REFERENCES.items():
            assert getattr(counts, name)[a] == pytest.approx(reference(labels[rows, a], decided[rows, a])), name
        assert counts.tnr[a] == pytest.approx(metrics.recall_score(1 - labels[rows, a], ~decided[rows, a]))


def test_undefined_is_nan_and_harms_no_other_column() -> None:
    labels = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 0, -1]], dtype=np.int8)
    scores = np.array([[1.0, 0, np.nan], [2, 0, 1], [3, 0, 2], [4, 0, 3]])
    p, reasons = mann_whitney_greater(scores, labels)
    assert np.isnan(p).all()
    assert reasons[0] == reasons[2] == "p_value: needs a fit and test rows of both labels"
    assert reasons[1] == "p_value: the scores are constant"
    np.testing.assert_array_equal(auroc(scores, labels), [np.nan, 0.5, np.nan])
    counts = confusion(scores > 0, labels)
    assert np.isnan(counts.mcc[:2]).all()
    assert np.isnan(counts.balanced_accuracy[0])
    assert np.isnan(counts.precision[1])


def test_groups_that_hold_one_label_count_once() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 5)
    labels = np.repeat(rng.integers(0, 2, 30), 5)[:, None].astype(np.int8)
    scores = (np.repeat(rng.standard_normal(30), 5) + 0.1 * rng.standard_normal(150))[:, None]
    means = np.array([scores[groups == g].mean() for g in range(30)])
    positive = labels[::5, 0] == 1
    expected = mannwhitneyu(means[positive], means[~positive], alternative="greater").pvalue
    assert mann_whitney_greater(scores, labels, groups)[0][0] == pytest.approx(expected)


def test_groups_that_hold_both_labels_are_paired() -> None:
    rng = np.random.default_rng(1)
    groups, labels = np.repeat(np.arange(12), 6), np.tile([0, 1, 1, 0, 1, -1], 12)[:, None].astype(np.int8)
    scores = rng.standard_normal((72, 1)) + 0.8 * labels + 5 * rng.standard_normal(12)[groups][:, None]
    difference = [
        scores[(groups == g) & (labels[:, 0] == 1)].mean() - scores[(groups == g) & (labels[:, 0] == 0)].mean()
        for g in range(12)
    ]
    p, _ = mann_whitney_greater(scores, labels, groups)
    assert p[0] == pytest.approx(wilcoxon(difference, alternative="greater").pvalue)
    few = groups < 9
    p, reasons = mann_whitney_greater(scores[few], labels[few], groups[few])
    assert np.isnan(p[0])
    assert reasons[0] == "p_value: 9 groups hold both labels, 10 are needed"


def test_ties_make_no_small_p_values() -> None:
    """20,000 columns of noise with few distinct scores and few positives; 1 % may lie below .01, .1 % below .001.

    The normal approximation gives 3.1 % and 1.6 %. That a correct program has more than 260 or 40 has a chance below
    1e-5 (binomial tails).
    """
    rng = np.random.default_rng(0)
    scores = np.where(rng.random((1000, 20_000)) < 0.01, rng.random((1000, 20_000)), 0.0)
    labels = np.repeat((np.arange(1000) < 20).astype(np.int8)[:, None], scores.shape[1], axis=1)
    p = Ranking(scores, labels).p_greater
    assert (p < 0.01).sum() <= 260
    assert (p < 0.001).sum() <= 40
