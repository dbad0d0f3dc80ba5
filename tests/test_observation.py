"""One observation: where a state lies and how little memory there is change nothing; what is wrong names its layer."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.data.parts import Halves, Parts
from denote.errors import ConfigError, StateError
from denote.evidence.rule import Rule
from denote.observation import (
    Controls,
    ControlStates,
    Observation,
    ObservationSettings,
    SampleInfo,
    Subject,
    observe_states,
)
from denote.observation.work import layer_row
from denote.observers.linear import LinearProbe
from denote.observers.probes import probe_from
from denote.observers.reading import Resources, State
from denote.states.layers import Layer
from denote.states.state import LayerState, state_of_all

ROWS, NEURONS = 900, 60
SUBJECT = Subject("planted", "mlp", True, None, 0, "key", None)
PARTS = Parts(object=np.arange(0), fit=np.arange(0, ROWS, 2), test=np.arange(1, ROWS, 2))


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 5, ROWS)


def families(codes: np.ndarray) -> tuple[list[Family], Labels]:
    classes = (codes[:, None] == np.arange(5)).astype(np.int8)
    labels = Labels(tuple(f"class={c}" for c in range(5)), ("classes",) * 5, classes)
    none = Labels((), (), np.zeros((ROWS, 0), np.int8))
    names = tuple("01234")
    return [Family("classes", labels), SubsetFamily("subsets", none, codes, names)], labels


def layer_state(folder: Path, codes: np.ndarray, depth: int, seed: int) -> LayerState:
    """A layer on disk in which neuron c rises with class c."""
    draws = np.random.default_rng(seed)
    values = draws.standard_normal((ROWS, NEURONS))
    values[:, :5] += 5.0 * (codes[:, None] == np.arange(5))
    values[:, 7] = 2.5
    path = folder / f"{seed}-{depth}.npy"
    np.save(path, values.astype(np.float32))
    layer = Layer(f"block{depth}", depth, float(depth), (NEURONS,), "none", (NEURONS,))
    return LayerState(layer, np.load(path, mmap_mode="r"), np.arange(ROWS))


def seen(
    states: list[LayerState], codes: np.ndarray, twins: list[list[LayerState]], memory: int, raw: Halves[State] | None
) -> Observation:
    searched, labels = families(codes)
    kinds = ("linear", "neuron", "centroid", "sparse", "majority")
    probes = {kind: probe_from(kind, {"sizes": [1, 3]} if kind == "sparse" else {}) for kind in kinds}
    settings = ObservationSettings(
        probes, Rule(), Controls(2, 1, rotations=1, twins=len(twins)), permutations=20, bootstraps=20
    )
    return observe_states(
        states, subject=SUBJECT, info=SampleInfo(PARTS, searched, labels), settings=settings,
        control_states=ControlStates(untrained=twins, raw_input=raw), resources=Resources(memory=memory),
    )  # fmt: skip


def test_a_small_memory_gives_the_same_tables(
    tmp_path: Path, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denote.states.state.READ", 1 << 14)
    states = [layer_state(tmp_path, codes, depth, 1) for depth in (0, 1)]
    states.append(state_of_all(states))
    twins = [[layer_state(tmp_path, codes, depth, 2) for depth in (0, 1)]]
    twins[0].append(state_of_all(twins[0]))
    inputs = layer_state(tmp_path, codes, 5, 3)
    raw = Halves[State](inputs.stored(PARTS.fit), inputs.stored(PARTS.test))
    large = seen(states, codes, twins, 1 << 30, Halves(raw.fit[:], raw.test[:]))
    small = seen(states, codes, twins, 1_500_000, raw)
    for name in ("cells", "neurons", "controls"):
        one, other = getattr(large, name), getattr(small, name)
        # Where a fit ends inside its tolerance depends on the order of sums.
        assert_frame_equal(one.drop("gradient_norm", strict=False), other.drop("gradient_norm", strict=False),
                           rel_tol=1e-3, abs_tol=1e-4)  # fmt: skip
    assert large.cells.filter(pl.col("decisive"))["attribute"].n_unique() == 5
    assert large.cells.filter(pl.col("layer") == "state")["n_neurons"].unique().to_list() == [2 * NEURONS]


MEASURED = """
import resource, sys
from pathlib import Path
import numpy as np
import test_observation as t

def observe(path, limit):
    values = np.load(path, mmap_mode="r")
    t.ROWS, t.NEURONS = values.shape
    t.PARTS = t.Parts(np.arange(0), np.arange(0, t.ROWS, 2), np.arange(1, t.ROWS, 2))
    codes = np.arange(t.ROWS) // 2 % 5
    layer = t.Layer("block", 0, 0.0, (t.NEURONS,), "none", (t.NEURONS,))
    found = t.seen([t.LayerState(layer, values, np.arange(t.ROWS))], codes, [], limit, None)
    assert found.cells.filter(t.pl.col("decisive"))["attribute"].n_unique() == 5
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = observe(Path(sys.argv[1]), 1 << 30)  # a small one, so that everything is imported and compiled
print((observe(Path(sys.argv[2]), int(sys.argv[3])) - before) * 1024)
"""


def test_memory_stays_within_its_limit(tmp_path: Path) -> None:
    """80 MB of activations of which half would be read at once, in 40 MiB; the interpreter itself has no limit."""
    for name, rows, neurons in (("small", 1000, 16), ("large", 50_000, 400)):
        draws = np.random.default_rng(0)
        values = np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", np.float32, (rows, neurons))
        for start in range(0, rows, 5000):
            part = slice(start, min(start + 5000, rows))
            values[part] = draws.standard_normal((part.stop - start, neurons), dtype=np.float32)
            values[part, :5] += 5 * (np.arange(start, part.stop)[:, None] // 2 % 5 == np.arange(5))
        values.flush()
    limit = 40 << 20
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path / "small.npy", tmp_path / "large.npy", str(limit)],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) <= 1.25 * limit


@pytest.mark.parametrize("part", ["fit", "test"])
def test_what_is_not_finite_names_layer_and_neuron(tmp_path: Path, codes: np.ndarray, part: str) -> None:
    state = layer_state(tmp_path, codes, 1, 1)
    broken = np.array(state.values)
    broken[getattr(PARTS, part)[:3], 8] = np.inf
    with pytest.raises(StateError, match=r"layer block1: 3 numbers .* in 1 neurons, first in neuron 8"):
        seen([replace(state, values=broken)], codes, [], 1 << 30, None)


def test_too_little_memory_says_what_is_enough(tmp_path: Path, codes: np.ndarray) -> None:
    state = layer_state(tmp_path, codes, 0, 1)
    with pytest.raises(ConfigError, match=r"memory_limit: .* at least \d+MiB"):
        seen([state], codes, [], 20_000, None)


@pytest.mark.parametrize("part", ["fit", "test"])
def test_what_is_not_finite_in_a_control_says_whose_it_is(tmp_path: Path, codes: np.ndarray, part: str) -> None:
    state, twin = layer_state(tmp_path, codes, 1, 1), layer_state(tmp_path, codes, 1, 2)
    broken = np.array(twin.values)
    broken[getattr(PARTS, part)[0], 3] = np.nan
    broken_twin = replace(twin, values=broken)
    with pytest.raises(StateError, match="layer block1 of untrained network 0: 1 numbers"):
        seen([state], codes, [[broken_twin]], 1 << 30, None)
    raw = Halves[State](broken[PARTS.fit], broken[PARTS.test])
    with pytest.raises(StateError, match="raw input: 1 numbers"):
        seen([state], codes, [], 1 << 30, raw)


def test_groups_stay_whole_inside_the_fits_of_layers_and_of_the_raw_input(tmp_path: Path) -> None:
    """Copies of noise: chosen among copies the smallest penalty seems best, chosen among other groups the largest."""
    draws = np.random.default_rng(0)
    copies = np.arange(ROWS) // 2 // 5
    labels = families(draws.integers(0, 5, 90)[copies])[1]
    noise = draws.standard_normal((90, NEURONS)).astype(np.float32)[copies]
    np.save(tmp_path / "noise.npy", noise)
    layer = Layer("block0", 0, 0.0, (NEURONS,), "none", (NEURONS,))
    state = LayerState(layer, np.load(tmp_path / "noise.npy", mmap_mode="r"), np.arange(ROWS))
    settings = ObservationSettings(
        {"linear": LinearProbe(l2=(10.0, 1e-4))}, controls=Controls(0, 0, 0, 0), permutations=0
    )
    raw = Halves[State](noise[PARTS.fit], noise[PARTS.test])
    leaked, sound = (
        observe_states(
            [state], subject=SUBJECT, info=SampleInfo(PARTS, [], labels, groups=groups), settings=settings,
            control_states=ControlStates(randomised=[(state, None)], raw_input=raw),
        )
        for groups in (None, Halves(copies[PARTS.fit], copies[PARTS.test]))
    )  # fmt: skip
    for name in ("block0/linear", "input/linear"):
        for seen_so, strength in ((leaked, 1e-4), (sound, 10.0)):
            assert np.unique(seen_so.observers[name].l2).tolist() == [strength]
    # Randomised into what it was, a map that is fitted the same way is the same.
    assert sound.cells["randomised_similarity"].to_list() == pytest.approx([1.0] * 5, abs=1e-12)
    assert sound.cells["note"].str.contains("rows counted as independent").all()
    assert not leaked.cells["note"].str.contains("rows counted as independent").any()


def test_equal_rows_hold_for_random_subsets_too_and_cells_keep_the_proportion_of_all_rows(
    tmp_path: Path, codes: np.ndarray
) -> None:
    codes = np.where(codes == 4, np.where(np.arange(ROWS) % 40 < 2, 4, 0), codes)
    searched, labels = families(codes)
    info = SampleInfo(PARTS, searched, labels, {"class=4": "too few rows"}, classes=codes, class_names=tuple("01234"))
    settings = ObservationSettings(
        {"centroid": probe_from("centroid", {})}, Rule(), Controls(0, 1, 0, 0, False, subsets=4), permutations=0,
        equal_rows=30,
    )  # fmt: skip
    tables = observe_states([layer_state(tmp_path, codes, 0, 1)], subject=SUBJECT, info=info, settings=settings).tables
    subsets = tables["controls"].filter(pl.col("control") == "random_subset")
    assert set(subsets.drop_nulls("auroc")["n_fit"]) == {60}
    share = (codes[PARTS.test] == 1).mean()
    for name in ("cells", "scan"):
        left_out, kept = (tables[name].row(by_predicate=pl.col("attribute") == each, named=True)
                          for each in ("class=4", "class=1"))  # fmt: skip
        assert left_out["note"] == "too few rows"
        assert kept["label_proportion"] == pytest.approx(share)
    scored = tables["cells"].drop_nulls("auroc")
    assert scored["detectable_auroc"].null_count() == 0
    assert scored["detectable_proportion"].null_count() == len(scored)
    assert scored["note"].str.contains("detectable_proportion: ").all()
    assert set(tables["cells"]["causal_evidence"]) == {"not tested"}
    denotes = tables["neurons"]["denotes"].fill_null(value=False)
    assert (tables["neurons"]["causal_evidence"].is_not_null() == denotes).all()


def test_which_neurons_are_live_is_said_of_fit() -> None:
    constant, varied = np.zeros(30, dtype=np.float32), np.arange(30, dtype=np.float32)
    fit, test = np.stack([varied, varied, constant], axis=1), np.stack([varied, constant, varied], axis=1)
    layer = Layer("a", 0, 0.0, (3,), "none", (3,))
    assert layer_row(layer, Halves(fit, test))["n_live"].to_list() == [2]
    assert layer_row(layer, Halves(test[:, :1], fit[:, :1]))["n_live"].to_list() == [1]
    assert layer_row(layer, Halves(np.stack([constant] * 3, axis=1), fit))["n_live"].to_list() == [0]
