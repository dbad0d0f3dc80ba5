"""Whether an attribute has rows enough in *fit* and *test* to say anything."""

from __future__ import annotations

import numpy as np

from denote.attributes.labels import Labels
from denote.data.parts import Parts
from denote.errors import AttributeLabelError


def check_rows(labels: Labels, parts: Parts, min_rows: int) -> dict[str, str]:
    """Why attributes cannot be observed: too few yes or no rows in a part.

    Attributes are never stratified for (METHOD section 1), so this can only be known after the split.

    Args:
        labels: Of all samples.
        parts: The split.
        min_rows: Least number of yes and of no rows, in *fit* and in *test*.

    Returns:
        For each attribute of a family that has too few: the reason, with counts per part; its cell becomes null.

    Raises:
        AttributeLabelError: if a ``named`` attribute has too few: it was asked for by name.
    """
    reasons: dict[str, str] = {}
    yes, no = (_counts(labels, parts, value) for value in (1, 0))
    few = (np.minimum(yes, no) < min_rows).any(axis=0)
    for place in np.flatnonzero(few):
        name = labels.names[place]
        counts = ", ".join(
            f"{part} {y} yes and {n} no"
            for part, y, n in zip(("fit", "test"), yes[:, place], no[:, place], strict=True)
        )
        everywhere = _constant(labels, int(place))
        reason = f"{everywhere}too few rows: {counts}"
        if labels.families[place] == "named":
            raise AttributeLabelError(f"attribute {name!r}", reason, f"needed: {min_rows} of each in fit and in test")
        reasons[name] = f"{reason}, {min_rows} of each needed"
    return reasons


def _counts(labels: Labels, parts: Parts, value: int) -> np.ndarray:
    return np.stack([(labels.values[rows] == value).sum(axis=0) for rows in (parts.fit, parts.test)])


def _constant(labels: Labels, place: int) -> str:
    present = set(np.unique(labels.values[:, place]).tolist()) - {-1}
    if len(present) == 2:
        return ""
    return {(): "null for every row, ", (1,): "true for every row, ", (0,): "false for every row, "}[tuple(present)]
