"""Columns of evidence: intervals, majority, notes; and what groups change."""

import numpy as np
import pytest
from scipy import stats

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.data.parts import Halves
from denote.denotation.neurons import Controls, Neurons, observe_neurons
from denote.denotation.search.properties import family_halves
from denote.evidence.intervals import auroc_interval
from denote.states.layers import Layer
from denote.tables import NEURONS

N = 1200
FIT, TEST = np.arange(N).reshape(2, -1)


def observed(groups: Halves[np.ndarray] | None = None, shuffles: int = 0) -> list[dict[str, object]]:
    """Four neurons of ``a`` (one of its complement, one dead), labels null here and there, 3 rows to a group."""
    rng = np.random.default_rng(0)
    label = np.repeat(rng.random(N // 3) < 0.3, 3).astype(np.int8)
    noise = np.repeat(rng.standard_normal((N // 3, 4)), 3, axis=0)
    state = (np.array([4, 3, -4, 0]) * label[:, None] + noise * [1, 1, 1, 0]).astype(np.float32)
    label[:90] = -1
    family = family_halves(Family("named", Labels(("a",), ("named",), label[:, None])), FIT, TEST)
    neurons = Neurons(Layer("b", 0, None, (4,), "none", (4,)), list("wxyz"), groups=groups)
    return observe_neurons(neurons, Halves(state[FIT], state[TEST]), family, Controls(shuffles)).to_dicts()


def test_intervals_are_those_of_the_counts() -> None:
    for row in observed()[:3]:
        n_positive, n_negative = row["n_positive_test"], row["n_test"] - row["n_positive_test"]
        ends = {}
        for rate, n in (("tpr", n_positive), ("tnr", n_negative)):
            ends[rate] = stats.binomtest(round(row[rate] * n), n).proportion_ci(method="wilson")
            assert (row[f"{rate}_low"], row[f"{rate}_high"]) == pytest.approx(tuple(ends[rate]))
        down = np.hypot(row["tpr"] - ends["tpr"].low, row["tnr"] - ends["tnr"].low) / 2
        up = np.hypot(ends["tpr"].high - row["tpr"], ends["tnr"].high - row["tnr"]) / 2
        assert row["balanced_accuracy_interval_low"] == pytest.approx(row["balanced_accuracy"] - down)
        assert row["balanced_accuracy_interval_high"] == pytest.approx(row["balanced_accuracy"] + up)
        assert row["balanced_accuracy_interval_low"] < row["balanced_accuracy_low"]
        expected = auroc_interval(row["auroc"], n_positive, n_negative)
        assert (row["auroc_low"], row["auroc_high"]) == pytest.approx((float(expected.low), float(expected.high)))


def test_groups_widen_intervals_and_leave_the_auroc_without() -> None:
    groups = Halves(FIT // 3, TEST // 3)
    for alone, grouped in zip(observed()[:3], observed(groups)[:3], strict=True):
        assert grouped["tpr"] == alone["tpr"]
        for score in ("tpr", "tnr", "balanced_accuracy_interval"):
            width = [row[f"{score}_high"] - row[f"{score}_low"] for row in (alone, grouped)]
            assert width[1] > 1.3 * width[0], "three equal rows are one"
        assert grouped["auroc_low"] is grouped["auroc_high"] is None
        assert "no AUROC interval" in grouped["note"]
        assert "AUROC" not in alone["note"]


def test_the_majority_is_chosen_on_fit_and_counted_on_test() -> None:
    first, _, flipped, _ = observed()
    assert (first["property"], flipped["property"]) == ("a", "NOT a")
    assert first["majority_accuracy"] == flipped["majority_accuracy"] == pytest.approx(1 - first["label_proportion"])


def test_a_dead_neuron_has_no_evidence_and_no_remark() -> None:
    dead = observed(shuffles=1)[3]
    identity = {
        "layer",
        "depth",
        "pooling",
        "neuron",
        "neuron_name",
        "probe_seed",
        "family",
        "live",
        "note",
        "note_codes",
    }
    assert {name for name, value in dead.items() if value is not None} == identity


def test_one_shuffle_has_selectivity_without_an_interval_and_says_so() -> None:
    row = observed(shuffles=1)[0]
    assert row["selectivity"] == pytest.approx(row["balanced_accuracy"] - row["control_balanced_accuracy"])
    assert row["selectivity_low"] is row["selectivity_high"] is None
    assert "one shuffle" in row["note"]
    assert list(row) == list(NEURONS)


def test_attributes_are_one_thing_and_shrinkage_is_what_test_took_away() -> None:
    for row in observed()[:3]:
        assert row["n_members"] == 1
        assert row["shrinkage"] == pytest.approx(row["fit_balanced_accuracy"] - row["balanced_accuracy"])
        assert row["nested_properties"] is row["label_proportion_range"] is None


def of_subsets(
    columns: np.ndarray, codes: np.ndarray, groups: Halves[np.ndarray] | None = None
) -> list[dict[str, object]]:
    """Neurons of five classes, a family that carries codes."""
    family = SubsetFamily("subsets", Labels((), (), np.zeros((len(codes), 0), np.int8)), codes, tuple("abcde"))
    fit, test = np.arange(len(codes)).reshape(2, -1)
    halves = family_halves(family, fit, test)
    neurons = Neurons(Layer("b", 0, None, (columns.shape[1],), "none", (columns.shape[1],)), ["n"] * columns.shape[1],
                      groups=groups)  # fmt: skip
    state = (columns + np.random.default_rng(1).standard_normal(columns.shape)).astype(np.float32)
    return observe_neurons(neurons, Halves(state[fit], state[test]), halves, Controls(0)).to_dicts()


def test_nested_subsets_are_named_with_their_proportions_of_test() -> None:
    """A neuron graded in 10s parts every prefix without error; one of {a, b} or NOT {a, b} alone has none."""
    fit, test = np.repeat(np.arange(5), 100), np.repeat(np.arange(5), [50, 100, 150, 100, 100])
    codes = np.concatenate([fit, test])
    pair = 10.0 * (codes < 2)
    graded, single, inverse = of_subsets(np.stack([-10.0 * codes, pair, -pair], axis=1), codes)
    chain = {"class=a": ".10", "class in {a,b}": ".30", "NOT class in {d,e}": ".60", "NOT class=e": ".80"}
    expected = [f"{name} ({p})" for name, p in chain.items() if name != graded["property"]]
    assert graded["property"] in chain
    assert graded["nested_properties"] == "; ".join(expected)
    assert graded["label_proportion_range"] == "0.10-0.80"
    assert (single["property"], inverse["property"]) == ("class in {a,b}", "NOT class in {a,b}")
    assert single["n_members"] == inverse["n_members"] == 2, "of the side that is named"
    assert single["nested_properties"] is single["label_proportion_range"] is None


@pytest.mark.parametrize(("size", "tested"), [(5, True), (25, False)])
def test_groups_that_hold_the_property_are_counted(size: int, tested: bool) -> None:
    """All classes in every group: 100 groups of 5 rows are enough, 20 of 25 are not."""
    codes, groups = np.tile(np.arange(5), 200), np.arange(500) // size
    pair, constant = of_subsets(np.stack([10.0 * (codes < 2), 0 * codes], axis=1), codes, Halves(groups, groups))
    assert (pair["p_value"] is not None) is tested
    assert ("fewer than 25 positive or negative groups" in str(pair["note"])) is not tested
    assert constant["property"] is not None, "noise has a best property, too"
