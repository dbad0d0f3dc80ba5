"""Timing whole commands, through the real script. No time is looked at."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "first_answer.py"
DENOTE = Path(sys.executable).with_name("denote")
SMALLEST = [
    "logger=none", "architecture.layers=1", "architecture.width=8", "trainer.max_epochs=1", "trainer.progress=false",
    "figures=none", "control=[]", "evidence.permutations=0", "evidence.randomisation=false", "evidence.stability=false",
]  # fmt: skip

STAND_IN = """#!/bin/sh
echo "$* | $(ls multirun multirun/.store 2>/dev/null | tr '\\n' ' ')| $NUMBA_CACHE_DIR" >> "{log}"
{more}
mkdir -p multirun/single multirun/.store/models multirun/.store/states
"""
"""A version of denote that leaves what denote leaves, and says what it was called with and what was there."""

OLDER = 'case "$*" in *evidence=quick*) echo no such group; exit 2;; esac'
"""One that knows no levels of evidence."""

EVERYTHING, STORED = frozenset({"single", "models", "states"}), frozenset({"models", "states"})
TRAINED, NOTHING = frozenset({"models"}), frozenset[str]()


def first_answer(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first answer")


@pytest.fixture(scope="module")
def ran(folder: Path) -> tuple[str, dict[str, Any]]:
    (folder / "work").mkdir()
    for name, more in (("newer", ":"), ("older", OLDER)):
        command = folder / name
        command.write_text(STAND_IN.format(log=folder / f"{name}.log", more=more), encoding="utf-8")
        command.chmod(0o755)
    done = first_answer(
        "--denote", folder / "newer", "--denote", folder / "older", "--repeats", 2, "--busy", 1, "--compile",
        "--folder", folder / "work", "--json", folder / "found.json", "--", "logger=none", "seed=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "found.json").read_text(encoding="utf-8"))


def starts(folder: Path, typed: str) -> list[frozenset[str]]:
    """What was there at every measured run of a command, which has a cache of numba of its own."""
    lines = (folder / "newer.log").read_text(encoding="utf-8").splitlines()
    calls = [[part.strip() for part in line.split("|")] for line in lines]
    return [
        frozenset(there.split()) & {"single", "models", "states"}
        for said, there, cache in calls
        if cache and said == f"{typed} logger=none seed=1"
    ]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("experiment=demo", [NOTHING, EVERYTHING]),
        ("attribute=odd evidence=quick", [NOTHING, TRAINED, STORED]),
        ("attribute=odd", [NOTHING, STORED, EVERYTHING]),
    ],
)
def test_every_step_starts_with_what_its_name_says(
    ran: tuple[str, dict[str, Any]], folder: Path, typed: str, expected: list[frozenset[str]]
) -> None:
    del ran
    # Two repeats, and each of them quiet and busy.
    assert Counter(starts(folder, typed)) == dict.fromkeys(expected, 4)


def test_every_step_is_run_by_every_version_that_knows_it(ran: tuple[str, dict[str, Any]]) -> None:
    _, content = ran
    both = [row for row in content["rows"] if row["version"] == "A"]
    assert len(both) == 18
    assert all(len(row["runs"]["wall"]) == 2 for row in content["rows"])
    assert {row["step"] for row in both} - {row["step"] for row in content["rows"] if row["version"] == "B"} == {
        "quick", "quick_trained", "quick_stored"
    }  # fmt: skip


def test_what_a_version_does_not_know_is_said(ran: tuple[str, dict[str, Any]]) -> None:
    said, content = ran
    assert {"step": "quick", "version": "B", "reason": "no such group"} in content["skipped"]
    assert "quick, B: skipped, no such group" in said


def test_ratios_are_medians_of_pairs(ran: tuple[str, dict[str, Any]]) -> None:
    rows = {(row["step"], row["version"], row["busy"]): row for row in ran[1]["rows"]}
    quiet, busy, other = (rows["finished", *rest] for rest in (("A", 0), ("A", 1), ("B", 0)))

    def ratio(one: dict[str, Any], two: dict[str, Any]) -> float:
        return sum(a / b for a, b in zip(one["runs"]["wall"], two["runs"]["wall"], strict=True)) / 2

    assert busy["times_quiet"]["wall"] == pytest.approx(ratio(busy, quiet))
    assert other["times_shorter_than_A"]["wall"] == pytest.approx(ratio(quiet, other))
    assert "times_quiet" not in quiet
    assert "times_shorter_than_A" not in quiet


def test_nothing_is_left_behind(ran: tuple[str, dict[str, Any]], folder: Path) -> None:
    del ran
    assert list((folder / "work").iterdir()) == []


def test_the_real_command_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    steps = ("--steps", "finished", "--repeats", 1, "--json", file)
    done = first_answer("--denote", DENOTE, *steps, "--", *SMALLEST)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert row["wall"] > 0
    assert row["cpu"] > 0
    assert row["peak"] > 1 << 20


@pytest.mark.parametrize("mistake", [["--steps=nope"], ["--denote=/nope"], ["--repeats=0"], ["--folder=/nope"]])
def test_a_mistake_is_one_line(mistake: list[str]) -> None:
    done = first_answer(*mistake)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
