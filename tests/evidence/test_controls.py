"""Controls are classes of their own: found by being there, declared like their YAML, and used by what they offer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
import pytest
from omegaconf import OmegaConf

import denote
from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples, LabelControl
from denote.evidence.controls import built_in_controls, chosen_controls
from denote.evidence.controls.control_task import ControlTask
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.controls.shuffled import Shuffled, ShuffledDraws
from denote.evidence.controls.untrained import Untrained
from denote.evidence.label_controls import LabelDraws
from denote.evidence.measuring import Columns
from denote.observation import Controls
from denote.tables import CELLS


def test_each_is_declared_as_its_yaml_says() -> None:
    folder = resources.files("denote.conf") / "control"
    files = [file for file in folder.iterdir() if file.is_file()]  # a folder holds what a level changes of them
    shipped = {str(file.name).removesuffix(".yaml"): file.read_text() for file in files}
    assert set(built_in_controls()) == set(shipped)
    for name, kind in built_in_controls().items():
        declared: dict[str, Any] = {field.name: field.default for field in fields(kind)}
        assert declared == OmegaConf.to_container(OmegaConf.create(shipped[name])), name
        assert set(kind.columns) <= set(CELLS)


def test_looking_them_up_loads_no_library_that_takes_long() -> None:
    code = (
        "import sys; from denote.evidence.controls import built_in_controls; built_in_controls(); "
        "print(sorted({'torch', 'polars', 'scipy', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_keywords_and_config_choose_the_same_in_the_same_order() -> None:
    options = {"raw_input": {}, "random_subset": {"subsets": 4}, "untrained": None, "shuffled": {"draws": 7}}
    chosen = chosen_controls(options)
    assert chosen == tuple(Controls(shuffles=7, rotations=0, subsets=4))
    assert [control.name for control in chosen] == ["shuffled", "random_subset", "untrained", "raw_input"]


def test_what_is_left_out_is_no_control() -> None:
    nothing = {"raw_input": {"enabled": False}, "untrained": {"twins": 0}, "control_task": {"column": "id", "draws": 0}}
    assert chosen_controls(nothing) == ()
    assert tuple(Controls(0, 0, 0, 0, False)) == ()
    chosen = chosen_controls({"shuffled": {"draws": 0}})
    assert Shuffled.among(chosen).neuron_draws == Shuffled.neuron_draws
    assert (Untrained.among(chosen).twins, RawInput.among(chosen).enabled) == (0, False)
    assert ControlTask.among(chosen).column is None


@dataclass(frozen=True)
class Inverted(LabelControl):
    """The labels turned round: a control that denote does not know."""

    times: int = 1

    name = "inverted"
    columns = ()

    def prepare(self, samples: ControlSamples) -> LabelDraws | str:
        return InvertedDraws(samples, self.times)


class InvertedDraws(ShuffledDraws):
    name = "inverted"
    has_band = False

    def draws(self) -> Iterator[Any]:
        labels = self.samples.labels
        for draw in super().draws():
            turned = [
                replace(part, values=np.where(part.values < 0, part.values, 1 - part.values).astype(np.int8))
                for part in (labels.fit, labels.test)
            ]
            yield replace(draw, control=self.name, labels=type(labels)(*turned))

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        return {"note": [f"inverted: {len(drawn)}"] * len(real["auroc"])}

    def hears(self, bootstrap: Any) -> None:
        return None

    def intervals(self, real: Columns, refits: Any, bootstrap: Any) -> Columns:
        return {"note": None}


@pytest.mark.parametrize("controls", [[Inverted(2)], ["shuffled", Inverted(2)]])
def test_a_control_of_one_class_is_drawn_fitted_and_says_its_word(controls: list[Any]) -> None:
    rng = np.random.default_rng(0)
    column = rng.integers(0, 2, 400)
    state = rng.standard_normal((400, 6)).astype(np.float32)
    state[:, 2] += 3 * column
    seen = denote.observe(
        states={"layer": state}, attributes={"a": column}, controls=controls, permutations=0, bootstraps=0
    )
    rows = seen.controls.filter(pl.col("control") == "inverted")
    assert rows["draw"].to_list() == [0, 1]
    (cell,) = seen.cells.iter_rows(named=True)
    assert rows["auroc"].to_list() == pytest.approx([cell["auroc"]] * 2, abs=1e-6)
    assert "inverted: 2" in cell["note"]
    assert ("control=shuffled is off" in cell["note"]) == ("shuffled" not in controls)


def test_selectivity_is_the_real_auroc_minus_the_mean_over_shuffled_labels() -> None:
    values = np.array([[0, 1], [1, 0]], dtype=np.int8)
    labels = Labels(("a", "b"), ("named", "named"), values)
    draws = [{"auroc": np.array([0.5, 0.75])}, {"auroc": np.array([0.75, np.nan])}]
    answer = ShuffledDraws(ControlSamples(Halves(labels, labels)), 2).answer({"auroc": np.array([1.0, 0.5])}, draws)
    np.testing.assert_array_equal(answer["control_auroc"], [0.625, 0.75])
    np.testing.assert_array_equal(answer["selectivity"], [0.375, -0.25])
