"""Written files: whole or not at all, readable by whom the umask allows, under names that any file system takes."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from torch import nn

from denote.figures.canvas import save_figure
from denote.files import atomic_write, slug, write_bytes, write_json, write_text
from denote.object_models.weights import write_weights
from denote.observation.result import Images
from denote.observers.observer import save_observers
from denote.runs.record import write_record
from denote.tables import write_table


@contextmanager
def umask(mode: int) -> Iterator[None]:
    """Set the umask inside the block."""
    before = os.umask(mode)
    try:
        yield
    finally:
        os.umask(before)


def images() -> Images:
    """One image of one pixel."""
    pixel = np.zeros((1, 1, 1), dtype=np.float32)
    return Images(np.zeros(1, dtype=np.int64), pixel, pixel[0])


WRITERS: dict[str, Callable[[Path], object]] = {
    "record": lambda folder: write_record(folder, {"status": "finished"}),
    "json": lambda folder: write_json(folder / "status.json", {}),
    "text": lambda folder: write_text(folder / "report.html", "<p>"),
    "table": lambda folder: write_table(folder, "cells", pl.DataFrame({"a": [1]})),
    "observers": lambda folder: save_observers(folder / "observers.safetensors", {}),
    "weights": lambda folder: write_weights(nn.Linear(1, 1), folder / "model.safetensors"),
    "images": lambda folder: images().write(folder),
    "figure": lambda folder: save_figure(Figure(), folder, "figure", ("png", "svg")),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_written_file_can_be_read_by_whom_the_umask_allows(
    write: Callable[[Path], object], mask: int, mode: int, tmp_path: Path
) -> None:
    with umask(mask):
        write(tmp_path)
    files = list(tmp_path.iterdir())
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {mode}
    assert not [path.name for path in files if path.name.startswith(".")]


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "a.txt", b"old")

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.txt", b"old")]


@pytest.mark.parametrize("step", ["write_bytes", "chmod", "replace"])
def test_a_failure_of_any_step_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bytes(tmp_path / "a.txt", b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.txt", b"old")]


def test_contents_are_on_disk_before_the_name_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    synchronise, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("fsync"), synchronise(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (steps.append("replace"), replace(path, to))[1])
    path = write_json(tmp_path / "new" / "a.json", {"name": "é", "path": tmp_path})
    assert steps == ["fsync", "replace", "fsync"]  # of the file, then of the folder's list of names
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "é", "path": str(tmp_path)}


def test_a_slug_keeps_letters_digits_and_the_signs_it_is_told_to() -> None:
    assert slug("class in {0, 6}") == "class_in__0__6_"
    assert slug("class in {0, 6}", join=True) == "class_in_0_6_"
    assert slug("class=3, größer", keep="=") == "class=3__größer"
