"""Written files: whole or not at all, readable by whom the umask allows, under names that any file system takes."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from torch import nn

from denote import files
from denote.figures.canvas import save_figure
from denote.files import (
    atomic_folder,
    atomic_write,
    await_swap,
    settle_folder,
    slug,
    write_bytes,
    write_json,
    write_text,
)
from denote.object_models.weights import write_weights
from denote.observation.inputs_shown import InputsShown
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


WRITERS: dict[str, Callable[[Path], object]] = {
    "record": lambda folder: write_record(folder, {"status": "finished"}),
    "json": lambda folder: write_json(folder / "status.json", {}),
    "text": lambda folder: write_text(folder / "report.html", "<p>"),
    "table": lambda folder: write_table(folder, "cells", pl.DataFrame({"a": [1]})),
    "observers": lambda folder: save_observers(folder / "observers.safetensors", {}),
    "weights": lambda folder: write_weights(nn.Linear(1, 1), folder / "model.safetensors"),
    "inputs": lambda folder: InputsShown(sprite=b"png").write(folder),
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


def filled(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "a").write_text(content)
    return folder


@pytest.fixture(params=["exchanged", "renamed"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with and without a system that exchanges the names of two folders at once."""
    if request.param == "renamed":
        monkeypatch.setattr(files, "_exchange", lambda *_: False)
    return request.param


@pytest.mark.parametrize("before", [None, "folder", "file", "link"])
def test_a_folder_takes_the_place_of_whatever_was_there(tmp_path: Path, exchange: str, before: str | None) -> None:
    place = tmp_path / "sweep"
    if before == "folder":
        filled(place, "old")
    elif before == "file":
        place.write_text("old")
    elif before == "link":
        place.symlink_to(filled(tmp_path / "elsewhere", "old"))
    with atomic_folder(place) as fresh:
        filled(fresh, "new")
    assert (place / "a").read_text() == "new"
    assert not place.is_symlink()
    assert {file.name for file in tmp_path.iterdir()} <= {"sweep", "elsewhere"}
    assert before != "link" or (tmp_path / "elsewhere" / "a").read_text() == "old"


def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path: Path, exchange: str) -> None:
    place = filled(tmp_path / "sweep", "old")
    with pytest.raises(FileExistsError), atomic_folder(place) as fresh:
        filled(fresh, "new").joinpath("a").touch(exist_ok=False)
    assert [(file.name, (file / "a").read_text()) for file in tmp_path.iterdir()] == [("sweep", "old")]


def test_a_swap_that_fails_in_the_middle_leaves_the_old_one(tmp_path: Path, monkeypatch) -> None:
    place, usual = filled(tmp_path / "sweep", "old"), Path.rename
    monkeypatch.setattr(files, "_exchange", lambda *_: False)

    def rename(path: Path, target: Path) -> Path:
        if path.name.endswith(files.NEW):
            raise OSError("no more")
        return usual(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="no more"), atomic_folder(place) as fresh:
        filled(fresh, "new")
    assert [(file.name, (file / "a").read_text()) for file in tmp_path.iterdir()] == [("sweep", "old")]


@pytest.mark.parametrize(("there", "left", "stays"), [
    ("now", {".sweep.0123abcd.new": "half", ".sweep.00000000.old": "before"}, "now"),
    (None, {".sweep.0123abcd.new": "next", ".sweep.00000000.old": "before"}, "before"),
    (None, {".sweep.0123abcd.new": "half"}, None),
])  # fmt: skip
def test_what_a_killed_process_left_of_a_swap_is_settled(tmp_path: Path, there, left, stays) -> None:
    others = [".sweep.new", ".sweeper.0123abcd.new", ".sweep.0123abcd.old.txt"]
    for name, content in {**dict.fromkeys(others, "mine"), **left, **({"sweep": there} if there else {})}.items():
        filled(tmp_path / name, content)
    settle_folder(tmp_path / "sweep")
    assert {file.name for file in tmp_path.iterdir()} == {*others, *(["sweep"] if stays else [])}
    assert stays is None or (tmp_path / "sweep" / "a").read_text() == stays


def test_readers_never_miss_a_folder_that_is_swapped(tmp_path: Path, exchange: str) -> None:
    place, missed, stop = filled(tmp_path / "sweep", "0"), list[str](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            if not place.exists():
                await_swap(place)
                if not place.exists():
                    missed.append("no folder")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 40):
        with atomic_folder(place) as fresh:
            filled(fresh, str(number))
    stop.set()
    for reader in readers:
        reader.join()
    assert missed == []
