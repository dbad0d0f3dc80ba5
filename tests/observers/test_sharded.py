"""Observers fitted by two gloo processes are those of one process, and what ends one of them ends both, in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drills import sharded_observers
from shard_worker import Case, cases

from denote.errors import ConfigError
from denote.observers.linear import LinearProbe
from denote.observers.observer import Observer, load_observers
from denote.observers.reading import UNBOUNDED
from denote.observers.row_shards import RowShards
from denote.observers.sharded import fit_sharded

WORKER = Path(__file__).parent / "shard_worker.py"
CASES = cases()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote."""
    folder = tmp_path_factory.mktemp("shards")
    commands = [[sys.executable, str(WORKER), str(rank), str(folder)] for rank in range(2)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 9], "\n".join(said)
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> list[dict[str, str]]:
    """What each process said of the mistakes."""
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def same(a: Observer, b: Observer, within: float) -> None:
    """Hold that two observers are the same but for rounding."""
    assert a.notes == b.notes
    np.testing.assert_array_equal(a.converged, b.converged)
    for name in ("weights", "bias", "threshold", "l2", "fit_balanced_accuracy", "neuron", "direction"):
        of_a, of_b = getattr(a, name), getattr(b, name)
        assert (of_a is None) == (of_b is None)
        if of_a is not None and of_a.size:
            scale = float(np.nanmax(np.abs(of_b)))
            np.testing.assert_allclose(of_a, of_b, rtol=0, atol=within * scale, err_msg=name)


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_two_processes_fit_what_one_fits(folder: Path, name: str, case: Case) -> None:
    first, second = (load_observers(folder / f"{rank}.safetensors")[name] for rank in range(2))
    same(first, second, 0)
    alone = case.probe.fit_data(replace(case.data, resources=UNBOUNDED))
    assert alone.fitted.any()
    same(first, alone, case.within)


def test_a_mistake_in_one_process_ends_both_in_one_line(told: list[dict[str, str]]) -> None:
    first, second = told
    for kind in ("linear", "neuron"):
        assert second[f"nan {kind}"].startswith("state: 1 numbers are NaN or infinite in 1 neurons, first in neuron 1")
        assert first[f"nan {kind}"] == "rows of process 1: cannot be fitted; that process says why"
    assert first["memory"] == first["nan linear"]
    assert second["memory"].startswith("memory_limit: is too small for a state of 350 x")
    expected = {
        "neurons": "neurons: differ between the processes: [13, 12]; the same in every process",
        "settings": "settings: differ between the processes; the same in every process",
        "no rows": "rows: process 0 of 2 has none; one or more in every process",
        "probe": "probe: a mlp probe is fitted by one process; allowed: linear, neuron",
    }
    for name, line in expected.items():
        assert [first[name], second[name]] == [line, line]


def test_a_lost_process_is_one_line(told: list[dict[str, str]]) -> None:
    assert told[0]["lost"].startswith("torch.distributed: process 0 of 2 lost the others: ")
    assert "\n" not in told[0]["lost"]


def test_processes_have_to_be_there() -> None:
    with pytest.raises(ConfigError, match=r"^torch\.distributed: is not initialised, .*init_process_group"):
        fit_sharded(LinearProbe(), CASES["linear"].data)


def test_the_drill_measures_a_fit_and_how_far_two_lie_apart(tmp_path: Path) -> None:
    sharded_observers.draw(tmp_path, rows=600, neurons=8, attributes=2, seed=0)
    came = sharded_observers.fit(tmp_path, "linear", threads=1, shards=RowShards())
    assert came["converged"]
    assert came["messages"] == 0
    arrays = dict(np.load(tmp_path / "linear-1-0.npz"))
    np.savez(tmp_path / "linear-2-0.npz", weights=arrays["weights"], bias=arrays["bias"] * 1.5)
    absolute, relative = sharded_observers.difference(tmp_path, "linear", processes=2)
    assert absolute == pytest.approx(0.5 * np.abs(arrays["bias"]).max())
    assert relative == pytest.approx(0.5)
