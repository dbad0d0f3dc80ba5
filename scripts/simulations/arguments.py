"""The command line of the simulations."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn


class _OneLine(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parsed(cases: Sequence[str], argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; a mistake is one line and exit code 2.

    Args:
        cases: Names that ``--only`` may hold.
        argv: Without the name of the program; None reads the process's own.
    """
    parser = _OneLine(prog="simulate.py", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--only", type=_some_of(cases), default=",".join(cases), metavar="NAMES", help="cases to run")
    parser.add_argument("--draws", type=_count, metavar="N", help="of every case; each has a full size of its own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results are written")
    arguments = parser.parse_args(argv)
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        parser.error(f"argument --json: {arguments.json.parent} is no folder")
    return arguments


def _some_of(cases: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        asked = [name.strip() for name in text.split(",") if name.strip()]
        if not asked or not set(asked) <= set(cases):
            raise argparse.ArgumentTypeError(f"{text!r} came; allowed: some of {', '.join(cases)}")
        return list(dict.fromkeys(asked))

    return names


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} came; allowed: an integer >= 1")
    return int(text)
