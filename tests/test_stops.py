"""Ends that come from outside: signals, time limits."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from denote.stops import Stopped, TimeLimitError, stopped_by_signals, time_limit


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_interruption_with_its_name(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match=number.name), stopped_by_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


TWICE = """
import signal, time
from denote.stops import stopped_by_signals
with stopped_by_signals():
    mine = signal.getsignal(signal.SIGINT)
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        if {restored}:
            signal.signal(signal.SIGINT, mine)  # as Lightning's own handling is undone
    signal.raise_signal(signal.SIGINT)
    print("goes on")
"""


@pytest.mark.parametrize("restored", [False, True])
def test_a_second_ctrl_c_ends_at_once(restored: bool) -> None:
    done = subprocess.run([sys.executable, "-c", TWICE.format(restored=restored)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGINT, b"")


def test_time_is_over_for_code_that_waits_and_not_for_what_ends_before() -> None:
    with time_limit(60):
        pass
    with time_limit(None):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    with pytest.raises(TimeLimitError, match=r"took longer than sweep.job_timeout=0.05 s"), time_limit(0.05):
        time.sleep(10)


def test_code_that_does_not_hear_is_given_up() -> None:
    given_up = threading.Event()
    reasons: list[str] = []

    def give_up(reason: str) -> None:
        reasons.append(reason)
        given_up.set()

    with time_limit(0.05, give_up):
        while not given_up.is_set():
            try:
                given_up.wait(10)
            except TimeLimitError:
                continue
    assert reasons == ["took longer than sweep.job_timeout=0.05 s"]
