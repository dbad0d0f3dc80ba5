"""What every test shares: threads that do not fight over the machine's cores, and cases that may take their time."""

import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

# Before NumPy and torch are loaded: two test processes of two threads that wait busily are several times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Dozens of commands run in processes of their own; else each of them may have to compile all of denote again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# An answer is fitted to the terminal: where the tests are started decides nothing about what they see.
os.environ["COLUMNS"] = "100"

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from denote.object_models.spec import ModelSpec

sys.dont_write_bytecode = False  # what the variable would have set
# To search a million objects of libraries for garbage, again and again, takes an eighth of the suite's time.
gc.set_threshold(10_000, 20, 50)

# How long a case takes on a busy machine is for benchmarks to say; equal cases make equal runs of the suite.
settings.register_profile("patient", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Leave what the tests' modules imported out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Let files be flushed when the system likes: a power cut takes the test along with its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def blank() -> dict[str, bytes]:
    """The smallest picture, in every format."""
    from matplotlib.figure import Figure

    from denote.figures import canvas as save

    return save._render(Figure(figsize=(0.1, 0.1)), ("png", "svg", "pdf"))


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch, blank: dict[str, bytes]) -> None:
    """Make figures and save them with their data, but blank.

    Painting takes most of a small job's time. Tests of figures do it, and those of commands in their own process.
    """
    monkeypatch.setattr("denote.figures.canvas._render", lambda _, formats: {kind: blank[kind] for kind in formats})


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> "list[ModelSpec]":
    """The specs that were trained, in order."""
    from denote.object_models import training

    seen: list[ModelSpec] = []
    train = training.train

    def spy(spec: "ModelSpec", *args: object) -> object:
        seen.append(spec)
        return train(spec, *args)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(training, "train", spy)
    return seen
