"""Every row of the digits table: an exhaustive neuron search and scikit-learn's logistic regression, to 4 decimals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe

CUT = 898
# classes, share, pixel, threshold, direction, neuron fit, neuron test, linear test, linear AUROC test
TABLE = {
    "odd": ({1, 3, 5, 7, 9}, 0.5042, 42, 5.5, -1, 0.8298, 0.7673, 0.8941, 0.9604),
    "at_least_5": ({5, 6, 7, 8, 9}, 0.4986, 20, 10.5, -1, 0.6794, 0.6057, 0.8754, 0.9444),
    "prime": ({2, 3, 5, 7}, 0.4012, 2, 5.5, 1, 0.7613, 0.7283, 0.9212, 0.9813),
    "loop": ({0, 6, 8, 9}, 0.3968, 50, 8.5, 1, 0.7221, 0.6671, 0.8980, 0.9642),
    "is_0": ({0}, 0.0991, 36, 0.5, -1, 0.9617, 0.9535, 0.9906, 0.9997),
    "is_1": ({1}, 0.1013, 20, 15.5, 1, 0.8551, 0.7454, 0.9284, 0.9810),
    "is_8": ({8}, 0.0968, 38, 0.5, -1, 0.7566, 0.7566, 0.9072, 0.9726),
}


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    pixels, target = load_digits(return_X_y=True)
    labels = np.stack([np.isin(target, list(row[0])) for row in TABLE.values()], axis=1).astype(np.int8)
    return pixels.astype(np.float32), labels


def test_shares(digits: tuple[np.ndarray, np.ndarray]) -> None:
    assert digits[1].mean(0).round(4) == pytest.approx([row[1] for row in TABLE.values()])


def test_best_pixel_of_every_attribute(digits: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, labels = digits
    observer = NeuronProbe().fit(pixels[:CUT], labels[:CUT])
    assert observer.neuron is not None
    assert observer.threshold is not None
    assert observer.direction is not None
    assert observer.fit_balanced_accuracy is not None
    decided = observer.scores(pixels[CUT:]) > 0
    for column, row in enumerate(TABLE.values()):
        found = (observer.neuron[column], observer.threshold[column], observer.direction[column])
        assert found == row[2:5]
        assert observer.fit_balanced_accuracy[column].round(4) == pytest.approx(row[5])
        test = balanced_accuracy_score(labels[CUT:, column], decided[:, column])
        assert round(test, 4) == pytest.approx(row[6])


def test_linear_observer_of_every_attribute(digits: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, labels = digits
    state = pixels / 16
    observer = LinearProbe(l2=1 / (2 * CUT), standardise=False).fit(state[:CUT], labels[:CUT])
    assert observer.converged.all()
    scores = observer.scores(state[CUT:])
    for column, row in enumerate(TABLE.values()):
        truth = labels[CUT:, column]
        assert round(balanced_accuracy_score(truth, scores[:, column] > 0), 4) == pytest.approx(row[7])
        assert round(roc_auc_score(truth, scores[:, column]), 4) == pytest.approx(row[8])
