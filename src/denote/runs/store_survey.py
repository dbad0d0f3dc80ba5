"""Networks, recorded states and left-over files of a store, with what uses them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from denote.config.keys import SCHEMA
from denote.digests import DAMAGED, FILES, DamagedError, read_sealed
from denote.files import NEW, OLD, TEMPORARY
from denote.locks import Owner, owner_of
from denote.object_models.checkpoints import NAMED as CHECKPOINTS
from denote.runs.record import LOCK, RECORD, Status, schema_in, sound_record

STORE = ".store"
"""Name of a sweep's store, by default beside the sweeps."""

NETWORK, STATES = "network", "states"

RECORDS = {NETWORK: "model.json", STATES: "manifest.json"}
"""File in which a folder of the store is described, by what is in it."""

FOLDERS = {NETWORK: "models", STATES: "states"}
"""Folder of the store by what is in it."""

UNFINISHED = ".partial"
"""End of the name of a folder in which a network is trained or states are recorded."""


BELOW = f"**/{DAMAGED}"
"""Damage in a folder and in those below."""


@dataclass(frozen=True)
class Stored:
    """A network, or the states of one.

    Attributes:
        kind: `NETWORK` or `STATES`.
        folder: Where it lies.
        n_bytes: Its size on disk.
        changed: When it was last written, in seconds since 1970.
        schema: Of the code that made it; None where its record is damaged.
        damage: How it is damaged, as far as can be seen without reading it; None where it is not.
        what: A few words on it.
        jobs: Finished jobs that used it, as ``sweep/job``.
        owner: The process that holds its lock.
    """

    kind: str
    folder: Path
    n_bytes: int
    changed: float
    schema: int | None
    damage: str | None
    what: str
    jobs: tuple[str, ...]
    owner: Owner | None

    @property
    def is_older(self) -> bool:
        """True where this version of denote does not use it."""
        return self.schema is not None and self.schema != SCHEMA


@dataclass(frozen=True)
class LeftOver:
    """A file or folder that a process left when it was killed, or moved aside because it is damaged.

    Attributes:
        path: Where it lies.
        n_bytes: Its size on disk.
        changed: When it was last written, in seconds since 1970.
        why: Why it is there.
        lock: The lock under which it was made.
        owner: The process that holds that lock: then it is in use.
        goes_on: True for a training that was interrupted and goes on from its checkpoint when it is asked for.
    """

    path: Path
    n_bytes: int
    changed: float
    why: str
    lock: Path | None
    owner: Owner | None
    goes_on: bool = False


@dataclass(frozen=True)
class Survey:
    """The contents of a store and of the sweeps beside it.

    Attributes:
        root: The store.
        multirun: The folder of the sweeps that use it; None where that is unknown.
        stored: Networks, then states, the largest first.
        left_over: What is of no use, or is being made.
        running: Jobs that are being run now, with who runs them.
    """

    root: Path
    multirun: Path | None
    stored: tuple[Stored, ...]
    left_over: tuple[LeftOver, ...]
    running: Mapping[str, Owner]


def survey(root: Path, multirun: Path | None) -> Survey:
    """Look through a store; no file of it is read but the records.

    Args:
        root: The store.
        multirun: The folder of the sweeps that use it, if that is known.
    """
    jobs = [] if multirun is None else job_folders(multirun)
    users = _users(jobs)
    stored = [_stored(kind, folder, users) for kind in RECORDS for folder in _folders(root, kind)]
    order = list(RECORDS)
    stored.sort(key=lambda each: (order.index(each.kind), -each.n_bytes, each.folder.name))
    owners = {job_name(job): owner_of(job / LOCK) for job in jobs}
    running = {name: owner for name, owner in owners.items() if owner is not None}
    return Survey(root, multirun, tuple(stored), tuple(_left_over(root, multirun, jobs)), running)


def job_folders(multirun: Path) -> list[Path]:
    """Return the folders of all jobs, by name."""
    return sorted({path.parent for name in (RECORD, LOCK) for path in multirun.glob(f"*/*/{name}")})


def job_name(folder: Path) -> str:
    """Return the name of a job with that of its sweep."""
    return f"{folder.parent.name}/{folder.name}"


def _users(jobs: list[Path]) -> Mapping[str, tuple[str, ...]]:
    """Return the finished jobs that used each folder of the store, by the folder's path in it."""
    users = defaultdict[str, list[str]](list)
    for job in jobs:
        record = sound_record(job) or {}
        if record.get("status") == Status.FINISHED:
            for path in record.get("stored") or ():
                users[path].append(job_name(job))
    return {path: tuple(names) for path, names in users.items()}


def _folders(root: Path, kind: str) -> list[Path]:
    """Return the folders of the store that hold something whole."""
    above = root / FOLDERS[kind]
    found = (path for path in above.glob("*") if path.is_dir() and not path.name.startswith("."))
    return sorted(path for path in found if path.suffix != UNFINISHED)


def _stored(kind: str, folder: Path, users: Mapping[str, tuple[str, ...]]) -> Stored:
    n_bytes, changed = size_and_change(folder)
    record: dict[str, Any] = {}
    damage = None
    try:
        record = read_sealed(folder / RECORDS[kind], required=True)
        damage = _visible_damage(folder, record)
    except DamagedError as error:
        record = _unsealed(folder / RECORDS[kind])
        damage = None if schema_in(record) not in (None, SCHEMA) else f"{error.file.name} {error.damage}"
    schema = schema_in(record)
    path = f"{FOLDERS[kind]}/{folder.name}"
    owner = owner_of(folder.with_name(f"{folder.name}.lock"))
    return Stored(kind, folder, n_bytes, changed, schema, damage, _words(record), users.get(path, ()), owner)


def _unsealed(path: Path) -> dict[str, Any]:
    """Return a record of a version that had no digests; nothing where there is none."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _visible_damage(folder: Path, record: Mapping[str, Any]) -> str | None:
    """Return what is missing or has another size; a digest would take reading."""
    for name, expected in record[FILES].items():
        file = folder / name
        if not file.is_file():
            return f"{name} is gone"
        if file.stat().st_size != expected["bytes"]:
            return f"{name} is damaged: {file.stat().st_size} bytes, not {expected['bytes']}"
    return None


def _words(record: Mapping[str, Any]) -> str:
    if "spec" in record:
        target = str(record["spec"]["architecture"].get("_target_", "network")).rpartition(".")[2]
        return f"{target} seed {record['spec']['seed']}, {len(record['history'])} epochs"
    if "origin" in record:
        layers, origin = record["layers"], record["origin"]
        return f"{len(layers)} layers x {origin['n_rows']:,} rows of network {origin['model_key']}"
    return ""


def size_and_change(path: Path) -> tuple[int, float]:
    """Return bytes on disk of a file or folder, and when it was last written."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    stats = []
    for file in files:
        try:
            stats.append(file.lstat())
        except FileNotFoundError:  # a process that is at work removes it
            continue
    size = sum(getattr(stat, "st_blocks", -(-stat.st_size // 512)) * 512 for stat in stats)
    return size, max((stat.st_mtime for stat in stats), default=0.0)


def _left_over(root: Path, multirun: Path | None, jobs: list[Path]) -> Iterator[LeftOver]:
    """Find what processes left in a store, in jobs and in sweeps."""
    for above in (root / name for name in FOLDERS.values()):
        yield from _of_folder(above, None)
        for folder in sorted(above.glob("*")):
            if folder.is_dir() and folder.name != DAMAGED:
                lock = above / f"{folder.name.removesuffix(UNFINISHED)}.lock"
                if folder.suffix == UNFINISHED:
                    yield _unfinished(folder, lock)
                else:
                    yield from _of_folder(folder, lock, BELOW)
    for job in jobs:
        yield from _of_folder(job, job / LOCK, BELOW)
    if multirun is not None:
        for sweep in sorted(path for path in multirun.glob("*") if path.is_dir() and path.name != STORE):
            yield from _of_folder(sweep, sweep / ".merge.lock")


def _unfinished(folder: Path, lock: Path) -> LeftOver:
    if any(folder.glob(CHECKPOINTS)):
        return replace(
            _found(folder, "is an interrupted training, which goes on when it is asked for", lock), goes_on=True
        )
    return _found(folder, "is unfinished", lock)


def _of_folder(folder: Path, lock: Path | None, pattern: str = DAMAGED) -> Iterator[LeftOver]:
    for path in sorted(folder.glob(pattern)):
        yield _found(path, "is damaged, and was made again", lock)
    for path in sorted(folder.glob(f".*{TEMPORARY}")):
        yield _found(path, "is half-written", lock)
    for path in sorted(path for end in (NEW, OLD) for path in folder.glob(f".*{end}")):
        if path.suffix == NEW or (folder / path.name[1:].partition(".")[0]).exists():  # else it is all that there is
            yield _found(path, "is unfinished", lock)
    for lock_file in sorted({_lock_of(path) for path in [*folder.glob("*.lock*"), *folder.glob(".*lock*")]}):
        if owner_of(lock_file) is None:
            yield LeftOver(lock_file, *size_and_change(lock_file), "is the lock of a dead process", lock_file, None)


def _lock_of(path: Path) -> Path:
    """Return the lock that a file belongs to: names of successors go on after it."""
    return path.with_name(path.name.partition(".lock")[0] + ".lock")


def _found(path: Path, why: str, lock: Path | None) -> LeftOver:
    return LeftOver(path, *size_and_change(path), why, lock, None if lock is None else owner_of(lock))
