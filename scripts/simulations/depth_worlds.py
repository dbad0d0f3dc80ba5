"""The tests of depth where the answer is known: worlds without dependence, and one with a planted trend.

Neurons are drawn, not networks: properties with label proportions, for real neurons and for three rotations. The whole
way from neurons to the tests runs, logits included, whose label proportion is far off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from denote.denotation.depth.by_model import label_proportion_by_model
from denote.denotation.depth.hypothesis_tests import depth_tests
from denote.denotation.depth.plan import EQUIVALENCE, Analysis
from denote.streams import stream
from denote.tables import CONTROLS, LAYERS, NEURONS
from simulations.chance import most
from simulations.row import Row

MODELS, LAYER_COUNT, ROTATIONS = 8, 6, 3
HIDDEN = np.arange(LAYER_COUNT) / LAYER_COUNT
"""Relative depth; the logits stand at 1."""

CENTRE, SPREAD, SHARE = 0.25, 0.08, 0.6
"""Of the folded label proportion of neurons: mean and standard deviation; and the share that denotes."""

LEVEL, FOUND = 0.05, 0.90
Effects = Float[np.ndarray, "kind model layer"]


@dataclass(frozen=True)
class World:
    """How neurons are drawn.

    Attributes:
        sd: Standard deviation of layer effects, drawn afresh for each model, and for its rotations.
        correlation: Of the effects of neighbouring layers.
        copies: Neurons that denote the same property.
        neurons: Of a layer.
        slope: Of the folded label proportion of real neurons per unit of relative depth.
        minority: Whether all properties have p < .5, so that the unfolded value is the folded one.
        share: Share that denotes.
    """

    sd: float = 0.0
    correlation: float = 0.0
    copies: int = 1
    neurons: int = 30
    slope: float = 0.0
    minority: bool = False
    share: float = SHARE


NULL_WORLDS = {
    "all zero": World(),
    "layer effects of SD .05": World(sd=0.05),
    "neighbours correlated .7": World(sd=0.05, correlation=0.7),
    "copies of 3": World(copies=3, neurons=90),
}
TREND = World(sd=0.03, neurons=50, slope=0.2, minority=True, share=1.0)
"""300 distinct denoting neurons in each model."""


def run(draws: int) -> list[Row]:
    """Tests with p <= .05, one by one without Holm's correction."""
    rows = []
    for name, world in NULL_WORLDS.items():
        counted = Counter(hit for draw in range(draws) for hit in positives(name, world, draw))
        line = most(draws, LEVEL)
        rows += [Row("depth_worlds", f"{name}: {test}", counted[test], most=line) for test in TESTS]
        pooled = Counter(hit for draw in range(draws) for hit in naive_positives(name, world, draw))
        rows += [Row("depth_worlds", f"{name}: {test}", pooled[test] / draws) for test in NAIVE]
    counted = Counter(hit for draw in range(draws) for hit in positives("trend", TREND, draw))
    for test in TESTS:
        goal = FOUND if test == PRIMARY else None
        rows.append(Row("depth_worlds", f"trend of .2: {test} finds it", counted[test] / draws, least=goal))
    return rows


PRIMARY = "sign_flip of folded - rotated_folded"
TESTS = (
    PRIMARY, "sign_flip of folded", "sign_flip of label_proportion",
    "sign_flip of share_denoting - rotated_share_denoting", "trend of folded", "trend of folded - rotated_folded",
)  # fmt: skip


def positives(name: str, world: World, draw: int) -> list[str]:
    """The tests of one draw that reject without correction."""
    neurons, controls = drawn(name, world, draw)
    tests = depth_tests(label_proportion_by_model(neurons, controls, _layers()), Analysis())
    hits = tests.filter(pl.col("p_value") <= LEVEL, pl.col("test") != EQUIVALENCE)
    return [f"{test} of {quantity}" for test, quantity in hits.select("test", "quantity").iter_rows()]


NAIVE: dict[str, Callable[..., float]] = {
    "Spearman over pooled neurons, share of draws": lambda depth, p: stats.spearmanr(depth, p).pvalue,
    "Kruskal-Wallis over pooled neurons, share of draws": lambda depth, p: (
        stats.kruskal(*(p[depth == each] for each in np.unique(depth))).pvalue
    ),
}
"""What is often done: every denoting neuron an observation."""


def naive_positives(name: str, world: World, draw: int) -> list[str]:
    """The tests that take neurons for observations and reject, of the folded value."""
    neurons, _ = drawn(name, world, draw)
    hidden = neurons.filter(pl.col("denotes") & (pl.col("relative_depth") < 1))
    depth, p = (hidden[column].to_numpy() for column in ("depth", "folded_label_proportion"))
    return [test for test, p_value in NAIVE.items() if p_value(depth, p) <= LEVEL]


def drawn(name: str, world: World, draw: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Neurons and their rotated controls of 8 models."""
    draws = stream("depth worlds", name, draw)
    kinds, layers = 1 + ROTATIONS, LAYER_COUNT + 1
    effect, side, sharing = (_effects(world, draws) for _ in range(3))
    own = world.neurons // world.copies
    shape = (kinds, MODELS, layers, own)
    folded = CENTRE + _with_logits(effect, 0.2)[..., None] + SPREAD * draws.standard_normal(shape)
    folded[0] += world.slope * (np.append(HIDDEN, 1.0)[:, None] - 0.5)
    folded = np.clip(folded, 0.01, 0.5)
    minority = draws.random(shape) < (1.0 if world.minority else 0.5 + _with_logits(side, 0.0)[..., None])
    p = np.where(minority, folded, 1 - folded)
    denotes = draws.random(shape) < world.share + _with_logits(sharing, 0.0)[..., None]
    columns = {
        "label_proportion": p, "folded_label_proportion": folded, "on_proportion": p, "denotes": denotes,
    }  # fmt: skip
    frame = _places(world.neurons, world.copies).with_columns(
        pl.Series(key, np.repeat(values, world.copies, axis=-1).ravel()) for key, values in columns.items()
    )
    real = pl.col("draw") < 0
    neurons, controls = frame.filter(real).drop("draw", "control"), frame.filter(~real)
    return neurons.select(*NEURONS), controls.select(*CONTROLS)


def _effects(world: World, draws: np.random.Generator) -> Effects:
    """Effects by kind, model and layer; the rotations of a model share theirs."""
    noise = draws.standard_normal((2, MODELS, LAYER_COUNT))
    chain = noise.copy()
    for layer in range(1, LAYER_COUNT):
        chain[..., layer] = (
            world.correlation * chain[..., layer - 1] + np.sqrt(1 - world.correlation**2) * noise[..., layer]
        )
    return np.concatenate([chain[:1], np.repeat(chain[1:], ROTATIONS, axis=0)]) * world.sd


def _with_logits(effects: Effects, distance: float) -> Effects:
    """The effects, and the logits at some distance from all other layers."""
    return np.concatenate([effects, np.full((*effects.shape[:2], 1), distance)], axis=2)


@lru_cache(maxsize=8)
def _places(neurons: int, copies: int) -> pl.DataFrame:
    """Everything of the neurons that does not change with the draw, in the order of the draws' arrays."""
    kind, model, layer, neuron = (
        axis.ravel() for axis in np.indices((1 + ROTATIONS, MODELS, LAYER_COUNT + 1, neurons))
    )
    frame = pl.DataFrame({
        "draw": kind - 1, "seed": model, "depth": layer, "neuron": neuron, "relative_depth": layer / LAYER_COUNT,
        "object_model": model.astype(str), "layer": layer.astype(str), "property": (neuron // copies).astype(str),
    }).with_columns(
        control=pl.lit("rotated"), dataset=pl.lit("simulated"), architecture=pl.lit("simulated"), trained=pl.lit(True),
        pooling=pl.lit("none"), family=pl.lit("subsets"), probe_seed=pl.lit(0, pl.Int64), live=pl.lit(True),
    )  # fmt: skip
    return frame.with_columns(
        pl.lit(None, kind).alias(column) for column, kind in CONTROLS.items() if column not in frame.columns
    )


@lru_cache(maxsize=1)
def _layers() -> pl.DataFrame:
    """The layers of these models: signs mean something."""
    places = _places(1, 1).filter(pl.col("draw") < 0).select("object_model", "layer", "pooling", "relative_depth")
    frame = places.with_columns(sign_identified=pl.lit(True), is_head=pl.col("relative_depth") == 1)
    return frame.with_columns(
        pl.lit(None, kind).alias(column) for column, kind in LAYERS.items() if column not in frame.columns
    ).select(*LAYERS)
