"""A result as it is compared: its name, its tables, and the settings of the jobs that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import polars as pl

from denote.denotation.network_groups import NetworkGroup, Tables, groups_of
from denote.evidence.rule import Rule

Config: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """One of the results that are compared.

    Attributes:
        name: What it is called.
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: The network and the resolved config of every job; empty where configs are not known, as of an observation
            in memory.
        versions: Installed packages by name, where that is known.
        rule: The rule that decided the tables.
        brief: Its name as sentences show it, where that is another (`shown_names`).
    """

    name: str
    tables: Tables
    jobs: Sequence[tuple[str, Config]] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    rule: Rule = field(default_factory=Rule)
    brief: str = ""

    @property
    def shown(self) -> str:
        """Its name as sentences show it."""
        return self.brief or self.name

    @cached_property
    def groups(self) -> list[NetworkGroup]:
        """Its networks by dataset, architecture and epoch."""
        return groups_of(self.tables)

    @cached_property
    def configs(self) -> list[Config]:
        """The configs of its jobs."""
        return [config for _, config in self.jobs]

    @cached_property
    def config_of(self) -> dict[str, Config]:
        """By network the config of one of its jobs: those of one network agree on what made it."""
        return dict(self.jobs)

    @property
    def attributes(self) -> list[str]:
        """Attributes that observers were asked to read."""
        return self.tables["cells"]["attribute"].unique(maintain_order=True).to_list()


def networks_in(group: NetworkGroup) -> pl.DataFrame:
    """Return the networks of a group: one row each with ``object_model seed``, by seed."""
    columns = ["object_model", "seed"]
    frames = [group.tables[name].select(columns) for name in ("cells", "neurons", "layers")]
    return pl.concat(frames).unique("object_model", maintain_order=True).sort("seed", "object_model", nulls_last=True)
