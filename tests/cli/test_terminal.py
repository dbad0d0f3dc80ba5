"""What a user sees in a real terminal: one line while something runs, and nothing of it afterwards."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import Answer, Command

SMALL = [
    "architecture.layers=1", "architecture.width=8", "trainer.max_epochs=3", "attribute=odd", "probe=linear",
    "control=[]", "layer=last", "logger=none", "evidence=quick",
]  # fmt: skip
LONGER = [*SMALL, "trainer.max_epochs=60", "attribute=[odd,subsets]", "evidence.permutations=2000"]
"""Every step lasts long enough to be seen."""

DENOTE = "import sys; from denote.cli import commands; sys.argv[0] = 'denote'; commands.main()"
SEQUENCE = re.compile(r"\x1b\[\??([\d;]*)([A-Za-z])")


class Screen:
    """A terminal that knows what rich's live line needs."""

    def __init__(self, width: int) -> None:
        self.lines, self.row, self.column, self.width = [""], 0, 0, width
        self.has_cursor = True

    def feed(self, text: str) -> None:
        """Do what is written."""
        place = 0
        while place < len(text):
            if sequence := SEQUENCE.match(text, place):
                self._control(*sequence.groups())
                place = sequence.end()
                continue
            self._character(text[place])
            place += 1

    def _control(self, number: str, letter: str) -> None:
        if letter == "A":
            self.row = max(0, self.row - int(number or 1))
        elif letter == "K":
            self.lines[self.row] = "" if number == "2" else self.lines[self.row][: self.column]
        elif letter in "hl":
            self.has_cursor = letter == "h"
        else:
            assert letter == "m", f"an unknown sequence: {number}{letter}"

    def _character(self, character: str) -> None:
        if character == "\r":
            self.column = 0
            return
        if character == "\n" or self.column == self.width:
            self.row, self.column = self.row + 1, 0 if character != "\n" else self.column
            self.lines += [""] * (self.row + 1 - len(self.lines))
        if character != "\n":
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1

    @property
    def text(self) -> list[str]:
        """The lines that hold anything."""
        return [line.rstrip() for line in self.lines if line.strip()]


@dataclass(frozen=True)
class Seen:
    """A process in a terminal.

    Attributes:
        code: Exit code.
        written: All that it wrote to the terminal.
        out: Standard output, where that was no terminal.
        screens: The lines of the screen whenever something was written.
        has_cursor: True if the cursor is shown at the end.
    """

    code: int
    written: str
    out: str
    screens: list[list[str]]
    has_cursor: bool

    @property
    def end(self) -> list[str]:
        """The screen at the end."""
        return self.screens[-1] if self.screens else []


def in_terminal(
    code: str, arguments: Sequence[str] = (), *, width: int = 100, out: Path | None = None, stop_at: str = ""
) -> Seen:
    """Run Python in a terminal.

    Args:
        code: What is run.
        arguments: Its arguments.
        width: Columns of the terminal.
        out: File for standard output; None: the terminal.
        stop_at: Text on the screen at which the user types Ctrl-C.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, width))
    kept = {
        name: value for name, value in os.environ.items() if name not in {"HYDRA_FULL_ERROR", "COLUMNS", "NO_COLOR"}
    }
    stdout = theirs if out is None else out.open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=theirs, stdout=stdout, stderr=theirs, cwd=Path.cwd(), env=kept, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    screen, screens, written, end = Screen(width), list[list[str]](), "", time.monotonic() + 240
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                text = os.read(ours, 1 << 16).decode()
            except OSError:  # the other side is closed
                break
            if not text:
                break
            written += text
            screen.feed(text)
            screens.append(screen.text)
            if stop_at and any(stop_at in line for line in screen.text):
                process.send_signal(signal.SIGINT)
                stop_at = ""
        return Seen(process.wait(30), written, out.read_text() if out else "", screens, screen.has_cursor)
    finally:
        process.kill()
        os.close(ours)


LINE = re.compile(r"[-|/\\] \d+:\d\d .+")


def lines_of_progress(seen: Seen) -> int:
    """The most lines of progress that were on the screen at once."""
    return max(sum(bool(LINE.match(line)) for line in screen) for screen in seen.screens)


WORK = """
import sys, time
from denote import progress
with progress.shown("auto"):
    with progress.step("a step of many words " * 4, 3):
        for k in range(3):
            time.sleep(0.3)
            print("answer", k)
            print("remark", k, file=sys.stderr)
            progress.advance()
    {last}
"""


@pytest.mark.parametrize("width", [100, 30])
def test_what_is_printed_goes_above_the_one_line_which_is_gone_at_the_end(width: int) -> None:
    seen = in_terminal(WORK.format(last=""), width=width)
    assert seen.code == 0, seen.written
    assert lines_of_progress(seen) == 1
    printed = [f"{word} {k}" for k in range(3) for word in ("answer", "remark")]
    begun = [line for screen in seen.screens for line in screen if line[0] not in r"-\|/"]
    assert all(any(line.startswith(part) for line in printed) for part in begun)
    assert seen.end == printed
    assert seen.has_cursor


def test_standard_output_elsewhere_gets_the_answer_alone(tmp_path: Path) -> None:
    seen = in_terminal(WORK.format(last=""), out=tmp_path / "out")
    assert seen.out == "answer 0\nanswer 1\nanswer 2\n"
    assert lines_of_progress(seen) == 1
    assert seen.end == ["remark 0", "remark 1", "remark 2"]


@pytest.mark.parametrize(("last", "said"), [("1 / 0", "ZeroDivisionError"), ("sys.exit(3)", "remark 2")])
def test_an_error_leaves_the_terminal_clean(last: str, said: str) -> None:
    seen = in_terminal(WORK.format(last=last))
    assert seen.code in (1, 3)
    assert said in seen.end[-1]
    assert not any(LINE.match(line) for line in seen.end)
    assert seen.has_cursor


def test_ctrl_c_leaves_the_terminal_clean() -> None:
    seen = in_terminal(WORK.format(last="time.sleep(60)"), stop_at="preparing")
    assert seen.end[-1] == "KeyboardInterrupt"
    assert not any(LINE.match(line) for line in seen.end)
    assert seen.has_cursor


def test_a_job_shows_its_layers_and_answers_on_standard_output_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = in_terminal(DENOTE, [*LONGER, "figures=none"], out=tmp_path / "out")
    assert seen.code == 0, seen.written
    assert lines_of_progress(seen) == 1
    shown = {line for screen in seen.screens for line in screen}
    assert any("preparing" in line for line in shown)
    assert any("object model > epoch" in line for line in shown)
    assert any("observers > layer 1 of 1" in line for line in shown)
    assert not any(LINE.match(line) for line in seen.end)
    assert seen.has_cursor
    assert not set("\r\x1b") & set(seen.out)
    answer = seen.out[seen.out.index("Observed") :]
    assert len(answer.splitlines()) <= 14
    again = in_terminal(DENOTE, [*LONGER, "figures=none", "progress=none"], out=tmp_path / "again")
    assert (again.code, again.written) == (0, "")
    assert again.out.endswith(answer)
    elsewhere = command("denote", *LONGER, "figures=none")
    assert elsewhere.code == 0
    assert all("[denote.progress] - " in line for line in elsewhere.err.splitlines())  # none where all is fast


def test_a_mistake_is_one_line_in_a_terminal_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = in_terminal(DENOTE, [*SMALL, "attribute.where=colour=3"], width=200)
    assert seen.code == 2
    assert len(seen.end) == 1
    assert "colour" in seen.end[0]
    assert seen.has_cursor


def test_without_a_terminal_a_sweep_writes_log_lines(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from denote.progress import surfaces

    monkeypatch.setattr(surfaces, "FIRST_LINE", 0.0)
    monkeypatch.setattr(surfaces.LogLines, "period", 0.01)
    answer: Answer = denote("-m", *SMALL, "seed=0,1", "sweep_name=t", "figures=none")
    assert answer.code == 0, answer.err
    lines = [line for line in answer.err.splitlines() if "[denote.progress]" in line]
    assert any("job 1 of 2" in line for line in lines)
    assert not set("\r\x1b") & set(answer.err)
    assert "denote.progress" not in answer.out


def test_a_mode_that_is_none_is_a_mistake_of_one_line(denote: Command) -> None:
    answer = denote(*SMALL, "progress=loud")
    assert answer.code == 2
    (line,) = answer.err.splitlines()
    assert line.startswith("progress: 'loud' is unknown; allowed: auto, bar, log, none")
