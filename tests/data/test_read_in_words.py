"""What was read of a dataset is told in one line."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from denote.data.read_in_words import in_words
from denote.data.samples import LABELS, NUMERIC, Samples

N = 1200
PEOPLE = Samples(
    name="people", inputs=np.zeros((N, 3), np.float32), targets=(np.arange(N) % 3 == 0).astype(np.int64),
    classes=("bad", "good"), table=pl.DataFrame({"credit": ["x"] * N}), target="credit", key="k",
)  # fmt: skip


class Shaped:
    """Inputs of which nothing but number and shape matters."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return N


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"inputs": Shaped(61)}, "people: 1,200 rows, 61 inputs, credit bad (800), good (400)"),
        ({"inputs": Shaped(1, 28, 28)}, "people: 1,200 rows, inputs of 1 x 28 x 28, credit bad (800), good (400)"),
        (
            {"inputs": Shaped(2), "task": NUMERIC, "targets": np.linspace(0, 1, N, dtype=np.float32), "classes": ()},
            "people: 1,200 rows, 2 inputs, target credit (numbers)",
        ),
        (
            {"inputs": Shaped(2), "task": LABELS, "targets": np.stack([np.arange(N) % 2] * 2, axis=1)},
            "people: 1,200 rows, 2 inputs, target credit (2 labels)",
        ),
        (
            {"inputs": Shaped(2), "targets": np.arange(N) % 8, "classes": tuple("abcdefgh")},
            "people: 1,200 rows, 2 inputs, credit a (150), b (150), c (150), d (150), e (150), f (150) and 2 more",
        ),
        ({"inputs": Shaped(2), "targets": np.zeros(N, np.int64), "classes": ("all",)},
         "people: 1,200 rows, 2 inputs, no target"),
    ],
)  # fmt: skip
def test_rows_inputs_and_classes_are_counted(given: dict[str, object], said: str) -> None:
    assert in_words(replace(PEOPLE, **given)) == said  # type: ignore[arg-type]
