"""The page on Python is one program: it runs as it stands, from an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPORT = """
import sys
from denote.cli import commands as cli
sys.argv = {command!r}
try:
    cli.report()
except SystemExit as end:
    assert end.code == 0
"""
# Painting what is saved would take a quarter of the time; the tests of figures and of a sweep do it.
UNPAINTED = """
from matplotlib.figure import Figure
from denote.figures import canvas
blank = canvas._render(Figure(figsize=(0.1, 0.1)), ("png", "svg", "pdf"))
canvas._render = lambda _, formats: dict((kind, blank[kind]) for kind in formats)
"""


def program() -> str:
    """Every block, in order; commands become calls."""
    parts = [UNPAINTED]
    for language, block in BLOCK.findall((ROOT / "docs" / "python.md").read_text()):
        if language == "python":
            parts.append(block)
        elif language == "" and block.startswith("denote"):
            assert block.startswith("denote-report ")
            parts.append(REPORT.format(command=block.split()))
    return "\n".join(parts)


def test_the_page_on_python_runs(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(program())
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "5 layers, 11 attributes" in done.stdout
    assert (tmp_path / "odd.png").stat().st_size > 10_000
    assert (tmp_path / "runs" / "mine" / "sweep" / "report.html").is_file()
