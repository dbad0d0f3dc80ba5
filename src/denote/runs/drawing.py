"""Figures with their captions and numbers, saved side by side in processes where that is safe."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import NoReturn

import polars as pl
from matplotlib.figure import Figure

from denote.figures.canvas import save_figure, save_numbers
from denote.figures.dark import darken
from denote.progress import advance, step
from denote.reporting.report import Picture

BATCH = 32
"""Figures that are held in memory at once."""

LEAST_EACH = 3
"""Figures that a process must have to be worth starting."""

MOST_PROCESSES = 8

LEAST_PATIENCE = 60.0
"""Seconds that a process of figures has after this one is done, or four times as long as this one took."""


@dataclass(frozen=True)
class Drawing:
    """A figure of a sweep that is not saved yet.

    Attributes:
        kind: Names its caption in ``captions.toml`` and begins its file's name.
        name: The rest of the file's name.
        figure: The figure.
        data: The numbers that are drawn.
        words: Fill the braces of the caption; ``of`` says what is drawn.
        beside: Numbers with rows of another kind, which the caption names.
    """

    kind: str
    name: str
    figure: Figure
    data: pl.DataFrame
    words: Mapping[str, str]
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of its files without an ending."""
        return f"{self.kind}-{self.name}"

    def caption(self, *, on_paper: bool = False) -> str:
        """Return its caption; on paper another one, as legends say less there."""
        return _captions()[f"{self.kind}_on_paper" if on_paper else self.kind].format(**self.words)

    def picture(self, folder: Path) -> Picture:
        """Return the PNG in ``folder`` with its caption."""
        caption = self.caption()
        if self.beside:
            caption += f" Numbers: {self.file}.csv, {', '.join(f'...-{kind}.csv' for kind in self.beside)}."
        return Picture(folder / f"{self.file}.png", caption)

    def save(self, folder: Path, formats: Sequence[str] = ("png",)) -> Picture:
        """Save the figure with its numbers beside it."""
        save_numbers(folder, self.file, self.data, self.beside)
        save_figure(self.figure, folder, self.file, formats)
        return self.picture(folder)


@cache
def _captions() -> dict[str, str]:
    return tomllib.loads(files("denote.runs").joinpath("captions.toml").read_text(encoding="utf-8"))


def save_drawings(
    drawings: Iterable[Drawing],
    folder: Path,
    formats: Sequence[str] = ("png",),
    processes: int = 1,
    *,
    dark: bool = False,
) -> list[Picture]:
    """Draw and save figures with their numbers.

    Args:
        drawings: The figures; they are made as they are needed.
        folder: Made where it is missing.
        formats: Some of ``config.figure_settings.FORMATS``, PNG among them.
        processes: Most processes that draw side by side, this one among them.
        dark: Whether figures have light ink on a dark ground.

    Returns:
        The PNG files with their captions, in the order of the figures.
    """
    pictures, remaining = [], iter(drawings)
    with _sparing_old_objects(), step("figure") as figure:
        while batch := list(islice(remaining, BATCH if processes > 1 else 1)):
            figure.expect(figure.done + len(batch) if 1 < len(batch) < BATCH else None)  # in the last batch
            for drawing in batch:
                save_numbers(folder, drawing.file, drawing.data, drawing.beside)
                pictures.append(drawing.picture(folder))
                if dark:
                    darken(drawing.figure)
            _save_figures(batch, folder, formats, min(processes, len(batch) // LEAST_EACH))
    return pictures


def usable_processes() -> int:
    """Return how many processes may draw side by side: 1 where a process cannot be forked safely.

    Only for programs that own their process, such as the command line: forking copies what other threads hold.
    """
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES) if sys.platform == "linux" else 1


@contextmanager
def _sparing_old_objects() -> Iterator[None]:
    """Let the garbage collector look at figures alone: looking at all else again and again is a sixth of the time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _save_figures(drawings: Sequence[Drawing], folder: Path, formats: Sequence[str], processes: int) -> None:
    """Save figures in some processes, this one among them; it also saves what another one could not."""
    start, others = time.monotonic(), list[int]()
    try:
        others.extend(_forked(drawings[place::processes], folder, formats) for place in range(1, processes))
        _save_each(drawings[:: max(processes, 1)], folder, formats, max(processes, 1))
        patience = max(LEAST_PATIENCE, 4 * (time.monotonic() - start))
        while others and _wait_for(others[-1], patience):
            others.pop()
    finally:
        for process in others:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    missing = [each for each in drawings if not all((folder / f"{each.file}.{kind}").is_file() for kind in formats)]
    _save_each(missing, folder, formats)


def _save_each(drawings: Sequence[Drawing], folder: Path, formats: Sequence[str], at_once: int = 1) -> None:
    for drawing in drawings:
        save_figure(drawing.figure, folder, drawing.file, formats)
        advance(at_once)


def _forked(drawings: Sequence[Drawing], folder: Path, formats: Sequence[str]) -> int:
    """Start a process that saves some figures, and return its number.

    A copy of this process needs neither to import anything nor to be sent the figures. It calls matplotlib alone,
    whose drawing starts no threads and takes no locks that a thread of this process could hold: not Polars or PyTorch.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forking beside threads
        parent, process = os.getpid(), os.fork()
    return process or _save_and_end(drawings, folder, formats, parent)


def _save_and_end(drawings: Sequence[Drawing], folder: Path, formats: Sequence[str], parent: int) -> NoReturn:
    """Save some figures and end this process at once, so that nothing of its parent's is flushed or closed twice."""
    code = 1
    try:
        _end_with(parent)
        gc.disable()  # objects of other libraries are not to be taken down here
        _save_each(drawings, folder, formats)
        code = 0
    finally:
        os._exit(code)  # what went wrong is seen again, and told, where the parent draws what is missing


def _end_with(parent: int) -> None:
    """End this process with its parent: a killed one's folder is removed, and would be made again by what is saved."""
    ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_END, signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError("the parent has ended")


_SET_SIGNAL_OF_PARENTS_END = 1
"""``PR_SET_PDEATHSIG`` of ``prctl``, which Linux has."""


def _wait_for(process: int, patience: float) -> bool:
    """Return whether a process ended within some seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    return False
