"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks.processes import cores
from denote.config.byte_units import byte_count
from denote.errors import DenoteError

STATES = ("synthetic", "network")
SECTIONS = ("linear", "shuffled", "path", "neuron", "layers", "evidence", "scaling")
"""Those that run unless others are asked for."""
ASKED = ("observe", "growth", "transformer", "copies", "disk", "subsets", "formulas", "extraction", "table")
"""Those that only run when they are asked for."""
ON_DEVICE = ("observe", "growth", "transformer")
"""Those that can run on a GPU; all others measure the processor."""


class _OneLine(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; a mistake is one line and exit code 2."""
    parser = _OneLine(prog="benchmark.py", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--state", action="append", choices=STATES, help="repeatable; both by default")
    parser.add_argument(
        "--sections", type=_sections, help=f"of {', '.join((*SECTIONS, *ASKED))}; by default {','.join(SECTIONS)}"
    )
    for name, default, least, meaning in (
        ("rows", 20_000, 64, "samples of a state"),
        ("neurons", 512, 8, "neurons of a state"),
        ("attributes", 40, 1, "label columns"),
        ("draws", 20, 1, "shuffled copies of every label column"),
        ("layers", 12, 2, "layers of the network"),
        ("strengths", 8, 2, "penalties of the path, log-spaced from 1e-5 to 1e-1"),
        ("repeats", 3, 1, "of ours; the median counts"),
        ("sample", 8, 1, "attributes that a slow loop is run over, then scaled up"),
        ("disk-rows", 2_000_000, 1_000, "samples of the state on disk"),
        ("disk-neurons", 1_024, 8, "neurons of the state on disk"),
        ("disk-attributes", 40, 1, "label columns of the state on disk"),
        ("subset-rows", 10_000, 1_000, "samples of the large subset search"),
        ("subset-neurons", 10_000, 8, "neurons of the large subset search"),
        ("subset-classes", 100, 2, "classes of the large subset search"),
        ("formula-rows", 10_000, 1_000, "samples of the large formula search"),
        ("formula-neurons", 1_000, 8, "neurons of the large formula search"),
        ("formula-atoms", 60, 3, "attributes of the large formula search"),
        (
            "extraction-rows",
            20_000,
            1_000,
            "inputs of the extraction; some networks get a share",
        ),
        ("table-rows", 1_000_000, 1_000, "rows of the table"),
        ("table-layers", 6, 1, "hidden layers of the network that learns from the table"),
        ("table-attributes", 20, 1, "yes/no columns of the table that are observed"),
        ("seed", 0, 0, "of every draw"),
    ):
        parser.add_argument(f"--{name}", type=_at_least(least), default=default, metavar="N", help=meaning)
    parser.add_argument(
        "--memory-limit",
        type=_bytes,
        default="2GiB",
        metavar="SIZE",
        help="of a disk process, of the table's observers",
    )
    parser.add_argument("--threads", type=_counts, default="1,2", help="of a process of `observe`, one after the other")
    parser.add_argument(
        "--busy", type=_at_least(1), nargs="?", const=cores(), default=0, metavar="N",
        help="run `observe` also beside N processes that keep a core busy each; as many as cores without N",
    )  # fmt: skip
    parser.add_argument("--small", action="store_true", help="`growth` and `transformer` at small sizes")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help=f"of {', '.join(ON_DEVICE)}")
    parser.add_argument("--folder", type=Path, help="for files that are removed afterwards; a temporary one by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results are written")
    arguments = parser.parse_args(argv)
    arguments.sections = arguments.sections or list(SECTIONS if arguments.device == "cpu" else ON_DEVICE)
    if arguments.device != "cpu" and (others := [name for name in arguments.sections if name not in ON_DEVICE]):
        parser.error(f"argument --device: {', '.join(others)} measure the processor; allowed: {', '.join(ON_DEVICE)}")
    arguments.state = list(dict.fromkeys(arguments.state or STATES))
    if arguments.folder is not None and not arguments.folder.is_dir():
        parser.error(f"argument --folder: {arguments.folder} is no folder")
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        parser.error(f"argument --json: {arguments.json.parent} is no folder")
    return arguments


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} came; allowed: an integer >= {least}")
        return value

    return number


def _sections(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*SECTIONS, *ASKED)]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r} came; allowed: some of {', '.join((*SECTIONS, *ASKED))}")
    return list(dict.fromkeys(names))


def _counts(text: str) -> list[int]:
    return [_at_least(1)(part) for part in text.split(",")]


def _bytes(text: str) -> int:
    try:
        return byte_count(text, "argument")
    except DenoteError:
        raise argparse.ArgumentTypeError(f"{text!r} came; allowed: bytes, or a number with KiB, MiB, GiB") from None
