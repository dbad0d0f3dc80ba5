"""Which networks are compared with which: pairs of one initialisation, networks at large, or few over test rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from denote.comparison.compared import Compared, networks_in
from denote.denotation.network_groups import NetworkGroup
from denote.errors import ConfigError

AUTO, SEED, NONE = "auto", "seed", "none"
WAYS = (AUTO, SEED, NONE)
"""How networks are paired: by what they share, by their seed whatever made them, or not at all."""

PAIRS, NETWORKS, ROWS = "pairs", "networks", "rows"
"""Units of a comparison."""
LEAST_NETWORKS = 3
"""Pairs, or networks of each result, below which only test rows can be compared."""
FEW = f"fewer than {LEAST_NETWORKS} networks on a side"

CHOOSING_WEIGHTS = {"trained", "epoch", "save_epochs", "trained_on"}
"""Settings of an architecture that choose among weights of one initialisation, or speak of rows."""
OF_DATA = ("dataset", "split", "seed")
"""Settings besides the architecture that an initialisation and the order of training rows are drawn for."""


@dataclass(frozen=True)
class Pairing:
    """The networks of two groups, and what is the unit of their comparison.

    Attributes:
        unit: `PAIRS`, `NETWORKS` or `ROWS`.
        baseline: Keys of the baseline's networks; of pairs row by row.
        other: Those of the other networks.
        reason: Why this unit, as the end of a sentence.
        left_out: Networks of either group without a partner, where pairs are compared.
        partners: What networks row by row share, also where these pairs are too few to be the unit; empty where they
            are no partners.
    """

    unit: str
    baseline: tuple[str, ...]
    other: tuple[str, ...]
    reason: str
    left_out: int = 0
    partners: str = ""

    @property
    def has_partners(self) -> bool:
        """Whether networks row by row are partners."""
        return bool(self.partners)

    @property
    def numbers(self) -> tuple[int, int]:
        """Networks of the baseline and of the other result."""
        return len(self.baseline), len(self.other)


def paired(sides: tuple[Compared, Compared], groups: tuple[NetworkGroup, NetworkGroup], way: str = AUTO) -> Pairing:
    """Pair the networks of two groups where they share an initialisation.

    Networks share it if they are the same network, or if their seed, architecture, dataset and split are the same: the
    weights before training, the rows and their order are then equal (`ModelSpec`). They are not paired by the seed
    alone: another architecture draws other weights from it.

    Args:
        sides: The results.
        groups: Their groups of networks.
        way: One of `WAYS`.

    Raises:
        ConfigError: if networks are to be paired by seeds that they do not share or that name several.
    """
    networks = [networks_in(group) for group in groups]
    ours, others = (frame["object_model"].to_list() for frame in networks)
    enough = min(len(ours), len(others)) >= LEAST_NETWORKS
    if way == SEED:
        return _of_pairs(_by_seed(*(frame.select("seed", "object_model").rows() for frame in networks)), ours, others)
    shared: tuple[tuple[list[tuple[str, str]], str], ...] = ()
    if way == AUTO:
        same = [(key, key) for key in ours if key in others]
        known = [{key: _initialisation(side.config_of.get(key)) for key in _keys(group)}
                 for side, group in zip(sides, groups, strict=True)]  # fmt: skip
        shared = (same, "the same networks"), (_joined(*known), "networks of one initialisation")
        # Three pairs or more are the unit; fewer are compared all the same where there is no other unit than rows.
        least = LEAST_NETWORKS if enough else 1
        for pairs, reason in sorted(shared, key=lambda found: len(found[0]) < LEAST_NETWORKS):
            if len(pairs) >= least:
                return _of_pairs(pairs, ours, others, reason)
    why = _why_unpaired(groups, sides, way) if enough else FEW
    if enough and way == AUTO and (most := max(len(pairs) for pairs, _ in shared)):
        why = f"only {most} of them {'shares' if most == 1 else 'share'} an initialisation"
    return Pairing(NETWORKS if enough else ROWS, tuple(ours), tuple(others), why)


def _keys(group: NetworkGroup) -> list[str]:
    return networks_in(group)["object_model"].to_list()


def _of_pairs(pairs: list[tuple[str, str]], ours: list[str], others: list[str], reason: str = "by seed") -> Pairing:
    first, second = zip(*pairs, strict=True)
    left_out = len(ours) + len(others) - 2 * len(pairs)
    if len(pairs) < LEAST_NETWORKS:
        return Pairing(ROWS, first, second, FEW, left_out, reason)
    return Pairing(PAIRS, first, second, reason, left_out, reason)


def _initialisation(config: Mapping[str, Any] | None) -> str | None:
    """Name what a network's weights before training, its rows and their order were drawn from; None where unknown."""
    if not config or not config.get("architecture") or config.get("seed") is None:
        return None
    architecture = {key: value for key, value in config["architecture"].items() if key not in CHOOSING_WEIGHTS}
    drawn = {"architecture": architecture, **{key: config.get(key) for key in OF_DATA}}
    return json.dumps(drawn, sort_keys=True, default=str)


def _joined(ours: Mapping[str, str | None], others: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Pair the networks of one initialisation; one that several networks of a group have pairs none."""
    back = {name: key for key, name in others.items() if name is not None}
    unique = [_once(side.values()) for side in (ours, others)]
    return [(key, back[name]) for key, name in ours.items() if name in unique[0] and name in unique[1]]


def _once(names: Iterable[str | None]) -> set[str]:
    listed = [name for name in names if name is not None]
    return {name for name in listed if listed.count(name) == 1}


def _by_seed(ours: list[tuple[int | None, str]], others: list[tuple[int | None, str]]) -> list[tuple[str, str]]:
    seeds = [[seed for seed, _ in side] for side in (ours, others)]
    for side in seeds:
        if several := [seed for seed in side if side.count(seed) > 1]:
            raise ConfigError("pair=seed", f"several networks have seed {several[0]}", "allowed: pair=auto, pair=none")
    pairs = [(key, dict(others)[seed]) for seed, key in ours if seed is not None and seed in seeds[1]]
    if not pairs:
        raise ConfigError("pair=seed", "the results have no seed in common", "allowed: pair=auto, pair=none")
    return pairs


def _why_unpaired(groups: tuple[NetworkGroup, NetworkGroup], sides: tuple[Compared, Compared], way: str) -> str:
    if way == NONE:
        return "as asked"
    if groups[0].architecture != groups[1].architecture:
        return "other architectures share no initialisation"
    if not all(side.jobs for side in sides):
        return "nothing says that they share an initialisation"
    return "they share no initialisation"
