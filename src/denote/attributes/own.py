"""Families of attributes from a rule of the user's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from denote.attributes.labels import NULL, Family, Labels
from denote.data.samples import Samples
from denote.errors import AttributeLabelError

ALLOWED = "allowed: true or false (1 or 0) for every sample, null where it does not apply"


class AttributeFamily(ABC):
    """A rule that gives attributes: derive from it, and name the class in ``attribute.NAME._target_``.

    The constructor takes the option's other keys. The family is called by the option's name.
    """

    @abstractmethod
    def attributes(self, samples: Samples) -> Mapping[str, Any]:
        """The attributes by name.

        Args:
            samples: The dataset: ``table``, ``targets``, ``classes`` and ``inputs``, all in row order.

        Returns:
            For every attribute a column of ``len(samples)`` values: true or false, 1 or 0, null where it does not
            apply. What is true of a row must follow from that row alone: *test* rows would shape it otherwise.
        """


def family_of(option: str, rule: AttributeFamily, samples: Samples) -> Family:
    """The family that a rule gives.

    Args:
        option: What it is called.
        rule: The user's.
        samples: The dataset.

    Raises:
        AttributeLabelError: if the rule gives no attributes, or something that is none.
    """
    given = rule.attributes(samples)
    if not isinstance(given, Mapping) or not given:
        problem = f"{type(rule).__name__}.attributes gave {given!r:.40}"
        raise AttributeLabelError(f"attribute.{option}", problem, "needed: columns of labels by name, at least one")
    names = tuple(str(name) for name in given)
    columns = [
        _labels(values, len(samples), f"attribute.{option}[{name!r}]")
        for name, values in zip(names, given.values(), strict=True)
    ]
    return Family(option, Labels(names, (option,) * len(names), np.stack(columns, axis=1)))


def _labels(values: Any, n: int, where: str) -> Int8[np.ndarray, " sample"]:
    try:
        column = pl.Series(values, nan_to_null=True)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise AttributeLabelError(where, f"{type(values).__name__} makes no column", ALLOWED) from error
    if len(column) != n:
        raise AttributeLabelError(where, f"{len(column)} labels for {n} samples", ALLOWED)
    known = column.drop_nulls()
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean or known.is_empty()):
        raise AttributeLabelError(where, f"holds {column.dtype}", ALLOWED)
    if not known.cast(pl.Float64).is_in([0.0, 1.0]).all():
        raise AttributeLabelError(where, f"holds {', '.join(map(str, known.unique().sort().head(4)))}", ALLOWED)
    return np.asarray(column.cast(pl.Int8).fill_null(NULL).to_numpy())
