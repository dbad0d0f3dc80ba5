"""What of two results belongs together: groups of networks, layers and probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from denote.comparison.compared import Compared
from denote.denotation.network_groups import NetworkGroup
from denote.errors import DataError
from denote.figures.curves import one_size
from denote.observers.kinds import reads_state

FARTHEST = 0.2
"""Difference of relative depths up to which layers are compared. All layers of two networks have such a partner."""

Groups = tuple[NetworkGroup, NetworkGroup]


def matched_groups(baseline: Compared, other: Compared) -> list[Groups]:
    """Return the groups of networks that are compared: on one dataset, alike where there are several.

    Args:
        baseline: The result that the other is compared with.
        other: The other result.

    Raises:
        DataError: if no group of one has a partner in the other.
    """
    pairs = []
    for dataset in dict.fromkeys(group.dataset for group in baseline.groups):
        sides = [[group for group in side.groups if group.dataset == dataset] for side in (baseline, other)]
        pairs += _matched(*sides)
    if not pairs:
        raise DataError(
            f"{baseline.shown} and {other.shown}",
            "have no dataset and networks in common",
            f"{baseline.shown} has {_named(baseline.groups)}; {other.shown} has {_named(other.groups)}",
        )
    return pairs


def unmatched(result: Compared, compared: Sequence[NetworkGroup]) -> list[str]:
    """Return what of a result has no counterpart in another: ``vit on digits`` of every group that is not compared.

    Args:
        result: A result.
        compared: Groups of it that are compared, as `matched_groups` pairs them.
    """
    return [_named([group]) for group in result.groups if not any(group is each for each in compared)]


def _matched(ours: Sequence[NetworkGroup], others: Sequence[NetworkGroup]) -> list[Groups]:
    """One group is compared with every other; of several those that are alike, and what is left if it is one each."""
    if min(len(ours), len(others)) <= 1:
        return [(one, other) for one in ours for other in others]
    alike = [(one, other) for one in ours for other in others if _kind(one) == _kind(other)]
    rest = [one for one in ours if one not in [pair[0] for pair in alike]]
    rest_of_other = [other for other in others if other not in [pair[1] for pair in alike]]
    return [*alike, *([(rest[0], rest_of_other[0])] if len(rest) == len(rest_of_other) == 1 else [])]


def _kind(group: NetworkGroup) -> tuple[str, int | None]:
    return group.architecture, group.epoch


def _named(groups: Sequence[NetworkGroup]) -> str:
    return ", ".join(f"{group.architecture}{_epoch(group)} on {group.dataset}" for group in groups) or "no networks"


def _epoch(group: NetworkGroup) -> str:
    return "" if group.epoch is None else f" epoch {group.epoch}"


@dataclass(frozen=True)
class LayerPair:
    """Two layers that are compared.

    Attributes:
        baseline: Name of the baseline's layer.
        other: Name of the other's.
        depth: Relative depth of the baseline's, in [0, 1]; None for all layers side by side, or a single layer.
        other_depth: That of the other's.
        is_head: Whether one of them gives the network's output.
    """

    baseline: str
    other: str
    depth: float | None
    other_depth: float | None
    is_head: bool = False


@dataclass(frozen=True)
class Layers:
    """The layers of two groups that are compared.

    Attributes:
        pairs: In order of depth.
        by_depth: True where layers differ, and those of nearest relative depth are compared.
        left_out: Layers of either group without a partner.
    """

    pairs: tuple[LayerPair, ...]
    by_depth: bool
    left_out: tuple[str, ...] = ()


def matched_layers(baseline: NetworkGroup, other: NetworkGroup) -> Layers:
    """Pair layers by name where these stand at the same depths in both, else by relative depth.

    Where hidden layers have no name in common, names of outputs and of all layers side by side say nothing.

    Args:
        baseline: Networks of the baseline.
        other: The other networks.
    """
    ours, others = _layers(baseline), _layers(other)
    heads = {name for group in (baseline, other) for name in _heads(group)}
    common = [name for name in ours if name in others]
    hidden = [{name for name, depth in side.items() if depth is not None} - heads for side in (ours, others)]
    others_hidden = all(hidden) and hidden[0].isdisjoint(hidden[1])  # an mlp and a vit share the name of outputs alone
    by_name = bool(common) and not others_hidden and all(_equal(ours[name], others[name]) for name in common)
    found = [(name, name) for name in common] if by_name else list(_nearest(ours, others))
    pairs = [LayerPair(a, b, ours[a], others[b], bool({a, b} & heads)) for a, b in found]
    used = ({pair.baseline for pair in pairs}, {pair.other for pair in pairs})
    left = [name for side, names in zip((ours, others), used, strict=True) for name in side if name not in names]
    ordered = sorted(pairs, key=lambda pair: 2.0 if pair.depth is None else pair.depth)
    return Layers(tuple(ordered), not by_name, tuple(dict.fromkeys(left)))


def _layers(group: NetworkGroup) -> dict[str, float | None]:
    """Relative depth by layer, in order of depth."""
    columns = ["layer", "relative_depth"]
    frames = [group.tables[name].select(columns) for name in ("cells", "neurons", "layers")]
    rows = pl.concat(frames).drop_nulls("layer").unique("layer", maintain_order=True)
    return dict(rows.sort("relative_depth", nulls_last=True, maintain_order=True).iter_rows())


def _heads(group: NetworkGroup) -> list[str]:
    tables = [group.tables[name] for name in ("layers", "label_proportion_by_depth")]
    return pl.concat([table.filter("is_head")["layer"] for table in tables]).unique().to_list()


def _equal(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) < 1e-9


def _nearest(ours: dict[str, float | None], others: dict[str, float | None]) -> Iterator[tuple[str, str]]:
    """For every layer of the group with fewer layers the nearest of the other; the shallower of two as near."""
    deep = [{name: depth for name, depth in side.items() if depth is not None} for side in (ours, others)]
    few, many = sorted(deep, key=len)
    swapped = few is deep[1] and few is not deep[0]
    taken = set[str]()
    for name, depth in few.items():
        free = {each: abs(place - depth) for each, place in many.items() if each not in taken}
        nearest = min(free, key=lambda each: free[each], default=None)
        if nearest is not None and free[nearest] <= FARTHEST + 1e-9:
            taken.add(nearest)
            yield (nearest, name) if swapped else (name, nearest)
    alone = [[name for name, depth in side.items() if depth is None] for side in (ours, others)]
    if len(alone[0]) == len(alone[1]) == 1:
        yield alone[0][0], alone[1][0]


Probe = tuple[str, str]
"""Kinds of the baseline's probe and of the other's."""


def read_cells(group: NetworkGroup) -> pl.DataFrame:
    """Return the cells of observers that read neurons, one size of every probe."""
    return one_size(group.tables["cells"]).filter(reads_state())


def read_attributes(group: NetworkGroup) -> list[str]:
    """Return the attributes that observers of neurons were asked to read.

    Args:
        group: Networks.
    """
    return read_cells(group)["attribute"].unique(maintain_order=True).to_list()


def matched_probes(baseline: pl.DataFrame, other: pl.DataFrame) -> list[Probe]:
    """Pair probes of one kind, or two single ones of other kinds.

    Args:
        baseline: Cells of the baseline, as `read_cells` returns them.
        other: Those of the other result.
    """
    ours, others = (cells["probe"].unique(maintain_order=True).to_list() for cells in (baseline, other))
    common = [(name, name) for name in ours if name in others]
    return common or ([(ours[0], others[0])] if len(ours) == len(others) == 1 else [])
