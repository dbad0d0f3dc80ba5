"""Random sets of classes: drawn fairly, told apart from the attribute, and a fair comparison for it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from cell_observations import observe_cells
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples
from denote.evidence.controls.random_subset import SubsetDraws, random_subsets
from denote.evidence.rule import Rule
from denote.evidence.scores import auroc
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe

CLASSES = tuple("abcdefghij")


def halves(columns: dict[str, np.ndarray], cut: int) -> Halves[Labels]:
    labels = Labels(tuple(columns), ("named",) * len(columns), np.stack(list(columns.values()), 1).astype(np.int8))
    return Halves(labels.at(np.arange(cut)), labels.at(np.arange(cut, len(labels.values))))


def control(columns: dict[str, np.ndarray], classes: np.ndarray, **settings: int) -> SubsetDraws:
    cut = len(classes) // 2
    known = Halves(classes[:cut], classes[cut:])
    draws = {"n_draws": settings.pop("n_draws")} if "n_draws" in settings else {}
    return SubsetDraws(ControlSamples(halves(columns, cut), class_names=CLASSES, **settings), known, **draws)


@given(st.integers(2, 9), st.data(), st.integers(0, 30), st.integers(0, 5))
def test_sets_are_different_and_the_first_ones_stay_the_same(
    n_classes: int, data: st.DataObject, draws: int, seed: int
) -> None:
    size = data.draw(st.integers(1, n_classes // 2))
    found = random_subsets(n_classes, size, draws, seed)
    questions = {min(set_, tuple(sorted(set(range(n_classes)) - set(set_)))) if 2 * size == n_classes else set_
                 for set_ in combinations(range(n_classes), size)}  # fmt: skip
    assert len(set(found)) == len(found) == min(draws, len(questions))
    assert {tuple(sorted(subset)) for subset in found} <= questions
    assert found == random_subsets(n_classes, size, draws + 3, seed)[: len(found)]


def test_every_set_has_the_same_chance_at_every_place() -> None:
    drawn = [random_subsets(6, 3, 3, seed) for seed in range(500)]
    for place in (0, 2):
        counts = Counter(found[place] for found in drawn)
        assert len(counts) == 10
        assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_labels_are_those_of_the_named_set_and_null_without_a_class() -> None:
    classes = np.tile([0, 1, 2, 3, 4, -1], 40)
    draws = list(control({"x": np.isin(classes, [0, 3])}, classes).draws())
    assert len(draws) == 10  # all sets of 2 of 5
    for draw in draws:
        (name,) = draw.labels.fit.names
        inside = [CLASSES.index(member) for member in name.removeprefix("class in {").removesuffix("}").split(",")]
        values = np.concatenate([draw.labels.fit.values, draw.labels.test.values])[:, 0]
        assert (values == np.where(classes < 0, -1, np.isin(classes, inside))).all()
        assert draw.labels.fit.families == ("subsets",)
    few = [draw.labels.fit.names for draw in control({"x": np.isin(classes, [0, 3])}, classes, n_draws=4).draws()]
    assert few == [draw.labels.fit.names for draw in draws[:4]]


def test_a_set_and_its_complement_are_one_question_and_other_attributes_are_none() -> None:
    classes = np.tile(np.arange(5), 80)
    is_set, mixed, nowhere = np.isin(classes, [0, 3]), np.arange(400) % 7 == 0, np.zeros(400)
    holes, unknown = np.where(np.arange(400) % 9 == 0, -1, is_set), np.where(classes == 4, -1, is_set)
    columns = {"set": is_set, "rest": ~is_set, "holes": holes, "mixed": mixed, "none": nowhere, "unknown": unknown}
    subsets = control(columns, classes)
    drawn = [{"attribute": draw.labels.fit.names, "auroc": np.array([0.6])} for draw in subsets.draws()]
    found = subsets.answer({"auroc": np.full(6, 0.7)}, drawn)
    assert found["random_subset_percentile"].tolist() == pytest.approx([1, 1, 1, np.nan, np.nan, np.nan], nan_ok=True)
    of_few, not_a_set = "only 9 other sets of this size", "not a set of classes"
    assert found["note"] == [f"random_subset_percentile: {text}" for text in [of_few] * 3 + [not_a_set] * 3]


def test_without_classes_no_attribute_is_a_set_of_them() -> None:
    subsets = control({"x": np.arange(80) % 2}, np.full(80, -1))
    assert list(subsets.draws()) == []
    assert subsets.answer({"auroc": np.array([0.7])}, [])["note"] == ["random_subset_percentile: not a set of classes"]


def test_the_percentile_is_the_mean_rank_among_the_others() -> None:
    classes = np.tile(np.arange(8), 40)
    subsets = control({"x": np.isin(classes, [1, 2, 5])}, classes)
    names = [draw.labels.fit.names for draw in subsets.draws()]
    rng = np.random.default_rng(0)
    scores = rng.choice([0.5, 0.6, 0.7, 0.8], len(names))
    drawn = [{"attribute": name, "auroc": np.array([score])} for name, score in zip(names, scores, strict=True)]
    others = [score for (name,), score in zip(names, scores, strict=True) if name != "class in {b,c,f}"]
    for own in (0.4, 0.6, 0.75, 0.9):
        found = subsets.answer({"auroc": np.array([own])}, drawn)
        expected = stats.percentileofscore(others, own, kind="mean") / 100
        assert found["random_subset_percentile"][0] == pytest.approx(expected)
        assert found["note"] == [None]
    assert np.isnan(subsets.answer({"auroc": np.array([np.nan])}, drawn)["random_subset_percentile"][0])


def test_sets_with_too_few_rows_are_left_out_and_counted() -> None:
    classes = np.repeat(np.arange(5), [100, 100, 100, 100, 8])
    classes = classes[np.random.default_rng(0).permutation(len(classes))]
    subsets = control({"x": classes == 0, "rare": classes == 4}, classes, min_rows=25)
    names = {draw.labels.fit.names for draw in subsets.draws()}
    assert names == {(f"class={name}",) for name in "abcd"}
    drawn = [{"attribute": name, "auroc": np.array([0.6])} for name in sorted(names)]
    found = subsets.answer({"auroc": np.array([0.7, 0.7])}, drawn)
    assert found["note"][0] == "random_subset_percentile: only 3 other sets of this size, 1 left out for too few rows"
    alone = control({"x": classes == 0}, classes, min_rows=10_000)
    assert list(alone.draws()) == []
    no_other = alone.answer({"auroc": np.array([0.7])}, [])
    assert np.isnan(no_other["random_subset_percentile"][0])
    assert no_other["note"] == ["random_subset_percentile: no other set of this size has enough rows"]


def test_the_set_that_the_state_carries_is_special() -> None:
    rng = np.random.default_rng(0)
    classes = np.tile(np.arange(8), 100)
    state = rng.standard_normal((800, 12)).astype(np.float32)
    carried, other = np.isin(classes, [0, 3, 6]), np.isin(classes, [1, 3, 7])
    state[:, 5] += 2 * carried
    subsets = control({"carried": carried, "other": other}, classes)
    seen = observe_cells(
        Halves(state[:400], state[400:]),
        subsets.samples.labels,
        LinearProbe(),
        Rule(),
        shuffles=0,
        label_controls=[subsets],
    )
    special, plain = seen.cells["random_subset_percentile"]
    assert special == 1 > plain
    assert seen.replicates["control"].unique().to_list() == ["random_subset"]
    assert seen.replicates["draw"].to_list() == list(range(21))
    assert "random_subset" not in "".join(seen.cells["note"])


def test_under_noise_the_percentile_is_uniform() -> None:
    classes = np.tile(np.arange(8), 20)
    subsets = control({"x": np.isin(classes, [0, 1, 2])}, classes)
    all_labels = [subsets.samples.labels, *(draw.labels for draw in subsets.draws())]
    fit, test = (np.concatenate([getattr(each, part).values for each in all_labels], 1) for part in ("fit", "test"))
    places = []
    for seed in range(420):
        state = np.random.default_rng(seed).standard_normal((160, 3)).astype(np.float32)
        own, *drawn = auroc(CentroidProbe().fit(state[:80], fit).scores(state[80:]), test)
        columns = [
            {"attribute": each.fit.names, "auroc": [score]} for each, score in zip(all_labels[1:], drawn, strict=True)
        ]
        places += subsets.answer({"auroc": [own]}, columns)["random_subset_percentile"].tolist()
    # 21 sets, of which the attribute is none: 22 places, ties apart.
    counts, _ = np.histogram(places, bins=22, range=(0, 1))
    assert stats.chisquare(counts).pvalue > 0.001
