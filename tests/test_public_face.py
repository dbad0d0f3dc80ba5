"""What is public is listed, documented, quick to import, and its examples run."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import denote
import denote.extending

ROOT = Path(__file__).resolve().parent.parent
LATER = ["pandas", "matplotlib", "sklearn", "scipy.stats", "wandb", "pytorch_lightning", "hydra"]
LATER += ["jinja2", "rich", "torchmetrics", "transformers"]
"""Libraries that nothing needs before results are drawn, written or trained for."""

OBSERVING = """
import sys, torch
inputs = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
import denote
denote.observe(model, inputs, {"high": (inputs[:, 0] > 0).numpy()}, permutations=0, bootstraps=20)
"""


STEPS = {"import": "import denote", "face": "denote.observe; denote.layers; denote.load", "observation": OBSERVING}
"""What one process does, one after the other."""
SAYS = f"\nimport sys\nprint(*[name for name in {LATER!r} if name in sys.modules])\n"


@pytest.fixture(scope="module")
def loaded_after() -> dict[str, set[str]]:
    """What is imported after each step."""
    code = "".join(step + SAYS for step in STEPS.values())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return dict(zip(STEPS, (set(line.split()) for line in done.stdout.split("\n")), strict=False))


def listed(heading: str) -> list[str]:
    """The names in a table of docs/api.md."""
    text = (ROOT / "docs" / "api.md").read_text().split(f"## `{heading}`")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_dir_shows_the_face_and_the_page_lists_it() -> None:
    assert dir(denote) == sorted(denote.__all__) == sorted(listed("denote"))
    assert sorted(denote.extending.__all__) == sorted(listed("denote.extending"))
    assert all(hasattr(denote, name) for name in denote.__all__)
    with pytest.raises(AttributeError, match="no attribute 'obsreve'"):
        _ = denote.obsreve  # type: ignore[attr-defined]


@pytest.mark.parametrize(("old", "new"), [("Seen", "ObservationResult"), ("Loaded", "SweepResult")])
def test_old_names_work_and_say_the_new_ones(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"denote.{old} is called denote.{new} now"):
        assert getattr(denote, old) is getattr(denote, new)


@pytest.mark.parametrize("step", ["import", "face"])
def test_the_face_imports_nothing_that_is_needed_later(loaded_after: dict[str, set[str]], step: str) -> None:
    assert loaded_after[step] == set()


def test_an_observation_loads_no_more_than_it_needs(loaded_after: dict[str, set[str]]) -> None:
    assert loaded_after["observation"] <= {"scipy.stats"}


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Public functions, classes and the methods that those define."""
    for name in module.__all__:
        thing = getattr(module, name)
        if not callable(thing):
            continue
        yield name, thing
        for key, method in vars(thing).items() if inspect.isclass(thing) else ():
            if inspect.isfunction(method) and not key.startswith("_"):
                yield f"{name}.{key}", method


FACE = dict([*public(denote), *public(denote.extending)])


@pytest.mark.parametrize("name", FACE)
def test_everything_public_has_a_docstring_with_its_arguments(name: str) -> None:
    thing = FACE[name]
    text = inspect.getdoc(thing)
    assert text
    if inspect.isfunction(thing):
        arguments = [each for each in inspect.signature(thing).parameters if each not in ("self", "cls")]
        if len(arguments) > 1:
            assert "Args:" in text
            assert not [each for each in arguments if not re.search(rf"^\s*\**{each}: ", text, re.MULTILINE)]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    inputs = torch.randn(200, 6)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    known = {"denote": denote, "model": model, "inputs": inputs, "high": (inputs[:, 0] > 0).numpy()}
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    examples = [*FACE.items(), ("denote.extending", denote.extending)]
    tests = [test for name, thing in examples for test in finder.find(thing, name, globs=dict(known))]
    tested = {test.name for test in tests if test.examples}
    assert {"observe", "layers", "load", "ObservationResult", "SweepResult", "denote.extending"} <= tested
    for test in tests:
        runner.run(test)
    assert runner.summarize().failed == 0
