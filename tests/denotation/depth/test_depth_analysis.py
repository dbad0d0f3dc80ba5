"""The analysis of depth from frames: the same numbers as plain numpy, the columns it needs, and what it describes."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from polars.testing import assert_frame_equal

import denote
from denote.denotation.depth.analysis import NEEDED
from denote.denotation.depth.hypothesis_tests import questions
from denote.denotation.depth.plan import BEYOND, FOLDED, ROTATED_FOLDED, SHARE, UNFOLDED, Analysis
from denote.errors import ConfigError
from denote.streams import stream

MODELS, LAYERS, NEURONS, DRAWS = 7, 4, 24, 2


def drawn(models: int = MODELS, architecture: str = "x") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Neurons and directions that denote sets of ten classes; two in three of them do."""
    frames = []
    for draw in range(-1, DRAWS):
        random = stream("test depth analysis", architecture, draw)
        model, layer, neuron = (axis.ravel() for axis in np.indices((models, LAYERS + 1, NEURONS)))
        tenths = random.integers(1, 10, len(model))
        frames.append(pl.DataFrame({
            "dataset": "d", "architecture": architecture, "object_model": [f"{architecture}{i}" for i in model],
            "layer": [f"l{i}" for i in layer], "depth": layer, "relative_depth": layer / LAYERS, "neuron": neuron,
            "family": "subsets", "property": [f"class in {{{', '.join(map(str, range(n)))}}}" for n in tenths],
            "label_proportion": tenths / 10, "denotes": random.random(len(model)) < 2 / 3,
            "live": random.random(len(model)) < 0.9, "control": "rotated", "draw": draw,
        }))  # fmt: skip
    every = pl.concat(frames)
    return every.filter(pl.col("draw") < 0).select(NEEDED["neurons"]), every.filter(pl.col("draw") >= 0)


def mean(frame: pl.DataFrame, fold: bool) -> float:
    p = np.array([p for p, denotes, live in frame.select("label_proportion", "denotes", "live").iter_rows()
                  if denotes and live])  # fmt: skip
    return float((np.minimum(p, 1 - p) if fold else p).mean())


def test_frames_give_the_numbers_of_plain_numpy() -> None:
    neurons, controls = drawn()
    analysis = denote.depth_analysis(neurons, controls)
    assert analysis.verdicts["verdict"][0] in repr(analysis)
    assert len(repr(analysis).splitlines()) == len(analysis.verdicts) + 1
    by_model = analysis.by_model
    ((_, (profiles,)),) = questions(by_model, Analysis())
    assert profiles.layers == ("l0", "l1", "l2", "l3")
    for model in range(MODELS):
        for layer in range(LAYERS):
            at = (pl.col("object_model") == f"x{model}", pl.col("layer") == f"l{layer}")
            own, directions = neurons.filter(*at), controls.filter(*at)
            n, k = (len(frame.filter("denotes", "live")) for frame in (own, directions))
            folded, rotated = mean(own, fold=True), mean(directions, fold=True)
            expected = {
                UNFOLDED: (mean(own, fold=False), n), FOLDED: (folded, n), ROTATED_FOLDED: (rotated, k),
                BEYOND: (folded - rotated, 1 / (1 / n + 1 / k)),
                SHARE: (n / len(own.filter("live")) - k / len(directions.filter("live")), 1),
            }  # fmt: skip
            for name, value in expected.items():
                found = profiles.numbers[name][model, layer], profiles.precision[name][model, layer]
                assert found == pytest.approx(value)


@pytest.mark.parametrize("frame", ["neurons", "controls", "layers"])
def test_a_missing_column_is_named_in_one_line(frame: str) -> None:
    neurons, controls = drawn(2)
    frames = {"neurons": neurons, "controls": controls, "layers": neurons.select("object_model", "layer").unique()}
    denote.depth_analysis(**frames)
    for column in NEEDED[frame]:
        with pytest.raises(ConfigError, match=column) as error:
            denote.depth_analysis(**(frames | {frame: frames[frame].drop(column)}))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", ["dataset", "architecture"])
def test_controls_that_could_not_find_their_neurons_are_refused(column: str) -> None:
    """Else they would look like a control that was not run."""
    neurons, controls = drawn(2)
    with pytest.raises(ConfigError, match=column):
        denote.depth_analysis(neurons, controls.drop(column))
    with pytest.raises(ConfigError, match="epoch"):
        denote.depth_analysis(neurons.with_columns(epoch=3), controls)


def test_all_columns_give_the_tests_of_the_needed_ones() -> None:
    neurons = synthetic.neuron_table(6, 5)
    value = pl.col("label_proportion")
    controls = synthetic.control_table(neurons).with_columns(
        folded_label_proportion=pl.min_horizontal(value, 1 - value)
    )
    layers = synthetic.layer_table(6, 5)
    whole = denote.depth_analysis(neurons, controls, layers).tests
    key = ("trained", "epoch", "pooling", "probe_seed")
    needed = denote.depth_analysis(
        neurons.select(*NEEDED["neurons"], *key), controls.select(*NEEDED["controls"], *key, "dataset", "architecture"),
        layers.select("object_model", "layer", "pooling", "sign_identified", "is_head"),
    ).tests  # fmt: skip
    assert_frame_equal(whole, needed)


def test_the_description_is_at_the_first_middle_and_last_compared_layer() -> None:
    neurons, controls = drawn()
    found = denote.depth_analysis(neurons, controls).description
    assert found.select("place", "layer").rows() == [("first", "l0"), ("middle", "l1"), ("last", "l3")]
    assert found["sign_identified"].to_list() == [False] * 3  # not known without layers
    first = found.row(0, named=True)
    means = [mean(neurons.filter(object_model=f"x{i}", layer="l0"), fold=False) for i in range(MODELS)]
    assert first["label_proportion_mean"] == pytest.approx(np.mean(means))
    chosen = denote.depth_analysis(neurons, controls, analysis=Analysis(layers=(1, 2, 3))).description
    assert chosen["layer"].to_list() == ["l1", "l2", "l3"]


@pytest.mark.parametrize("models", [1, 2, 3, 5])
def test_few_networks_are_described(models: int) -> None:
    found = denote.depth_analysis(*drawn(models))
    assert found.description["n_models"].to_list() == [models] * 3
    assert found.verdicts["verdict"].to_list() == ["none: too few networks"]
    assert found.tests["p_value"].null_count() == len(found.tests)
    assert (found.parts["part"].null_count() == 0) is (models >= 3)


def test_parts_are_those_of_the_networks_that_have_all_layers() -> None:
    neurons, controls = drawn()
    silent = (pl.col("object_model") == "x0") & (pl.col("layer") == "l2")
    gap = neurons.with_columns(denotes=pl.col("denotes") & ~silent)
    parts = denote.depth_analysis(gap, controls).parts
    assert set(parts["n_models"]) == {6}
    assert set(parts["n_layers"]) == {4}
    value = {(part, shape): value for part, shape, value in parts.select("part", "shape", "value").iter_rows()}
    for shape in ("change", "bow"):
        made_of = sum(value[part, shape] for part in ("polarity", "any basis", "own"))
        assert made_of == pytest.approx(value["raw", shape])


def test_without_controls_the_raw_and_the_folded_course_are_tested() -> None:
    neurons, _ = drawn()
    layers = neurons.select("object_model", "layer").unique().with_columns(sign_identified=True)
    found = denote.depth_analysis(neurons, layers=layers)
    tested: Any = found.tests.drop_nulls("p_value")["quantity"].unique().to_list()
    assert sorted(tested) == ["folded", "label_proportion"]
    assert "control=rotated" in found.parts["note"].item()


@pytest.mark.parametrize("models", [1, 2])
def test_of_one_or_two_networks_the_parts_are_not_told_and_the_reason_is_their_number(models: int) -> None:
    neurons = synthetic.neuron_table(models, 6, 64)
    (row,) = denote.depth_analysis(neurons, synthetic.control_table(neurons)).parts.iter_rows(named=True)
    assert (row["part"], row["note"]) == (None, "fewer than 3 networks")
