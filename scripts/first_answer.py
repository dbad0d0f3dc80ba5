"""How long one waits for an answer: whole commands of denote, from the shell to the printed end.

python scripts/first_answer.py [--denote A [--denote B]] [--steps quick,finished] [--busy] [-- OVERRIDE ...]

Every command is run once unmeasured, so that what numba compiles is there and stored networks and states can be copied.
Then the steps are run in turn, each version in a fresh folder that holds what the step's name says: nothing (demo,
quick, defaults), the trained network (..._trained), network and states (..._stored), everything (demo_again, finished).
Processor seconds are those of the command and of all that it started and waited for.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

from benchmarks.machine import processor
from benchmarks.processes import Usage, busy, cores, measured
from rich import box
from rich.console import Console
from rich.table import Table

from denote.errors import ConfigError, DenoteError

STORE = Path("multirun", ".store")
"""Where a command keeps networks and states, below the folder it is run in."""

NOTHING, NETWORK, STATES, ANSWER = "nothing", "network", "states", "answer"

ODD = ("attribute=odd",)
QUICK = (*ODD, "evidence=quick")
OFF = (*ODD, "control=[]", *(f"evidence.{name}" for name in (
    "permutations=0", "bootstraps=0", "examples=0", "randomisation=false", "stability=false")))  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A command and what is there when it starts.

    Attributes:
        overrides: What is typed after ``denote``.
        stored: What an earlier run of the same command left behind.
    """

    overrides: tuple[str, ...]
    stored: str = NOTHING


STEPS = {
    "demo": Step(("experiment=demo",)),
    "demo_again": Step(("experiment=demo",), ANSWER),
    "quick": Step(QUICK),
    "quick_trained": Step(QUICK, NETWORK),
    "quick_stored": Step(QUICK, STATES),
    "defaults": Step(ODD),
    "defaults_stored": Step(ODD, STATES),
    "finished": Step(ODD, ANSWER),
    "off_stored": Step(OFF, STATES),
}


@dataclass
class Runs:
    """All runs of a step by one version, quiet or beside busy processes, in the order of the repeats."""

    step: str
    version: str
    beside: int
    usages: list[Usage] = field(default_factory=list)

    def middle(self, of: str) -> float:
        """Median of a field of the usages."""
        return median(getattr(usage, of) for usage in self.usages)

    def times(self, other: Runs, of: str) -> float:
        """How often the other fits into this: median over the repeats, each with its own partner."""
        return median(getattr(a, of) / getattr(b, of) for a, b in zip(self.usages, other.usages, strict=True))

    def record(self) -> dict[str, Any]:
        """For JSON."""
        of = {name: [getattr(usage, name) for usage in self.usages] for name in ("wall", "cpu", "peak")}
        return {"step": self.step, "version": self.version, "busy": self.beside, "runs": of} | {
            name: self.middle(name) for name in of
        }


@dataclass(frozen=True)
class Version:
    """A ``denote`` command and the folders that its unmeasured runs left behind.

    Attributes:
        name: A, B, ... in the order of the command line.
        command: Path of the command.
        folder: Where its folders lie.
        overrides: Typed after those of a step.
        compiled: Whether numba finds what it compiled before.
        left: Folder of the unmeasured run by the overrides of the step, or why there is none.
    """

    name: str
    command: Path
    folder: Path
    overrides: tuple[str, ...]
    compiled: bool
    left: dict[tuple[str, ...], Path | str] = field(default_factory=dict)

    def prepared(self, step: Step) -> Path | str:
        """The folder that an unmeasured run of the step left, or the last line of one that failed."""
        if step.overrides not in self.left:
            folder = self.folder / f"{self.name}-{len(self.left)}"
            folder.mkdir()
            usage = self._run(step, folder, os.environ)
            self.left[step.overrides] = usage.last_line if usage.code else folder
        return self.left[step.overrides]

    def run(self, step: Step) -> Usage:
        """Run a step in a fresh folder.

        Raises:
            ConfigError: with its last line, if it fails.
        """
        left = self.prepared(step)
        with tempfile.TemporaryDirectory(dir=self.folder) as fresh:
            work, cache = Path(fresh, "work"), Path(fresh, "numba")
            work.mkdir()
            cache.mkdir()
            for part in _kept(Path(left), step.stored):
                shutil.copytree(left / part, work / part, dirs_exist_ok=True)
            usage = self._run(step, work, os.environ if self.compiled else os.environ | {"NUMBA_CACHE_DIR": str(cache)})
        if usage.code:
            raise ConfigError(f"{self.command} {' '.join(step.overrides)}", usage.last_line)
        return usage

    def _run(self, step: Step, folder: Path, environment: Mapping[str, str]) -> Usage:
        return measured([self.command, *step.overrides, *self.overrides], folder, environment)


def _kept(left: Path, stored: str) -> Iterator[Path]:
    """Folders of an earlier run that a step starts with, relative to where it ran."""
    if stored == ANSWER:
        yield Path("multirun")
    elif stored == STATES:
        yield STORE
    elif stored == NETWORK:
        yield from (folder.relative_to(left) for folder in (left / STORE).iterdir() if folder.name != "states")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the steps, print every run and at the end a table, and write all."""
    arguments = _parsed(argv)
    console = Console() if Console().is_terminal else Console(width=160)
    with tempfile.TemporaryDirectory(prefix="denote-first-answer-", dir=arguments.folder) as folder:
        versions = [
            Version(chr(ord("A") + index), command, Path(folder), tuple(arguments.overrides), not arguments.compile)
            for index, command in enumerate(arguments.denote)
        ]
        console.print(", ".join(f"{key} {value}" for key, value in processor().items()), highlight=False)
        for version in versions:
            console.print(f"{version.name}: {version.command}", highlight=False)
        try:
            runs, skipped = _measured(versions, arguments, console)
        except DenoteError as error:
            print(f"first_answer.py: {error}", file=sys.stderr)
            return 2
    console.print(_table(runs))
    if arguments.json is not None:
        _write(arguments, runs, skipped)
    return 0 if runs else 1


def _measured(
    versions: Sequence[Version], arguments: argparse.Namespace, console: Console
) -> tuple[list[Runs], list[dict[str, str]]]:
    """All runs, and what was skipped; versions take turns, and who comes first alternates."""
    known, skipped = [], []
    for name in arguments.steps:
        for version in versions:
            left = version.prepared(STEPS[name])
            if isinstance(left, Path):
                known.append((name, version))
            else:
                skipped.append({"step": name, "version": version.name, "reason": left})
                console.print(f"{name}, {version.name}: skipped, {left}", highlight=False, markup=False)
    loads = (0, arguments.busy) if arguments.busy else (0,)
    runs = {(name, version.name, load): Runs(name, version.name, load) for name, version in known for load in loads}
    for repeat in range(arguments.repeats):
        for name in arguments.steps:
            turn = [version for step, version in known if step == name]
            for version in turn if repeat % 2 == 0 else reversed(turn):
                for load in loads:
                    with busy(load) if load else nullcontext():
                        usage = version.run(STEPS[name])
                    runs[name, version.name, load].usages.append(usage)
                    said = f"{name}, {version.name}{f', beside {load} busy' if load else ''}: wall {usage.wall:.2f} s, "
                    console.print(f"{said}cpu {usage.cpu:.2f} s, peak {usage.peak / 2**20:.0f} MiB", highlight=False)
    return list(runs.values()), skipped


def _table(runs: Sequence[Runs]) -> Table:
    table = Table(title="medians", title_justify="left", box=box.SIMPLE)
    for head in ("step", "version", "busy beside"):
        table.add_column(head)
    for head in ("wall s", "cpu s", "peak MiB", "wall: A / it", "cpu: A / it", "wall: it / quiet"):
        table.add_column(head, justify="right")
    for one in runs:
        partner = _partner(runs, one, version="A")
        quiet = _partner(runs, one, beside=0)
        table.add_row(
            one.step, one.version, str(one.beside),
            f"{one.middle('wall'):.2f}", f"{one.middle('cpu'):.2f}", f"{one.middle('peak') / 2**20:.0f}",
            *(f"{partner.times(one, of):.2f}" if partner else "" for of in ("wall", "cpu")),
            f"{one.times(quiet, 'wall'):.2f}" if quiet else "",
        )  # fmt: skip
    return table


def _partner(runs: Sequence[Runs], one: Runs, **other: object) -> Runs | None:
    """The runs that differ from one in this alone, if there are any besides itself."""
    wanted = {"step": one.step, "version": one.version, "beside": one.beside} | other
    return next((it for it in runs if it is not one and all(getattr(it, k) == v for k, v in wanted.items())), None)


def _write(arguments: argparse.Namespace, runs: Sequence[Runs], skipped: list[dict[str, str]]) -> None:
    records = [one.record() for one in runs]
    for record, one in zip(records, runs, strict=True):
        for key, other in (("times_shorter_than_A", {"version": "A"}), ("times_quiet", {"beside": 0})):
            if partner := _partner(runs, one, **other):
                pair = (partner, one) if key == "times_shorter_than_A" else (one, partner)
                record[key] = {of: pair[0].times(pair[1], of) for of in ("wall", "cpu")}
    said = {key: [str(each) for each in value] if key == "denote" else value for key, value in vars(arguments).items()}
    said = {key: str(value) if isinstance(value, Path) else value for key, value in said.items()}
    content = {"machine": processor(), "arguments": said, "rows": records, "skipped": skipped}
    arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


class _OneLine(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _OneLine(prog="first_answer.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--denote", action="append", type=Path, metavar="PATH", help="a denote command; repeatable")
    parser.add_argument("--steps", type=_steps, default=list(STEPS), help=f"of {', '.join(STEPS)}; all by default")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of every step; 3 by default")
    parser.add_argument(
        "--busy", type=int, nargs="?", const=cores(), default=0, metavar="N",
        help="run every step also beside N processes that keep a core busy each; as many as cores where N is left away",
    )  # fmt: skip
    parser.add_argument("--compile", action="store_true", help="with nothing compiled before, as after an install")
    parser.add_argument("--folder", type=Path, help="for files that are removed afterwards; a temporary one by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results are written")
    parser.add_argument("overrides", nargs="*", default=["logger=none"], help="typed after every command; logger=none")
    arguments = parser.parse_args(argv)
    beside = Path(sys.executable).with_name("denote")
    arguments.denote = [path.absolute() for path in arguments.denote or [beside]]
    for command in arguments.denote:
        if not os.access(command, os.X_OK):
            parser.error(f"argument --denote: {command} is no command")
    if arguments.repeats < 1 or arguments.busy < 0:
        parser.error(f"argument --repeats: {arguments.repeats} came, --busy: {arguments.busy}; allowed: >= 1, >= 0")
    for name, folder in (("folder", arguments.folder), ("json", arguments.json and arguments.json.absolute().parent)):
        if folder is not None and not folder.is_dir():
            parser.error(f"argument --{name}: {folder} is no folder")
    return arguments


def _steps(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or set(names) - set(STEPS):
        raise argparse.ArgumentTypeError(f"{text!r} came; allowed: some of {', '.join(STEPS)}")
    return list(dict.fromkeys(names))


if __name__ == "__main__":
    sys.exit(main())
