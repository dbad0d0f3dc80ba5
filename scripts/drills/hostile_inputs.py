"""Feed hostile and malformed inputs to the real commands, and list what does not end as it must.

python scripts/drills/hostile_inputs.py [--only TEXT] [--forked] [--folder DIR] [--failures]

Each input runs in a process of its own, in a fresh folder. It must end with the exit code of its case within 10 s of
processor time and 2 GiB of memory. A user's mistake ends with 2, one line on standard error and no traceback, and
leaves nothing behind. Nothing is executed, nothing is written outside ``multirun``, no escape sequence is printed and
no value of a secret environment variable is written. Exit code: 1 if a case fails, else 0.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hostile import command_line, configs, expressions, files, places
from hostile.case import CANARY, SECRET, Case

CASES: list[Case] = [case for module in (configs, command_line, expressions, files, places) for case in module.CASES]

Launch = Callable[[str, Sequence[str]], None]
"""Runs a command with arguments in this process, and does not return."""

CPU_SECONDS = 10
MEMORY = 2 * 2**30
"""Bytes of resident memory."""
WALL_SECONDS = 90
"""After which an input counts as one that hangs; on a busy machine 10 s of work take far longer."""
ADDRESS_SPACE = 16 * 2**30
"""Bytes; protects the machine from what is not refused."""


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: Exit code; minus the signal that ended it.
        out: Standard output.
        err: Standard error.
        cpu: Seconds of processor time.
        memory: Most bytes of resident memory.
    """

    code: int
    out: str
    err: str
    cpu: float
    memory: int


def ended(case: Case, folder: Path, launch: Launch) -> Ending:
    """Run a case and wait for it.

    Args:
        case: The input.
        folder: Where it runs; its output is put beside.
        launch: Runs the command in the child process and does not return.
    """
    streams = [folder.parent / name for name in ("out", "err")]
    arguments = [argument.replace("{here}", str(folder)) for argument in case.arguments]
    child = os.fork()
    if child == 0:
        _enter(case, folder, streams)
        launch(case.command, arguments)
        os._exit(99)
    status, usage = _waited(child)
    out, err = (stream.read_text(encoding="utf-8", errors="surrogateescape") for stream in streams)
    cpu = usage.ru_utime + usage.ru_stime
    return Ending(os.waitstatus_to_exitcode(status), out, err, cpu, usage.ru_maxrss * 1024)


def _enter(case: Case, folder: Path, streams: Sequence[Path]) -> None:
    """Go to the case's folder, with its limits, its environment and its streams."""
    for stream, descriptor in zip(streams, (1, 2), strict=True):
        os.dup2(os.open(stream, os.O_CREAT | os.O_WRONLY), descriptor)
    resource.setrlimit(resource.RLIMIT_CPU, (2 * CPU_SECONDS, 2 * CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    os.environ.update({"SECRET": SECRET, "SEED": "3", "HF_HUB_OFFLINE": "1", **case.environment})
    os.environ.pop("HYDRA_FULL_ERROR", None)


def _waited(child: int) -> tuple[int, resource.struct_rusage]:
    """Wait for a process, and end it once it has taken too long or too much memory."""
    start = time.monotonic()
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage
        if time.monotonic() - start > WALL_SECONDS or _resident(child) > 2 * MEMORY:
            os.kill(child, 9)
            _, status, usage = os.wait4(child, 0)
            return status, usage
        time.sleep(0.02)


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def fresh(command: str, arguments: Sequence[str]) -> None:
    """Become the installed command."""
    script = Path(sys.executable).with_name(command)
    parts = [os.fsencode(part.replace("\0", "")) for part in (str(script), *arguments)]
    os.execv(script, parts)  # noqa: S606


def forked(command: str, arguments: Sequence[str]) -> None:
    """Call the command's entry point in this process, which has imported its libraries before."""
    from denote.cli import commands

    sys.argv = [command, *arguments]
    code: object = 0
    try:
        {"denote": commands.main, "denote-train": commands.train, "denote-report": commands.report}[command]()
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def failings(case: Case, folder: Path, ending: Ending, before: set[Path]) -> Iterator[str]:
    """Yield what is wrong with how a case ended."""
    if ending.code not in case.codes:
        wanted = " or ".join(map(str, case.codes))
        said = [*ending.out.splitlines(), *ending.err.strip().splitlines()]
        yield f"exit {ending.code}, not {wanted}: {said[-1][:150] if said else ''}"
    if ending.cpu > CPU_SECONDS:
        yield f"{ending.cpu:.0f} s of processor time"
    if ending.memory > MEMORY:
        yield f"{ending.memory / 2**30:.1f} GiB"
    if "Traceback" in ending.err + ending.out:
        yield "a traceback"
    if "\x1b" in ending.err + ending.out:
        yield "an escape sequence is printed"
    if ending.code == 2:
        lines = ending.err.strip("\n").split("\n")
        if len(lines) != 1 or not lines[0]:
            yield f"{len(lines)} lines on standard error: {ending.err[:200]!r}"
        if len(ending.err) > 3000:
            yield f"a line of {len(ending.err)} characters"
        lacking = [word[:40] for word in case.says if word not in ending.err]
        yield from (f"the line does not say {word!r}: {ending.err[:150]}" for word in lacking)
    yield from _left_behind(folder, ending.code, before)


def _left_behind(folder: Path, code: int, before: set[Path]) -> Iterator[str]:
    made = sorted(set(folder.parent.rglob("*")) - before - {folder.parent / "out", folder.parent / "err"})
    allowed = folder / "multirun"
    for place in made:
        if place.name == CANARY:
            yield "something was executed"
        elif code == 2 or not place.is_relative_to(allowed):
            yield f"{place.relative_to(folder.parent)} is left behind"
            break
    for place in made:
        if place.is_file() and place.stat().st_size < 10**7:
            content = place.read_bytes()
            if SECRET.encode() in content:
                yield f"{place.relative_to(folder)} holds a secret"
            if place.suffix == ".html" and (b"<script>open(" in content or b"<script>alert(" in content):
                yield f"{place.relative_to(folder)} runs a script"


def _made(case: Case, folder: Path) -> None:
    """Make a case's files, in a process of its own: a library's threads would be lost in processes that are forked."""
    child = os.fork()
    if child == 0:
        try:
            case.make(folder)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(f"the files of {case.name!r} cannot be made")


def run(cases: Sequence[Case], folder: Path, launch: Launch) -> Iterator[tuple[Case, Ending, list[str]]]:
    """Run cases one after the other, each in a fresh folder below ``folder``."""
    for number, case in enumerate(cases):
        place = folder / f"case{number}" / "work"
        place.mkdir(parents=True)
        _made(case, place)
        before = set(place.parent.rglob("*"))
        ending = ended(case, place, launch)
        yield case, ending, list(failings(case, place, ending, before))
        shutil.rmtree(place.parent)


def main(argv: Sequence[str] | None = None) -> int:
    """Run all cases and print a table; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the cases whose names hold this text")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the first")
    parser.add_argument("--forked", action="store_true", help="import libraries once; quicker, and nearly the same")
    parser.add_argument("--failures", action="store_true", help="print the cases that fail only")
    arguments = parser.parse_args(argv)
    cases = [case for case in CASES if arguments.only in case.name][arguments.skip :]
    if arguments.forked:
        _import_libraries()
    failed, most_cpu, most_memory = 0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        for case, ending, wrong in run(cases, Path(folder), forked if arguments.forked else fresh):
            failed += bool(wrong)
            most_cpu, most_memory = max(most_cpu, ending.cpu), max(most_memory, ending.memory)
            if wrong or not arguments.failures:
                said = "; ".join(wrong) or "ok"
                took = f"{ending.cpu:5.1f} s {ending.memory / 2**20:6.0f} MiB"
                print(f"{case.name[:50]:50} {ending.code:4} {took}  {said}", flush=True)
    most = f"at most {most_cpu:.1f} s and {most_memory / 2**20:.0f} MiB"
    print(f"{len(cases)} inputs, {failed} not as they must be; {most}")
    return 1 if failed else 0


def _import_libraries() -> None:
    """Import what commands import, so that forked processes share it."""
    import hydra  # noqa: F401
    import pytorch_lightning  # noqa: F401

    from denote.cli import build, sweeper  # noqa: F401
    from denote.reporting import report  # noqa: F401
    from denote.runs import job, merge, recorded, sweep  # noqa: F401


if __name__ == "__main__":
    sys.exit(main())
