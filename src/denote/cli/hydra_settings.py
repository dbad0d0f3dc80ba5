"""What a config may set of Hydra itself: nothing that lets Hydra run what stands in a file.

Hydra instantiates its callbacks, launcher and sweeper, and Python's `logging.config` calls what a logging config names,
all before a job begins. A config that was received from somebody must not reach either.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from hydra.conf import HydraConf
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.config_source import ConfigLoadError
from omegaconf import Container, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from denote.cli.config_files import CheckedRepository
from denote.cli.hydra_private import PLUGINS, RepeatingLoader, raw_text
from denote.cli.options import check_typed
from denote.cli.written import check_written
from denote.config.settings import Settings, declared
from denote.errors import ConfigError, one_of

LOGGING = {
    "class": ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler", "logging.Formatter"),
    "()": ("colorlog.ColoredFormatter",),
    "filename": ("${hydra.runtime.output_dir}/${hydra.job.name}.log", "hydra-${hydra.job.name}.log"),
}
"""Values of the keys by which a logging config names what it calls, and the file that it writes."""

LAUNCHER_WORDS = ("partition", "account", "qos", "constraint", "gres", "name", "backend", "prefer", "require")
"""Settings of launchers that may be any word: they name a queue or a kind of process."""

_KEYS = {*(field.name for field in fields(HydraConf)), "env"}  # a group of Hydra's that its schema lacks
_WORD = re.compile(r"[\w.,:=-]+")
_STREAM = re.compile(r"ext://sys\.(stdout|stderr)")
_ENVIRONMENT = re.compile(r"\w+_NUM_THREADS|CUDA_VISIBLE_DEVICES")


class CheckingLoader(RepeatingLoader):
    """Hydra's loader, which refuses options and a composed config before Hydra makes anything of them."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self.repository = CheckedRepository(config_search_path)

    def load_configuration(
        self, config_name: str | None, overrides: list[str], *args: Any, **kwargs: Any
    ) -> DictConfig:
        """See Hydra's."""
        check_typed(check_written(overrides), self.get_group_options)
        try:
            config: DictConfig = super().load_configuration(config_name, overrides, *args, **kwargs)
        except RecursionError as error:
            where = str(CheckedRepository.latest or "defaults")
            raise ConfigError(where, "configs include each other without end", "allowed: defaults that end") from error
        return _checked(config)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """See Hydra's; values of a job may stand in Hydra's settings, too."""
        return _checked(super().load_sweep_config(master_config, sweep_overrides))


def _checked(config: DictConfig) -> DictConfig:
    """Return a composed config whose settings of Hydra and whose folder are not refused."""
    check_hydra(config)
    with suppress(OmegaConfBaseException):  # what leads nowhere is told where it is used
        if "sweep_name" in config:  # Hydra's help composes Hydra's own settings alone
            declared(Settings)["sweep_name"].check(config.sweep_name, "sweep_name")
    return config


def check_hydra(config: DictConfig) -> None:
    """Refuse settings by which Hydra would run, write or pass on more than a launcher and a sweeper need.

    Raises:
        ConfigError: naming the key.
    """
    hydra = config.hydra
    for key in hydra:
        if key not in _KEYS:
            raise ConfigError(f"hydra.{key}", "there is no such key", one_of(key, sorted(_KEYS)))
    if hydra.get("callbacks"):
        raise ConfigError("hydra.callbacks", "are refused", "allowed: none, since Hydra would run what they name")
    _check_written(hydra)
    for name in ("launcher", "sweeper"):
        for setting in _values(hydra, name):
            plugin = setting.where == f"hydra.{name}" and setting.raw.startswith(PLUGINS)
            if setting.key == "_target_" and not plugin:
                raise setting.refused(f"allowed: a {name} that is installed")
    _check_launcher(hydra)
    for name in ("hydra_logging", "job_logging"):
        for setting in _values(hydra, name):
            stray = setting.text.startswith(("ext://", "cfg://")) and not _STREAM.fullmatch(setting.text)
            named = setting.raw in LOGGING.get(setting.key, (setting.raw,))
            if stray or not named or (setting.unresolved and setting.raw not in LOGGING["filename"]):
                raise setting.refused("allowed: what Hydra's own options name")
    for name in hydra.job.env_set:
        if not _ENVIRONMENT.fullmatch(str(name)):
            raise ConfigError(f"hydra.job.env_set.{name}", "is refused", "allowed: *_NUM_THREADS, CUDA_VISIBLE_DEVICES")


def _check_written(hydra: DictConfig) -> None:
    """Refuse names under which Hydra would write a config or a log that may be files of another program."""
    if not re.fullmatch(r"[\w-]+", str(hydra.job.name)):
        raise ConfigError("hydra.job.name", f"{hydra.job.name!r} is refused", "allowed: letters, digits, _ and -")
    if hydra.output_subdir not in (None, ".hydra") and not _is_typed("hydra.output_subdir"):
        problem = f"{hydra.output_subdir!r} is refused"
        raise ConfigError("hydra.output_subdir", problem, "allowed: .hydra or null; others on the command line only")


def _check_launcher(hydra: DictConfig) -> None:
    """Refuse texts for a launcher that nobody typed and its plug-in does not ship: they may be commands."""
    shipped = _shipped(hydra.runtime.choices.get("hydra/launcher"))
    for setting in _values(hydra, "launcher"):
        if setting.full_key == "hydra.launcher._target_":  # that of a plug-in, see above
            continue
        is_word = setting.key in LAUNCHER_WORDS and _WORD.fullmatch(setting.text)
        harmless = is_word or (setting.full_key, setting.raw) in shipped or not isinstance(setting.value, str)
        if not (harmless and setting.text.isprintable()) and not _is_typed(setting.full_key):
            raise setting.refused("allowed on the command line only, since a launcher may run it")


def _shipped(choice: str | None) -> set[tuple[str, str]]:
    """Return key and unresolved text of every value of a launcher as we ship it, or as its plug-in registers it."""
    ours = resources.files("denote.conf").joinpath("hydra", "launcher", f"{choice}.yaml")
    try:
        node = (
            OmegaConf.create(ours.read_text(encoding="utf-8"))
            if ours.is_file()
            else ConfigStore.instance().load(f"hydra/launcher/{choice}.yaml").node
        )
    except ConfigLoadError:
        return set()
    return {(setting.full_key, setting.raw) for setting in _values(OmegaConf.create({"launcher": node}), "launcher")}


def _is_typed(full_key: str) -> bool:
    """Return whether an argument of this command sets a key or something above it."""
    keys = (argument.partition("=")[0].lstrip("+") for argument in sys.argv[1:] if "=" in argument)
    return any(f"{full_key}.".startswith(f"{key}.") for key in keys)


@dataclass(frozen=True)
class _Setting:
    """A value below ``hydra``.

    Attributes:
        where: The key of the mapping that it is in.
        key: Its key there.
        raw: Its text before interpolation.
        value: Its value; ``raw`` where that is filled in by Hydra later.
        unresolved: True where it is.
    """

    where: str
    key: str
    raw: str
    value: Any
    unresolved: bool

    @property
    def full_key(self) -> str:
        return f"{self.where}.{self.key}"

    @property
    def text(self) -> str:
        return str(self.value)

    def refused(self, allowed: str) -> ConfigError:
        return ConfigError(self.full_key, f"{self.text!r} is refused", allowed)


def _values(node: DictConfig | ListConfig, key: Any, where: str = "hydra") -> Iterator[_Setting]:
    """Every value below a key; what an interpolation leads to counts as below.

    Raises:
        ConfigError: for an interpolation that leads to nothing yet, unless to what Hydra itself fills in.
    """
    raw, unresolved = raw_text(node, key), False
    try:
        value = node[key]
    except OmegaConfBaseException as error:
        if raw is None or not raw.startswith("${hydra."):
            raise ConfigError(f"{where}.{key}", "leads to nothing", "allowed: a value") from error
        value, unresolved = raw, True
    if isinstance(value, Container):
        inner = range(len(value)) if isinstance(value, ListConfig) else list(value)
        for name in inner:
            yield from _values(value, name, f"{where}.{key}")  # type: ignore[arg-type]
    elif value is not None:
        yield _Setting(where, str(key), raw or str(value), value, unresolved)
