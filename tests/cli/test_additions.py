"""A probe is one file and a state control two, besides their YAML: files put into a copy of the package are found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import denote

PROBE = '''
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denote.config.settings import AtLeastOne
from denote.observers.observer import BuiltInProbe, FitData, Observer


@dataclass(frozen=True)
class FirstProbe(BuiltInProbe):
    """Reads the sum of the first neurons."""

    neurons: AtLeastOne = 2

    kind = "first"

    def fit_data(self, data: FitData) -> Observer:
        n_neurons, n_attributes = data.state.shape[1], data.labels.shape[1]
        weights = np.repeat((np.arange(n_neurons) < self.neurons)[:, None].astype(float), n_attributes, axis=1)
        return Observer(
            self.kind, weights, np.zeros(n_attributes), np.ones(n_attributes, bool), np.zeros(n_attributes),
            (None,) * n_attributes,
        )
'''
CONTROL = '''
from __future__ import annotations

from dataclasses import dataclass

from denote.config.settings import Count
from denote.data.parts import Halves
from denote.evidence.control import StateControl


@dataclass(frozen=True)
class Flipped(StateControl):
    """The same activations with their signs changed."""

    draws: Count = 1

    name = "flipped"
    column = "flipped_auroc"
    columns = ("flipped_auroc",)
    order = 55
    too_few = "few_rotated_neurons"

    def states(self, layer, state, probe_seed, recorded):
        return [Halves(-state.fit, -state.test) for _ in range(self.draws)]
'''
OBSERVE = """
import json

import numpy as np

import denote
from denote.config.settings import declared
from denote.evidence.controls import built_in_controls, chosen_controls
from denote.observers.probes import PROBES

state = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
attributes = {"high": (state[:, :2].sum(1) > 0).astype(int)}
result = denote.observe(
    states={"a": state}, attributes=attributes, probe={"first": {"neurons": 2}}, controls=["flipped"], permutations=0
)
print(list(declared(PROBES["first"])), chosen_controls({"flipped": {"draws": 2}}))
print(json.dumps(result.cells.select("probe", "auroc", "flipped_auroc").row(0)))
"""
CHECK = """
import sys

from denote.cli.checks import built_in_controls, built_in_probes

print("first" in built_in_probes(), "flipped" in built_in_controls(), sorted({"torch", "polars"} & set(sys.modules)))
"""


def test_new_files_are_a_probe_and_a_state_control(tmp_path: Path) -> None:
    package = tmp_path / "denote"
    shutil.copytree(Path(denote.__file__).parent, package)  # with what is compiled: only the files below are new
    (package / "observers" / "first.py").write_text(PROBE, encoding="utf-8")
    (package / "evidence" / "controls" / "flipped.py").write_text(CONTROL, encoding="utf-8")
    tables = package / "tables.py"
    column = "selectivity_high rotated_auroc "
    assert column in tables.read_text(encoding="utf-8")
    tables.write_text(tables.read_text(encoding="utf-8").replace(column, f"{column}flipped_auroc "), encoding="utf-8")
    light, declared, cells = (
        line for code in (CHECK, OBSERVE) for line in run(tmp_path, code).splitlines() if line.strip()
    )
    assert light == "True True []"
    assert declared == "['neurons'] (Flipped(draws=2),)"
    assert json.loads(cells) == ["first", 1.0, 0.0]


def run(folder: Path, code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
