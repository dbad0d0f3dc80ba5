"""Rivals: planted ones are found, chosen on fit alone, and scored as a plain search would."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves
from denote.denotation.judging.rivals import SimpleColumns, best_rivals
from denote.denotation.neurons import Controls, Neurons, observe_neurons
from denote.denotation.search.properties import Properties, family_halves
from denote.states.layers import Layer

N = 400
ROWS = np.arange(N).reshape(2, -1)


def properties(labels: np.ndarray) -> Properties:
    patterns, codes = np.unique(labels, axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    names = tuple(f"p{i}" for i in range(labels.shape[1]))
    return Properties(names, np.ascontiguousarray(patterns.T), Halves(codes[ROWS[0]], codes[ROWS[1]]))


def columns(values: np.ndarray) -> SimpleColumns:
    names = ("ink", "size", "bold", "flat")[: values.shape[1]]
    return SimpleColumns(dict(zip(names, values.T, strict=True)), Halves(*ROWS))


def table(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = np.stack([rng.random(N), rng.normal(50, 9, N), rng.random(N) < 0.3, np.full(N, 2.0)], axis=1)
    values[rng.random((N, 4)) < 0.1] = np.nan
    return values


def test_little_ink_and_bold_are_seen_through() -> None:
    values = table()
    labels = np.stack([values[:, 0] <= 0.3, values[:, 2] == 1, values[:, 1] > 60], axis=1).astype(np.int8)
    labels[::9] = -1
    found = best_rivals(columns(values), properties(labels), np.array([2, 0, 1]), 1 << 20)
    assert [name.split(" ")[:2] for name in found.names if name] == [["size", ">"], ["ink", "<="], ["bold", ">"]]
    assert float(str(found.names[1]).split()[-1]) == pytest.approx(0.3, abs=0.02)
    assert found.names[2] == "bold > 0.5"
    assert found.balanced_accuracy.min() > 0.97
    assert found.balanced_accuracy[2] == 1


def test_a_column_is_narrowed_only_where_that_loses_nothing() -> None:
    values = np.stack([np.arange(N) / 4, np.arange(N) / 10, np.full(N, 1e300)], axis=1)
    values[3] = np.nan
    given = columns(values)
    assert [given.halves(name).test.dtype for name in given.names] == [np.float32, np.float64, np.float64]
    np.testing.assert_array_equal(given.halves("ink").fit, values[ROWS[0], 0])


def test_choice_on_fit_and_score_on_test_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(1)
    values = np.round(table(1), 1)
    labels = rng.integers(-1, 2, (N, 6)).astype(np.int8)
    labels[:, 0] = np.where(rng.random(N) < 0.8, values[:, 1] < 45, labels[:, 0])
    found = best_rivals(columns(values), properties(labels), np.arange(6), 1)
    for which in range(6):
        best: tuple[float, int, float, bool] = (0.0, -1, 0.0, True)
        for c in range(4):
            known = np.isfinite(values[:200, c]) & (labels[:200, which] >= 0)
            x, y = values[:200, c][known], labels[:200, which][known]
            cuts = np.unique(x)
            for cut in (cuts[1:] + cuts[:-1]) / 2:
                for up in (True, False):
                    score = balanced_accuracy_score(y, (x > cut) == up)
                    best = max(best, (score, c, cut, up), key=lambda each: round(each[0], 9))
        _, c, _, up = best
        name, sign, cut = str(found.names[which]).split()
        assert (name, sign) == (("ink", "size", "bold")[c], ">" if up else "<=")
        known = np.isfinite(values[200:, c]) & (labels[200:, which] >= 0)
        x, y = values[200:, c][known], labels[200:, which][known]
        assert found.balanced_accuracy[which] == pytest.approx(balanced_accuracy_score(y, (x > float(cut)) == up))


def test_test_rows_choose_nothing() -> None:
    values, rng = table(), np.random.default_rng(2)
    labels = rng.integers(0, 2, (N, 3)).astype(np.int8)
    moved = values.copy()
    moved[200:] = rng.permutation(moved[200:]) * 7
    one, other = (best_rivals(columns(each), properties(labels), np.arange(3), 1 << 20) for each in (values, moved))
    assert one.names == other.names
    assert not np.array_equal(one.balanced_accuracy, other.balanced_accuracy)


def test_where_no_column_varies_there_is_no_rival() -> None:
    labels = np.tile(np.int8([[0], [1]]), (N // 2, 1))
    for values in (np.full((N, 1), 3.0), np.full((N, 1), np.nan), np.empty((N, 0))):
        found = best_rivals(columns(values), properties(labels), np.array([0]), 1 << 20)
        assert found.names == (None,)
        assert np.isnan(found.balanced_accuracy).all()


def test_every_neuron_has_the_rival_of_its_property() -> None:
    """Neuron 0 denotes little ink, neuron 1 an attribute of its own, neuron 2 is dead."""
    values, rng = table(), np.random.default_rng(3)
    labels = np.stack([np.nan_to_num(values[:, 0]) <= 0.3, rng.random(N) < 0.5], axis=1).astype(np.int8)
    state = np.concatenate([9 * labels + rng.standard_normal((N, 2)), np.ones((N, 1))], axis=1).astype(np.float32)
    family = family_halves(Family("named", Labels(("little ink", "other"), ("named",) * 2, labels)), *ROWS)
    neurons = Neurons(Layer("b", 0, None, (3,), "none", (3,)), list("xyz"))
    rows = observe_neurons(
        neurons, Halves(state[ROWS[0]], state[ROWS[1]]), family, Controls(shuffles=0, columns=columns(values))
    )
    assert rows["rival"][0].startswith("ink <= 0.3")
    assert rows["rival_balanced_accuracy"][0] > 0.98
    assert rows["rival_balanced_accuracy"][1] < 0.65
    assert rows.row(2, named=True)["rival"] is None
    assert "rivals" not in rows["note"][0]
