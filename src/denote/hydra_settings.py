"""What a config may set of Hydra itself: nothing that lets Hydra run what stands in a file.

Hydra instantiates its callbacks, launcher and sweeper, and Python's `logging.config` calls what a logging config names,
all before a job begins. A config that was received from somebody must not reach either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hydra._internal.hydra as hydra_main
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import Container, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from denote.errors import ConfigError

PLUGINS = ("hydra._internal.core_plugins.", "hydra_plugins.")
"""Where Hydra's own launchers and sweepers, ours, and those of installed plug-ins lie."""

LOGGING = {
    "class": ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler", "logging.Formatter"),
    "()": ("colorlog.ColoredFormatter",),
    "filename": ("${hydra.runtime.output_dir}/${hydra.job.name}.log", "hydra-${hydra.job.name}.log"),
}
"""Values of the keys by which a logging config names what it calls, and the file that it writes."""

_STREAM = re.compile(r"ext://sys\.(stdout|stderr)")
_ENVIRONMENT = re.compile(r"\w+_NUM_THREADS|CUDA_VISIBLE_DEVICES")


class CheckingLoader(ConfigLoaderImpl):
    """Hydra's loader, which refuses a composed config before Hydra makes anything of it."""

    def load_configuration(self, *args: Any, **kwargs: Any) -> DictConfig:
        """See Hydra's."""
        config: DictConfig = super().load_configuration(*args, **kwargs)
        check_hydra(config)
        return config


@contextmanager
def checked() -> Iterator[None]:
    """Let Hydra compose by a `CheckingLoader`, and as before afterwards: other programs may use it in this process."""
    before = vars(hydra_main)["ConfigLoaderImpl"]
    vars(hydra_main)["ConfigLoaderImpl"] = CheckingLoader
    try:
        yield
    finally:
        vars(hydra_main)["ConfigLoaderImpl"] = before


def check_hydra(config: DictConfig) -> None:
    """Refuse settings by which Hydra would run, write or pass on more than a launcher and a sweeper need.

    Raises:
        ConfigError: naming the key.
    """
    hydra = config.hydra
    if hydra.get("callbacks"):
        raise ConfigError("hydra.callbacks", "are refused", "allowed: none, since Hydra would run what they name")
    for name in ("launcher", "sweeper"):
        for where, key, raw in _values(hydra, name):
            plugin = where == f"hydra.{name}" and raw.startswith(PLUGINS)
            if key == "_target_" and not plugin:
                raise ConfigError(f"{where}.{key}", f"{raw!r} is refused", f"allowed: a {name} that is installed")
    for name in ("hydra_logging", "job_logging"):
        for where, key, raw in _values(hydra, name):
            stray = raw.startswith(("ext://", "cfg://")) and not _STREAM.fullmatch(raw)
            if stray or raw not in LOGGING.get(key, (raw,)):
                raise ConfigError(f"{where}.{key}", f"{raw!r} is refused", "allowed: what Hydra's own options name")
    for name in hydra.job.env_set:
        if not _ENVIRONMENT.fullmatch(str(name)):
            raise ConfigError(f"hydra.job.env_set.{name}", "is refused", "allowed: *_NUM_THREADS, CUDA_VISIBLE_DEVICES")


def _values(node: DictConfig | ListConfig, key: Any, where: str = "hydra") -> Iterator[tuple[str, str, str]]:
    """Place, key and unresolved text of every value below a key; what an interpolation leads to counts as below.

    Raises:
        ConfigError: for an interpolation that leads to nothing yet, unless to what Hydra itself fills in.
    """
    raw = str(node._get_node(key)._value()) if OmegaConf.is_interpolation(node, key) else None  # type: ignore[union-attr]
    try:
        value = node[key]
    except OmegaConfBaseException as error:
        if raw is None or not raw.startswith("${hydra."):
            raise ConfigError(f"{where}.{key}", "leads to nothing", "allowed: a value") from error
        value = raw
    if isinstance(value, Container):
        inner = range(len(value)) if isinstance(value, ListConfig) else list(value)
        for name in inner:
            yield from _values(value, name, f"{where}.{key}")  # type: ignore[arg-type]
    elif value is not None:
        yield where, str(key), raw or str(value)
