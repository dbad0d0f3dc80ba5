"""W&B's own environment variables: a typed setting wins over them, and they win over defaults."""

from __future__ import annotations

import logging
import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from denote.config.settings import TAGS, TRACKERS, Logging, declared

log = logging.getLogger(__name__)

PROJECT = "denote"
"""Project of runs for which none is named."""

WANDB = "wandb"

NAMED_BY = {"project": "WANDB_PROJECT", "entity": "WANDB_ENTITY", "group": "WANDB_RUN_GROUP"}
"""Keys of ``logger``, with the variable that is used where the key is null."""

TAGGED_BY, MODE, FOLDER = "WANDB_TAGS", "WANDB_MODE", "WANDB_DIR"


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
    for key, variable in NAMED_BY.items():
        if not logger.get(key) and os.environ.get(variable):
            declared(Logging)[key].check(os.environ[variable], variable)
    if not config["tags"]:
        TAGS.check(tags([]), TAGGED_BY)


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
