"""Weights & Biases: one run per object model, per job and per sweep; offline where there is no key.

Whatever the logger, results are the same: nothing here is read back.
"""

from __future__ import annotations

import logging
import netrc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlparse

from denote.config.keys import digest
from denote.progress import step

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)


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
    """

    kind: str
    folder: Path
    group: str
    project: str = "denote"
    entity: str | None = None
    tags: tuple[str, ...] = ()

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
        )

    @contextmanager
    def run(self, job_type: str, key: str, name: str, config: Mapping[str, Any]) -> Iterator[Any]:
        """A W&B run that ends as finished, or as failed if the body raises; None where nothing is tracked.

        Args:
            job_type: ``object_model``, ``job`` or ``sweep``.
            key: What makes this run itself: with the group it gives the run's id, so running again continues it.
            name: What people read in the dashboard.
            config: Resolved settings.
        """
        if self.kind == "none":
            yield None
            return
        run = self._start(job_type, key, name, config)
        try:
            yield run
        except BaseException:
            run.finish(exit_code=1)
            raise
        with step("ending the W&B run"):
            run.finish(exit_code=0)

    @step("starting W&B")
    def _start(self, job_type: str, key: str, name: str, config: Mapping[str, Any]) -> Any:
        import wandb

        # Without a key W&B would stop to ask for one.
        wanted = os.environ.get("WANDB_MODE") or ("online" if has_key() else "offline")
        mode = cast('Literal["online", "offline", "disabled", "shared"]', wanted)
        self.folder.mkdir(parents=True, exist_ok=True)
        return wandb.init(
            project=self.project,
            entity=self.entity,
            dir=str(self.folder),
            group=self.group,
            job_type=job_type,
            name=name,
            id=run_id(self.group, job_type, key),
            tags=[*self.tags, *_level_tag(config)],
            config=dict(config),
            mode=mode,
            resume="allow" if mode in ("online", "shared") else None,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_code=True),
        )

    def logged(self, job_type: str, key: str) -> bool:
        """Return whether this machine has a run of this id in the sweep's folder already."""
        return any((self.folder / "wandb").glob(f"*run-*-{run_id(self.group, job_type, key)}"))


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
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    places = [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]
    for place in places:
        path = Path(place).expanduser()
        try:
            if path.is_file() and netrc.netrc(path).authenticators(host):
                return True
        except (netrc.NetrcParseError, OSError):
            log.warning("%s cannot be read; W&B runs stay offline", path)
    return False


def lightning_logger(run: Any) -> Logger | None:
    """Lightning's logger on a run that is already open, for live training curves."""
    if run is None:
        return None
    with step("loading Lightning", once=True):
        from pytorch_lightning.loggers import WandbLogger

    return WandbLogger(experiment=run)


def replay(run: Any, history: Sequence[Mapping[str, Any]]) -> None:
    """Log the training curve of a model that was loaded, so that every sweep shows the curves of its models."""
    if run is None:
        return
    run.define_metric("epoch")
    run.define_metric("*", step_metric="epoch")
    for row in history:
        run.log({key: value for key, value in row.items() if value is not None})
