"""The session with W&B that this process has, and the wait for it at the end."""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any

from denote.reporting import wandb_environment as environment
from denote.reporting.wandb_session import Session

_sessions: dict[tuple[Any, ...], Session] = {}
"""One session at most, by what it depends on: the process, the limit and W&B's environment."""


def session_of_process(limit: float) -> Session:
    """Return the session of this process, a new one where its environment has changed or it was forked.

    Args:
        limit: Seconds that W&B may hold up a job.
    """
    names = [name for name in os.environ if name.startswith("WANDB_") or name in ("HOME", "NETRC")]
    made_of = (os.getpid(), limit, *sorted((name, os.environ[name]) for name in names))
    if made_of not in _sessions:
        settle()
        for (pid, *_), session in _sessions.items():
            if pid == os.getpid():
                session.close()
        _sessions.clear()
        # Unlike an exit handler it is also called in processes of `multiprocessing`; in a fork of this one it is not.
        Finalize(None, settle, exitpriority=0)
        _sessions[made_of] = Session(online=environment.is_online(), limit=limit)
    return _sessions[made_of]


def settle() -> None:
    """Wait until W&B has all runs of this process, or disk has them, for the seconds that are left to the last job.

    Ctrl-C ends the wait.
    """
    for (pid, *_), session in _sessions.items():
        if pid == os.getpid():
            with suppress(KeyboardInterrupt):
                session.settle()
