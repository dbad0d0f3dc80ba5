"""Other searches of the same neurons: what is planted is found again, noise is not, and test rows choose nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.data.parts import Halves
from denote.denotation.judging.decisions import decide
from denote.denotation.judging.search_stability import SearchedAgain, jaccard, searched_again, with_agreements
from denote.denotation.neurons import Controls as Beside
from denote.denotation.neurons import Neurons, observe_neurons, replicate, replicate_rows
from denote.denotation.search.properties import Settings, family_halves
from denote.evidence.rule import Rule
from denote.states.layers import Layer
from denote.tables import CONTROLS

N_FIT, N_TEST, PLANTED, NOISE = 1000, 800, 6, 20


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes, and neurons that rise at d' = 8 with a set of them, beside noise."""
    draws = np.random.default_rng(seed)
    codes = draws.integers(0, 10, N_FIT + N_TEST)
    values = draws.standard_normal((len(codes), PLANTED + NOISE))
    for neuron in range(PLANTED):
        values[:, neuron] += 8.0 * (codes <= neuron)
    return codes, values.astype(np.float32)


def halves(codes: np.ndarray, values: np.ndarray, kind: str) -> tuple[Halves[np.ndarray], Halves[Family]]:
    none = Labels((), (), np.zeros((len(codes), 0), np.int8))
    classes = Labels(tuple("abcde"), ("classes",) * 5, (codes[:, None] == np.arange(5)).astype(np.int8))
    family = (
        SubsetFamily("subsets", none, codes, tuple("0123456789")) if kind == "subsets" else Family("classes", classes)
    )
    fit, test = np.arange(N_FIT), np.arange(N_FIT, len(codes))
    return Halves(values[fit], values[test]), family_halves(family, fit, test)


def neurons_of(n: int, groups: Halves[np.ndarray] | None = None, thresholds: int = 64) -> Neurons:
    layer = Layer("block", 0, 0.0, (n,), "none", (n,))
    return Neurons(layer, [f"unit {i}" for i in range(n)], Rule(), 0, Settings(thresholds), groups)


def rows_of(searched: SearchedAgain) -> pl.DataFrame:
    return replicate_rows([searched.replicate])


def again(
    state: Halves[np.ndarray], family: Halves[Family], neurons: Neurons | None = None
) -> tuple[pl.DataFrame, dict[str, SearchedAgain]]:
    neurons = neurons or neurons_of(state.fit.shape[1])
    found = neurons.search(state.fit, family)
    searched = list(searched_again(neurons, state, family, found))
    rows = observe_neurons(neurons, state, family, Beside(shuffles=0), found=found)
    return with_agreements(rows, searched), {each.name: each for each in searched}


@pytest.mark.parametrize("kind", ["subsets", "classes"])
def test_what_is_planted_is_found_again_and_noise_is_not(kind: str) -> None:
    rows, searched = again(*halves(*drawn(0), kind))
    planted = rows.head(PLANTED if kind == "subsets" else 1)
    assert planted["fit_agreement"].min() == planted["threshold_agreement"].min() == 1
    assert rows.tail(NOISE)["fit_agreement"].mean() < 0.6
    assert rows_of(searched["second_fit"])["property"][0] == rows["property"][0]
    _, decided = decide(rows, pl.concat([rows_of(each) for each in searched.values()]), Rule())
    for control in ("second_fit", "thresholds"):
        denoting = decided.filter("denotes", pl.col("control") == control)["neuron"]
        assert denoting.to_list() == list(range(planted.height))


def test_the_second_draw_is_the_same_search_with_the_halves_swapped() -> None:
    state, family = halves(*drawn(1), "subsets")
    _, searched = again(state, family)
    other = replicate(
        neurons_of(PLANTED + NOISE), Halves(state.test, state.fit), Halves(family.test, family.fit), "second_fit", 0
    )
    assert rows_of(searched["second_fit"]).equals(replicate_rows([other]))
    assert rows_of(searched["second_fit"])["n_fit"].unique().to_list() == [N_TEST]
    assert rows_of(searched["second_fit"]).columns == list(CONTROLS)


def test_agreement_is_that_of_the_rows_of_both_properties() -> None:
    codes, values = drawn(2)
    rows, searched = again(*halves(codes, values, "subsets"))
    test = codes[N_FIT:]
    for name, column in (("second_fit", "fit_agreement"), ("thresholds", "threshold_agreement")):
        for mine, theirs, agreement in zip(rows["property"], rows_of(searched[name])["property"], rows[column],
                                           strict=True):  # fmt: skip
            one, other = np.isin(test, members(mine)), np.isin(test, members(theirs))
            assert agreement == pytest.approx((one & other).sum() / (one | other).sum())
    assert rows["threshold_agreement"].min() < 1  # with 32 thresholds some noise gets another property


def members(name: str) -> list[int]:
    listed = [int(each) for each in name.removeprefix("NOT ").removeprefix("class=").removeprefix("class in ")
              .strip("{}").split(",")]  # fmt: skip
    return [c for c in range(10) if c not in listed] if name.startswith("NOT") else listed


def test_families_that_try_every_threshold_are_not_searched_with_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    search = Neurons.search
    monkeypatch.setattr(Neurons, "search", lambda *given: calls.append(1) or search(*given))
    rows, searched = again(*halves(*drawn(3), "classes"))
    assert len(calls) == 2  # on fit and on the second draw
    assert rows["threshold_agreement"].unique().to_list() == [1.0]
    assert rows_of(searched["thresholds"])["property"].equals(rows["property"])


@pytest.mark.parametrize("kind", ["subsets", "classes"])
def test_test_rows_choose_no_property_and_no_threshold(kind: str) -> None:
    codes, values = drawn(4)
    rows, searched = again(*halves(codes, values, kind))
    codes[N_FIT:], values[N_FIT:] = codes[N_FIT:][::-1], -values[N_FIT:] * 3
    changed, other = again(*halves(codes, values, kind))
    learned = ["property", "threshold", "direction", "fit_balanced_accuracy"]
    assert rows.select(learned).equals(changed.select(learned))
    assert rows_of(searched["thresholds"]).select(learned).equals(rows_of(other["thresholds"]).select(learned))
    assert not rows_of(searched["second_fit"]).select(learned).equals(rows_of(other["second_fit"]).select(learned))


def test_a_short_second_draw_and_a_missing_one_say_so() -> None:
    codes, values = drawn(5)
    values[:N_FIT, 0] = 1.0
    state, family = halves(codes, values, "classes")
    first = np.arange(400)
    short = Halves(family.fit, family_halves(family.test, first, first).test)
    rows, _ = again(Halves(state.fit, state.test[first]), short)
    assert rows["note"][1].endswith("fit_agreement: with a search on 400 rows, this one is on 1000")
    assert "fit_agreement" not in rows["note"][0]  # a dead neuron has nothing to agree on
    assert rows.select("fit_agreement", "threshold_agreement").row(0) == (None, None)
    off = with_agreements(rows, [])
    assert off["note"][1].endswith("evidence.stability is off")


def test_groups_go_with_their_rows() -> None:
    codes, values = drawn(6)
    state, family = halves(codes, values, "classes")
    groups = Halves(np.arange(N_FIT) // 4, 1000 + np.arange(N_TEST) // 4)
    rows, searched = again(state, family, neurons_of(PLANTED + NOISE, groups))
    assert rows_of(searched["second_fit"])["p_value"][0] is not None
    assert rows["fit_agreement"][0] == 1


LABELS = st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.sampled_from([-1, 0, 1])), min_size=1, max_size=30)


@given(rows=LABELS)
def test_jaccard_counts_rows_that_both_know(rows: list[tuple[int, int]]) -> None:
    one, other = (np.array([list(side)], dtype=np.int8) for side in zip(*rows, strict=True))
    known = [(a, b) for a, b in rows if a >= 0 and b >= 0]
    both, either = sum(a and b for a, b in known), sum(a or b for a, b in known)
    expected = both / either if either else float("nan")
    np.testing.assert_equal(jaccard(one, other), [expected])
    np.testing.assert_equal(jaccard(other, one), jaccard(one, other))
