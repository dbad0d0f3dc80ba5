"""A sweep whose disk fills up ends with one line for each thing that could not be written, and goes on afterwards."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from command_line import Command

SWEEP = [
    "-m", "debug=fast", "evidence=quick", "logger=none", "progress=none", "architecture.layers=1",
    "architecture.width=8", "attribute=odd", "probe=linear", "layer.select=0", "figures=none", "sweep_name=full",
]  # fmt: skip


@contextmanager
def disk_that_fills(after: int) -> Iterator[list[int]]:
    """Let so many files be flushed, and no more; yields the number that were, in a list."""
    flushed, flush = [0], os.fsync

    def fill(file: int) -> None:
        flushed[0] += 1
        if flushed[0] > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        yield flushed


def cells(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "multirun" / "full" / "sweep" / "cells.parquet")


def test_a_sweep_goes_on_after_a_full_disk(denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    monkeypatch.chdir(whole)
    with disk_that_fills(after=1_000_000) as flushed:
        assert denote(*SWEEP).code == 0
    n_flushed = flushed[0]
    assert n_flushed > 50
    for share in (0.05, 0.7):
        folder = tmp_path / f"full at {share}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        with disk_that_fills(after=int(share * n_flushed)):
            answer = denote(*SWEEP)
        said = answer.out + answer.err
        assert answer.code == 1
        assert "no space left" in said
        assert "Traceback" not in said
        assert denote(*SWEEP).code == 0
        assert cells(folder).equals(cells(whole))
        assert not list((folder / "multirun").rglob("*.tmp"))
