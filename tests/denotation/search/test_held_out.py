"""Held-out scores against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from denote.denotation.search.held_out_scores import auroc_of_rows, score_neurons


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = np.round(rng.standard_normal((8, 300)) * 3).astype(np.float32)  # with ties
    values[7] += np.float32(1e6)  # and far from 0
    labels = rng.integers(-1, 2, (8, 300)).astype(np.int8)
    threshold = np.array([0.5] * 7 + [1e6 + 0.5])
    scores = score_neurons(values, threshold, labels, null=0.9)
    for neuron in range(8):
        known = labels[neuron] >= 0
        truth, x = labels[neuron][known], values[neuron][known]
        said = x > threshold[neuron]
        expected = {
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
            "tpr": metrics.recall_score(truth, said),
            "tnr": metrics.recall_score(1 - truth, ~said),
            "precision": metrics.precision_score(truth, said),
            "mcc": metrics.matthews_corrcoef(truth, said),
            "auroc": metrics.roc_auc_score(truth, x.astype(float)),
            "on_proportion": said.mean(),
        }
        for name, value in expected.items():
            assert getattr(scores, name)[neuron] == pytest.approx(value, abs=1e-9), name
        assert scores.n_positive[neuron] == truth.sum()
        assert scores.n_negative[neuron] == (1 - truth).sum()


def test_undefined_scores_are_nan() -> None:
    values = np.zeros((2, 4), np.float32)
    labels = np.array([[0, 0, 1, 1], [1, 1, 1, -1]], np.int8)
    scores = score_neurons(values, np.array([1.0, -1.0]), labels, null=0.9)
    assert np.isnan(scores.precision).tolist() == [True, False]
    assert np.isnan(scores.mcc).all()
    assert np.isnan(scores.tnr).tolist() == [False, True]
    assert np.isnan(scores.p_value).tolist() == [False, True]
    assert scores.auroc[0] == 0.5
    assert np.isnan(scores.auroc[1])


def test_auroc_without_rows_of_a_kind_is_nan() -> None:
    nothing = np.zeros((1, 3), dtype=bool)
    assert np.isnan(auroc_of_rows(np.ones((1, 3)), nothing, ~nothing))


def test_groups_weaken_the_evidence() -> None:
    rng = np.random.default_rng(1)
    labels = np.tile(np.int8([0, 1]), 100)[None]
    values = (labels + 0.15 * rng.standard_normal((1, 200))).astype(np.float32)
    copies, groups = np.repeat(values, 4, axis=1), np.repeat(np.arange(200), 4)
    single = score_neurons(values, np.array([0.5]), labels, 0.9).p_value
    naive = score_neurons(copies, np.array([0.5]), np.repeat(labels, 4, axis=1), 0.9).p_value
    grouped = score_neurons(copies, np.array([0.5]), np.repeat(labels, 4, axis=1), 0.9, groups).p_value
    assert naive < single / 100
    assert grouped == pytest.approx(single, rel=0.2)
