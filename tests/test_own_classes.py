"""Classes of a user's own from Python: under their names in all tables, and wrong answers of theirs in one line."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import denote
from denote.attributes.families import family_of
from denote.data.memory.given_samples import given_samples, no_inputs
from denote.errors import AttributeLabelError, ConfigError
from denote.extending import AttributeFamily, Control, Halves, Observer, Probe, as_array
from denote.observation import Controls

N = 240
QUICK: dict[str, Any] = {
    "permutations": 0, "bootstraps": 5, "stability": False, "examples": 0,
}  # fmt: skip


class Given(AttributeFamily):
    """What it was told."""

    def __init__(self, columns: Any) -> None:
        self.columns = columns

    def attributes(self, samples: Any) -> Any:
        return self.columns


class First(Probe):
    """Reads the first neuron."""

    def fit(self, state: Any, labels: Any, *_: Any, **__: Any) -> Observer:
        values = as_array(state)
        weights = np.zeros((values.shape[1], labels.shape[1]))
        weights[0] = 1
        return Observer.linear(weights, np.full(labels.shape[1], -values[:, 0].mean()), labels)


class Without(Control):
    """Takes the first neuron away; with ``labels`` turns every label instead."""

    def __init__(self, labels: bool = False) -> None:
        self.labels = labels

    def change(self, state: Any, labels: Any, random: Any) -> Any:
        if self.labels:
            return state, Halves(*(np.where(half < 0, half, 1 - half) for half in (labels.fit, labels.test)))
        return Halves(state.fit[:, 1:], state.test[:, 1:]), labels


def observe(**given: Any) -> Any:
    random = np.random.default_rng(0)
    odd = np.arange(N) % 2
    state = random.standard_normal((N, 4)).astype(np.float32)
    state[:, 0] += 6 * odd
    known = [None if row % 5 == 0 else bool(row % 2) for row in range(N)]
    return denote.observe(
        states={"layer": state},
        attributes={"rule": Given({"odd somewhere": known}), "odd": odd},
        **{"controls": Controls(shuffles=2, neuron_shuffles=1, rotations=1), **QUICK, **given},
    )


def test_families_probes_and_controls_keep_their_names() -> None:
    controls = Controls(2, 1, 1, own={"without": Without(), "turned": Without(labels=True)})
    seen = observe(probe={"first": First(), "linear": {}}, controls=controls)
    assert set(seen.cells["probe"]) == {"first", "linear"}
    assert dict(seen.cells.select("attribute", "family").iter_rows()) == {"odd somewhere": "rule", "odd": "columns"}
    assert set(seen.neurons["family"]) == {"rule", "columns"}
    known = seen.cells.filter(pl.col("attribute") == "odd somewhere")
    assert known["n_fit"][0] + known["n_test"][0] == N * 4 // 5
    assert seen.cells["auroc"].min() > 0.99
    beside = seen.controls.filter(pl.col("control").is_in(["without", "turned"]))
    auroc = {
        (control, probe): mean
        for control, probe, mean in beside.group_by("control", "probe").agg(pl.col("auroc").mean()).iter_rows()
    }
    assert auroc["without", "linear"] < 0.7 > auroc["without", "first"]  # what was read is gone
    assert auroc["turned", "linear"] > 0.99  # a fitted observer turns with the labels
    assert auroc["turned", "first"] < 0.01  # one that reads the same whatever the labels does not
    assert (
        observe(probe={"first": First()}).cells["decisive"].to_list()
        == seen.cells.filter(pl.col("probe") == "first")["decisive"].to_list()
    )
    assert "odd somewhere" in seen._repr_html_()
    assert seen.figure() is not None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "Given.attributes gave {}; needed: columns of labels by name"),
        ({"a": [1, 0]}, r"attribute.mine\['a'\]: 2 labels for 4 samples"),
        ({"a": [0, 1, 2, 1]}, "holds 0, 1, 2; allowed: true or false"),
        ({"a": ["x", "y", "x", "y"]}, "holds String"),
        ({"a": [True, False, None, True], "b": np.array([1.0, 0.0, np.nan, 0.0])}, None),
    ],
)
def test_labels_of_a_rule_are_checked(columns: Any, said: str | None) -> None:
    samples = given_samples(no_inputs(4), None, None, None, "data")
    if said is None:
        family = family_of("mine", Given(columns), samples)
        assert family.labels.values.T.tolist() == [[1, 0, -1, 1], [1, 0, -1, 0]]
        assert (family.name, family.labels.families) == ("mine", ("mine", "mine"))
        return
    with pytest.raises(AttributeLabelError, match=said):
        family_of("mine", Given(columns), samples)


class Wrong(Probe):
    """Forgets a neuron."""

    def fit(self, state: Any, labels: Any, *_: Any, **__: Any) -> Observer:
        return Observer.linear(np.zeros((1, labels.shape[1])), np.zeros(labels.shape[1]), labels)


class Shorter(Control):
    """Forgets a row."""

    def change(self, state: Any, labels: Any, random: Any) -> Any:
        return state, Halves(labels.fit[1:], labels.test)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"probe": {"mine": Wrong()}}, "probe.mine: fit gave observers of 1 neurons and 2 attributes; needed: 4 and 2"),
        ({"probe": {"linear": First()}}, "probe.linear: the name is taken"),
        ({"controls": Controls(2, 1, 1, own={"mine": Shorter()})}, "control.mine: gave labels .* for fit"),
    ],
)
def test_wrong_answers_are_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        observe(**given)


class Flat(First):
    """Reads nothing, and says so."""

    is_baseline = True


def test_a_probe_is_judged_by_what_it_offers_and_not_by_its_name() -> None:
    random = np.random.default_rng(0)
    inputs = torch.from_numpy(random.standard_normal((N, 24)).astype(np.float32))
    make = lambda: torch.nn.Sequential(torch.nn.Linear(24, 24), torch.nn.ReLU(), torch.nn.Linear(24, 24))  # noqa: E731
    quick: dict[str, Any] = {**QUICK, "attributes": {"odd": np.arange(N) % 2}, "controls": Controls(2, 1, 1, 1)}
    probes = {"first": First(), "flat": Flat()}
    seen = denote.observe(make(), inputs, probe=probes, untrained=make, curves=True, **quick)
    notes = " ".join(seen.cells["note"].fill_null(""))
    assert "the check is off" not in notes
    assert seen.cells.filter(pl.col("probe") == "first")["randomised_similarity"].is_not_null().any()
    assert set(seen.tables["curves"]["probe"]) == {"first"}, "a baseline has no curve"
    assert seen.heatmap("odd").axes
    without = denote.observe(make(), inputs, probe=probes, **quick)
    assert "randomised_similarity: needs untrained=a function" in " ".join(without.cells["note"].fill_null(""))
