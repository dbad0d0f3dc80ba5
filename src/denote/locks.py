"""One owner at a time of a file or folder that any number of processes and hosts share.

A lock is a small file that says who holds it. It relies on two things that every shared file system has: a hard link
(or, where there are none, a file opened for exclusive creation) is made by one process only, and all hosts see a file's
time of change. It does not use ``flock``, which NFS grants to several hosts or to none.

An owner that is dead is succeeded. Of a process of this host that is known for certain; another host's counts as dead
once its heartbeat is silent for `SILENCE` seconds by the clock of the file system, and silent for `DOUBT` seconds while
this process looks: clocks jump, and a file server that was away for minutes makes all owners look dead at its return.
A successor does not replace the lock file, which two could do at once: it adds a file whose name ends in the token of
the owner that it succeeds, and again only one process can make that file. The last owner of this chain holds the lock.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

DOUBT = 2.5 * BEAT
"""Seconds for which a process looks at a silent owner on another host before it takes its lock over."""

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
    _holdings.begin(mine)
    try:  # from here on, so that whatever interrupts this process, between any two lines, leaves no lock
        _holdings.hold(mine, _take(path, mine) or _taken_in_time(path, mine, wait=wait))
        yield
    finally:
        try:
            if os.getpid() == mine.pid:  # a forked process does not hold what its parent holds
                _release(path, mine)
        finally:
            _holdings.end(mine)


def owner_of(path: Path) -> Owner | None:
    """Return the process that holds a lock; None where nobody does, or the owner is dead as far as can be seen at once.

    Args:
        path: The lock file.
    """
    return _holder(path, at_once=True)


def is_abandoned(path: Path) -> bool:
    """Return whether a process died while it held a lock, so that it may have left work half done.

    Args:
        path: The lock file.
    """
    return path.exists() and owner_of(path) is None


def tidy(path: Path, *, wait: bool = False) -> None:
    """Remove what dead processes left of a lock that nobody may ever ask for again; one that is held stays.

    Args:
        path: The lock file.
        wait: True watches an owner on another host for `DOUBT` seconds that seems to be dead; otherwise it stays.
    """
    if _files(path):
        with suppress(HeldError), locked(path, TIDYING, wait=wait and owner_of(path) is None):
            pass


MOST_ATTEMPTS = 1000
"""Attempts in a row to take a lock that nobody holds; in a folder of the kernel's none succeeds."""

TIDYING = "tidying"
"""Work of who removes what dead processes left, which is worth no word."""


def _holder(path: Path, *, at_once: bool = False) -> Owner | None:
    """Return the last owner of a lock, unless it is dead; see `_is_dead`."""
    chain = _chain(path)
    return chain[-1][1] if chain and not _is_dead(*chain[-1], at_once=at_once) else None


def _taken_in_time(path: Path, mine: Owner, *, wait: bool) -> Path:
    """Wait for a lock, and return the file by which it is held."""
    in_vain = 0
    while in_vain < MOST_ATTEMPTS:
        if (owner := _holder(path)) is not None:
            if not wait:
                raise HeldError(path, owner)
            _wait_for(path, owner)
            in_vain = 0
        if (held := _take(path, mine)) is not None:
            return held
        in_vain += 1
    problem = "takes no lock: nobody holds it, and no file can be made"
    raise StoreError(str(path.parent), problem, "needed: a folder that can be written to")


def _wait_for(path: Path, owner: Owner) -> None:
    """Wait until a process lets a lock go or is dead, and say who it is."""
    begun, pause, is_told = time.monotonic(), SHORTEST_PAUSE, False
    with step(f"waiting for {owner.what} by process {owner.pid} on {owner.host}"):
        while _holder(path) == owner:
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
        level = logging.DEBUG if mine.what == TIDYING else logging.WARNING
        log.log(level, "%s: taken over from %s, which ended without a word", mine.what, chain[-1][1])
    _tidy(path, now)
    return held


def _release(path: Path, mine: Owner) -> None:
    """Let a lock go if it was taken, unless another process has succeeded this one, which was silent for too long."""
    chain = _chain(path)
    if chain and chain[-1][1].token == mine.token:
        for file, _ in chain:  # the first one first: without it the others belong to nothing
            file.unlink(missing_ok=True)
    elif _holdings.holds(mine):
        log.warning("%s: another process has taken over its lock %s", mine.what, path)


def _chain(path: Path) -> list[tuple[Path, Owner]]:
    """Return the owners of a lock with their files, each the successor of the one before; empty where it is free."""
    chain, file = dict[Path, Owner](), path
    while file not in chain and (owner := _read(file)) is not None:  # a copied lock file may name itself
        chain[file] = owner
        file = _successor(path, owner)
    return list(chain.items())


def _successor(path: Path, owner: Owner) -> Path:
    return path.with_name(f"{path.name}.{owner.token}")


_LARGEST = 1 << 14
"""Bytes of a lock file that are read."""


def _read(file: Path) -> Owner | None:
    """Return the owner that a lock file names, None where there is none; of a damaged file one that is not here."""
    try:
        with file.open("rb") as lock:
            content = lock.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _valid(Owner(**json.loads(content)))
    except (ValueError, TypeError, RecursionError):
        return Owner("unknown work", "an unknown host", 0, "", "", "", sha256(content).hexdigest()[:16])


def _valid(owner: Owner) -> Owner:
    """Refuse an owner of other types, or with a token that is no part of a file name."""
    texts = {name: value for name, value in vars(owner).items() if name != "pid"}
    sound = all(isinstance(value, str) for value in texts.values()) and re.fullmatch(r"[0-9a-f]{16}", owner.token)
    if not sound or not isinstance(owner.pid, int) or not 0 < owner.pid < 1 << 31:
        raise ValueError("no owner")
    return owner


def _create(file: Path, owner: Owner) -> bool:
    """Make a lock file with its content at once, unless there is one; return whether this process has made it."""
    content = json.dumps(asdict(owner)).encode()
    whole = file.with_name(f"{file.name}.{owner.token}.new")
    try:
        whole.write_bytes(content)
        whole.chmod(_READABLE)
        os.link(whole, file)
    except FileExistsError:
        # It may be ours: a file server whose answer got lost is asked again, and then finds the file.
        return (there := _read(file)) is not None and there.token == owner.token
    except FileNotFoundError:  # the folder went, or somebody took this process for dead
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or not whole.exists():
            raise
        return _create_exclusively(file, content)
    finally:
        whole.unlink(missing_ok=True)
    return True


_READABLE = 0o644
"""Others have to read who holds a lock, whatever the umask is."""

_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""Errors of a file system that makes no hard links."""


def _create_exclusively(file: Path, content: bytes) -> bool:
    try:
        lock = file.open("xb")
    except FileExistsError:
        return False
    try:
        with lock:
            lock.write(content)
    except OSError:  # a full disk: half a lock would be nobody's
        file.unlink(missing_ok=True)
        raise
    return True


def _files(path: Path) -> list[Path]:
    """Return all files that belong to a lock, or belonged to it."""
    try:
        beside = list(path.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for file in beside if file.name == path.name or file.name.startswith(f"{path.name}.")]


def _tidy(path: Path, chain: list[tuple[Path, Owner]]) -> None:
    """Remove files of dead processes that belong to no owner any more."""
    for file in set(_files(path)) - {file for file, _ in chain}:
        if (owner := _read(file)) is None or _is_dead(file, owner, at_once=True):
            file.unlink(missing_ok=True)


def _is_dead(file: Path, owner: Owner, *, at_once: bool = False) -> bool:
    """Return whether an owner is dead: certainly so on this machine, by its silence elsewhere.

    Args:
        file: The lock file that names it.
        owner: The owner.
        at_once: Whether the clock of the file system is believed; else this process must have seen the silence, too.
    """
    if owner.machine and owner.began and owner.machine == _machine():
        if owner.pid == os.getpid() and owner.began == _began(owner.pid):
            return not _holdings.knows(owner)
        if (began := _began(owner.pid)) is not None:
            return began != owner.began
    return _is_silent(file, owner, 0.0 if at_once else DOUBT)


_seen: dict[str, tuple[int, float]] = {}
"""Time of the last heartbeat of owners elsewhere, and when this process saw it first, by token."""


def _is_silent(file: Path, owner: Owner, doubt: float) -> bool:
    try:
        beat = file.stat().st_mtime_ns
    except FileNotFoundError:
        return False
    now = time.monotonic()
    if _seen.setdefault(owner.token, (beat, now))[0] != beat:
        _seen[owner.token] = (beat, now)
    return now - _seen[owner.token][1] >= doubt and _silent_for(file) > SILENCE


def _silent_for(file: Path) -> float:
    """Return the seconds since a file was touched, by the clock of its file system; 0 where it is gone."""
    clock = file.with_name(f"{file.name}.{uuid4().hex[:8]}.clock")
    try:
        clock.touch()
        return clock.stat().st_mtime - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    except OSError:  # who may only read goes by the clock of this machine
        return time.time() - file.stat().st_mtime
    finally:
        with suppress(OSError):
            clock.unlink()


def _this_process(what: str) -> Owner:
    pid, since = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
    return Owner(what, socket.gethostname(), pid, _machine(), _began(pid) or "", since, uuid4().hex[:16])


@cache
def _machine() -> str:
    """Return what tells apart the machines, boots and containers in which a process number means the same process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}/{socket.gethostname()}"
    except OSError:  # not Linux: heartbeats tell
        return ""


def _began(pid: int) -> str | None:
    """Return when a process of this machine began, in ticks since the boot.

    Returns:
        An empty text where there is no such process, or a zombie; None where it cannot be known, as of others'
        processes on machines that hide them.
    """
    try:
        state, *values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except OSError:
            return None
        return None
    return "" if state in "ZX" else values[18]


class _Holdings:
    """The locks of this process, and the thread that touches their files as long as there are any."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing, as a forked process does, in which no thread of its parent runs."""
        self._tokens: set[str] = set()
        self._files: dict[str, Path] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, owner: Owner) -> None:
        """Know an owner before it takes its lock; one of this process that is not known is dead."""
        with self._guard:
            self._tokens.add(owner.token)

    def hold(self, owner: Owner, file: Path) -> None:
        """Touch an owner's file from now on."""
        with self._guard:
            self._files[owner.token] = file
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="locks", daemon=True)
                self._thread.start()

    def end(self, owner: Owner) -> None:
        """Forget an owner."""
        with self._guard:
            self._tokens.discard(owner.token)
            self._files.pop(owner.token, None)

    def knows(self, owner: Owner) -> bool:
        """Return whether an owner of this process holds its lock, or is about to take or to release it."""
        with self._guard:
            return owner.token in self._tokens

    def holds(self, owner: Owner) -> bool:
        """Return whether an owner has taken its lock."""
        with self._guard:
            return owner.token in self._files

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT)
            with self._guard:
                if not self._files:
                    self._thread = None
                    return
                files = dict(self._files)
            for token, file in files.items():
                with suppress(OSError):  # gone, or a disk that does not answer: then others take over, as they should
                    if (owner := _read(file)) is not None and owner.token == token:
                        os.utime(file)


_holdings = _Holdings()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_holdings.forget)
