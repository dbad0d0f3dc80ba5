"""One owner at a time of a file or folder that any number of processes and hosts share.

A lock is a small file that says who holds it. It relies on two things that every shared file system has: a hard link
(or, where there are none, a file opened for exclusive creation) is made by one process only, and all hosts see a file's
time of change. It does not use ``flock``, which NFS grants to several hosts or to none.

An owner that is dead is succeeded. Of a process of this host that is known for certain; another host's counts as dead
once its heartbeat is silent for `SILENCE` seconds by the clock of the file system. A successor does not replace the
lock file, which two could do at once: it adds a file whose name ends in the token of the owner that it succeeds, and
again only one process can make that file. The last owner of this chain holds the lock.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from denote.errors import StoreError
from denote.progress import step

log = logging.getLogger(__name__)

BEAT = 10.0
"""Seconds between two signs of life of an owner."""

SILENCE = 120.0
"""Seconds without one after which an owner on another host counts as dead: NFS may show a file's time a minute late."""

FIRST_WORD = 1.0
"""Seconds of waiting that need no word."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
"""Seconds between two looks at a lock that another process holds."""


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock.

    Attributes:
        what: The work that it does under the lock.
        host: Name of its host.
        pid: Number of the process.
        machine: Tells hosts, boots and containers apart: process numbers mean nothing outside.
        began: When the process began, by the clock of its machine; process numbers are used again.
        since: Date and time at which it took the lock, UTC.
        token: Names this holding of the lock.
    """

    what: str
    host: str
    pid: int
    machine: str
    began: str
    since: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class HeldError(StoreError):
    """A lock that another process holds, asked for without waiting.

    Attributes:
        owner: The process that holds it.
    """

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path, self.owner = path, owner
        super().__init__(str(path), f"{owner.what} is under way ({owner})", "wait for it, or end that process")

    def __reduce__(self) -> tuple[type[HeldError], tuple[Path, Owner]]:  # type: ignore[override]
        return type(self), (self.path, self.owner)


@contextmanager
def locked(path: Path, what: str, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock inside the block. Threads of one process exclude each other like processes; it cannot be nested.

    Args:
        path: The lock file; its folder is made where it is missing. No file is left at the end.
        what: The work that is done, which those who wait are told: ``training of mlp-8x64``.
        wait: False raises where another process holds it.

    Raises:
        HeldError: if another process holds it and ``wait`` is False.
        OSError: if the folder cannot be written to.
    """
    mine = _this_process(what)
    held = _take(path, mine) or _taken_in_time(path, mine, wait=wait)
    _beating.add(held)
    try:
        yield
    finally:
        _beating.discard(held)
        if os.getpid() == mine.pid:  # a forked process does not hold what its parent holds
            _release(path, mine)


def owner_of(path: Path) -> Owner | None:
    """Return the process that holds a lock; None where nobody does, or the owner is dead.

    Args:
        path: The lock file.
    """
    chain = _chain(path)
    return chain[-1][1] if chain and not _is_dead(*chain[-1]) else None


def _taken_in_time(path: Path, mine: Owner, *, wait: bool) -> Path:
    """Wait for a lock, and return the file by which it is held."""
    while True:
        if (owner := owner_of(path)) is not None:
            if not wait:
                raise HeldError(path, owner)
            _wait_for(path, owner)
        if (held := _take(path, mine)) is not None:
            return held


def _wait_for(path: Path, owner: Owner) -> None:
    """Wait until a process lets a lock go or is dead, and say who it is."""
    begun, pause, is_told = time.monotonic(), SHORTEST_PAUSE, False
    with step(f"waiting for {owner.what} by process {owner.pid} on {owner.host}"):
        while owner_of(path) == owner:
            if not is_told and time.monotonic() - begun >= FIRST_WORD:
                log.info("waiting: %s is under way (%s)", owner.what, owner)
                is_told = True
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _take(path: Path, mine: Owner) -> Path | None:
    """Take a lock that is free or whose owner is dead; return the file by which it is held, None where it is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chain = _chain(path)
    if chain and not _is_dead(*chain[-1]):
        return None
    held = _successor(path, chain[-1][1]) if chain else path
    if not _create(held, mine):
        return None
    now = _chain(path)
    if not now or now[-1][1].token != mine.token:  # its former owner was succeeded before, and has let it go since
        held.unlink(missing_ok=True)
        return None
    if chain:
        log.warning("%s: taken over from %s, which ended without a word", mine.what, chain[-1][1])
    _tidy(path, now)
    return held


def _release(path: Path, mine: Owner) -> None:
    """Let a lock go, unless another process has succeeded this one, which was silent for too long."""
    chain = _chain(path)
    if not chain or chain[-1][1].token != mine.token:
        log.warning("%s: another process has taken over its lock %s", mine.what, path)
        return
    for file, _ in chain:  # the first one first: without it the others belong to nothing
        file.unlink(missing_ok=True)


def _chain(path: Path) -> list[tuple[Path, Owner]]:
    """Return the owners of a lock with their files, each the successor of the one before; empty where it is free."""
    chain, file = list[tuple[Path, Owner]](), path
    while (owner := _read(file)) is not None:
        chain.append((file, owner))
        file = _successor(path, owner)
    return chain


def _successor(path: Path, owner: Owner) -> Path:
    return path.with_name(f"{path.name}.{owner.token}")


def _read(file: Path) -> Owner | None:
    """Return the owner that a lock file names, None where there is none; of a damaged file one that is not here."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return Owner(**json.loads(content))
    except (ValueError, TypeError):
        return Owner("unknown work", "an unknown host", 0, "", "", "", sha256(content).hexdigest()[:16])


def _create(file: Path, owner: Owner) -> bool:
    """Make a lock file with its content at once, unless there is one; return whether this process has made it."""
    content = json.dumps(asdict(owner)).encode()
    whole = file.with_name(f"{file.name}.{owner.token}{_BESIDE}")
    try:
        whole.write_bytes(content)
        os.link(whole, file)
    except FileExistsError:
        return False
    except OSError:
        if not whole.exists():
            raise
        return _create_exclusively(file, content)  # no hard links here
    finally:
        whole.unlink(missing_ok=True)
    return True


def _create_exclusively(file: Path, content: bytes) -> bool:
    try:
        with file.open("xb") as lock:
            lock.write(content)
    except FileExistsError:
        return False
    return True


_BESIDE = ".new"
"""End of the name of a lock file that is not in its place yet."""


def _tidy(path: Path, chain: list[tuple[Path, Owner]]) -> None:
    """Remove files of dead processes that belong to no owner any more."""
    files = {file for file, _ in chain}
    for file in path.parent.glob(f"{path.name}.*"):
        if file not in files and ((owner := _read(file)) is None or _is_dead(file, owner)):
            file.unlink(missing_ok=True)


def _is_dead(file: Path, owner: Owner) -> bool:
    """Return whether an owner is dead: certainly so on this machine, by its silence elsewhere."""
    if owner.machine == _machine() and owner.machine and owner.began:
        return _began(owner.pid) != owner.began
    return _silent_for(file) > SILENCE


def _silent_for(file: Path) -> float:
    """Return the seconds since a file was touched, by the clock of its file system; 0 where it is gone."""
    clock = file.with_name(f".{file.name}.{uuid4().hex[:8]}.clock")
    try:
        clock.touch()
        return clock.stat().st_mtime - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    finally:
        clock.unlink(missing_ok=True)


def _this_process(what: str) -> Owner:
    pid, since = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
    return Owner(what, socket.gethostname(), pid, _machine(), _began(pid), since, uuid4().hex[:16])


@cache
def _machine() -> str:
    """Return what tells apart the machines, boots and containers in which a process number means the same process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: heartbeats tell
        return ""


def _began(pid: int) -> str:
    """Return when a process of this machine began, in ticks since the boot; empty where there is none, or a zombie."""
    try:
        state, *values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else values[18]


class _Beating:
    """Touches the lock files that this process holds, from a thread that ends when there are none."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing, as a forked process does, in which no thread of its parent runs."""
        self._files: set[Path] = set()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, file: Path) -> None:
        with self._guard:
            self._files.add(file)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="locks", daemon=True)
                self._thread.start()

    def discard(self, file: Path) -> None:
        with self._guard:
            self._files.discard(file)

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT)
            with self._guard:
                if not self._files:
                    self._thread = None
                    return
                files = list(self._files)
            for file in files:
                try:
                    os.utime(file)
                except OSError:  # gone, or a disk that does not answer: then others will take over, as they should
                    continue


_beating = _Beating()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_beating.forget)
