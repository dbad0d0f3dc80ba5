"""Nobody reads standard output, or it cannot be written: one line at most, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAYS = "import sys; from denote.cli import commands; del sys.argv[0]; commands.main()"


def ended(output: int, *arguments: str, cwd: Path, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    command = [sys.executable, "-c", SAYS, *arguments]
    return subprocess.run(command, stdout=output, stderr=subprocess.PIPE, cwd=cwd, env=env, text=True, check=False)


@pytest.mark.parametrize("unbuffered", [True, False])
@pytest.mark.parametrize("arguments", [("denote", "--help"), ("denote", "--cfg", "job")])
def test_a_reader_that_goes_leaves_no_traceback(tmp_path: Path, arguments: tuple[str, ...], unbuffered: bool) -> None:
    """As `denote --help | head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    found = ended(writer, *arguments, cwd=tmp_path, unbuffered=unbuffered)
    os.close(writer)
    assert (found.returncode, found.stderr) == (1, "")


def test_a_closed_output_is_none(tmp_path: Path) -> None:
    """As of `denote --version >&-`."""
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", SAYS, "denote", "--version"]
    found = subprocess.run(shell, stderr=subprocess.PIPE, cwd=tmp_path, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device here")
@pytest.mark.parametrize("unbuffered", [True, False])
def test_an_output_without_room_is_told_in_one_line(tmp_path: Path, unbuffered: bool) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        found = ended(full.fileno(), "denote", "--help", cwd=tmp_path, unbuffered=unbuffered)
    assert found.returncode == 1
    assert found.stderr.startswith("no space left")
    assert len(found.stderr.splitlines()) == 1
