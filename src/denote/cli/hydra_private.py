"""The parts of Hydra and OmegaConf that denote uses though they are private; each with the public way to replace it.

Nothing else imports from ``hydra._internal`` or calls a method that begins with an underscore; a test holds that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, NoReturn

import hydra._internal.hydra as hydra_main

# Public way: a way to hand `hydra.main` a check of the composed config, or Hydra 1.4's list of allowed targets.
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname

# Public way: none; Hydra's loader makes its repository by itself.
from hydra._internal.config_repository import ConfigRepository

# Public way: none; argparse's own complaint is eight lines.
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import Container, DictConfig, ListConfig, OmegaConf

from denote.cli.written import check_written
from denote.errors import ConfigError

# Hydra's scan for plug-ins runs the module of its basic sweeper again; a subclass must be made of what is there after.
plugins = Plugins.instance()

# Public way: `hydra.plugins.sweeper.Sweeper`, once it can split choices and ranges into jobs by itself.
from hydra._internal.core_plugins.basic_launcher import BasicLauncher  # noqa: E402
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # noqa: E402

MOST_JOBS = 100_000
"""Jobs of one sweep."""

PLUGINS = ("hydra._internal.core_plugins.", "hydra_plugins.")
"""Where Hydra's own launchers and sweepers, ours, and those of installed plug-ins lie. Public way: a method of
`hydra.core.plugins.Plugins` that says whether a target is a registered plug-in."""

__all__ = [
    "PLUGINS",
    "BasicLauncher",
    "BasicSweeper",
    "ConfigLoaderImpl",
    "ConfigRepository",
    "RepeatingLoader",
    "check_flags",
    "combinations",
    "parsed",
    "plugins",
    "raw",
    "raw_text",
    "unresolved",
    "using_loader",
]


class RepeatingLoader(ConfigLoaderImpl):
    """Hydra's loader, which composes the jobs of a sweep once for every distinct choice of options of groups.

    Composing takes about 100 ms: reading YAML, expanding defaults lists, merging. All of it depends on the options of
    groups and on Hydra's own keys alone. Overrides of values are applied to a copy, by the function that Hydra applies
    them with after composing. Whatever fails on the way is composed by Hydra from the start, which says what is wrong.

    Public way: none; `Sweeper.validate_batch_is_legal` and launchers call `load_sweep_config` once per job.
    """

    _KEPT = 128
    """Compositions kept, of about 165 kB each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._is_group: dict[tuple[str, ...], bool] = {}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """See Hydra's."""
        try:
            config = self._repeated(master_config, list(sweep_overrides))
        except Exception:  # a mistake of the user's, for which Hydra has the words
            config = None
        return super().load_sweep_config(master_config, sweep_overrides) if config is None else config

    def _repeated(self, master: DictConfig, sweep_overrides: list[str]) -> DictConfig | None:
        """Return a job's config made of an earlier composition; None where only Hydra can compose it."""
        name, first = str(master.hydra.job.config_name), OmegaConf.to_container(master.hydra.overrides.hydra)
        assert isinstance(first, list)  # noqa: S101
        overrides = [_parsed_once(text) for text in [*first, *sweep_overrides]]
        if any(each.is_sweep_override() or each.key_or_group == "hydra" for each in overrides):
            return None
        values = [each for each in overrides if not (each.is_hydra_override() or self._chooses(each, name, first))]
        key = (name, *(str(each.input_line) for each in overrides if each not in values))
        config = deepcopy(self._composition(key))
        if config.hydra.job.env_copy:  # of the environment as it is now
            return None
        self._apply_overrides_to_config(values, config)
        own = [each for each in overrides if not each.is_hydra_override()]
        config.hydra.overrides.task = [each.input_line for each in own]
        config.hydra.runtime.cwd = str(Path.cwd())
        naming = config.hydra.job.config.override_dirname
        config.hydra.job.override_dirname = get_overrides_dirname(
            overrides=own, kv_sep=naming.kv_sep, item_sep=naming.item_sep, exclude_keys=naming.exclude_keys
        )
        OmegaConf.copy_cache(from_config=master, to_config=config)
        return config

    def _chooses(self, override: Override, name: str, first: Sequence[str]) -> bool:
        """Return whether an override chooses an option of a group, as Hydra tells it."""
        key = (name, *first, override.key_or_group)
        if key not in self._is_group:
            _, repository = self._parse_overrides_and_create_caching_repo(name, list(first))
            self._is_group[key] = repository.group_exists(override.key_or_group)
        return self._is_group[key] and not isinstance(override.value(), dict)

    def _composition(self, key: tuple[str, ...]) -> DictConfig:
        """Compose options of groups and Hydra's own keys, or take what was composed of them before."""
        if key not in self._composed:
            if len(self._composed) >= self._KEPT:
                self._composed.pop(next(iter(self._composed)))
            name, *choices = key
            self._composed[key] = self.load_configuration(name, choices, RunMode.RUN)
        return self._composed[key]


@lru_cache(maxsize=4096)
def _parsed_once(override: str) -> Override:
    return OverridesParser.create().parse_override(override)


@contextmanager
def using_loader(loader: type[ConfigLoaderImpl]) -> Iterator[None]:
    """Let `hydra.main` compose by a loader, and as before afterwards: other programs may use it in this process.

    Public way: an argument of `hydra.main`, which there is none of.
    """
    before = vars(hydra_main)["ConfigLoaderImpl"]
    vars(hydra_main)["ConfigLoaderImpl"] = loader
    try:
        yield
    finally:
        vars(hydra_main)["ConfigLoaderImpl"] = before


def check_flags(arguments: Sequence[str]) -> None:
    """Refuse flags that Hydra does not know, and overrides on both sides of a flag, in one line.

    Public way: none; `hydra.main` parses its arguments itself.

    Raises:
        ConfigError: with what argparse says.
    """
    parser = get_args_parser()
    vars(parser)["error"] = _refuse_flags
    parser.parse_args(list(arguments))


def _refuse_flags(message: str) -> NoReturn:
    raise ConfigError("command line", message, "allowed: flags of --help, then KEY=VALUE side by side")


def combinations(sweeper: BasicSweeper, arguments: list[str]) -> list[list[str]]:
    """Return the overrides of every job of a sweep, its configured parameters first.

    Public way: none; `_parse_config` of the basic sweeper reads ``hydra.sweeper.params``.
    """
    context = sweeper.hydra_context
    parser = OverridesParser.create(config_loader=None if context is None else context.config_loader)
    overrides = parser.parse_overrides(check_written([*sweeper._parse_config(), *arguments]))
    _check_number(overrides)
    return [list(job) for batch in sweeper.split_arguments(overrides, None) for job in batch]


def _check_number(overrides: Sequence[Override]) -> None:
    """Refuse a sweep of more jobs than anybody runs, before they are written out."""
    number = 1
    for override in overrides:
        if override.is_sweep_override() and override.is_discrete_sweep():
            swept = override.value()
            number *= _length(swept) if isinstance(swept, RangeSweep) else sum(1 for _ in override.sweep_iterator())
        if number > MOST_JOBS:
            problem = f"these overrides make more than {MOST_JOBS:,} jobs"
            raise ConfigError(override.get_key_element(), problem, "several sweeps into one sweep_name")


def _length(swept: RangeSweep) -> int:
    """Return the number of values of a range; a step of 0, or one away from the end, is Hydra's to refuse."""
    if swept.start is None or swept.stop is None or not swept.step:
        return 1
    return max(0, ceil((swept.stop - swept.start) / swept.step))


def parsed(overrides: Sequence[str]) -> list[Override]:
    """Return overrides as Hydra's grammar reads them.

    Public way: none that is documented; the parser is no private module, though.
    """
    return list(OverridesParser.create().parse_overrides(list(overrides)))


def raw(node: DictConfig | ListConfig, key: Any) -> Any:
    """Return a node as it stands, without resolving it or refusing ``???``.

    Public way: none; `OmegaConf.to_container` resolves all nodes or leaves all as texts.
    """
    return node._get_node(key)


def unresolved(config: DictConfig, leave_out: Collection[str]) -> dict[str, Any]:
    """Return a config as it stands: interpolations as texts, missing values as ``???``.

    Public way: `OmegaConf.to_container` of the whole config, which takes twice as long with Hydra's own node in it.
    """
    nodes = {str(key): raw(config, key) for key in config if key not in leave_out}
    return {
        key: OmegaConf.to_container(node) if isinstance(node, Container) else node._value()
        for key, node in nodes.items()
    }


def raw_text(node: DictConfig | ListConfig, key: Any) -> str | None:
    """Return the text of an interpolation before it is resolved; None for a plain value. Public way: as of `raw`."""
    return str(raw(node, key)._value()) if OmegaConf.is_interpolation(node, key) else None
