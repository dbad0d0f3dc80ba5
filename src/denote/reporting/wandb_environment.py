"""W&B's own environment variables: a typed setting wins over them, and they win over defaults."""

from __future__ import annotations

import logging
import netrc
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import yaml

from denote.config.settings import TAGS, TRACKERS, Logging, declared
from denote.errors import ConfigError, one_of

log = logging.getLogger(__name__)

PROJECT = "denote"
"""Project of runs for which none is named."""

WANDB = "wandb"

NAMED_BY = {"project": "WANDB_PROJECT", "entity": "WANDB_ENTITY", "group": "WANDB_RUN_GROUP"}
"""Keys of ``logger``, with the variable that is used where the key is null."""

TAGGED_BY, MODE, FOLDER = "WANDB_TAGS", "WANDB_MODE", "WANDB_DIR"

MODES, OTHER_MODES = ("online", "offline", "disabled"), ("shared", "run", "dryrun")
"""What `MODE` may be, and what W&B takes besides."""

OF_AGENT = ("WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH")
"""What ``wandb agent`` tells a command: W&B's sweep, the run that the command is to be, the file of its parameters."""


def kinds_of(logger: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where runs are tracked; W&B not at all in its mode ``disabled``.

    Args:
        logger: The settings of ``logger``; those of older records name one.
    """
    named = logger.get("kinds", {logger.get("kind"): True})
    disabled = os.environ.get(MODE) == "disabled"
    return tuple(kind for kind in TRACKERS if named.get(kind) and not (kind == WANDB and disabled))


def setting(logger: Mapping[str, Any], key: str) -> str | None:
    """Return the project, entity or group of W&B; None where neither config nor environment names one.

    Args:
        logger: The settings of ``logger``.
        key: One of `NAMED_BY`.
    """
    return logger.get(key) or os.environ.get(NAMED_BY[key]) or None


def tags(typed: list[str]) -> list[str]:
    """Return the tags that are typed, else those of the environment, which are separated by commas.

    Args:
        typed: Those of the config.
    """
    if typed:
        return list(map(str, typed))
    given = os.environ.get(TAGGED_BY)
    return [tag.strip() for tag in given.split(",")] if given else []


@dataclass(frozen=True)
class Agent:
    """What ``wandb agent``, which runs a command for W&B's sweep, wants of it.

    Attributes:
        sweep_id: W&B's sweep.
        run_id: Id of the run that the command is to be.
        parameters: What the sweep chose, by parameter.
    """

    sweep_id: str
    run_id: str
    parameters: dict[str, Any]


def agent() -> Agent | None:
    """Return what an agent of W&B wants of this command; None where it runs for none."""
    sweep, run, file = (os.environ.get(name) for name in OF_AGENT)
    return Agent(sweep, run, _parameters(Path(file)) if file else {}) if sweep and run else None


def _parameters(file: Path) -> dict[str, Any]:
    """Read an agent's file: a mapping whose entries have a ``value`` each, beside W&B's own version."""
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError):
        log.warning("%s cannot be read; the run has no parameters of W&B's sweep", file)
        return {}
    entries = held.items() if isinstance(held, dict) else ()
    return {str(key): each["value"] for key, each in entries if isinstance(each, dict) and "value" in each}


def folder(sweep: Path) -> Path:
    """Return the folder whose ``wandb/`` holds the runs of a sweep.

    Args:
        sweep: The sweep's folder.
    """
    given = os.environ.get(FOLDER)
    return Path(given).expanduser() if given else sweep


def check(config: Mapping[str, Any]) -> None:
    """Refuse names and tags of the environment that W&B would refuse once all is computed.

    Args:
        config: A resolved config.

    Raises:
        ConfigError: naming the variable, what came and what is allowed.
    """
    logger = config["logger"]
    if WANDB not in kinds_of(logger):
        return
    check_mode()
    for key, variable in NAMED_BY.items():
        if not logger.get(key) and os.environ.get(variable):
            declared(Logging)[key].check(os.environ[variable], variable)
    if not config["tags"]:
        TAGS.check(tags([]), TAGGED_BY)


def check_mode() -> None:
    """Refuse a mode that W&B does not know.

    Raises:
        ConfigError: naming the variable, what came and what is allowed.
    """
    if (mode := os.environ.get(MODE)) and mode not in (*MODES, *OTHER_MODES):
        raise ConfigError(MODE, f"{mode!r} is unknown", one_of(mode, MODES))


def is_online() -> bool:
    """Return whether W&B's server is to be tried: as the user's mode says, else where there is a key."""
    mode = os.environ.get(MODE)
    return mode not in ("offline", "dryrun") if mode else has_key()  # without a key W&B would ask for one


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
