"""A full disk is named in one line, whichever library met it."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import polars as pl
import pytest

from denote.errors import NoSpaceError, no_space
from denote.files import write_bytes
from denote.tables import write_table


def full(file: Path | None = None, code: int = errno.ENOSPC) -> OSError:
    return OSError(code, os.strerror(code), *(() if file is None else (str(file),)))


def test_the_folder_is_named_with_what_is_free(tmp_path: Path) -> None:
    said = str(no_space(full(tmp_path / "gone" / "cells.parquet")))
    assert said.startswith(f"no space left in {tmp_path}: ")
    assert said.endswith("MiB are free; free some and run the same command again")


@pytest.mark.parametrize(("code", "lack"), [(errno.EDQUOT, "no quota left"), (errno.EFBIG, "no larger file")])
def test_quotas_and_limits_count_as_full(tmp_path: Path, code: int, lack: str) -> None:
    assert str(no_space(full(tmp_path / "file", code))).startswith(lack)


def test_texts_of_other_languages_are_understood(tmp_path: Path) -> None:
    error = RuntimeError("I/O error: No space left on device (os error 28)")
    assert str(no_space(error, tmp_path)).startswith(f"no space left in {tmp_path}: ")
    assert no_space(RuntimeError("I/O error: permission denied (os error 13)")) is None


def test_what_an_error_was_raised_from_is_looked_at() -> None:
    try:
        try:
            raise full()
        except OSError as error:
            raise ValueError("a handler cannot be configured") from error
    except ValueError as error:
        found = no_space(error)
    assert isinstance(found, NoSpaceError)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 # our own


def test_other_errors_are_none_of_it() -> None:
    for error in (ValueError("28"), PermissionError(errno.EACCES, "denied"), OSError("no number")):
        assert no_space(error) is None


def test_a_library_that_does_not_say_so_is_asked_about_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        raise pl.exceptions.ComputeError("parquet: File out of specification")

    def no_more(file: int) -> None:
        raise full()

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fails)
    with pytest.raises(pl.exceptions.ComputeError):
        write_table(tmp_path, "cells", pl.DataFrame({"a": [1]}))
    monkeypatch.setattr(os, "fsync", no_more)
    with pytest.raises(OSError, match="No space left"):
        write_table(tmp_path, "cells", pl.DataFrame({"a": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "run.json", b"old")

    def no_more(file: int) -> None:
        raise full()

    monkeypatch.setattr(os, "fsync", no_more)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(tmp_path / "run.json", b"new")
    assert (tmp_path / "run.json").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
