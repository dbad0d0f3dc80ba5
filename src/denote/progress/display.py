"""Show steps while they run: a thread looks at them now and then, so that noting a step costs next to nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from denote.progress.steps import Clock, Steps, current
from denote.progress.surfaces import LOG, NONE, Surface, surface_of

_showing = threading.Lock()
"""Held while a surface is written to, and taken before a fork, so that no lock of a terminal is copied while held."""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_showing.acquire, after_in_parent=_showing.release, after_in_child=_showing.release)


class Display:
    """Shows steps by one surface at a time.

    Args:
        steps: What is shown.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps, self.mode, self.begun = steps, NONE, steps.clock()
        self._surface: Surface | None = None
        self._process = os.getpid()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def show_as(self, mode: str, name: str = "") -> None:
        """Show them in another mode from now on."""
        if mode == self.mode:
            return
        self._stop()
        self.mode, self._surface = mode, surface_of(mode, name)
        if self._surface is not None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._look, args=(self._surface,), name="progress", daemon=True)
            self._thread.start()

    def _look(self, surface: Surface) -> None:
        while not self._ended.wait(surface.period):
            with _showing:
                try:
                    surface.show(tuple(self.steps.open), self.steps.clock() - self.begun)
                except (OSError, ValueError):  # nobody reads standard error any more
                    return

    def _stop(self) -> None:
        if self._surface is None or self._thread is None or os.getpid() != self._process:
            return  # a forked process has the line, but not the thread
        surface, self._surface = self._surface, None
        self._ended.set()
        try:
            self._thread.join()
        finally:
            surface.close()


_display: ContextVar[Display | None] = ContextVar("display", default=None)


@contextmanager
def shown(mode: str, beside: str = "", clock: Clock = time.monotonic) -> Iterator[None]:
    """Show the steps of the block, and leave the terminal clean however it ends.

    Inside another such block the steps go on, from now on in this mode.

    Args:
        mode: One of `denote.progress.surfaces.MODES`.
        beside: Name of a process that may be one of several; then it writes log lines, which begin with that name.
        clock: Tells the time.
    """
    outer = _display.get()
    if outer is not None:
        outer.show_as(mode)
        yield
        return
    steps = Steps(clock)
    display = Display(steps)
    tokens = _display.set(display), current.set(steps)
    try:
        display.show_as(LOG if beside and mode != NONE else mode, beside)
        yield
    finally:
        display.show_as(NONE)
        _display.reset(tokens[0])
        current.reset(tokens[1])


def hide() -> None:
    """Show nothing more: an answer is printed."""
    display = _display.get()
    if display is not None:
        display.show_as(NONE)
