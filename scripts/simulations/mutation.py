"""Test rows decide nothing: with every test row changed, state and labels, all that is learned stays bit for bit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import polars as pl
from jaxtyping import Int

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.data.parts import Halves, Parts
from denote.evidence.rule import Rule
from denote.observation import (
    Controls,
    ControlStates,
    Observation,
    ObservationSettings,
    SampleInfo,
    Subject,
    observe_states,
)
from denote.observers.observer import Observer
from denote.observers.probes import PROBES, probe_from
from denote.states.layers import Layer
from denote.states.state import LayerState
from denote.streams import stream
from simulations.row import Row

ROWS, NEURONS, CLASSES, LAYERS = 600, 24, 5, 2
PARTS = Parts(object=np.arange(0), fit=np.arange(0, ROWS, 2), test=np.arange(1, ROWS, 2))

SETTINGS = {"mlp": {"lr": 0.03, "patience": 1}}
"""A training that ends by itself after a few passes."""

LEARNED = ("weights", "bias", "neuron", "threshold", "direction", "l2", "spread", "hidden", "hidden_bias",
           "fit_balanced_accuracy", "converged", "gradient_norm")  # fmt: skip
CHOSEN = ("property", "direction", "threshold", "fit_balanced_accuracy", "live", "n_fit", "n_positive_fit")
"""Fields of an observer, and columns of a neuron, that come from *fit*."""


def run(mutations: int) -> list[Row]:
    """How much of what was learned is different; so that this can fail, fit rows must move it, and test rows scores."""
    true = observed()
    changed = [observed(PARTS.test, mutation) for mutation in range(mutations)]
    n = sum(1 for _ in learned(true))
    note = f"of {n} in each of {mutations} mutations: fields of the observers of all probes, columns of all neurons"
    differing = sum(len(different(true, other)) for other in changed)
    fit = len(different(true, observed(PARTS.fit, 0)))
    rescored = min(_share_rescored(true, other) for other in changed)
    return [
        Row("mutation", "things learned that other test rows change", differing, most=0, note=note),
        Row("mutation", "things learned that other fit rows change", fit, least=1, note=f"of {n}"),
        Row("mutation", "share of scores that other test rows change", rescored, note="all but those of majority"),
    ]


def observed(rows: Int[np.ndarray, " row"] | None = None, mutation: int = 0) -> Observation:
    """Two planted layers with all probes, families and controls.

    Args:
        rows: Whose states and labels are drawn anew; None leaves all as they are.
        mutation: Which draw.
    """
    codes = stream("mutation", "classes").integers(0, CLASSES, ROWS)
    states = [_values(codes, "layer", layer) for layer in range(LAYERS)]
    twins, inputs = [_values(codes, "twin", layer) for layer in range(LAYERS)], _values(codes, "input", 0)
    if rows is not None:
        for place, values in enumerate([*states, *twins, inputs]):
            values[rows] = _noise(len(rows), 10.0, "mutant", mutation, place)
        codes[rows] = stream("mutation", "mutant classes", mutation).integers(0, CLASSES, len(rows))
    families, labels = _families(codes)
    probes = {kind: probe_from(kind, SETTINGS.get(kind, {})) for kind in PROBES}
    controls = Controls(shuffles=2, neuron_shuffles=1, rotations=1, twins=1, subsets=3, tasks=1)
    untrained = [[_layer_state(values, depth) for depth, values in enumerate(twins)]]
    return observe_states(
        [_layer_state(values, depth) for depth, values in enumerate(states)],
        subject=Subject("planted", "mlp", True, None, 0, "key", None),
        info=SampleInfo(PARTS, families, labels, classes=codes, class_names=tuple(map(str, range(CLASSES)))),
        settings=ObservationSettings(probes, Rule(), controls, permutations=2, bootstraps=2, curves=True),
        control_states=ControlStates(untrained, raw_input=Halves(inputs[PARTS.fit], inputs[PARTS.test])),
    )  # fmt: skip


def learned(seen: Observation) -> Iterator[tuple[str, np.ndarray | pl.Series]]:
    """Everything that an observation learned, by name."""
    for (name, observer), field in itertools.product(seen.observers.items(), LEARNED):
        yield f"{name}: {field}", np.asarray(_field(observer, field))
    for column in CHOSEN:
        yield f"neurons: {column}", seen.neurons[column]


def different(one: Observation, other: Observation) -> list[str]:
    """Names of what was learned differently, to the last bit."""
    pairs = zip(learned(one), learned(other), strict=True)
    return [name for (name, value), (again, changed) in pairs if name != again or not _identical(value, changed)]


def _field(observer: Observer, name: str) -> np.ndarray:
    value = getattr(observer, name)
    return np.zeros(0) if value is None else np.asarray(value)


def _identical(one: np.ndarray | pl.Series, other: np.ndarray | pl.Series) -> bool:
    if isinstance(one, pl.Series) and isinstance(other, pl.Series):
        return one.equals(other)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _families(codes: Int[np.ndarray, " row"]) -> tuple[list[Family], Labels]:
    """Single classes and class subsets."""
    indicators = (codes[:, None] == np.arange(CLASSES)).astype(np.int8)
    labels = Labels(tuple(f"class={c}" for c in range(CLASSES)), ("classes",) * CLASSES, indicators)
    none = Labels((), (), np.zeros((ROWS, 0), np.int8))
    names = tuple(map(str, range(CLASSES)))
    return [Family("classes", labels), SubsetFamily("subsets", none, codes, names)], labels


def _share_rescored(one: Observation, other: Observation) -> float:
    return float((one.cells["auroc"].fill_null(-1) != other.cells["auroc"].fill_null(-1)).mean())


def _values(codes: np.ndarray, name: str, place: int) -> np.ndarray:
    """Activations of which the first rise with one class each and the last neuron is dead on *fit*."""
    values = _noise(ROWS, 1.0, name, place)
    values[:, :CLASSES] += 3 * (codes[:, None] == np.arange(CLASSES))
    values[:, -1] = 2.5
    return values


def _noise(rows: int, scale: float, *keys: str | int) -> np.ndarray:
    return scale * stream("mutation", *keys).standard_normal((rows, NEURONS), dtype=np.float32)


def _layer_state(values: np.ndarray, depth: int) -> LayerState:
    layer = Layer(f"block{depth}", depth, float(depth), (NEURONS,), "none", (NEURONS,))
    return LayerState(layer, values, np.arange(ROWS))
