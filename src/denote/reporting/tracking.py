"""Weights & Biases: one run per object model, per job and per sweep; offline where there is no key.

Whatever the logger, results are the same: nothing here is read back, and W&B's own code runs in another process.
"""

from __future__ import annotations

import logging
import netrc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from denote.config.keys import digest
from denote.progress import step
from denote.reporting.wandb_session import Session, TrackedRun

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)

LONGEST = 128
"""Most characters that W&B takes as the name of a run or a group."""

LIMIT = 5.0
"""Seconds that W&B may hold up a job, unless the config says otherwise."""


@dataclass(frozen=True)
class Tracker:
    """Place where runs are tracked.

    Attributes:
        kind: ``wandb`` or ``none``.
        folder: The sweep's folder; W&B writes into its ``wandb/``.
        group: The sweep's name, W&B's group.
        project: W&B project.
        entity: W&B team or user; None for the default one.
        tags: Words that label every run.
        limit: Seconds that W&B may hold up a job.
    """

    kind: str
    folder: Path
    group: str
    project: str = "denote"
    entity: str | None = None
    tags: tuple[str, ...] = ()
    limit: float = LIMIT

    @classmethod
    def of(cls, config: Mapping[str, Any], folder: Path) -> Tracker:
        """The tracker that a resolved config asks for, for the sweep in ``folder``."""
        logger = config["logger"]
        return cls(
            logger["kind"],
            folder,
            folder.name,
            logger.get("project") or "denote",
            logger.get("entity"),
            tuple(str(tag) for tag in config["tags"]),
            logger.get("limit", LIMIT),
        )

    @contextmanager
    def run(self, job_type: str, key: str, name: str, config: Mapping[str, Any]) -> Iterator[TrackedRun | None]:
        """A W&B run that ends as finished, or as failed if the body raises; None where nothing is tracked.

        Nothing here waits until W&B has it, see `settle`.

        Args:
            job_type: ``object_model``, ``job`` or ``sweep``.
            key: What makes this run itself: with the group it gives the run's id, so running again continues it.
            name: What people read in the dashboard.
            config: Resolved settings.
        """
        if not self.is_used:
            yield None
            return
        session, key = _session(self.limit), run_id(self.group, job_type, key)
        given = {
            "project": self.project,
            "entity": self.entity,
            "dir": str(self.folder),
            "group": _shortened(self.group),
            "job_type": job_type,
            "name": _shortened(name),
            "id": key,
            "tags": [*self.tags, *_level_tag(config)],
            "config": dict(config),
            "mode": os.environ.get("WANDB_MODE") or "online",  # for a session that is online
        }
        run = session.start(key, given)
        try:
            yield run
        except BaseException:
            run.finish(1)
            raise
        run.finish(0)

    @property
    def is_used(self) -> bool:
        """True where anything is tracked."""
        return self.kind != "none" and os.environ.get("WANDB_MODE") != "disabled"

    def load(self) -> None:
        """Begin to load W&B, while something else is done."""
        if self.is_used:
            _session(self.limit).load(self.folder / "wandb")

    def logged(self, job_type: str, key: str) -> bool:
        """Return whether this machine has a run of this id in the sweep's folder already."""
        return any((self.folder / "wandb").glob(f"*run-*-{run_id(self.group, job_type, key)}"))


_sessions: dict[tuple[Any, ...], Session] = {}
"""The session of this process, by what it depends on."""


def settle() -> None:
    """Wait until W&B has all runs of this process, or disk has them, for the seconds that are left to the last job.

    Ctrl-C ends the wait.
    """
    for (pid, *_), session in _sessions.items():
        if pid == os.getpid():
            with suppress(KeyboardInterrupt):
                session.settle()


def _session(limit: float) -> Session:
    """The session of this process, a new one where its environment has changed or it was forked."""
    names = [name for name in os.environ if name.startswith("WANDB_") or name in ("HOME", "NETRC")]
    made_of = (os.getpid(), limit, *sorted((name, os.environ[name]) for name in names))
    if made_of not in _sessions:
        settle()
        for (pid, *_), session in _sessions.items():
            if pid == os.getpid():
                session.close()
        _sessions.clear()
        # Unlike an exit handler it is also called in processes of `multiprocessing`; in a fork of this one it is not.
        Finalize(None, settle, exitpriority=0)
        mode = os.environ.get("WANDB_MODE")
        online = mode not in ("offline", "dryrun") if mode else has_key()  # without a key W&B would ask for one
        _sessions[made_of] = Session(online=online, limit=limit)
    return _sessions[made_of]


def _shortened(name: str) -> str:
    """A name that W&B takes; the end of a longer one is replaced by its digest."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{digest(name)[:8]}"


def _level_tag(config: Mapping[str, Any]) -> list[str]:
    """Tag of a run whose config has a level of evidence: ``evidence=quick``."""
    level = (config.get("evidence") or {}).get("level")
    return [f"evidence={level}"] if level else []


def run_id(group: str, job_type: str, key: str) -> str:
    """Id of a W&B run: the same work in the same sweep continues the same run."""
    return digest([group, job_type, key])


def has_key() -> bool:
    """Return whether W&B could log in without asking: by environment or by ``.netrc``."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    places = [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]
    for place in places:
        try:
            host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
            path = Path(place).expanduser()
            if path.is_file() and netrc.netrc(path).authenticators(host):
                return True
        except (netrc.NetrcParseError, OSError, ValueError, RuntimeError):
            log.warning("%s cannot be read; W&B runs stay offline", place)
    return False


def lightning_logger(run: TrackedRun | None) -> Logger | None:
    """Lightning's logger on a run that is already open, for live training curves."""
    if run is None:
        return None
    with step("loading Lightning", once=True):
        from denote.reporting.curve_logger import CurveLogger

    return CurveLogger(run)


def replay(run: TrackedRun | None, history: Sequence[Mapping[str, Any]]) -> None:
    """Log the training curve of a model that was loaded, so that every sweep shows the curves of its models."""
    if run is None:
        return
    run.define_metric("epoch")
    run.define_metric("*", step="epoch")
    for row in history:
        run.log({key: value for key, value in row.items() if value is not None})
