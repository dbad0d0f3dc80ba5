"""Upkeep of a store: check every digest, and remove what is of no use and not in use."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from denote.config.keys import SCHEMA
from denote.digests import DamagedError, damaged_files, read_sealed
from denote.errors import StoreError
from denote.files import NEW
from denote.locks import HeldError, locked, owner_of, tidy
from denote.numbers import count
from denote.runs.record import RECORD
from denote.runs.store_survey import FOLDERS, RECORDS, UNFINISHED, LeftOver, Stored, Survey

FRESH = 3600.0
"""Seconds for which a temporary file without a lock counts as being written."""

DAY = 86400.0


@dataclass(frozen=True)
class Removal:
    """A file or folder to remove.

    Attributes:
        path: Where it lies.
        n_bytes: Its size on disk.
        why: Why it is of no use.
        lock: The lock that has to be held meanwhile; None where there is none.
        is_lock: Whether it is a lock itself.
    """

    path: Path
    n_bytes: int
    why: str
    lock: Path | None
    is_lock: bool = False


@dataclass(frozen=True)
class RemovalPlan:
    """The things to remove, and those that are kept though they were asked for.

    Attributes:
        removals: In the order in which they would be done.
        kept: Why other things stay, a sentence each.
    """

    removals: tuple[Removal, ...]
    kept: tuple[str, ...]


def plan_removal(survey: Survey, *, unused: bool = False, older_than: float = 0.0) -> RemovalPlan:
    """Choose what can be removed: all of it can be made again, and nobody uses it now.

    Args:
        survey: What is there.
        unused: Also remove networks and states that no finished job names, and interrupted trainings.
        older_than: Remove only what was last written more than so many days ago.

    Raises:
        StoreError: if the sweeps are not known that ``unused`` asks about.
    """
    if unused and survey.multirun is None:
        problem = "needs the folder of the sweeps that use the store, to know what they use"
        raise StoreError("unused=true", problem, "allowed: with multirun=FOLDER")
    before = time.time() - older_than * DAY
    removals, kept = list[Removal](), list[str]()
    for left in survey.left_over:
        if left.owner is not None:
            kept.append(f"{left.path} is in use by {left.owner}")
        elif left.goes_on and not unused:
            kept.append(f"{left.path} {left.why}; unused=true removes it")
        elif left.changed <= min(before, time.time() - (FRESH if left.lock is None else 0.0)):
            removals.append(_of_left_over(left))
    wanted = [(each, why) for each in survey.stored if (why := _why(each, unused=unused)) and each.changed <= before]
    if wanted and survey.running:
        name, owner = next(iter(survey.running.items()))
        others = f" and {len(survey.running) - 1} more" if len(survey.running) > 1 else ""
        kept.append(f"{count(len(wanted), 'network or recording')}: job {name}{others} is being run by {owner}")
        wanted = []
    for each, why in wanted:
        if each.owner is not None:
            kept.append(f"{each.folder} is in use by {each.owner}")
        else:
            lock = each.folder.with_name(f"{each.folder.name}.lock")
            removals.append(Removal(each.folder, each.n_bytes, why, lock))
    return RemovalPlan(tuple(removals), tuple(kept))


def _of_left_over(left: LeftOver) -> Removal:
    return Removal(left.path, left.n_bytes, left.why, left.lock, is_lock=left.path == left.lock)


def _why(stored: Stored, *, unused: bool) -> str:
    if stored.is_older:
        return f"is of schema {stored.schema}; this version of denote makes and reads schema {SCHEMA}"
    if stored.damage is not None:
        return f"is damaged: {stored.damage}"
    return "is used by no finished job" if unused and not stored.jobs else ""


def remove(removal: Removal) -> bool:
    """Remove one thing, unless a process has begun to use it; return whether it is gone.

    A folder gets another name first, so that nobody ever sees half of it.

    Raises:
        OSError: if it may not be removed.
    """
    if removal.is_lock:
        tidy(removal.path, wait=True)
        return not removal.path.exists()
    with ExitStack() as stack:
        if removal.lock is not None and removal.lock.parent.is_dir():
            is_free = owner_of(removal.lock) is None  # a dead owner on another host is watched before it is succeeded
            try:
                stack.enter_context(locked(removal.lock, f"removal of {removal.path.name}", wait=is_free))
            except HeldError:
                return False
        doomed = removal.path.with_name(f".{removal.path.name.lstrip('.')}.{uuid4().hex[:8]}{NEW}")
        try:
            removal.path.rename(doomed)
        except FileNotFoundError:
            return True
        if doomed.is_dir():
            shutil.rmtree(doomed)
        else:
            doomed.unlink()
    return True


def records_to_verify(root: Path, sweep: Path | None) -> list[Path]:
    """Return the records of all networks and states of a store, and of a sweep's jobs and merged results."""
    found = [file for kind, name in RECORDS.items() for file in (root / FOLDERS[kind]).glob(f"[!.]*/{name}")]
    found = [file for file in found if file.parent.suffix != UNFINISHED]
    if sweep is not None:
        found += [*sweep.glob(f"*/{RECORD}"), *sweep.glob(RECORD), *sweep.glob("sweep/status.json")]
    return sorted(found)


def damage_in(record: Path) -> Iterator[tuple[Path, str]]:
    """Read all files that a record names, and yield those that are damaged, with how.

    Args:
        record: One of `records_to_verify`.
    """
    try:
        content = read_sealed(record, required=record.name in RECORDS.values())
    except DamagedError as error:
        yield error.file, error.damage
        return
    yield from damaged_files(record.parent, content).items()


def unrecorded(root: Path) -> list[Path]:
    """Return the folders of a store that have lost their record."""
    folders = ((folder, name) for kind, name in RECORDS.items() for folder in (root / FOLDERS[kind]).glob("[!.]*"))
    is_whole = ((folder, name) for folder, name in folders if folder.is_dir() and folder.suffix != UNFINISHED)
    return sorted(folder for folder, name in is_whole if not (folder / name).is_file())
