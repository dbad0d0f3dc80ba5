"""What was read of a dataset, in one line."""

from __future__ import annotations

import numpy as np

from denote.data.samples import CLASSES, Samples
from denote.errors import printable
from denote.numbers import count

MOST_CLASSES = 6
"""Classes that are counted one by one."""


def in_words(samples: Samples) -> str:
    """Say how many rows, inputs and classes a dataset has: ``people: 1,000 rows, 61 inputs, class 1 (700), 2 (300)``.

    Args:
        samples: The dataset.
    """
    rows = [count(len(samples.targets), "row")]
    shape: tuple[int, ...] = getattr(samples.inputs, "shape", ())
    if len(shape) == 1:
        rows.append(count(shape[0], "input"))
    elif shape:
        rows.append(f"inputs of {' x '.join(map(str, shape))}")
    return printable(f"{samples.name}: {', '.join([*rows, _target(samples)])}")


def _target(samples: Samples) -> str:
    if samples.task != CLASSES:
        kind = count(len(samples.classes), "label") if samples.classes else "numbers"
        return f"target {samples.target} ({kind})"
    if not samples.has_classes:
        return "no target"
    numbers = np.bincount(samples.targets[samples.targets >= 0], minlength=len(samples.classes)).tolist()
    told = [f"{name} ({number:,})" for name, number in zip(samples.classes, numbers, strict=True)][:MOST_CLASSES]
    more = len(samples.classes) - len(told)
    return f"{samples.target} {', '.join(told)}{f' and {more} more' if more else ''}"
