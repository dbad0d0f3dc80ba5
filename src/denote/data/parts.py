"""Deal rows into three disjoint parts: *object* trains the network, *fit* chooses, *test* reports (METHOD section 1).

The split is stratified by the target class only. Attributes never take part: a split that knew them would promise them
a share of *test* that new data need not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from denote.errors import DataError
from denote.streams import stream

if TYPE_CHECKING:
    import polars as pl

    from denote.data.samples import Rows, Samples
    from denote.data.trained_on import TrainedOn

T_co = TypeVar("T_co", covariant=True)

Groups: TypeAlias = Int[np.ndarray, " sample"]
"""Group of every row, where rows of one group are not independent."""


@dataclass(frozen=True)
class Halves(Generic[T_co]):
    """The *fit* and the *test* side of one thing: a state, labels, class codes, groups."""

    fit: T_co
    test: T_co


@dataclass(frozen=True)
class Parts:
    """Row ids of the three disjoint parts, each ascending."""

    object: Int[np.ndarray, " object_row"]
    fit: Int[np.ndarray, " fit_row"]
    test: Int[np.ndarray, " test_row"]

    @property
    def observed(self) -> Int[np.ndarray, " observed_row"]:
        """The rows a state is recorded on: *fit* and *test*, ascending."""
        return np.sort(np.concatenate([self.fit, self.test]))


_ROUNDING = 1e-9


def deal(
    targets: Shaped[np.ndarray, " row"],
    shares: Sequence[float],
    groups: Shaped[np.ndarray, " row"] | None,
    name: str,
    seed: int,
) -> Rows:
    """Return the part each row goes to, at random but with every class in the shares asked for.

    Args:
        targets: The class of each row.
        shares: Of all rows, one per part, summing to at most 1; 0 closes a part.
        groups: Rows with equal values go to one part; None deals row by row, with every count right to below 1.
        name: Of the random stream.
        seed: Of the random stream.

    Returns:
        0 to len(shares) - 1, or len(shares) for rows that no part wants.
    """
    rest = 1 - sum(shares)
    full = np.array([*shares, rest if rest > _ROUNDING else 0.0])
    if groups is None:
        return _deal_rows(targets, full, name, seed)
    return _deal_groups(targets, full, groups, name, seed)


def _deal_rows(targets: Shaped[np.ndarray, " row"], shares: Float[np.ndarray, " part"], name: str, seed: int) -> Rows:
    """Class by class; what rounding takes from a part in one class it gets back in the next."""
    order = stream(name, seed).permutation(len(targets))
    dealt = np.empty(len(targets), dtype=np.int64)
    owed = np.zeros(len(shares))
    _, sizes = np.unique(targets, return_counts=True)
    by_class = order[np.argsort(targets[order], kind="stable")]
    for rows in np.split(by_class, np.cumsum(sizes)[:-1]):
        wanted = shares * len(rows) + owed
        counts = _round_to(wanted, len(rows), shares > 0)
        owed = wanted - counts
        dealt[rows] = np.repeat(np.arange(len(shares)), counts)
    return dealt


def _round_to(
    wanted: Float[np.ndarray, " part"], total: int, is_open: Bool[np.ndarray, " part"]
) -> Int[np.ndarray, " part"]:
    """Return whole numbers near ``wanted`` that sum to ``total``: largest remainders, among the open parts only."""
    counts = np.maximum(np.floor(wanted + _ROUNDING), 0).astype(np.int64)
    while (missing := total - int(counts.sum())) != 0:
        gap = np.where(is_open & ((missing > 0) | (counts > 0)), (wanted - counts) * np.sign(missing), -np.inf)
        counts[int(gap.argmax())] += np.sign(missing)
    return counts


def _deal_groups(
    targets: Shaped[np.ndarray, " row"],
    shares: Float[np.ndarray, " part"],
    groups: Shaped[np.ndarray, " row"],
    name: str,
    seed: int,
) -> Rows:
    """Return the largest group first, each to the part that it brings nearest to its wanted number of rows of every
    class.
    """
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    classes, codes = np.unique(targets, return_inverse=True)
    table = np.zeros((len(sizes), len(classes)))
    np.add.at(table, (members, codes), 1)
    weight = 1 / table.sum(axis=0)
    missing = shares[:, None] * table.sum(axis=0)
    is_open = shares > 0
    # Shuffled first: a stable sort then breaks ties between groups of equal size at random.
    order = stream(name, seed).permutation(len(sizes))
    part_of = np.empty(len(sizes), dtype=np.int64)
    for one in order[np.argsort(-sizes[order], kind="stable")]:
        row = table[one]
        cost = ((row * (row - 2 * missing)) * weight).sum(axis=1) / np.maximum(shares, _ROUNDING)
        part = int(np.where(is_open, cost, np.inf).argmin())
        part_of[one] = part
        missing[part] -= row
    return part_of[members]


PARTS = ("object", "fit", "test")
FRACTIONS: Mapping[str, float] = MappingProxyType({"object": 0.6, "fit": 0.2, "test": 0.2})
"""Default shares of all rows; fit and test are equal because both decide how small a proportion can be seen."""

_HELD_OUT = dict.fromkeys(("train", "0", "false"), 0) | dict.fromkeys(
    ("test", "held_out", "valid", "validation", "val", "dev", "1", "true"), 1
)
"""1 for words of held-out rows, 0 for those of rows to train on."""
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class SplitSettings:
    """The keys of ``split.*``.

    Attributes:
        seed: Chooses the rows; it does not follow the object model's seed.
        fractions: Share of all rows for each part, in (0, 1], summing to at most 1.
        group: Column whose equal values stay in one part.
        column: Column with a predefined split (``train`` or ``test``, 0 or 1, false or true).
    """

    seed: int = 0
    fractions: Mapping[str, float] = field(default_factory=lambda: dict(FRACTIONS))
    group: str | None = None
    column: str | None = None

    @classmethod
    def of(cls, settings: SplitSettings | Mapping[str, Any] | None) -> SplitSettings:
        """Settings from a plain mapping, such as a config's ``split``.

        Raises:
            DataError: for a key that is not one of these settings.
        """
        if isinstance(settings, SplitSettings):
            return settings
        for name in settings or ():
            DataError.refuse_unknown(name, cls.__dataclass_fields__, f"split.{name}", "is no setting of the split")
        return cls(**(settings or {}))

    def __call__(self, samples: Samples, *, needs_object: bool = True, trained: TrainedOn | None = None) -> Parts:
        """Deal the rows into three disjoint parts (METHOD section 1).

        A predefined split (``column``, or the one the samples come with) is kept: its train part is *object*, its
        held-out part is halved into *fit* and *test*, and ``fractions`` are not used.

        Args:
            samples: What to deal.
            needs_object: False for a model trained elsewhere: *object* is empty then (the train part of a predefined
                split) and *fit* and *test* share all rows in the proportion of their fractions.
            trained: What is known of the rows that such a model was trained on; they are *object*, with the whole
                group of each where there are groups.

        Raises:
            DataError: naming ``split.fractions``, ``split.group`` or ``split.column``.
        """
        shares, groups = _shares(self.fractions, needs_object), _groups(samples, self.group)
        held_out, rows, halves = samples.predefined, np.arange(len(samples)), [0.5, 0.5]
        if self.column is not None:
            held_out = _held_out(samples.column(self.column, "split.column"), self.column)
        if trained is not None and trained.rows is not None and len(trained.rows):
            halves = [shares["fit"], shares["test"]] if held_out is None else halves
            held_out = np.ones(len(samples), dtype=np.int64) if held_out is None else held_out.copy()
            # The other rows of their groups go with them.
            held_out[trained.rows if groups is None else np.isin(groups, groups[trained.rows])] = 0
            if held_out.sum() < len(halves):
                trained.check_left(Parts(trained.rows, rows[held_out == 1], rows[:0]), 1)
        if held_out is None:
            dealt = deal(samples.strata, [shares[part] for part in PARTS], groups, "split", self.seed)
            chosen = [rows[dealt == part] for part in range(len(PARTS))]
        else:
            _check_straddling(groups, held_out, self.group)
            out = rows[held_out == 1]
            dealt = deal(samples.strata[out], halves, None if groups is None else groups[out], "split", self.seed)
            chosen = [rows[held_out == 0], out[dealt == 0], out[dealt == 1]]
        parts = Parts(*chosen)
        _check_filled(parts, needs_object, "split.fractions" if held_out is None else "split.column")
        return parts


def validation_rows(
    samples: Samples, rows: Rows, *, share: float, seed: int, group: str | None = None
) -> tuple[Int[np.ndarray, " train_row"], Int[np.ndarray, " validation_row"]]:
    """Cut a part into the rows to learn from and the rows to stop by, stratified, groups whole.

    Args:
        samples: Where the targets and groups come from.
        rows: The part, row ids.
        share: Of ``rows`` for validation, in (0, 1).
        seed: Chooses the rows.
        group: As in `SplitSettings`.

    Raises:
        DataError: if the share is outside (0, 1) or leaves either side empty.
    """
    if not 0 < share < 1:
        raise DataError("dataset.validation", f"a share of {share}", "allowed: above 0 and below 1")
    every = _groups(samples, group)
    groups = None if every is None else every[rows]
    dealt = deal(samples.strata[rows], [1 - share, share], groups, "validation", seed)
    train, validation = np.sort(rows[dealt == 0]), np.sort(rows[dealt == 1])
    if not len(train) or not len(validation):
        left = f"a share of {share} of {len(rows)} rows leaves {len(train)} and {len(validation)}"
        if groups is None:
            raise DataError("dataset.validation", left)
        problem = f"{left}, as only {len(np.unique(groups))} groups have rows in this part"
        raise DataError(f"split.group={group}", problem, "allowed: a column with more groups")
    return train, validation


def _shares(fractions: Mapping[str, float], needs_object: bool) -> dict[str, float]:
    where = "split.fractions"
    if not isinstance(fractions, Mapping):
        raise DataError(where, f"{fractions!r}", "allowed: a share for each of object, fit and test")
    for part, share in fractions.items():
        DataError.refuse_unknown(part, PARTS, where, "there is no part {!r}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise DataError(where, f"{part}={share}", "allowed: numbers above 0 that sum to at most 1")
    needed = PARTS if needs_object else PARTS[1:]
    if absent := [part for part in needed if part not in fractions]:
        raise DataError(where, f"no share for {', '.join(absent)}", f"needed: {', '.join(needed)}")
    if (total := sum(fractions.values())) > 1 + _TOLERANCE:
        raise DataError(where, f"the shares sum to {total:g}", "allowed: at most 1")
    observed = 1.0 if needs_object else fractions["fit"] + fractions["test"]
    return {"object": 0.0} | {part: fractions[part] / observed for part in needed}


def _groups(samples: Samples, name: str | None) -> Int[np.ndarray, " sample"] | None:
    """Return the group of every sample, if a column says so."""
    if name is None:
        return None
    column = samples.column(name, "split.group")
    if nulls := column.null_count():
        raise DataError("split.group", f"column {name!r} is null in {nulls} of {len(column)} rows")
    return np.asarray(column.rank("dense").to_numpy(), dtype=np.int64)


def _held_out(column: pl.Series, name: str) -> Int[np.ndarray, " sample"]:
    import polars as pl  # here, as halves are known to the controls, which a config is checked with at once

    words = column.cast(pl.String).str.to_lowercase()
    held_out = words.replace_strict(_HELD_OUT, default=None, return_dtype=pl.Int64)
    if held_out.null_count():
        unknown = words.filter(held_out.is_null()).unique().sort().to_list()
        allowed = "allowed: train or test (also held_out, valid, validation, val, dev), 0 or 1, false or true"
        raise DataError("split.column", f"column {name!r} holds {', '.join(map(repr, unknown[:5]))}", allowed)
    return held_out.to_numpy()


def _check_straddling(groups: np.ndarray | None, held_out: np.ndarray, name: str | None) -> None:
    if groups is not None and (straddling := np.intersect1d(groups[held_out == 0], groups[held_out == 1])).size:
        problem = f"{straddling.size} groups of column {name!r} lie on both sides of the predefined split"
        raise DataError("split.group", problem, "use another split.column or another split.group")


def _check_filled(parts: Parts, needs_object: bool, where: str) -> None:
    counts = {part: len(rows) for part, rows in vars(parts).items()}
    if not all(counts[part] for part in (PARTS if needs_object else PARTS[1:])):
        raise DataError(where, f"a part has no rows: {', '.join(f'{k} {v}' for k, v in counts.items())}")
