"""Dealing rows into *object*, *fit* and *test* (METHOD section 1), stratified by the target class only.

Attributes never take part: a split that knew them would promise them a share of *test* that new data need not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int

from denote.data.parts import Parts, deal
from denote.data.samples import Samples
from denote.data.trained_on import TrainedOn
from denote.errors import DataError, one_of

PARTS = ("object", "fit", "test")
FRACTIONS: Mapping[str, float] = MappingProxyType({"object": 0.6, "fit": 0.2, "test": 0.2})
"""Default shares of all rows; fit and test are equal because both decide how small a proportion can be seen."""

_HELD_OUT = {"train": 0, "test": 1, "held_out": 1, "valid": 1, "validation": 1, "val": 1, "dev": 1}
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
        settings = dict(settings or {})
        names = list(cls.__dataclass_fields__)
        for name in settings:
            if name not in names:
                raise DataError(f"split.{name}", "is no setting of the split", one_of(name, names))
        return cls(**settings)

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
        shares = _shares(self.fractions, needs_object)
        groups = _groups(samples, self.group)
        held_out = samples.predefined
        if self.column is not None:
            held_out = _held_out(samples.column(self.column, "split.column"), self.column)
        rows, halves = np.arange(len(samples)), [0.5, 0.5]
        if trained is not None and trained.rows is not None and len(trained.rows):
            halves = [shares["fit"], shares["test"]] if held_out is None else halves
            held_out = _without(held_out, trained.rows, groups, len(samples))
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


def _without(
    held_out: Int[np.ndarray, " sample"] | None,
    trained: Int[np.ndarray, " row"],
    groups: Int[np.ndarray, " sample"] | None,
    n: int,
) -> Int[np.ndarray, " sample"]:
    """Return which rows are held out, without those that were trained on and the other rows of their groups."""
    left = np.ones(n, dtype=np.int64) if held_out is None else held_out.copy()
    left[trained if groups is None else np.isin(groups, groups[trained])] = 0
    return left


def validation_rows(
    samples: Samples,
    rows: Int[np.ndarray, " row"],
    *,
    share: float,
    seed: int,
    group: str | None = None,
    where: str = "dataset.validation",
) -> tuple[Int[np.ndarray, " train_row"], Int[np.ndarray, " validation_row"]]:
    """Cut a part into the rows to learn from and the rows to stop by, stratified, groups whole.

    Args:
        samples: Where the targets and groups come from.
        rows: The part, row ids.
        share: Of ``rows`` for validation, in (0, 1).
        seed: Chooses the rows.
        group: As in `SplitSettings`.
        where: What to name in an error.

    Raises:
        DataError: if the share is outside (0, 1) or leaves either side empty.
    """
    if not 0 < share < 1:
        raise DataError(where, f"a share of {share}", "allowed: above 0 and below 1")
    groups = _groups(samples, group)
    groups = None if groups is None else groups[rows]
    dealt = deal(samples.strata[rows], [1 - share, share], groups, "validation", seed)
    train, validation = np.sort(rows[dealt == 0]), np.sort(rows[dealt == 1])
    if not len(train) or not len(validation):
        left = f"a share of {share} of {len(rows)} rows leaves {len(train)} and {len(validation)}"
        if groups is None:
            raise DataError(where, left)
        n = len(np.unique(groups))
        problem = f"{left}, as only {n} groups have rows in this part"
        raise DataError(f"split.group={group}", problem, "allowed: a column with more groups")
    return train, validation


def _shares(fractions: Mapping[str, float], needs_object: bool) -> dict[str, float]:
    where = "split.fractions"
    if not isinstance(fractions, Mapping):
        raise DataError(where, f"{fractions!r}", "allowed: a share for each of object, fit and test")
    for part, share in fractions.items():
        if part not in PARTS:
            raise DataError(where, f"there is no part {part!r}", one_of(part, PARTS))
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise DataError(where, f"{part}={share}", "allowed: numbers above 0 that sum to at most 1")
    needed = PARTS if needs_object else PARTS[1:]
    if absent := [part for part in needed if part not in fractions]:
        raise DataError(where, f"no share for {', '.join(absent)}", f"needed: {', '.join(needed)}")
    if (total := sum(fractions.values())) > 1 + _TOLERANCE:
        raise DataError(where, f"the shares sum to {total:g}", "allowed: at most 1")
    if needs_object:
        return {part: float(fractions[part]) for part in PARTS}
    observed = fractions["fit"] + fractions["test"]
    return {"object": 0.0, "fit": fractions["fit"] / observed, "test": fractions["test"] / observed}


def _groups(samples: Samples, name: str | None) -> Int[np.ndarray, " sample"] | None:
    """Return the group of every sample, if a column says so."""
    if name is None:
        return None
    column = samples.column(name, "split.group")
    if nulls := column.null_count():
        raise DataError("split.group", f"column {name!r} is null in {nulls} of {len(column)} rows")
    return np.asarray(column.rank("dense").to_numpy(), dtype=np.int64)


def _held_out(column: pl.Series, name: str) -> Int[np.ndarray, " sample"]:
    words = (
        column.cast(pl.String).str.to_lowercase().replace({"0": "train", "1": "test", "false": "train", "true": "test"})
    )
    unknown = words.filter(~words.is_in(list(_HELD_OUT)) | words.is_null()).unique().sort().to_list()
    if unknown:
        examples = ", ".join(repr(value) for value in unknown[:5])
        allowed = "allowed: train or test (also held_out, valid, validation, val, dev), 0 or 1, false or true"
        raise DataError("split.column", f"column {name!r} holds {examples}", allowed)
    return words.replace_strict(_HELD_OUT, return_dtype=pl.Int64).to_numpy()


def _check_straddling(groups: np.ndarray | None, held_out: np.ndarray, name: str | None) -> None:
    if groups is None:
        return
    straddling = np.intersect1d(groups[held_out == 0], groups[held_out == 1])
    if len(straddling):
        problem = f"{len(straddling)} groups of column {name!r} lie on both sides of the predefined split"
        raise DataError("split.group", problem, "use another split.column or another split.group")


def _check_filled(parts: Parts, needs_object: bool, where: str) -> None:
    counts = {"object": len(parts.object), "fit": len(parts.fit), "test": len(parts.test)}
    needed = PARTS if needs_object else PARTS[1:]
    if any(counts[part] == 0 for part in needed):
        raise DataError(where, f"a part has no rows: {', '.join(f'{k} {v}' for k, v in counts.items())}")
