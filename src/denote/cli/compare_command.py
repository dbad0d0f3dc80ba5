"""The command ``denote-compare``: results and their baseline, the answer on the terminal, a page and a table."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from denote.cli.named_folders import folders_and_keys
from denote.errors import ConfigError, StoreError, one_of
from denote.files import slug

if TYPE_CHECKING:
    from denote.comparison.compare import Comparison

COMMAND, NONE = "denote-compare", "none"
KEYS = ("to", "pair", "logger", "progress")
DEFAULT = Path("multirun") / "compare"
DONE, NOT_ALL = 0, 1
"""Exit codes: the second where some results could not be compared, as of a sweep some of whose jobs failed."""
LONGEST = 80
"""Letters of the name of a comparison's folder."""


def act(arguments: Sequence[str]) -> int:
    """Compare what the arguments name, print and write it, and return the exit code.

    Raises:
        ConfigError: naming the argument that cannot be used.
        StoreError: if a folder is not there, or the baseline or all others hold no results.
        DataError: if no result has anything in common with the baseline.
    """
    folders, given = _told(arguments)
    from denote.comparison.pairing import AUTO, WAYS

    pair = given.get("pair", AUTO)
    if pair not in WAYS:
        raise ConfigError("pair", f"{pair!r} is not possible", one_of(pair, WAYS))
    for folder in folders:
        if not folder.is_dir():
            allowed = "allowed: multirun/NAME of a sweep, or the folder of a job or a saved observation"
            raise StoreError(str(folder), "there is no such folder", allowed)
    to = Path(given["to"]) if given.get("to") else DEFAULT / _name(folders)
    _check_free(to)
    track = _tracking(folders, to, pair, _trackers(given.get("logger", NONE)))
    return _compare(folders, to, pair, track)


def _compare(folders: Sequence[Path], to: Path, pair: str, track: Callable[[Comparison], None]) -> int:
    from denote.api.comparison import PAGE, compare
    from denote.progress import step
    from denote.reporting.comparison.terminal import print_comparison

    with step("comparing results"):
        found = compare(*folders, pair=pair)
    with step("writing the comparison"):
        found.save(to)
    track(found.comparison)
    print_comparison(found.comparison, to / PAGE)
    for name, reason in found.left_out.items():
        print(f"left out: {name} ({reason})", file=sys.stderr)
    return NOT_ALL if found.left_out else DONE


def _trackers(typed: str) -> list[str]:
    """Return the trackers that ``logger`` names: ``wandb``, ``[wandb,csv]``.

    Raises:
        ConfigError: naming one that is none.
    """
    from denote.config.settings import TRACKERS
    from denote.config.typed_lists import names_in

    names = names_in("logger", typed)
    for name in names:
        ConfigError.refuse_unknown(name, (*TRACKERS, NONE), f"logger={name}", "there is no such option")
    return [name for name in names if name != NONE]


def _tracking(folders: Sequence[Path], to: Path, pair: str, kinds: Sequence[str]) -> Callable[[Comparison], None]:
    """Find out before anything is computed where a comparison is tracked, and return what does it."""
    if not kinds:
        return lambda _: None
    from denote.api.comparison import PAGE, TABLE, names_of
    from denote.progress import step
    from denote.runs.track_comparison import COMPARE, source_of, track, tracker_of

    name = _name(folders)
    sources = dict(zip(names_of(folders), map(source_of, folders), strict=True))
    tracker = tracker_of(kinds, list(sources.values()), name, to)
    tracker.load(COMPARE)

    def tracked(comparison: Comparison) -> None:
        with step("tracking"):
            track(tracker, comparison, sources, f"{name} {pair}", {file: to / file for file in (PAGE, TABLE)})

    return tracked


def _told(arguments: Sequence[str]) -> tuple[list[Path], Mapping[str, str]]:
    """Return the folders that are compared, and the value of each key."""
    folders, given = folders_and_keys(COMMAND, arguments, KEYS, offers_sweep=False)
    if len(folders) < 2:
        came = "no folder is given" if not folders else f"only {folders[0]} is given"
        raise ConfigError(COMMAND, came, f"allowed: {COMMAND} BASELINE OTHER, folders of sweeps, jobs or observations")
    return folders, given


def _name(folders: Sequence[Path]) -> str:
    """``mlp-convnet``, of a sweep's merged folder the name of the sweep.

    Only names in ``multirun/`` are each one result's. Others, and such that are cut, are followed by a digest of their
    paths, so that no comparison replaces another.
    """
    results = [(folder.parent if folder.name == "sweep" else folder).resolve() for folder in folders]
    whole = "-".join(result.name for result in results)
    name = slug(whole, keep=".,=+-")[:LONGEST]
    if name == whole and all(result.parent == DEFAULT.parent.resolve() for result in results):
        return name
    paths = "\n".join(map(str, results)).encode()
    return f"{name}-{hashlib.blake2b(paths, digest_size=4).hexdigest()}"


def _check_free(to: Path) -> None:
    """Refuse a folder that is another thing before anything is computed.

    Raises:
        StoreError: if it is a file, or the folder of a job or of a sweep.
    """
    from denote.runs.record import RECORD

    if to.exists() and not to.is_dir():
        raise StoreError(f"to={to}", "is a file", "allowed: a folder, which is made")
    if (to / RECORD).is_file() or (to / "sweep").is_dir() or (to / "status.json").is_file():
        raise StoreError(f"to={to}", "holds the results of a job or a sweep", "allowed: another folder, which is made")
