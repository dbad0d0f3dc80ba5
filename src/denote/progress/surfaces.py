"""Where steps are shown: one line of a terminal, one line below a notebook's cell, or lines of a log."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from denote.progress.steps import Step, clock_time, time_left, words

if TYPE_CHECKING:
    from rich.text import Text

log = logging.getLogger("denote.progress")

FIRST_LINE = 10.0
"""Seconds before the first line of a log."""

PAUSE, PART, LONGEST_PAUSE = 60.0, 0.1, 600.0
"""A pause between lines grows up to these seconds, or this share of the whole; or so far where that is not known."""

AUTO, BAR, LOG, NONE = MODES = ("auto", "bar", "log", "none")
"""Bar in a terminal or notebook and log lines elsewhere; always a bar; always log lines; nothing."""


class Surface(Protocol):
    """Shows steps.

    Attributes:
        period: Seconds between two calls of `show`.
    """

    period: float

    def show(self, steps: Sequence[Step], elapsed: float) -> None:
        """Show how steps stand after some seconds."""

    def close(self) -> None:
        """Leave nothing behind but what is to be kept."""


class TerminalLine:
    """The last line of a terminal, on standard error; what is printed meanwhile goes above it, and it goes at the end.

    Standard output is passed through only where it is a terminal itself.
    """

    period = 0.1

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, force_terminal=True)
        on_terminal = sys.stdout.isatty()
        self.live = Live(console=self.console, auto_refresh=False, transient=True, redirect_stdout=on_terminal)
        self.live.start()
        self.console.show_cursor(True)  # a process that is killed could not show it again

    def show(self, steps: Sequence[Step], elapsed: float) -> None:
        """Write the line anew."""
        self.live.update(self._line(steps, elapsed), refresh=True)

    def _line(self, steps: Sequence[Step], elapsed: float) -> Text:
        from rich.text import Text

        turning = r"-\|/"[int(elapsed / self.period) % 4]
        line = Text(no_wrap=True, overflow="ellipsis")
        return line.append(f"{turning} {clock_time(elapsed)} ", style="cyan").append(words(steps))

    def close(self) -> None:
        """Take the line away."""
        self.live.update("")
        self.live.stop()


class NotebookLine:
    """A line below the cell that runs, which is empty at the end."""

    period = 0.5

    def __init__(self) -> None:
        from IPython.display import display

        self.handle: Any = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, steps: Sequence[Step], elapsed: float) -> None:
        """Write the line anew."""
        self.handle.update({"text/plain": f"{clock_time(elapsed)} {words(steps)}"}, raw=True)

    def close(self) -> None:
        """Empty the line."""
        self.handle.update({"text/plain": ""}, raw=True)


class LogLines:
    """Lines of the logger ``denote.progress``, after 10 s and then after growing pauses.

    They go to standard error, or where handlers of that logger or of ``denote`` send them.

    Args:
        name: Of this process, where several write.
    """

    period = 1.0

    def __init__(self, name: str = "") -> None:
        self.prefix, self.next = f"{name}: " if name else "", FIRST_LINE
        self.handler: logging.Handler | None = None
        if not (log.handlers or logging.getLogger("denote").handlers):
            self.handler = logging.StreamHandler(sys.stderr)
            self.handler.setFormatter(logging.Formatter("[%(asctime)s][%(name)s] - %(message)s"))
            log.addHandler(self.handler)
            log.propagate = False  # what an application does with its log is not known to show it, or may show it twice
        self.level = log.level
        log.setLevel(logging.INFO)

    def show(self, steps: Sequence[Step], elapsed: float) -> None:
        """Write a line if it is time."""
        if elapsed < self.next or not steps:
            return
        log.info("%s%s %s", self.prefix, clock_time(elapsed), words(steps))
        left = time_left(steps)
        longest = LONGEST_PAUSE if left is None else max(PAUSE, PART * (elapsed + left))
        self.next = elapsed + min(elapsed, longest)

    def close(self) -> None:
        """Leave the logger as it was."""
        log.setLevel(self.level)
        if self.handler is not None:
            log.removeHandler(self.handler)
            log.propagate = True


def surface_of(mode: str, name: str = "") -> Surface | None:
    """Return where steps are shown; None for nowhere.

    Args:
        mode: One of `MODES`.
        name: Of this process, where several write.
    """
    if mode == NONE:
        return None
    if mode != LOG and in_notebook():
        return NotebookLine()
    return TerminalLine() if mode == BAR or (mode == AUTO and on_terminal()) else LogLines(name)


def on_terminal() -> bool:
    """Return whether standard error is a terminal that can write a line anew."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def in_notebook() -> bool:
    """Return whether a notebook's kernel runs this process."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")
