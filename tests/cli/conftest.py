"""The command line as tests call it, from an empty folder."""

import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Answer, Command, Sweep, make_sweep, spoken
from filelock import FileLock
from hydra.core.global_hydra import GlobalHydra

from denote.cli import commands as cli


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """A command in a process of its own, in an empty folder."""
    return lambda name, *arguments, **options: spoken(tmp_path, name, *arguments, **options)


@pytest.fixture
def denote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpainted: None) -> Iterator[Command]:
    """``denote`` in this process, in an empty folder, with blank figures; nothing it sets outlives the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    for name in ("HYDRA_FULL_ERROR", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that the test's end removes what the command sets
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def call(*arguments: str) -> Answer:
        monkeypatch.delenv("HYDRA_FULL_ERROR")
        GlobalHydra.instance().clear()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli._command("denote", list(arguments))
        monkeypatch.setenv("HYDRA_FULL_ERROR", "")
        return Answer(code, out.getvalue(), err.getvalue())

    yield call
    GlobalHydra.instance().clear()
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep, made once however many workers run the tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    place = shared / "sweep-end-to-end"
    with FileLock(shared / "sweep-end-to-end.lock"):
        if not (place / "account.json").is_file():
            place.mkdir()
            make_sweep(place)
    account = json.loads((place / "account.json").read_text(encoding="utf-8"))
    answers = {name: Answer(**account.pop(name)) for name in ("first", "second", "report")}
    return Sweep(folder=place / "multirun" / "t", **answers, **account)
