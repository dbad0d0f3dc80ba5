"""Ends that come from outside a job: a signal, its scheduler, the end of its parent, its time limit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals by which a process is told to end."""

LONGEST_GRACE = 10.0
"""Seconds that a job has at most to end by itself once its time is over."""


class Stopped(KeyboardInterrupt):
    """This process was told to end. The text says by what: ``SIGTERM``."""


class TimeLimitError(BaseException):
    """A job has taken longer than it may; no `Exception`, so that code that goes on after errors does not go on."""


def in_main_thread() -> bool:
    """Return whether this thread is the one in which Python handles signals."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in the block where this process is sent SIGTERM or SIGHUP, as Ctrl-C raises KeyboardInterrupt.

    After the first Ctrl-C, a second one ends the process at once, whatever it is doing. A signal that is ignored stays
    so, as SIGHUP is under ``nohup``. Without effect outside the main thread.
    """
    is_interrupted = False

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(number).name)

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_interrupted
        signal.signal(number, signal.SIG_DFL)
        if is_interrupted:  # and somebody else has set this handler again
            signal.raise_signal(number)
        is_interrupted = True
        raise KeyboardInterrupt

    if not in_main_thread():
        yield
        return
    listened = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in listened}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def time_limit(seconds: float | None, give_up: Callable[[str], None] | None = None) -> Iterator[None]:
    """Raise `TimeLimitError` in the block once it has taken so long.

    It is heard where Python code runs or waits. A call of a library that does not return is not interrupted: where
    the block has not ended after as long again, `LONGEST_GRACE` at most, ``give_up`` is called.

    Args:
        seconds: Above 0; None for no limit.
        give_up: Ends this process, from another thread; it is given the reason. None: the block goes on until it hears.
    """
    if seconds is None:
        yield
        return
    reason = f"took longer than sweep.job_timeout={seconds:g} s"

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeLimitError(reason)

    watchdog = None
    if give_up is not None:
        watchdog = threading.Timer(seconds + min(seconds, LONGEST_GRACE), give_up, [reason])
        watchdog.daemon = True
        watchdog.start()
    heard = hasattr(signal, "setitimer") and in_main_thread()
    before = signal.signal(signal.SIGALRM, stop) if heard else None
    try:
        if heard:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if heard:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        if watchdog is not None:
            watchdog.cancel()
