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


def spoil(multirun: Path) -> list[Path]:
    """Damage one file of each kind; returns them."""
    files = [*multirun.glob("full/*-*/cells.parquet"), multirun / "full" / "sweep" / "neurons.parquet"]
    files += [*multirun.glob(".store/states/*/none/hidden_1.npy"), *multirun.glob(".store/models/*/model.safetensors")]
    for file in files:
        content = bytearray(file.read_bytes())
        content[2 * len(content) // 3] ^= 16
        file.write_bytes(content)
    (multirun / "full" / "sweep" / "report.html").unlink()
    return files


def test_a_sweep_goes_on_after_a_full_disk_and_after_damage(
    denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, full = tmp_path / "whole", tmp_path / "full"
    for folder in (whole, full):
        folder.mkdir()
    monkeypatch.chdir(whole)
    with disk_that_fills(after=1_000_000) as flushed:
        assert denote(*SWEEP).code == 0
    monkeypatch.chdir(full)
    with disk_that_fills(after=2 * flushed[0] // 3):
        answer = denote(*SWEEP)
    said = answer.out + answer.err
    assert answer.code == 1
    assert "no space left" in said
    assert "Traceback" not in said
    assert denote(*SWEEP).code == 0
    assert cells(full).equals(cells(whole))
    assert not list((full / "multirun").rglob("*.tmp"))
    damaged = spoil(full / "multirun")
    assert len({file.name for file in damaged}) == 4
    answer = denote(*SWEEP)
    assert answer.code == 0
    for file in damaged:
        assert str(file.relative_to(full)) in answer.out + answer.err
    assert cells(full).equals(cells(whole))
    assert (full / "multirun" / "full" / "sweep" / "report.html").is_file()
