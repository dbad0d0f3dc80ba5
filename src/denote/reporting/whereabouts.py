"""Where the runs of this process are: the page, the folder or the command by which each tracker shows them."""

from __future__ import annotations

from collections.abc import Callable

from denote.reporting.wandb_sessions import settle

Tell = Callable[[], str | None]
"""Says where a run is, once it has ended; None of one that is tracked nowhere."""

_opened: dict[str, Tell] = {}
"""The run of this process that is told of, by tracker."""


def note(tracker: str, tell: Tell, *, is_part: bool = False) -> None:
    """Tell of a run at the end, in place of an earlier one of the same tracker.

    Args:
        tracker: What the tracker is called.
        tell: Says where the run is.
        is_part: Whether it belongs to a run that was opened before, and is told of where there is none.
    """
    if not (is_part and tracker in _opened):
        _opened[tracker] = tell


def forget() -> None:
    """Tell of no run that was opened before now, by another command or call in this process."""
    _opened.clear()


def whereabouts() -> list[str]:
    """Wait until runs are sent or kept, and say of every tracker where its last run is; once."""
    settle()
    said = [(tracker, tell()) for tracker, tell in _opened.items()]
    _opened.clear()
    return [f"{tracker}: {where}" for tracker, where in said if where is not None]
