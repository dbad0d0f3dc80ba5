"""Formulas: brute force over all of them, planted ones, De Morgan, nulls, names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.attributes.labels import NULL, Formulas, Labels
from denote.data.parts import Halves
from denote.denotation.property_names import complement
from denote.denotation.search.formula_search import AND, OR, Formula, formula_properties, search_formulas
from denote.denotation.search.held_out_scores import balanced_accuracy
from denote.observers.neuron import best_thresholds

NAMES = tuple("abcdefgh")
PENALTY = 1e-9
"""So small that it decides between equal scores only."""


def asked(atoms: np.ndarray, length: int, beam: int = 32, penalty: float = PENALTY) -> Formulas:
    n = atoms.shape[1]
    return Formulas(Labels(NAMES[:n], ("formulas",) * n, atoms), length, beam, penalty)


def every_formula(n_atoms: int, length: int) -> Iterator[Formula]:
    """All chains of literals with different atoms."""
    for n in range(1, length + 1):
        for chosen in itertools.permutations(range(n_atoms), n):
            for negated in itertools.product((False, True), repeat=n):
                for joins in itertools.product((AND, OR), repeat=n - 1):
                    yield Formula(chosen, negated, joins)


def exact(activation: np.ndarray, held: np.ndarray) -> float:
    scan = best_thresholds(activation[:, None], held[:, None], upward_only=True)
    return float(scan.balanced_accuracy[0, 0])


@pytest.mark.parametrize(("n_atoms", "length", "nulls"), [(6, 2, 0.0), (6, 2, 0.1), (4, 3, 0.0), (4, 3, 0.1)])
@pytest.mark.parametrize("values", ["ties", "distinct"])
def test_a_wide_beam_finds_what_brute_force_finds(n_atoms: int, length: int, nulls: float, values: str) -> None:
    draws = np.random.default_rng(n_atoms + length)
    atoms = (draws.random((200, n_atoms)) < draws.uniform(0.3, 0.6, n_atoms)).astype(np.int8)
    atoms[draws.random(atoms.shape) < nulls] = NULL
    state = draws.standard_normal((200, 5)).astype(np.float32)
    state[:, 1] += atoms[:, 0] & atoms[:, 1]
    if values == "ties":
        state = np.round(state * 2).clip(min=0) / 2
    found = search_formulas(state, atoms, asked(atoms, length, beam=5000), "all")
    for neuron in range(5):
        best, ties = -1.0, []
        for formula in every_formula(n_atoms, length):
            held = formula.labels(atoms)
            if min(np.count_nonzero(held == 1), np.count_nonzero(held == 0)) >= 20:
                score = exact(state[:, neuron], held)
                if score > best + 1e-12:
                    best, ties = score, []
                if score > best - 1e-12:
                    ties.append(len(formula))
        own = found.formulas[neuron]
        assert own is not None
        assert found.score[neuron] == pytest.approx(best, abs=1e-12)
        assert len(own) == min(ties)
        on = state[:, neuron] > found.threshold[neuron]
        assert balanced_accuracy(on, own.labels(atoms)) == pytest.approx(best, abs=1e-12)


def sql(values: tuple[int, ...], formula: Formula) -> int:
    """Three-valued logic written down case by case."""
    turned = [v if v == NULL or not n else 1 - v for v, n in zip(values, formula.negated, strict=True)]
    result = turned[0]
    for join, other in zip(formula.joins, turned[1:], strict=True):
        pair = {result, other}
        decides = 0 if join == AND else 1
        result = decides if decides in pair else NULL if NULL in pair else 1 - decides
    return result


formulas = st.integers(1, 5).flatmap(
    lambda n: st.builds(
        Formula, st.permutations(range(8)).map(lambda p: tuple(p[:n])), st.tuples(*[st.booleans()] * n),
        st.tuples(*[st.sampled_from([AND, OR])] * (n - 1)),
    )
)  # fmt: skip


@given(formulas)
@settings(max_examples=200, deadline=None)
def test_labels_are_those_of_sql_and_de_morgan_holds(formula: Formula) -> None:
    n = len(formula)
    cases = np.array(list(itertools.product((0, 1, NULL), repeat=n)), np.int8)
    atoms = np.full((len(cases), 8), NULL, np.int8)
    atoms[:, formula.atoms] = cases
    labels = formula.labels(atoms)
    assert labels.tolist() == [sql(tuple(case), formula) for case in cases]
    other = formula.complement.labels(atoms)
    assert np.array_equal(other, np.where(labels == NULL, NULL, 1 - labels))


@given(formulas, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_equal_formulas_have_equal_names_and_complements_differ_by_not(formula: Formula, random: object) -> None:
    name = formula.name(NAMES)
    assert complement(name) == formula.complement.name(NAMES)
    assert complement(complement(name)) == name
    last = len(formula) - 1  # literals that are joined alike may stand in any order
    while last > 1 and formula.joins[last - 2] == formula.joins[-1]:
        last -= 1
    tail = list(range(last, len(formula)))
    random.shuffle(tail)  # type: ignore[attr-defined]
    order = [*range(last), *tail]
    again = Formula(tuple(formula.atoms[i] for i in order), tuple(formula.negated[i] for i in order), formula.joins)
    assert again.name(NAMES) == name


@pytest.mark.parametrize(
    ("atoms", "negated", "joins", "name"),
    [
        ((0,), (False,), (), "a"),
        ((0,), (True,), (), "NOT a"),
        ((1, 0), (True, False), (AND,), "a AND NOT b"),
        ((1, 0), (False, True), (OR,), "NOT (a AND NOT b)"),
        ((1, 0), (False, True), (AND,), "b AND NOT a"),
        ((1, 0), (True, True), (AND,), "NOT (a OR b)"),
        ((1, 0, 2), (False, False, False), (OR, AND), "(a OR b) AND c"),
        ((2, 1, 0), (False, False, False), (OR, AND), "a AND (b OR c)"),
        ((2, 1, 0), (False, False, True), (AND, AND), "b AND c AND NOT a"),
        ((0, 1, 2, 3), (False, True, False, False), (AND, OR, AND), "((a AND NOT b) OR c) AND d"),
    ],
)
def test_names(atoms, negated, joins, name) -> None:  # type: ignore[no-untyped-def]
    assert Formula(atoms, negated, joins).name(NAMES) == name


def test_an_atom_that_holds_and_itself_stands_in_parentheses() -> None:
    names = ("team=R AND D", "old")
    assert Formula((0,), (False,), ()).name(names) == "team=R AND D"
    both = Formula((0, 1), (True, False), (AND,))
    assert both.name(names) == "old AND NOT (team=R AND D)"
    assert complement(complement(both.name(names))) == both.name(names)


def planted(formula: Formula, seed: int, d: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """Eight atoms, two neurons that know the formula and two that know nothing, on 2,000 rows."""
    draws = np.random.default_rng(seed)
    atoms = (draws.random((2000, 8)) < 0.4).astype(np.int8)
    state = draws.standard_normal((2000, 4)).astype(np.float32)
    state[:, :2] += d * (formula.labels(atoms) == 1)[:, None]
    return state, atoms


@pytest.mark.parametrize(
    "formula",
    [
        Formula((3,), (True,), ()),
        Formula((3, 5), (False, True), (AND,)),
        Formula((3, 5), (False, False), (OR,)),
        Formula((3, 5, 1), (False, True, False), (AND, OR)),
        Formula((3, 5, 1), (True, True, True), (AND, AND)),
        Formula((0, 1, 2, 3), (False, True, False, False), (OR, AND, OR)),
    ],
)
def test_planted_formulas_are_found_and_no_longer_ones(formula: Formula) -> None:
    state, atoms = planted(formula, 0)
    found = search_formulas(state, atoms, asked(atoms, 4, beam=256, penalty=0.005))
    names = [each.name(NAMES) for each in found.formulas[:2] if each]
    assert names == [formula.name(NAMES)] * 2
    assert (found.score[:2] > 0.99).all()
    assert (found.score[2:] < 0.65).all()


def test_the_penalty_is_what_an_atom_must_gain() -> None:
    draws = np.random.default_rng(0)
    atoms = (draws.random((2000, 2)) < 0.5).astype(np.int8)
    atoms[:, 1] &= draws.random(2000) < 0.2
    state = (atoms[:, [0]] & (1 - atoms[:, [1]])).astype(np.float32)  # a AND NOT b, without noise
    without = exact(state[:, 0], atoms[:, 0])
    for penalty, name in ((0.9 * (1 - without), "a AND NOT b"), (1.1 * (1 - without), "a")):
        (formula,) = search_formulas(state, atoms, asked(atoms, 2, penalty=penalty)).formulas
        assert formula is not None
        assert formula.name(NAMES) == name


def test_formulas_enter_with_enough_rows_only() -> None:
    draws = np.random.default_rng(0)
    atoms = (draws.random((500, 2)) < 0.15).astype(np.int8)
    both = (atoms[:, 0] & atoms[:, 1]).astype(np.float32)
    n = int(both.sum())
    state = both[:, None] + 0.001 * draws.random((500, 1)).astype(np.float32)
    for least in (n, n + 1):
        (formula,) = search_formulas(state, atoms, asked(atoms, 2), entry_rows=least).formulas
        assert formula is not None
        assert (formula.name(NAMES) == "a AND b") == (least == n)


def test_neither_memory_nor_neighbours_nor_the_order_of_rows_shape_a_result() -> None:
    state, atoms = planted(Formula((3, 5, 1), (False, True, False), (AND, OR)), 1, d=1.0)
    state = np.round(state, 1)
    settings_ = asked(atoms, 3, beam=4)
    whole = search_formulas(state, atoms, settings_)
    small = search_formulas(state, atoms, settings_, memory=1)
    alone = [search_formulas(state[:, [i]], atoms, settings_) for i in range(4)]
    order = np.random.default_rng(2).permutation(len(state))
    moved = search_formulas(state[order], atoms[order], settings_)
    assert whole.formulas == small.formulas == moved.formulas == tuple(each.formulas[0] for each in alone)
    np.testing.assert_array_equal(whole.threshold, small.threshold)
    np.testing.assert_array_equal(whole.score, moved.score)


def test_a_dead_neuron_has_no_formula() -> None:
    state, atoms = planted(Formula((3,), (False,), ()), 0)
    state[:, 2] = 1
    found = search_formulas(state, atoms, asked(atoms, 2))
    assert found.formulas[2] is None
    assert np.isnan(found.score[2])
    assert found.live.tolist() == [True, True, False, True]


def test_a_neuron_that_is_constant_on_the_rows_with_labels_has_no_formula() -> None:
    atoms = np.repeat(np.array([[1, 0], [0, 1], [NULL, NULL]], np.int8), 50, axis=0)
    state = np.zeros((150, 1), np.float32)
    state[100:, 0] = np.arange(50)
    found = search_formulas(state, atoms, asked(atoms, 2))
    assert found.live.all()
    assert found.formulas == (None,)
    assert np.isnan([found.threshold[0], found.score[0]]).all()


def test_formulas_with_equal_rows_have_the_shortest_name_and_so_have_complements() -> None:
    draws = np.random.default_rng(0)
    atoms = (draws.random((300, 3)) < 0.5).astype(np.int8)
    atoms[:, 2] = atoms[:, 0] & atoms[:, 1]
    given_ = [
        Formula((0, 1), (False, False), (AND,)),
        Formula((0, 1), (True, True), (OR,)),
        Formula((2,), (False,), ()),
        Formula((0,), (False,), ()),
    ]
    properties, place = formula_properties(given_, NAMES[:3], Halves(atoms[:200], atoms[200:]))
    assert [properties.names[i] for i in place] == ["c", "NOT c", "c", "a"]
    assert properties.n_members is not None
    assert [int(properties.n_members[i]) for i in place] == [1, 1, 1, 1]
    for formula, index in zip(given_, place, strict=True):
        np.testing.assert_array_equal(properties.fit_labels(int(index)), formula.labels(atoms[:200]))
        np.testing.assert_array_equal(properties.test_labels(int(index)), formula.labels(atoms[200:]))
    # Equal on fit alone is not enough.
    atoms[250, 2] ^= 1
    properties, place = formula_properties(given_, NAMES[:3], Halves(atoms[:200], atoms[200:]))
    assert [properties.names[i] for i in place] == ["a AND b", "NOT (a AND b)", "c", "a"]
