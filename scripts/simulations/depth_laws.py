"""The analysis of depth where every denoted property is drawn from one law, and where it is known to change.

Properties are sets of ten classes. How many neurons denote, and how many random directions do, may change with depth;
what they denote does not, or changes as planned. Drawn are the numbers that the analysis is made of, by model and
layer, and the product's own tests, verdicts and parts run on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from denote.denotation.depth.analysis import depth_verdicts
from denote.denotation.depth.depth_profiles import Parts, Profiles, parts_of
from denote.denotation.depth.hypothesis_tests import tests_of
from denote.denotation.depth.plan import (
    ANY_BASIS,
    BEYOND,
    FOLDED,
    LEAST_DISTINCT,
    LEAST_NEURONS,
    NO_CHANGE,
    OWN,
    POLARITY,
    RAW,
    ROTATED_FOLDED,
    SHARE,
    UNFOLDED,
    Analysis,
)
from denote.numbers import setting
from denote.streams import stream
from simulations.row import Row

CLASSES = 10
LAW = (0.5, 0.2, 0.12, 0.1, 0.08)
"""Of the sizes 1 to 5 of a denoted set: mean folded label proportion .206."""
SINGLES_90 = (0.9, 0.04, 0.03, 0.02, 0.01)
SINGLES_93 = (0.93, 0.03, 0.02, 0.01, 0.01)
LEVEL, MOST_REJECTED = 0.05, 0.06
AT_ONCE = 50

Share = float | tuple[float, float]
"""Of a layer's neurons: the same in all layers, or rising in equal steps from the first to the last."""
Shares = Float[np.ndarray, " layer"]
Counts = Int[np.ndarray, "draw model layer set"]


@dataclass(frozen=True)
class World:
    """How one architecture's neurons are drawn.

    Attributes:
        share: Share of neurons that denote, by layer.
        direction_share: The same of random directions.
        models: Object models.
        neurons: Of a layer.
        layers: Hidden layers.
        rotations: Draws of random directions.
        law: Of the sizes of sets.
        gamma: Shape of each model's own weights of sets, gamma distributed; None: sets of a size are alike.
        few: Least and most denoting neurons of the first two layers; None: as the share says.
        gaps: Largest share of models without a value at a layer: those with the fewest neurons, most in early layers.
        rise: Of the mean folded label proportion of neurons from the first to the last layer, by tilting the law.
        polarity: Rise over layers of the share of neurons that are on for the larger side.
        basis: Rise of the mean folded label proportion of random directions, and of neurons with them.
        own_spread: Standard deviation over models of what a model adds to its neurons' rise.
    """

    share: Share = 0.4
    direction_share: Share = 0.4
    models: int = 8
    neurons: int = 128
    layers: int = 6
    rotations: int = 3
    law: tuple[float, ...] = LAW
    gamma: float | None = None
    few: tuple[int, int] | None = None
    gaps: float = 0.0
    rise: float = 0.0
    polarity: float = 0.0
    basis: float = 0.0
    own_spread: float = 0.0

    def steps(self, share: Share) -> Shares:
        """Return a share for every layer."""
        low, high = share if isinstance(share, tuple) else (share, share)
        return np.linspace(low, high, self.layers)


APART = {"share": (0.08, 0.6), "direction_share": (0.08, 0.3)}
ONE_LAW: Mapping[str, tuple[World, ...]] = {
    "shares flat": (World(),),
    "shares alike": (World(share=(0.08, 0.6), direction_share=(0.08, 0.6)),),
    "shares apart": (World(**APART),),
    "apart, 24 networks": (World(**APART, models=24),),
    "apart, 512 neurons": (World(**APART, neurons=512),),
    "apart, few common sets": (World(**APART, gamma=0.1),),
    "early layers of 3 to 8 neurons": (World(few=(3, 8)),),
    "gaps that follow the share": (World(**APART, gaps=0.5),),
    "singles .9, a layer of six beside 300": (World(law=SINGLES_90, share=0.6, neurons=512, few=(6, 6)),),
    "singles .93, a layer of six beside 300": (World(law=SINGLES_93, share=0.6, neurons=512, few=(6, 6)),),
    "two architectures": (World(**APART), World(share=0.4, layers=9, neurons=64, models=6)),
}
"""Worlds without dependence on depth; one architecture each but for the last."""
RISING = {
    "shares flat": (World(rise=0.1), 0.95),
    "growing apart": (World(**APART, rise=0.1), 0.95),
    "few early": (World(few=(3, 8), rise=0.1), 0.75),
}
"""A true rise of .1 in neurons only, and the power that is asked for."""
STEP = {0.0: (0.9, 1.0), 0.06: (0.0, 0.01), 0.09: (0.0, 0.0)}
"""True change, and how often "no change larger than .05" may be said, at the least and at the most."""
CHANGING = {
    "no gaps": World(rise=0.06, polarity=0.3, basis=0.05, own_spread=0.03),
    "with gaps": World(share=(0.08, 0.6), rise=0.06, polarity=0.3, basis=0.05, own_spread=0.03, gaps=0.25),
    "flat, few early": World(few=(3, 8), models=12),
}
TESTS = {
    "primary": ("sign_flip", BEYOND), "folded": ("sign_flip", FOLDED), "unfolded": ("sign_flip", UNFOLDED),
    "trend of folded": ("trend", FOLDED), "trend of folded - rotated": ("trend", BEYOND),
}  # fmt: skip


def run(draws: int) -> list[Row]:
    """Tests with p <= .05 one by one, verdicts after Holm, coverage of the parts."""
    rows = []
    for name, worlds in ONE_LAW.items():
        tests = tested(name, worlds, draws)
        rows += [Row("depth_laws", f"{name}: {test}", rate(tests, test), most=MOST_REJECTED) for test in TESTS]
    for name, (world, least) in RISING.items():
        tests = tested(f"rise, {name}", (world,), draws)
        rows.append(Row("depth_laws", f"true rise of .1, {name}: primary", rate(tests, "primary"), least=least))
    for change, (least, most) in STEP.items():
        said = no_change(f"change of {change}", World(neurons=512, rise=change), draws)
        rows.append(Row("depth_laws", f"'no change' at a true {setting(change)}", said, least=least, most=most))
    for name, world in CHANGING.items():
        for what, share in coverage(name, world, draws).items():
            rows.append(Row("depth_laws", f"{name}: coverage of the {what}", share, least=0.93, most=0.97))
    return rows


def tested(name: str, worlds: tuple[World, ...], draws: int) -> pl.DataFrame:
    """Return the tests of every draw, a family each."""
    asked = (
        (("simulated", True, None, str(draw)), every) for draw, every in enumerate(profiles_of(name, worlds, draws))
    )
    return tests_of(asked, Analysis())


def rate(tests: pl.DataFrame, name: str) -> float:
    """Return the share of draws in which a test rejects without correction, of those where it was made."""
    test, quantity = TESTS[name]
    own = tests.filter(pl.col("test") == test, pl.col("quantity") == quantity, pl.col("architecture").is_null())
    return float((own["p_value"].drop_nulls() <= LEVEL).mean())  # type: ignore[arg-type]


def no_change(name: str, world: World, draws: int) -> float:
    """Return the share of draws whose verdict is that no two layers differ by more than .05."""
    verdicts = depth_verdicts(tested(name, (world,), draws), Analysis())["verdict"]
    return float((verdicts == NO_CHANGE.format(setting(Analysis.equivalence))).mean())  # type: ignore[arg-type]


def coverage(name: str, world: World, draws: int) -> dict[str, float]:
    """Return the share of draws whose interval holds the true value, by part and shape."""
    held: dict[str, list[bool]] = {}
    for every in profiles_of(name, (world,), draws):
        parts = parts_of(every[0])
        if isinstance(parts, str):
            continue
        for (part, shape, estimate), (_, _, truth) in zip(
            parts.estimates(), true_parts(world, parts).estimates(), strict=True
        ):
            held.setdefault(f"{shape} of {part}", []).append(estimate.low <= truth.value <= estimate.high)
    return {what: float(np.mean(hits)) for what, hits in held.items()}


def true_parts(world: World, parts: Parts) -> Parts:
    """Return the expected parts at the same layers; two equal models, so that an interval exists."""
    folded, rotated, majority = expected(world)
    raw = folded + majority * (1 - 2 * folded)
    own = {RAW: raw, POLARITY: raw - folded, ANY_BASIS: rotated, OWN: folded - rotated}
    kept = np.array([int(layer) for layer in parts.layers])
    return Parts(parts.layers, parts.depth, (), {name: np.tile(own[name][kept], (2, 1)) for name in parts.values})


def expected(world: World) -> tuple[Shares, Shares, Shares]:
    """Return by layer the mean folded value of neurons and of directions, and the share on the larger side."""
    sizes = np.arange(1, len(world.law) + 1) / CLASSES
    neurons, directions = (tilted(world, rise) @ sizes for rise in (world.rise + world.basis, world.basis))
    return neurons, directions, majority_share(world)


def majority_share(world: World) -> Shares:
    """Return by layer the share of neurons that are on for the larger side."""
    return 0.5 + world.polarity * (np.linspace(0, 1, world.layers) - 0.5)


def tilted(world: World, rise: float | Float[np.ndarray, " model"]) -> Float[np.ndarray, "*model layer size"]:
    """Return laws of sizes by layer whose mean rises by so much from the first layer, exponentially tilted."""
    sizes = np.arange(1, len(world.law) + 1) / CLASSES
    law = np.array(world.law)
    wanted = law @ sizes + np.multiply.outer(np.asarray(rise), np.linspace(0, 1, world.layers))
    low, high = np.full(wanted.shape, -80.0), np.full(wanted.shape, 80.0)
    for _ in range(60):
        middle = (low + high) / 2
        weights = law * np.exp(middle[..., None] * (sizes - 0.3))
        mean = (weights @ sizes) / weights.sum(axis=-1)
        low, high = np.where(mean < wanted, middle, low), np.where(mean < wanted, high, middle)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


@lru_cache(maxsize=1)
def set_sizes() -> Int[np.ndarray, " set"]:
    """Return the size of every set of classes, a set and its complement once."""
    sets = [len(own) for size in range(1, 6) for own in combinations(range(CLASSES), size) if size < 5 or 0 in own]
    return np.array(sets)


def profiles_of(name: str, worlds: tuple[World, ...], draws: int) -> Iterator[list[Profiles]]:
    """Yield for every draw the profiles of its architectures."""
    for start in range(0, draws, AT_ONCE):
        n = min(AT_ONCE, draws - start)
        numbers = [
            drawn(world, n, stream("depth laws", name, start, architecture))
            for architecture, world in enumerate(worlds)
        ]
        for draw in range(n):
            yield [_profile(f"architecture {i}", own, draw) for i, own in enumerate(numbers)]


@dataclass(frozen=True)
class Drawn:
    """Numbers of many draws, by model and layer, nan in a gap."""

    raw: Float[np.ndarray, "draw model layer"]
    folded: Float[np.ndarray, "draw model layer"]
    rotated: Float[np.ndarray, "draw model layer"]
    n_denoting: Int[np.ndarray, "draw model layer"]
    n_directions: Int[np.ndarray, "draw model layer"]
    share: Float[np.ndarray, "draw model layer"] = field(repr=False)


def drawn(world: World, draws: int, random: np.random.Generator) -> Drawn:
    """Draw the denoted sets of all models and layers, and summarise them."""
    shape = (draws, world.models, world.layers)
    n = random.binomial(world.neurons, np.broadcast_to(world.steps(world.share), shape))
    if world.few is not None:
        n[..., :2] = random.integers(world.few[0], world.few[1] + 1, (*shape[:2], 2))
    k = random.binomial(world.neurons * world.rotations, np.broadcast_to(world.steps(world.direction_share), shape))
    own, basis = _laws(world, draws, random)
    neurons, directions = random.multinomial(n, own), random.multinomial(k, basis)
    sizes = set_sizes() / CLASSES
    larger = random.binomial(neurons, majority_share(world)[:, None])
    with np.errstate(invalid="ignore"):
        folded, rotated = neurons @ sizes / n, directions @ sizes / k
        raw = ((neurons - larger) @ sizes + larger @ (1 - sizes)) / n
    gap = (n < LEAST_NEURONS) | ((neurons > 0).sum(axis=-1) < LEAST_DISTINCT) | _gaps(world, n, random)
    return Drawn(
        np.where(gap, np.nan, raw), np.where(gap, np.nan, folded), np.where(k < LEAST_NEURONS, np.nan, rotated), n, k,
        n / world.neurons - k / (world.neurons * world.rotations),
    )  # fmt: skip


def _laws(
    world: World, draws: int, random: np.random.Generator
) -> tuple[Float[np.ndarray, "draw model layer set"], Float[np.ndarray, "draw model layer set"]]:
    """The chance of every set, for neurons and for directions."""
    sizes = set_sizes()
    shape = (draws, world.models, world.layers, len(sizes))
    spread = world.own_spread * random.standard_normal((draws, world.models))
    weights = np.ones((draws, world.models, 1, len(sizes)))
    if world.gamma is not None:
        weights = random.gamma(world.gamma, size=weights.shape)
    laws = []
    for rise in (world.rise + world.basis + spread, np.full((draws, world.models), world.basis)):
        by_size = tilted(world, rise.ravel()).reshape(*rise.shape, world.layers, -1)
        chance = (by_size / np.bincount(sizes)[1:])[..., sizes - 1] * weights
        laws.append(np.broadcast_to(chance / chance.sum(axis=-1, keepdims=True), shape))
    return laws[0], laws[1]


def _gaps(world: World, n: Int[np.ndarray, "draw model layer"], random: np.random.Generator) -> np.ndarray:
    """Which models have no value at a layer: the more likely, the fewer of its neurons denote beside other models'."""
    fewest = (n.argsort(axis=1).argsort(axis=1) + 0.5) / n.shape[1]
    most = np.linspace(world.gaps, 0.0, world.layers)
    return np.asarray(random.random(n.shape) < np.where(fewest < most, 1.0, 0.0))


def _profile(architecture: str, own: Drawn, draw: int) -> Profiles:
    folded, rotated, raw = own.folded[draw], own.rotated[draw], own.raw[draw]
    n, k = own.n_denoting[draw].astype(float), own.n_directions[draw].astype(float)
    layers = folded.shape[1]
    with np.errstate(divide="ignore"):
        beyond = 1 / (1 / n + 1 / k)
    numbers = {
        FOLDED: folded, UNFOLDED: raw, ROTATED_FOLDED: rotated, BEYOND: folded - rotated, SHARE: own.share[draw],
    }  # fmt: skip
    precision = {FOLDED: n, UNFOLDED: n, ROTATED_FOLDED: k, BEYOND: beyond, SHARE: np.ones_like(n)}
    known = {name: np.where(np.isfinite(numbers[name]), precision[name], np.nan) for name in numbers}
    every = np.ones(layers, dtype=bool)
    names = tuple(str(layer) for layer in range(layers))
    return Profiles(architecture, names, np.arange(layers), every, every, numbers, known)
