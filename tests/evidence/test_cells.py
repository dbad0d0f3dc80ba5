"""Cells on planted states: what is there is found, what is not there is not, and nothing leaks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest
from cell_observations import held_out_auroc, observe_cells
from scipy.stats import norm, ortho_group

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.denotation.judging.decisions import decide_neurons
from denote.evidence.audit import InputReading
from denote.evidence.cells import decide_cells
from denote.evidence.control import ControlSamples
from denote.evidence.controls.control_task import TaskDraws
from denote.evidence.controls.random_subset import SubsetDraws
from denote.evidence.description import sufficient_sizes
from denote.evidence.label_controls import LabelDraws
from denote.evidence.rule import Rule
from denote.evidence.scores import auroc
from denote.numbers import Estimate
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.majority import MajorityProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import BuiltInProbe, FitData, Observer, Probe
from denote.observers.reading import UNBOUNDED, Resources, State
from denote.observers.sparse import SparseProbe
from denote.tables import CELLS

CUT = 400


def halves(state: np.ndarray, columns: np.ndarray, cut: int = CUT) -> tuple[Halves[State], Halves[Labels]]:
    names = tuple(f"a{i}" for i in range(columns.shape[1]))
    labels = Labels(names, ("named",) * len(names), columns.astype(np.int8))
    rows = np.arange(len(state))
    return Halves(state[:cut], state[cut:]), Halves(labels.at(rows[:cut]), labels.at(rows[cut:]))


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """16 neurons, neuron 3 carries attribute 0; attribute 1 is noise; attribute 2 has one class in fit."""
    rng = np.random.default_rng(seed)
    columns = np.stack([np.arange(800) % 2, rng.random(800) < 0.3, np.arange(800) >= CUT + 100], axis=1)
    state = rng.standard_normal((800, 16))
    state[:, 3] += 2.5 * (2 * columns[:, 0] - 1)
    return state.astype(np.float32), columns


@pytest.mark.parametrize("probe", [LinearProbe(), NeuronProbe(), CentroidProbe()])
def test_the_planted_attribute_and_no_other_is_decisive(probe: Probe) -> None:
    seen = observe_cells(*halves(*planted()), probe, Rule())
    there, noise, one_class = seen.cells.iter_rows(named=True)
    assert there["decisive"] is True
    assert there["balanced_accuracy"] > (0.97 if probe.kind == "centroid" else 0.98)  # it ignores no noise
    assert there["selectivity"] == pytest.approx(there["auroc"] - there["control_auroc"])
    assert noise["decisive"] is False
    assert noise["auroc_low"] < 0.5 < noise["auroc_high"]
    assert (one_class["auroc"], one_class["p_value"], one_class["decisive"]) == (None, None, None)
    assert "not fitted: 0 positive and 400 negative fit rows" in one_class["note"]
    assert there["n_tests"] == 2
    assert (there["n_fit"], there["n_positive_fit"], there["label_proportion"]) == (400, 200, 0.5)
    assert set(seen.cells.columns) <= set(CELLS)


def test_shuffled_labels_are_not_found() -> None:
    replicates = observe_cells(*halves(*planted()), LinearProbe(), Rule(), shuffles=20).replicates
    found = replicates.filter(pl.col("attribute") != "a2")
    assert sorted(replicates["draw"].unique()) == list(range(20))
    assert found["auroc"].mean() == pytest.approx(0.5, abs=0.02)
    assert not found["decisive"].any()
    # One solve for all draws gives what each draw gives alone.
    few = observe_cells(*halves(*planted()), LinearProbe(), Rule(), shuffles=3).replicates
    assert few["auroc"].fill_null(0).to_numpy() == pytest.approx(
        replicates["auroc"].fill_null(0).to_numpy()[:9], abs=1e-3
    )


def test_oracle_2_a_rotation_hides_the_neuron_but_not_the_direction() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, (12_000, 1))
    state = rng.standard_normal((12_000, 64))
    state[:, 0] += 2.5 * (2 * label[:, 0] - 1)
    turned = (state @ ortho_group.rvs(64, random_state=1)).astype(np.float32)
    accuracy = {
        probe.kind: observe_cells(*halves(turned, label, 6000), probe, Rule(), shuffles=0).cells["accuracy"][0]
        for probe in (LinearProbe(), NeuronProbe())
    }
    assert accuracy["linear"] == pytest.approx(norm.cdf(2.5), abs=0.004)
    assert accuracy["neuron"] == pytest.approx(0.79, abs=0.05)  # how far depends on the rotation


def test_oracle_7_noise_read_on_fit_is_not_read_on_test() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((2000, 512)).astype(np.float32)
    label = rng.random((2000, 1)) < 0.5
    seen = observe_cells(*halves(state, label, 1000), LinearProbe(l2=1 / 2000), Rule(), shuffles=0)
    row = seen.cells.row(0, named=True)
    leaked = (seen.observer.scores(state[:1000]) > 0)[:, 0] == label[:1000, 0]
    assert leaked.mean() > 0.85
    assert row["auroc_low"] < 0.5 < row["auroc_high"]
    assert abs(row["balanced_accuracy"] - 0.5) < 0.05


@pytest.mark.parametrize(
    "probe",
    [LinearProbe(), LinearProbe(balance=False), NeuronProbe(), MajorityProbe(), CentroidProbe(), SparseProbe()],
)
def test_changed_test_rows_leave_the_fit_bit_identical(probe: Probe) -> None:
    state, columns = planted()
    before = observe_cells(*halves(state, columns), probe, Rule(), shuffles=0).observers
    state[CUT:], columns[CUT:] = 1e6 - 3 * state[CUT:], 1 - columns[CUT:]
    after = observe_cells(*halves(state, columns), probe, Rule(), shuffles=0).observers
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first.weights, second.weights)
        np.testing.assert_array_equal(first.bias, second.bias)
        np.testing.assert_array_equal(first.gradient_norm, second.gradient_norm)


def test_controls_are_the_same_observer_elsewhere_or_null_with_a_reason() -> None:
    state, labels = halves(*planted())
    twins = [halves(*planted(seed))[0] for seed in (5, 6)]
    seen = observe_cells(
        state,
        labels,
        LinearProbe(),
        Rule(),
        shuffles=2,
        untrained=twins,
        missing={"raw_input": "input_auroc: no input"},
    )
    expected = np.mean([held_out_auroc(LinearProbe(), twin, labels)[None] for twin in twins], axis=0)
    assert seen.cells["untrained_auroc"][0] == pytest.approx(expected[0])
    assert seen.cells["input_auroc"].null_count() == 3
    assert "input_auroc: no input" in seen.cells["note"][0].split("; ")
    given = observe_cells(
        state, labels, LinearProbe(), Rule(), shuffles=0, raw_input=InputReading({None: np.array([0.6, 0.5, np.nan])})
    )
    assert given.cells["input_auroc"].to_list() == [0.6, 0.5, None]
    assert given.cells["control_auroc"].null_count() == given.cells["selectivity"].null_count() == 3
    assert "control=shuffled is off" in given.cells["note"][0]
    assert given.replicates.is_empty()
    assert given.replicates.columns == seen.replicates.columns


def test_a_rotation_is_read_by_probes_that_pick_neurons_and_by_no_other() -> None:
    state, labels = halves(*planted())
    turns = [ortho_group.rvs(16, random_state=seed) for seed in (1, 2)]
    rotated = [Halves((state.fit @ turn).astype(np.float32), (state.test @ turn).astype(np.float32)) for turn in turns]
    for probe in (NeuronProbe(), SparseProbe(sizes=(1,))):
        cells = observe_cells(state, labels, probe, Rule(), shuffles=0, rotated=rotated).cells
        expected = np.mean([held_out_auroc(probe, each, labels)[cells["k"][0]] for each in rotated], axis=0)
        assert cells["rotated_auroc"][:2].to_list() == pytest.approx(expected[:2].tolist())
        assert cells["rotated_auroc"][0] < cells["auroc"][0] - 0.02
        assert "rotat" not in cells["note"][0]
        off = observe_cells(state, labels, probe, Rule(), shuffles=0).cells
        assert off["rotated_auroc"].is_null().all()
        assert off["note"][0].count("control=rotated is off") == 1
    linear = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=0, rotated=rotated).cells
    assert linear["rotated_auroc"].is_null().all()
    of_rotation = [reason for reason in linear["note"][0].split("; ") if "rotat" in reason]
    assert of_rotation == ["rotated_auroc: a rotation changes nothing that this probe can read"]


def drawn_controls(labels: Halves[Labels]) -> list[LabelDraws]:
    """The two other label controls: the first attribute is a set of classes, and rows have types."""
    rows = np.arange(800)
    classes, types = ((rows % 10)[:CUT], (rows % 10)[CUT:]), ((rows % 37)[:CUT], (rows % 37)[CUT:])
    return [
        SubsetDraws(ControlSamples(labels, class_names=tuple("abcdefghij"), min_rows=25), Halves(*classes)),
        TaskDraws(ControlSamples(labels, types=Halves(*types), min_rows=25)),
    ]


@pytest.mark.parametrize("probe", [LinearProbe(), NeuronProbe(), CentroidProbe(), SparseProbe(sizes=(1, 4))])
def test_controls_change_nothing_that_is_reported_of_the_attributes_themselves(probe: Probe) -> None:
    state, labels = halves(*planted())
    bare = observe_cells(state, labels, probe, Rule(), shuffles=0)
    held = observe_cells(
        state, labels, probe, Rule(), shuffles=20, label_controls=drawn_controls(labels), untrained=[state],
        rotated=[state],
    )  # fmt: skip
    given = (
        "control_auroc selectivity selectivity_low selectivity_high untrained_auroc rotated_auroc "
        "random_subset_percentile control_task_auroc relevance_band n_outside_band note note_codes"
    )
    assert bare.cells.drop(given.split()).equals(held.cells.drop(given.split()))
    for first, second in zip(bare.observers, held.observers, strict=True):
        assert np.array_equal(first.weights, second.weights, equal_nan=True)
    assert held.replicates["control"].unique(maintain_order=True).to_list() == [
        "shuffled", "random_subset", "control_task",
    ]  # fmt: skip
    assert held.cells.filter(attribute="a0")["control_task_auroc"].to_list() == pytest.approx(
        [0.5] * held.cells["k"].n_unique(), abs=0.2
    )
    for text in held.cells["note"]:
        reasons = (text or "").split("; ")
        assert len(set(reasons)) == len(reasons)


def test_a_draw_is_the_same_however_many_and_whatever_else_is_drawn() -> None:
    state, labels = halves(*planted())
    numbers = ("auroc", "balanced_accuracy", "p_value")
    few = observe_cells(state, labels, CentroidProbe(), Rule(), shuffles=2).replicates
    many = observe_cells(
        state, labels, CentroidProbe(), Rule(), shuffles=20, label_controls=drawn_controls(labels)
    ).replicates
    same = many.filter((pl.col("control") == "shuffled") & (pl.col("draw") < 2))
    assert same.select("attribute", "draw").equals(few.select("attribute", "draw"))
    for number in numbers:
        assert same[number].fill_null(-1).to_list() == pytest.approx(few[number].fill_null(-1).to_list(), abs=1e-9)


def test_the_majority_is_tested_against_nothing() -> None:
    row = observe_cells(*halves(*planted()), MajorityProbe(), Rule(), shuffles=1).cells.row(1, named=True)
    assert row["accuracy"] == row["majority_accuracy"]
    assert row["balanced_accuracy"] == 0.5
    assert (row["p_value"], row["q_value"], row["mcc"], row["decisive"], row["n_tests"]) == (None, None, None, False, 0)
    assert "the scores are constant" in row["note"]


def test_groups_widen_what_is_claimed() -> None:
    state, columns = planted()
    groups = np.arange(800) // 10
    plain, grouped = (
        observe_cells(*halves(state, columns), NeuronProbe(), Rule(), shuffles=0, groups=g).cells.row(0, named=True)
        for g in (None, Halves(groups[:CUT], groups[CUT:]))
    )
    assert grouped["auroc"] == plain["auroc"]
    assert grouped["balanced_accuracy_low"] <= plain["balanced_accuracy_low"]
    assert grouped["balanced_accuracy_interval_low"] <= plain["balanced_accuracy_interval_low"]
    for row in (plain, grouped):
        for name, bounds in (("auroc", "auroc"), ("balanced_accuracy", "balanced_accuracy_interval")):
            found = Estimate.of(row, name, bounds)
            assert 0 < found.low < found.value < found.high <= 1
    assert grouped["p_value"] > plain["p_value"]


def test_the_rule_over_a_family() -> None:
    good = {
        "p_value": 1e-6, "balanced_accuracy": 0.97, "balanced_accuracy_low": 0.93,
        "n_fit": 500, "n_test": 500, "n_positive_fit": 100, "n_positive_test": 100,
    }  # fmt: skip
    changes = [
        {}, {"balanced_accuracy": 0.94}, {"balanced_accuracy_low": 0.89}, {"n_positive_fit": 24},
        {"n_positive_test": 476}, {"p_value": 0.5}, {"p_value": None}, {"balanced_accuracy": None},
    ]  # fmt: skip
    frame = decide_cells(pl.DataFrame([good | change for change in changes]), Rule())
    assert frame["decisive"].to_list() == [True, False, False, False, False, False, False, None]
    assert frame["n_tests"].unique().to_list() == [7]
    assert frame["q_value"].null_count() == 1
    alone = decide_cells(pl.DataFrame([good | {"p_value": 0.04}]), Rule())
    among = decide_cells(pl.DataFrame([good | {"p_value": 0.04}, good | {"p_value": 0.9}]), Rule())
    assert alone["decisive"].to_list() == [True]
    assert among["decisive"].to_list() == [False, False]


def test_the_cell_auroc_is_that_of_the_scores() -> None:
    state, labels = halves(*planted())
    seen = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=0)
    expected = auroc(seen.observer.scores(state.test), labels.test.values)
    assert seen.cells["auroc"].to_list()[:2] == pytest.approx(expected[:2])


def carried_by_four() -> tuple[np.ndarray, np.ndarray]:
    """40 neurons, of which 4 carry attribute 0 alike; attribute 1 is noise, attribute 2 has one class in fit."""
    rng = np.random.default_rng(0)
    columns = np.stack([np.arange(6000) % 2, rng.random(6000) < 0.3, np.arange(6000) >= 4000], axis=1)
    state = rng.standard_normal((6000, 40))
    state[:, [3, 11, 20, 31]] += 0.8 * (2 * columns[:, :1] - 1)
    return state.astype(np.float32), columns


def test_a_sparse_probe_gives_a_row_per_attribute_and_size_and_says_how_many_neurons_suffice() -> None:
    state, labels = halves(*carried_by_four(), cut=3000)
    twins = [Halves(twin.fit[:, 36:], twin.test[:, 36:]) for twin in [state]]  # 4 neurons: 1 and 2, and all of them
    given = held_out_auroc(SparseProbe(), Halves(state.fit[:, :9], state.test[:, :9]), labels)
    seen = observe_cells(
        state, labels, SparseProbe(), Rule(), shuffles=2, untrained=twins, raw_input=InputReading(given)
    )
    sizes = [1, 2, 4, 8, 16, 32, 40]
    assert seen.cells.select("k", "attribute").rows() == [(k, f"a{a}") for k in sizes for a in range(3)]
    assert seen.replicates.select("draw", "k", "attribute").rows() == [
        (draw, k, f"a{a}") for draw in range(2) for k in sizes for a in range(3)
    ]
    assert seen.cells["n_tests"].unique().to_list() == [14]  # 7 sizes of 2 attributes with both labels
    there, noise, one_class = (seen.cells.filter(pl.col("attribute") == name) for name in ("a0", "a1", "a2"))
    assert there["auroc"].to_list() == pytest.approx([norm.cdf(0.8 * np.sqrt(2 * min(k, 4))) for k in sizes], abs=0.015)
    assert there["sufficient_k"].to_list() == [4] * 7
    assert there["control_auroc"].to_list() == pytest.approx([0.5] * 7, abs=0.05)
    assert "sufficient_k" not in "".join(there["note"].drop_nulls())
    assert noise["sufficient_k"].null_count() == one_class["sufficient_k"].null_count() == 7
    assert "sufficient_k: the dense observer is not shown to beat chance" in noise["note"][0]
    assert "sufficient_k: the dense observer has no score" in one_class["note"][0]
    assert one_class["auroc"].null_count() == 7
    # Size goes with size, and all neurons with all neurons, however many there are.
    assert there["untrained_auroc"].is_null().to_list() == [False, False, True, True, True, True, False]
    assert "untrained_auroc: no untrained twin has more than 4 live neurons" in there["note"][2]
    assert there["input_auroc"].to_list() == [given[k][0] if k in given else None for k in (1, 2, 4, 8, 16, 32, None)]
    assert there["input_auroc"].is_null().to_list() == [False] * 4 + [True] * 2 + [False]
    assert "input_auroc: the raw input has no more than 16 live values" in there["note"][4]


def test_gradient_norms_are_those_of_the_observers() -> None:
    seen = observe_cells(*halves(*planted()), LinearProbe(), Rule(), shuffles=0)
    assert seen.cells["gradient_norm"].to_list()[:2] == seen.observer.gradient_norm[:2].tolist()
    assert seen.cells["gradient_norm"][2] is None
    assert observe_cells(*halves(*planted()), CentroidProbe(), Rule(), shuffles=0).cells["gradient_norm"][0] == 0


def test_enough_is_counted_from_chance() -> None:
    auroc = np.array([[0.52, 0.60, 0.80], [0.52, 0.77, 0.86], [0.54, 0.79, 0.90]])
    found, reasons = sufficient_sizes([1, 4, 16], auroc, np.array([0.51, 0.70, np.nan]))
    assert found == [16, 16, None]  # 95 % of .54 is .513; 95 % of .79 is .75: the shares of .5 would pass at once
    none_smaller = "sufficient_k: no smaller size is enough"
    assert reasons == [none_smaller, none_smaller, "sufficient_k: the dense observer's AUROC has no interval"]
    assert sufficient_sizes([1, 4], np.array([[0.885], [0.90]]), np.array([0.8]))[0] == [1]


@dataclass(frozen=True)
class Counting(BuiltInProbe):
    """A linear probe that remembers how many columns each of its fits had."""

    one_by_one: bool
    widths: list[int] = field(default_factory=list)

    kind = "linear"

    @property
    def joint(self) -> bool:
        return self.one_by_one

    def fit_data(self, data: FitData) -> Observer:
        self.widths.append(data.labels.shape[1])
        return LinearProbe().fit_data(data)


def test_draws_of_a_probe_whose_attributes_shape_each_other_are_fitted_one_by_one() -> None:
    apart, together = Counting(one_by_one=True), Counting(one_by_one=False)
    for probe in (apart, together):
        observe_cells(*halves(*planted()), probe, Rule(), shuffles=3)
    assert apart.widths == [3, 3, 3, 3]
    assert together.widths == [3, 9]


def test_selectivity_has_an_interval_or_the_reason_why_not() -> None:
    state, labels = halves(*planted())
    there, noise, one_class = observe_cells(state, labels, LinearProbe(), Rule()).cells.iter_rows(named=True)
    for row in (there, noise):
        found = Estimate.of(row, "selectivity")
        assert found.low < found.value < found.high
    assert there["selectivity_low"] > 0.4
    assert noise["selectivity_low"] < 0 < noise["selectivity_high"]
    assert one_class["selectivity_low"] is None
    single = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=1).cells.row(0, named=True)
    assert (single["selectivity_low"], single["selectivity"] is None) == (None, False)
    assert "selectivity_low, selectivity_high: needs two refits" in single["note"]
    none = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=2, bootstraps=0).cells.row(0, named=True)
    assert (none["selectivity_low"], none["selectivity"] is None) == (None, False)
    assert "selectivity_low, selectivity_high: no bootstrap was asked for" in none["note"]


def test_the_number_of_attributes_scored_together_moves_no_interval() -> None:
    state, labels = halves(*planted())
    little = Resources(memory=250_000)
    columns = [name for name in CELLS if name.endswith(("_low", "_high"))]
    whole, parts = (
        observe_cells(state, labels, CentroidProbe(), Rule(), shuffles=3, resources=resources).cells
        for resources in (UNBOUNDED, little)
    )
    for name in set(columns) & set(whole.columns):
        assert parts[name].to_list() == pytest.approx(whole[name].to_list()), name


def test_every_size_has_its_own_interval() -> None:
    state, labels = halves(*carried_by_four(), cut=3000)
    cells = observe_cells(state, labels, SparseProbe(sizes=(1, 4)), Rule(), shuffles=3).cells
    there = cells.filter(pl.col("attribute") == "a0")
    assert there["selectivity_low"].is_sorted()
    assert (there["selectivity_low"] < there["selectivity"]).all()
    assert there["selectivity_low"][1] > there["selectivity_high"][0]


def test_every_fit_of_a_cell_keeps_groups_whole() -> None:
    """Copies of noise rows: an observer that chooses its penalty among copies takes the smallest, else the largest."""
    rng = np.random.default_rng(0)
    state, columns = rng.standard_normal((60, 80)), rng.integers(0, 2, (60, 2))
    place = np.repeat(np.arange(60), 5)
    both = halves(np.tile(state[place], (2, 1)).astype(np.float32), np.tile(columns[place], (2, 1)), 300)
    probe, groups = LinearProbe(l2=(1.0, 1e-1, 1e-4)), Halves(place, place + 60)
    leaked, sound = (
        observe_cells(*both, probe, Rule(), shuffles=2, untrained=[both[0]], groups=g) for g in (None, groups)
    )
    assert (leaked.cells["l2"] == 1e-4).all()
    for frame in (leaked.replicates, sound.cells, sound.replicates):
        assert (frame["l2"] == 1.0).all()
    assert leaked.cells["untrained_auroc"].to_list() == pytest.approx(leaked.cells["auroc"].to_list())
    assert sound.cells["untrained_auroc"].to_list() == pytest.approx(sound.cells["auroc"].to_list())
    assert (sound.cells["untrained_auroc"] < leaked.cells["untrained_auroc"]).all()


def test_with_groups_the_auroc_has_no_interval_without_draws_and_says_so() -> None:
    state, labels = halves(*planted())
    groups = np.arange(CUT) // 4
    seen = observe_cells(
        state, labels, CentroidProbe(), Rule(), shuffles=2, bootstraps=0, groups=Halves(groups, groups)
    )
    for frame in (seen.cells, seen.replicates):
        assert frame["auroc_low"].null_count() == frame["auroc_high"].null_count() == len(frame)
        assert "auroc_low, auroc_high: these groups are not drawn again" in frame["note"][0]


def test_as_many_draws_as_there_is_room_for_share_a_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Counting(one_by_one=False)
    monkeypatch.setattr("denote.evidence.replicates.CHUNK", 7 * CUT)
    state, labels = halves(*planted())
    seen = observe_cells(state, labels, probe, Rule(), shuffles=3, label_controls=drawn_controls(labels)[1:])
    # Shuffled draws share no solve with the tasks, which are not fitted as roughly; one attribute has no task.
    assert probe.widths == [3, 6, 3, 6, 4]
    assert seen.replicates["draw"].to_list() == [0, 0, 0, 1, 1, 1, 2, 2, 2, *np.repeat(range(5), 2)]


def test_the_rule_has_one_slack_for_cells_neurons_and_power() -> None:
    """A score that misses .95 by rounding alone reaches it wherever the rule is applied."""
    below = 0.95 - 1e-15
    row = {"balanced_accuracy": below, "balanced_accuracy_low": 0.9 - 1e-15, "p_value": 1e-9, "n_fit": 200,
           "n_positive_fit": 100, "n_test": 200, "n_positive_test": 100}  # fmt: skip
    assert decide_cells(pl.DataFrame([row]), Rule())["decisive"].to_list() == [True]
    assert decide_cells(pl.DataFrame([row | {"balanced_accuracy": 0.9499}]), Rule())["decisive"].to_list() == [False]
    neuron = row | {"live": True, "family": "named", "label_proportion": 0.5, "on_proportion": 0.5}
    assert decide_neurons(pl.DataFrame([neuron]), Rule())["denotes"].to_list() == [True]
