"""Damage is found before it is used, named, and moved out of the way."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.digests import (
    DAMAGED,
    DamagedError,
    check,
    check_file,
    damaged_files,
    described,
    digests_of,
    read_sealed,
    set_aside,
    write_sealed,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "table.parquet").write_bytes(b"some numbers")
    (tmp_path / "other.parquet").write_bytes(b"more numbers")
    write_sealed(tmp_path / "run.json", {"files": digests_of(tmp_path, ["table.parquet", "other.parquet"])})
    return tmp_path


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_whole_files_pass(folder: Path) -> None:
    check(folder / "table.parquet")
    assert damaged_files(folder, read_sealed(folder / "run.json")) == {}


def test_a_flipped_bit_is_named(folder: Path) -> None:
    flip(folder / "table.parquet", 3)
    with pytest.raises(DamagedError, match=r"table\.parquet: is damaged: its content is not what was written"):
        check(folder / "table.parquet")
    problems = damaged_files(folder, read_sealed(folder / "run.json"))
    assert list(problems) == [folder / "table.parquet"]


def test_a_truncated_file_is_named_with_its_sizes(folder: Path) -> None:
    (folder / "table.parquet").write_bytes(b"some")
    with pytest.raises(DamagedError, match="4 bytes, not 12"):
        check(folder / "table.parquet")


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    (folder / "other.parquet").unlink()
    with pytest.raises(DamagedError, match="is gone"):
        check(folder / "other.parquet")


def test_files_that_no_record_knows_pass(tmp_path: Path) -> None:
    (tmp_path / "table.parquet").write_bytes(b"of an older version")
    check(tmp_path / "table.parquet")


def test_a_file_is_read_once_as_long_as_it_does_not_change(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "state.npy"
    file.write_bytes(b"activations")
    expected, opened = described(file), list[Path]()
    usual = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: (opened.append(path), usual(path, *a, **k))[1])
    check_file(file, expected)
    assert opened == []
    os.utime(file, ns=(0, 0))
    check_file(file, expected)
    check_file(file, expected)
    assert opened == [file]


def test_two_records_of_one_moment_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    for status in ("running", "stopped"):  # of one length, one number of the file and one time of change
        write_sealed(tmp_path / "other.json", {"status": status})
        content, now = (tmp_path / "other.json").read_bytes(), 1_000 * (time.time_ns() // 1_000)
        with file.open("r+b" if file.exists() else "wb") as opened:
            opened.write(content)
        os.utime(file, ns=(now, file.stat().st_mtime_ns if status == "stopped" else now))
        assert read_sealed(file)["status"] == status


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_flip_of_a_record_passes(tmp_path_factory, data) -> None:
    file = tmp_path_factory.mktemp("record") / "run.json"
    value = {"status": "finished", "files": {"a.parquet": {"bytes": 3, "sha256": "0f"}}, "seed": 0, "none": None}
    write_sealed(file, value)
    content = bytearray(file.read_bytes())
    place, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    content[place] ^= 1 << bit
    file.write_bytes(content)
    try:
        read = read_sealed(file)
    except DamagedError:
        return
    # A space that became another sign of no meaning: the value is the same.
    assert {name: inner for name, inner in read.items() if name != "digest"} == value


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(DamagedError, match=r"run\.json"):
        read_sealed(tmp_path / "run.json")


def test_records_of_before_are_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"status": "finished"}))
    assert read_sealed(tmp_path / "run.json") == {"status": "finished"}
    with pytest.raises(DamagedError, match="lost its digest"):
        read_sealed(tmp_path / "run.json", required=True)


def test_damage_is_kept_under_free_names(folder: Path, caplog) -> None:
    for number in (1, 2):
        (folder / "table.parquet").write_bytes(b"%d" % number)
        set_aside(folder / "table.parquet", "is damaged")
    kept = {file.name: file.read_bytes() for file in (folder / DAMAGED).iterdir()}
    assert kept == {"table.parquet": b"1", "table.parquet.2": b"2"}
    assert f"table.parquet is damaged; it is moved to {folder / DAMAGED}" in caplog.text
    set_aside(folder / "table.parquet", "is gone")
    assert "table.parquet is gone; it is made again" in caplog.text


def test_what_json_cannot_say_is_text(tmp_path: Path) -> None:
    write_sealed(tmp_path / "run.json", {"path": Path("a/b"), "pair": (1, 2), "nan": float("nan")})
    read = read_sealed(tmp_path / "run.json")
    assert (read["path"], read["pair"]) == ("a/b", [1, 2])
