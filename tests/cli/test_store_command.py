"""The command ``denote-store``: mistakes in one line, a plan before anything is removed, damage as an exit code."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from denote.cli import commands, store_command
from denote.data.samples import Samples, TensorInputs
from denote.locks import locked
from denote.runs.record import LOCK
from denote.states.listing import list_layers
from denote.states.store import StateStore


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of states in a store, which the working folder holds."""
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    targets = np.arange(20) % 2
    samples = Samples("noise", TensorInputs(values), targets, ("a", "b"), pl.DataFrame({"c": targets}), "c", "k")
    network = nn.Sequential(nn.Linear(3, 4))
    store = StateStore(tmp_path / "multirun" / ".store")
    store.states("m", network, samples, np.arange(20), list_layers(network, torch.zeros(1, 3)))
    monkeypatch.chdir(tmp_path)
    (manifest,) = store.root.glob("*/manifest.json")
    return manifest.parent


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["denote-store", *arguments])
    with pytest.raises(SystemExit) as left:
        commands.store()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_store_is_listed(states: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(monkeypatch, "list") == 0
    out = capsys.readouterr().out
    assert f"states/{states.name}" in out
    assert "1 layers x 20 rows of network m" in out
    assert "no finished job" in out
    assert "1 recording, " in out


def test_damage_is_named_and_an_exit_code(
    states: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "verify") == 0
    assert capsys.readouterr().out == "1 folder checked, nothing is damaged\n"
    (array,) = states.glob("none/*.npy")
    content = bytearray(array.read_bytes())
    content[-1] ^= 128
    array.write_bytes(content)
    assert ran(monkeypatch, "verify") == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"{array.relative_to(Path.cwd())} is damaged: its content is not what was written"
    assert last.startswith("1 folder checked, 1 damaged file: ")


def test_nothing_is_removed_before_it_is_asked_for(
    states: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "prune") == 0
    assert capsys.readouterr().out == "nothing to remove\n"
    assert ran(monkeypatch, "prune", "unused=true") == 0
    assert "is used by no finished job" in (out := capsys.readouterr().out)
    assert out.endswith("could be removed; nothing was: add yes=true\n")
    assert json.loads((states / "manifest.json").read_text())
    assert ran(monkeypatch, "prune", "unused=true", "yes=true") == 0
    assert "removed 1 of 1, " in capsys.readouterr().out
    assert list(states.parent.iterdir()) == []


def test_nothing_is_removed_that_a_job_may_use_which_began_while_somebody_read_the_list(
    states: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as running:

        def agrees(question: str) -> bool:
            running.enter_context(locked(states.parents[2] / "sweep" / "job" / LOCK, "job"))
            return True

        monkeypatch.setattr(store_command, "_agrees", agrees)
        assert ran(monkeypatch, "prune", "unused=true") == 0
    out = capsys.readouterr().out
    assert "came into use" in out
    assert "removed 0 of 1, 0 B" in out
    assert (states / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "denote-store ACTION: none is given; allowed: list, verify, prune"),
        (["lst"], "denote-store ACTION: 'lst' is none; allowed: list, verify, prune"),
        (["list", "unused=true"], "unused: no such key of denote-store list"),
        (["list", "path=nowhere"], "path=nowhere: there is no such store"),
        (["prune", "older_than=x"], "older_than: 'x' is not possible; allowed: a number of days"),
        (["prune", "yes=maybe"], "yes: 'maybe' is not possible; allowed: true, false"),
        (["verify", "sweep=nowhere"], "sweep=nowhere: there is no such folder"),
        (["list", "multirun=nowhere"], "multirun=nowhere: there is no such folder"),
    ],
)
def test_mistakes_are_one_line(
    states: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    assert ran(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1
