"""The parts of Hydra and OmegaConf that denote uses though they are private; each with the public way to replace it.

Nothing else imports from ``hydra._internal`` or calls a method that begins with an underscore; a test holds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra._internal.hydra as hydra_main

# Public way: a way to hand `hydra.main` a check of the composed config, or Hydra 1.4's list of allowed targets.
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, ListConfig, OmegaConf

# Hydra's scan for plug-ins runs the module of its basic sweeper again; a subclass must be made of what is there after.
plugins = Plugins.instance()

# Public way: `hydra.plugins.sweeper.Sweeper`, once it can split choices and ranges into jobs by itself.
from hydra._internal.core_plugins.basic_launcher import BasicLauncher  # noqa: E402
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # noqa: E402

PLUGINS = ("hydra._internal.core_plugins.", "hydra_plugins.")
"""Where Hydra's own launchers and sweepers, ours, and those of installed plug-ins lie. Public way: a method of
`hydra.core.plugins.Plugins` that says whether a target is a registered plug-in."""

__all__ = [
    "PLUGINS",
    "BasicLauncher",
    "BasicSweeper",
    "ConfigLoaderImpl",
    "combinations",
    "parsed",
    "plugins",
    "raw",
    "raw_text",
    "using_loader",
]


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


def combinations(sweeper: BasicSweeper, arguments: list[str]) -> list[list[str]]:
    """Return the overrides of every job of a sweep, its configured parameters first.

    Public way: none; `_parse_config` of the basic sweeper reads ``hydra.sweeper.params``.
    """
    context = sweeper.hydra_context
    parser = OverridesParser.create(config_loader=None if context is None else context.config_loader)
    overrides = parser.parse_overrides([*sweeper._parse_config(), *arguments])
    return [list(job) for batch in sweeper.split_arguments(overrides, None) for job in batch]


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


def raw_text(node: DictConfig | ListConfig, key: Any) -> str | None:
    """Return the text of an interpolation before it is resolved; None for a plain value. Public way: as of `raw`."""
    return str(raw(node, key)._value()) if OmegaConf.is_interpolation(node, key) else None
