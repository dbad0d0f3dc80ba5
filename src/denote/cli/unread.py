"""Standard output that takes nothing more: a reader has gone, as ``head`` goes, or a disk is full."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress


def is_unread() -> bool:
    """Return whether nobody reads standard output any more."""
    poll = select.poll()
    with suppress(OSError, ValueError, TypeError):  # it is no file, or closed
        poll.register(sys.stdout, 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def write_out() -> None:
    """Write what was printed; where standard output is closed there is none.

    Raises:
        OSError: if it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def discard_unwritten() -> None:
    """Let go of what standard output cannot write: Python would try again as it ends, and complain."""
    try:
        write_out()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
