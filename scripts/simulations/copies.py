"""Copies of rows: those that were planted are counted, and none is reported where there are none.

Half of the clean data sets are tables (few values, categories, skewed counts, columns that vary together, three binary
columns, one number), half are pictures, series, clusters, clouds of one to many dimensions, sparse and heavy-tailed
numbers, where all rows are closer to each other than independent features would make them. Exact copies: 1 % of the
test rows are rows of *fit*. Near copies: rows in groups of five, each with noise of 1 % of each feature's variance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
import torch
from jaxtyping import Float

from denote.attributes.labels import Labels
from denote.data.memory.given_inputs import HeldInputs
from denote.data.parts import Parts
from denote.data.samples import Inputs, TensorInputs
from denote.data.sources.digits import DigitsModule
from denote.observation import SampleInfo
from denote.observation.duplicates import duplicates
from denote.streams import stream

ROWS = 1_500
"""Of a data set, a third in each part."""

SHARE, GROUP, NOISE = 0.01, 5, 0.01
"""Of exact copies among test rows; rows of a group of near copies; their noise per variance of each feature."""

Draws = np.random.Generator
Rows = Float[np.ndarray, "row feature"]


def one_hot(codes: np.ndarray) -> Rows:
    """Categories as columns of 0 and 1."""
    return np.concatenate([np.eye(int(column.max()) + 1)[column] for column in codes.T], axis=1)


def likert(draws: Draws, n: int, questions: int) -> Rows:
    """Answers from 1 to 5 that have a common factor."""
    common = draws.standard_normal((n, 1))
    return np.clip(np.round(3 + 1.2 * (0.8 * common + 0.6 * draws.standard_normal((n, questions)))), 1, 5)


def census(draws: Draws, n: int) -> Rows:
    """Age, hours, schooling, three yes or no, and a sum that mostly is 0."""
    hours = np.clip(np.round(draws.normal(40, 10, n) / 5) * 5, 10, 80)
    gain = np.where(draws.random(n) < 0.9, 0, np.round(np.exp(draws.normal(8, 1, n))))
    return np.column_stack(
        [draws.integers(18, 80, n), hours, draws.integers(1, 17, n), draws.random((n, 3)) < 0.3, gain]
    )


TABLES: Mapping[str, Callable[[Draws, int], Rows]] = {
    "3 binary columns": lambda draws, n: draws.integers(0, 2, (n, 3)),
    "20 binary columns": lambda draws, n: draws.integers(0, 2, (n, 20)),
    "20 rare flags": lambda draws, n: draws.random((n, 20)) < 0.02,
    "6 categories of 4": lambda draws, n: one_hot(draws.choice(4, (n, 6), p=[0.5, 0.3, 0.15, 0.05])),
    "12 categories of 5": lambda draws, n: one_hot(draws.integers(0, 5, (n, 12))),
    "10 answers with a common factor": lambda draws, n: likert(draws, n, 10),
    "6 such answers and an age": lambda draws, n: np.column_stack([likert(draws, n, 6), draws.integers(18, 80, n)]),
    "census": census,
    "8 counts": lambda draws, n: draws.poisson(1.0, (n, 8)),
    "1 rounded number": lambda draws, n: draws.normal(0, 1, (n, 1)).round(2),
    "place, region and price": lambda draws, n: np.column_stack([
        place := draws.integers(0, 50, n), place // 5, draws.normal(100, 30, n).round(),
    ]),
    "4 whole numbers": lambda draws, n: draws.integers(0, 10, (n, 4)),
}  # fmt: skip


def bumps(draws: Draws, n: int) -> Rows:
    """Smooth pictures of 16 x 16: a spot of some width somewhere."""
    axis, (x, y), width = np.arange(16), 16 * draws.random((2, n, 1)), 1 + 2 * draws.random((n, 1, 1))
    squares = ((axis - x) ** 2)[:, :, None] + ((axis - y) ** 2)[:, None, :]
    return np.exp(-squares / (2 * width**2)).reshape(n, -1)


def waves(draws: Draws, n: int) -> Rows:
    """Series of 100 steps of which two numbers say all: amplitude and phase."""
    time = np.linspace(0, 1, 100)
    return (1 + draws.random((n, 1))) * np.sin(2 * np.pi * (3 * time + draws.random((n, 1))))


def clusters(draws: Draws, n: int, centres: int, spread: float) -> Rows:
    """Tight classes far from each other."""
    return draws.uniform(-10, 10, (centres, 12))[draws.integers(0, centres, n)] + spread * draws.standard_normal(
        (n, 12)
    )


def digits(draws: Draws, n: int) -> Rows:
    """Pictures of handwritten digits, as they are."""
    data = DigitsModule()
    data.setup()
    values: Rows = data.samples.inputs[draws.permutation(len(data.samples))[:n]].flatten(1).numpy()
    return values


OTHERS: Mapping[str, Callable[[Draws, int], Rows]] = {
    "digits": digits,
    "smooth pictures": bumps,
    "waves": waves,
    "random walks": lambda draws, n: draws.standard_normal((n, 60)).cumsum(axis=1),
    "2 factors of 30 columns": lambda draws, n: (
        draws.standard_normal((n, 2)) @ draws.standard_normal((2, 30)) + 0.1 * draws.standard_normal((n, 30))
    ),
    "3 tight clusters": lambda draws, n: clusters(draws, n, 3, 0.1),
    "30 clusters": lambda draws, n: clusters(draws, n, 30, 1.0),
    "cloud of 1 dimension": lambda draws, n: draws.standard_normal((n, 1)),
    "cloud of 3 dimensions": lambda draws, n: draws.standard_normal((n, 3)),
    "cloud of 100 dimensions": lambda draws, n: draws.standard_normal((n, 100)),
    "heavy tails": lambda draws, n: draws.standard_cauchy((n, 10)),
    "sparse": lambda draws, n: (draws.random((n, 300)) < 0.01) * draws.standard_normal((n, 300)),
    "one long series": lambda draws, n: draws.standard_normal((n, 10)).cumsum(axis=0),
}

PLANTED = (
    "digits", "cloud of 10 dimensions", "cloud of 100 dimensions", "random walks", "20 uniform columns", "8 correlated",
)  # fmt: skip
"""Data sets in which near copies can be told: others are too few dimensions, or closer by themselves."""

FOR_PLANTING: Mapping[str, Callable[[Draws, int], Rows]] = {
    **OTHERS,
    "cloud of 10 dimensions": lambda draws, n: draws.standard_normal((n, 10)),
    "20 uniform columns": lambda draws, n: draws.random((n, 20)),
    "8 correlated": lambda draws, n: 0.5 * draws.standard_normal((n, 1)) + draws.standard_normal((n, 8)),
}

GOALS = {
    "clean data sets with copies": (None, 0.0),
    **{f"exact, {name}: counted for each": (0.9, 1.1) for name in PLANTED},
    **{f"near, {name}: counted for each": (0.9, 1.1) for name in PLANTED},
    "sentences: counted for each": (0.9, 1.1),
}


def run(draws: int) -> dict[str, float]:
    """Data sets with a report among clean ones, and rows counted for each that was planted, the mean over ``draws``."""
    clean = {**TABLES, **OTHERS}
    reported = [
        name for name, make in clean.items() for draw in range(draws)
        if counted(make(stream("copies", name, draw), ROWS))["n_rows"].sum()
    ]  # fmt: skip
    found = {"clean data sets": float(len(clean) * draws), "clean data sets with copies": float(len(reported))}
    found |= {f"reported: {name}": float(reported.count(name)) for name in sorted(set(reported))}
    for name in PLANTED:
        found[f"exact, {name}: counted for each"] = _mean([exact(name, draw) for draw in range(draws)])
        found[f"near, {name}: counted for each"] = _mean([near(name, draw) for draw in range(draws)])
    found["sentences: counted for each"] = _mean([sentences(draw) for draw in range(draws)])
    return found


def counted(values: Rows) -> pl.DataFrame:
    """The table of copies of rows that are dealt into three parts in their order."""
    return duplicates([], _info(TensorInputs(values.astype(np.float32))), "drawn")


def exact(name: str, draw: int) -> float:
    """Test rows counted as copies of rows of *fit*, for each that is one."""
    draws = stream("exact copies", name, draw)
    values = np.asarray(FOR_PLANTING[name](draws, ROWS), dtype=np.float64)
    fit, test = _parts(len(values)).fit, _parts(len(values)).test
    n = round(SHARE * len(test))
    values[draws.permutation(test)[:n]] = values[draws.permutation(fit)[:n]]
    return _of(counted(values), "exact", "test", "fit") / n


def near(name: str, draw: int) -> float:
    """Test rows counted as near copies of rows of *fit*, for each that is one."""
    draws = stream("near copies", name, draw)
    groups = draws.permutation(np.repeat(np.arange(ROWS // GROUP), GROUP))
    values = np.asarray(FOR_PLANTING[name](draws, ROWS // GROUP), dtype=np.float64)[groups]
    values = values + np.sqrt(NOISE) * values.std(axis=0) * draws.standard_normal(values.shape)
    parts = _parts(len(values))
    truth = np.isin(groups[parts.test], groups[parts.fit]).sum()
    return _of(counted(values), "near", "test", "fit") / float(truth)


def sentences(draw: int) -> float:
    """The same of token ids: short sentences that repeat by themselves, and 1 % of the long ones copied."""
    draws = stream("copies of sentences", draw)
    lengths = draws.integers(1, 25, ROWS)
    ids = np.zeros((ROWS, 24), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = 1 + (draws.zipf(1.5, length) - 1) % 300
    parts = _parts(ROWS)
    long = {
        name: draws.permutation(rows[lengths[rows] > 12]) for name, rows in (("fit", parts.fit), ("test", parts.test))
    }
    n = round(SHARE * len(parts.test))
    ids[long["test"][:n]] = ids[long["fit"][:n]]
    inputs = HeldInputs(
        {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy((ids > 0).astype(np.int64))}
    )
    return _of(duplicates([], _info(inputs), "drawn"), "exact", "test", "fit") / n


def _parts(n: int) -> Parts:
    return Parts(*np.array_split(np.arange(n), 3))


def _info(inputs: Inputs) -> SampleInfo:
    return SampleInfo(_parts(len(inputs)), [], Labels((), (), np.zeros((len(inputs), 0), np.int8)), inputs=inputs)


def _of(found: pl.DataFrame, kind: str, part: str, other: str) -> float:
    rows = found.filter(pl.col("kind") == kind, pl.col("part") == part, pl.col("other") == other)
    return float(rows["n_rows"].item())


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
