"""The wheel: it has the configuration inside and runs from an empty directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "src", "conf")

ENTRY = """
import sys
from denote.cli import commands as cli
assert cli.__file__.startswith(sys.argv[1]), cli.__file__
sys.argv = ["denote", *sys.argv[2:]]
cli.main()
"""


def test_the_wheel_runs_from_an_empty_directory(tmp_path: Path) -> None:
    source, wheels, target, empty = (tmp_path / name for name in ("source", "wheels", "target", "empty"))
    source.mkdir()
    empty.mkdir()
    for name in SHIPPED:  # a copy, since a build leaves litter in the checkout
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input"]
    subprocess.run(
        [*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", wheels, source], check=True
    )
    (wheel,) = wheels.glob("denote-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)

    def inside(folder: Path, pattern: str) -> set[str]:
        return {str(path.relative_to(folder)) for path in folder.rglob(pattern)}

    assert inside(target / "denote" / "conf", "*.yaml") == inside(ROOT / "conf", "*.yaml")
    for pattern in ("*.py", "*.html", "*.toml", "py.typed"):
        assert inside(ROOT / "src" / "denote", pattern) <= inside(target / "denote", pattern)
    assert not (target / "tests").exists()

    done = subprocess.run(
        [sys.executable, "-c", ENTRY, str(target), "--cfg", "job", "experiment=demo"],
        cwd=empty, env={**os.environ, "PYTHONPATH": str(target)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "_target_: denote.data.sources.digits.DigitsModule" in done.stdout
    assert list(empty.iterdir()) == []
