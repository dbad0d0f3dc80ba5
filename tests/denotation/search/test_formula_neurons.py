"""Neurons over the family of formulas, through the same three steps as over any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from denote.attributes.labels import NULL, Family, FormulaFamily, Formulas, Labels
from denote.data.parts import Halves
from denote.denotation.judging.decisions import decide
from denote.denotation.judging.search_stability import searched_again
from denote.denotation.neurons import Controls, Neurons, observe_neurons, replicate, replicate_rows, shuffled_family
from denote.denotation.search.candidates import search
from denote.denotation.search.properties import family_halves
from denote.evidence.rule import Rule
from denote.states.layers import Layer
from denote.tables import CONTROLS

NAMES = tuple("abcdefgh")
N, N_FIT = 3000, 1500


def family_of(atoms: np.ndarray, **settings: float) -> Family:
    names = NAMES[: atoms.shape[1]]
    labels = Labels(names, ("formulas",) * len(names), atoms.astype(np.int8))
    none = Labels((), (), np.zeros((len(atoms), 0), np.int8))
    return FormulaFamily("formulas", none, Formulas(labels, **settings))  # type: ignore[arg-type]


def halved(state: np.ndarray, family: Family) -> tuple[Halves[np.ndarray], Halves[Family]]:
    fit, test = np.arange(N_FIT), np.arange(N_FIT, len(state))
    return Halves(state[fit], state[test]), family_halves(family, fit, test)


def neurons_of(n: int) -> Neurons:
    return Neurons(Layer("block1", 1, 0.5, (n,), "none", (n,)), [f"unit {i}" for i in range(n)], Rule())


def drawn(seed: int, noise: int, d: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Eight atoms, and neurons that know ``a AND NOT b``, its complement and ``c``; then noise."""
    draws = np.random.default_rng(seed)
    atoms = (draws.random((N, 8)) < 0.4).astype(np.int8)
    held = (atoms[:, 0] == 1) & (atoms[:, 1] == 0)
    state = draws.standard_normal((N, 3 + noise))
    state[:, :3] += d * np.stack([held, ~held, atoms[:, 2] == 1], axis=1)
    return atoms, state.astype(np.float32)


def test_planted_formulas_are_denoted_and_noise_denotes_nothing() -> None:
    """At d' = 8 a rate is at least .99997; held-out balanced accuracy of noise has a spread near .02."""
    atoms, state = drawn(0, 100)
    halves, family = halved(state, family_of(atoms))
    untrained, raw = (
        halved(np.random.default_rng(1).standard_normal((N, 6)).astype(np.float32), family_of(atoms))[0],
        (halved(atoms.astype(np.float32), family_of(atoms))[0]),
    )
    rows = observe_neurons(neurons_of(103), halves, family, Controls(2, [untrained], raw))
    rotated = replicate_rows([replicate(neurons_of(103), halves, family, "rotated", 0)])
    frame, controls = decide(rows, rotated, Rule())
    assert frame["denotes"].to_list() == [True] * 3 + [False] * 100
    assert frame["property"][:3].to_list() == ["a AND NOT b", "NOT (a AND NOT b)", "c"]
    assert frame["n_members"][:3].to_list() == [2, 2, 1]
    assert frame["direction"].unique().to_list() == [1]
    assert frame["family"].unique().to_list() == ["formulas"]
    np.testing.assert_allclose(frame["label_proportion"][0] + frame["label_proportion"][1], 1)
    assert frame["n_tests"].unique().to_list() == [int(frame["p_value"].count())]
    # A coordinate of the input reads an atom as it is; nothing reads anything off noise or under shuffled labels.
    assert frame["input_balanced_accuracy"][2] == 1
    assert frame["input_balanced_accuracy"][0] < 0.95
    assert frame["untrained_balanced_accuracy"][:3].max() < 0.6
    assert frame["control_balanced_accuracy"].max() < 0.7
    assert set(controls.columns) == set(CONTROLS)


def test_test_rows_choose_nothing() -> None:
    atoms, state = drawn(2, 20, d=1.0)
    other = atoms.copy()
    other[N_FIT:] = np.random.default_rng(3).integers(-1, 2, other[N_FIT:].shape)
    one, two = (search(state[:N_FIT], halved(state, family_of(each))[1]) for each in (atoms, other))
    np.testing.assert_array_equal(one.threshold, two.threshold)
    np.testing.assert_array_equal(one.score, two.score)
    for neuron in range(23):
        labels = [each.properties.fit_labels(int(each.index[neuron])) for each in (one, two)]
        np.testing.assert_array_equal(*labels)


def test_atoms_with_few_rows_are_left_out_and_without_any_nothing_is_found() -> None:
    atoms, state = drawn(4, 2)
    atoms[:, 2] = 0
    atoms[:10, 2] = 1
    found = search(state[:N_FIT], halved(state, family_of(atoms))[1])
    assert found.note == "1 attribute left out: fewer than 20 positive or negative fit rows"
    assert not any("c" in name for name in found.properties.names)
    halves, family = halved(state, family_of(np.zeros_like(atoms)))
    rows = observe_neurons(neurons_of(5), halves, family, Controls(shuffles=1))
    assert rows["property"].null_count() == 5
    assert rows["note"].str.contains("no attribute has 20 positive and negative fit rows").all()


def test_a_layer_of_dead_neurons_has_rows_and_no_properties() -> None:
    atoms, state = drawn(5, 2)
    halves, family = halved(np.zeros_like(state), family_of(atoms))
    rows = observe_neurons(neurons_of(5), halves, family, Controls(shuffles=1))
    assert rows.select("live", "property", "balanced_accuracy").unique().rows() == [(False, None, None)]


@pytest.mark.parametrize("apart", [False, True])
def test_shuffled_atoms_move_together_and_with_whole_groups_where_all_can(apart: bool) -> None:
    draws = np.random.default_rng(6)
    groups = np.repeat(np.arange(N // 10), 10)
    atoms = (draws.random((N // 10, 4)) < 0.5).astype(np.int8)[groups]
    if apart:
        atoms[:, 3] = draws.integers(0, 2, N)
    _, family = halved(np.zeros((N, 1)), family_of(atoms))
    moved = shuffled_family(family, Halves(groups[:N_FIT], groups[N_FIT:]), 0, 0)
    for before, after, members in ((family.fit, moved.fit, groups[:N_FIT]), (family.test, moved.test, groups[N_FIT:])):
        assert before.formulas is not None
        assert after.formulas is not None
        old, new = before.formulas.atoms.values, after.formulas.atoms.values
        assert not np.array_equal(old, new)
        assert sorted(map(tuple, old)) == sorted(map(tuple, new))
        per_group = [len(np.unique(new[members == group], axis=0)) for group in np.unique(members)]
        assert (max(per_group) == 1) is not apart


def test_other_searches_of_the_same_neurons_use_fewer_thresholds_and_other_rows() -> None:
    atoms, state = drawn(7, 3)
    halves, family = halved(state, family_of(atoms))
    neurons = neurons_of(6)
    again = {each.name: each for each in searched_again(neurons, halves, family, neurons.search(halves.fit, family))}
    assert again["second_fit"].agreement[:3].tolist() == [1, 1, 1]
    assert again["thresholds"].agreement[:3].tolist() == [1, 1, 1]
    fewer = replace(neurons, settings=replace(neurons.settings, thresholds=32)).search(halves.fit, family)
    own = pl.Series(again["thresholds"].replicate.scored.found.threshold)
    np.testing.assert_array_equal(own.to_numpy(), fewer.threshold)


def test_nulls_of_atoms_are_nulls_of_formulas_and_left_out() -> None:
    atoms, state = drawn(8, 0)
    atoms[::5, 1] = NULL
    halves, family = halved(state, family_of(atoms))
    found = search(halves.fit, family)
    labels = found.properties.test_labels(int(found.index[0]))
    known = ~((atoms[:, 1] == NULL) & (atoms[:, 0] == 1))[N_FIT:]  # NOT a decides whatever b is
    np.testing.assert_array_equal(labels != NULL, known)
    rows = observe_neurons(neurons_of(3), halves, family, Controls(shuffles=0))
    assert rows["property"][0] == "a AND NOT b"
    assert rows["n_test"][0] == known.sum()
