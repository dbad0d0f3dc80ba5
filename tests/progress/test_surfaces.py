"""Log lines come at sensible times; a notebook's line goes; what was set is set back."""

import logging
import os
import sys
import threading
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from denote import progress
from denote.progress import surfaces
from denote.progress.steps import Step, current
from denote.progress.surfaces import LogLines, surface_of

LOG = logging.getLogger("denote.progress")


class Written:
    """What was written to standard error, which is no terminal."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.text = capsys, ""

    def getvalue(self) -> str:
        """Return all of it so far."""
        self.text += self.capsys.readouterr().err
        return self.text


@pytest.fixture
def err(capsys: pytest.CaptureFixture[str]) -> Written:
    """Standard error."""
    return Written(capsys)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines from the start, so that no test has to wait."""
    monkeypatch.setattr(surfaces, "FIRST_LINE", 0.0)
    monkeypatch.setattr(LogLines, "period", 0.001)


def written_at(n_units: int, unit: float, until: int) -> list[int]:
    """Seconds at which lines are written of units that take so long, looked at each second."""
    lines, now = LogLines(), 0.0
    step = Step("job", n_units, clock=lambda: now)
    seconds = []
    try:
        for second in range(until):
            now = float(second)
            if step.done < int(now // unit):
                step.advance()
            before = lines.next
            lines.show([step], now)
            if lines.next != before:
                seconds.append(second)
    finally:
        lines.close()
    return seconds


def test_a_job_of_a_few_seconds_writes_no_line(err: Written) -> None:
    assert written_at(n_units=9, unit=1, until=10) == []
    assert err.getvalue() == ""


def test_pauses_grow_to_a_minute(err: Written) -> None:
    seconds = written_at(n_units=20, unit=20, until=400)
    assert seconds[:4] == [10, 20, 40, 80]
    assert {later - sooner for sooner, later in pairwise(seconds[3:])} == {60}
    assert len(err.getvalue().splitlines()) == len(seconds)


def test_a_long_sweep_writes_a_line_for_a_tenth_of_it(err: Written) -> None:
    seconds = written_at(n_units=20, unit=1000, until=20_000)
    late = [second for second in seconds if second > 4000]
    assert all(1900 <= later - sooner <= 2200 for sooner, later in pairwise(late))
    assert len(seconds) < 20


def test_where_nothing_can_be_estimated_a_line_comes_every_ten_minutes(err: Written) -> None:
    seconds = written_at(n_units=2, unit=10**6, until=4000)
    assert seconds[:7] == [10, 20, 40, 80, 160, 320, 640]
    assert seconds[7:] == [1240, 1840, 2440, 3040, 3640]


def test_lines_are_plain_text_with_the_name_of_who_writes(err: Written, eager: None) -> None:
    with progress.shown("auto", beside="job #3"), progress.step("layer", 4):
        wait_for(lambda: "layer" in err.getvalue())
    lines = err.getvalue().splitlines()
    assert {line.partition("]")[2] for line in lines} == {"[denote.progress] - job #3: 0:00 layer 1 of 4"}
    assert not set("\r\x1b") & set(err.getvalue())


def test_a_process_beside_others_writes_lines_even_if_a_bar_is_asked_for(err: Written, eager: None) -> None:
    with progress.shown("bar", beside="job #0"), progress.step("work"):
        wait_for(lambda: "work" in err.getvalue())
    assert "\x1b" not in err.getvalue()


def test_handlers_of_an_application_get_the_lines_instead(
    err: Written, eager: None, caplog: pytest.LogCaptureFixture
) -> None:
    LOG.addHandler(caplog.handler)
    try:
        with progress.shown("log"), progress.step("work"):
            wait_for(lambda: bool(caplog.records))
    finally:
        LOG.removeHandler(caplog.handler)
    assert set(caplog.messages) == {"0:00 work"}
    assert err.getvalue() == ""


def wait_for(happened: Any) -> None:
    """Wait for the thread that shows, a minute at most."""
    waiting = threading.Event()
    for _ in range(6000):
        if happened():
            return
        waiting.wait(0.01)
    raise AssertionError("nothing was shown")


@pytest.mark.parametrize("mode", ["auto", "log", "bar", "none"])
def test_everything_is_as_before_after_an_error(err: Written, mode: str) -> None:
    before = (list(LOG.handlers), LOG.level, LOG.propagate, sys.stdout, sys.stderr, threading.active_count())
    with pytest.raises(ZeroDivisionError), progress.shown(mode), progress.step("work"):
        _ = 1 / 0
    assert (list(LOG.handlers), LOG.level, LOG.propagate, sys.stdout, sys.stderr, threading.active_count()) == before
    assert current.get() is None


def test_none_shows_nothing(err: Written, eager: None) -> None:
    threads = threading.active_count()
    with progress.shown("none"), progress.step("work"):
        assert threading.active_count() == threads
    assert err.getvalue() == ""


def test_a_block_inside_another_goes_on_with_its_steps_in_its_own_mode(err: Written, eager: None) -> None:
    with progress.shown("none"), progress.step("job", 2):
        with progress.shown("log"), progress.step("layer", 3):
            wait_for(lambda: "job 1 of 2 > layer 1 of 3" in err.getvalue())
        progress.hide()
        written = err.getvalue()
        assert LOG.handlers == []
    assert err.getvalue() == written


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to fork with")
def test_a_forked_process_writes_nothing_and_ends(err: Written, eager: None) -> None:
    with progress.shown("log"), progress.step("work"):
        for _ in range(20):
            child = os.fork()
            if not child:
                with progress.step("of the child"):
                    progress.hide()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    assert "child" not in err.getvalue()


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook shows below a cell, one text after the other."""
    shown: list[str] = []

    def show(data: dict[str, str], raw: bool, display_id: bool = False) -> Any:
        shown.append(data["text/plain"])
        return SimpleNamespace(update=show)

    package, display = ModuleType("IPython"), ModuleType("IPython.display")
    vars(package).update(get_ipython=lambda: SimpleNamespace(kernel=None), display=display)
    vars(display)["display"] = show
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(surfaces.NotebookLine, "period", 0.001)
    return shown


@pytest.mark.parametrize("mode", ["auto", "bar"])
def test_a_notebook_has_one_line_that_is_empty_at_the_end(cell: list[str], err: Written, mode: str) -> None:
    with progress.shown(mode), progress.step("layer", 2):
        wait_for(lambda: "0:00 layer 1 of 2" in cell)
    assert cell[-1] == ""
    assert err.getvalue() == ""


def test_a_terminal_that_cannot_write_a_line_anew_gets_log_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True, write=lambda _: None, flush=lambda: None))
    monkeypatch.setenv("TERM", "dumb")
    surface = surface_of("auto")
    assert isinstance(surface, LogLines)
    surface.close()
