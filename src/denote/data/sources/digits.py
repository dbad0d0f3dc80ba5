"""The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn (UCI optical recognition of digits)."""

from __future__ import annotations

import numpy as np
import polars as pl

from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs
from denote.data.sources.strokes import stroke_columns
from denote.keys import SCHEMA, digest, digest_array

MAXIMUM = 16.0
"""Each pixel counts the inked ones of a 4 x 4 block."""
THRESHOLD = 7.0
"""Strictly above: at least half of the block is inked. Loops agree best with what the digits should have here."""


def load_digits() -> Samples:
    """Inputs ``1 x 8 x 8`` in [0, 1]; columns ``class``, ``ink``, ``height``, ``width``, ``loops``."""
    from sklearn.datasets import load_digits as read  # half a second that other datasets need not wait for

    bundled = read()
    images, targets = bundled.images, bundled.target.astype(np.int64)
    return Samples(
        name="digits",
        inputs=TensorInputs(images[:, None], MAXIMUM),
        targets=targets,
        classes=tuple("0123456789"),
        table=pl.DataFrame({"class": targets}).hstack(stroke_columns(images, MAXIMUM, THRESHOLD)),
        target="class",
        key=digest({"dataset": "digits", "content": [digest_array(images), digest_array(targets)], "schema": SCHEMA}),
    )


class DigitsModule(SamplesModule):
    """The digits, with the split and batches of `SamplesModule`."""

    def load(self) -> Samples:
        """See `load_digits`."""
        return load_digits()
