"""Coverage by package: sums over the files of a folder, shares rounded down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from coverage_by_package import COUNTS, main


def test_files_are_summed_by_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "src/denote/keys.py": (10, 0, 0, 0),
        "src/denote/data/split.py": (99, 1, 10, 10),
        "src/denote/data/parts.py": (100, 0, 20, 0),
        "src/denote/data/text/tokens.py": (999, 1, 3, 1),
        "conf/__init__.py": (0, 0, 0, 0),
    }
    report = {"files": {path: {"summary": dict(zip(COUNTS, counts, strict=True))} for path, counts in files.items()}}
    (tmp_path / "coverage.json").write_text(json.dumps(report), encoding="utf-8")
    assert main([str(tmp_path / "coverage.json")]) == 0
    said = [line.split() for line in capsys.readouterr().out.replace(" %", "%").splitlines()]
    assert said == [
        ["package", "lines", "branches", "both"],
        ["denote", "100%", "-", "100%"],
        ["denote.data", "99%", "75%", "95%"],
        ["denote.data.text", "99%", "75%", "99%"],
        ["all", "99%", "75%", "98%"],
    ]
