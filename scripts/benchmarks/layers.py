"""Every layer of a network, from memory maps: the probes alone, and everything that lands in the tables."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.linear import with_shuffles
from benchmarks.measure import Row, joined, timed
from benchmarks.neuron import slim
from benchmarks.states import Bench, Stored
from denote.attributes.labels import Family, Labels
from denote.data.parts import Parts
from denote.evidence.rule import Rule
from denote.observation import Controls, Observation, ObservationSettings, SampleInfo, Subject, observe_states
from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Probe
from denote.states.layers import Layer
from denote.states.state import LayerState
from denote.streams import stream

PROBES: dict[str, Probe] = {"linear": LinearProbe(), "neuron": NeuronProbe()}

GOALS = (15.0, 75.0)
"""Seconds that 12 layers of 512 neurons, 20,000 rows and 40 attributes may take, without and with 20 shuffles."""


def layers(bench: Bench, name: str) -> list[Row]:
    """Linear and neuron observers of all layers, without and with shuffled copies of the attributes."""
    stored, a = bench.stored(name), bench.arguments
    rows = []
    for probe in PROBES.values():  # the first call makes things ready and is not counted
        probe.fit(slim(next(stored.opened())), stored.labels)
    for draws, goal in zip((0, a.draws), GOALS, strict=True):
        labels = with_shuffles(stored.labels, draws, a.seed)
        by_probe = {kind: timed(partial(_probed, stored, labels, probe)).seconds for kind, probe in PROBES.items()}
        parts = [f"{kind} {seconds:.3g} s" for kind, seconds in by_probe.items()]
        rows.append(_row(name, f"probes of {a.layers} layers", draws, sum(by_probe.values()), goal, ", ".join(parts)))
        rows[-1].more["by_probe_s"] = by_probe
    for draws, goal in zip((0, a.draws), GOALS, strict=True):
        whole = timed(partial(observed, stored, draws, a.seed))
        lines = f"{whole.result.cells.height} cells, {whole.result.neurons.height} neurons"
        rows.append(_row(name, f"tables of {a.layers} layers", draws, whole.seconds, goal, lines))
    return rows


def _row(name: str, what: str, draws: int, seconds: float, goal: float, remark: str) -> Row:
    shown = f"{what}, {draws} shuffles" if draws else what
    note = joined(remark, f"goal at the default sizes {goal:g} s")
    more: dict[str, Any] = {"goal_s": goal, "draws": draws}
    return Row("layers", name, shown, seconds, note=note, more=more)


def _probed(stored: Stored, labels: np.ndarray, probe: Probe) -> None:
    """Fit on all rows and score as many."""
    for values in stored.opened():
        probe.fit(values, labels).scores(values)


def observed(stored: Stored, draws: int, seed: int) -> Observation:
    """Fit on one half of the rows and report the other; with ``draws`` also the shuffled control."""
    controls = Controls(draws, Controls.neuron_shuffles if draws else 0, rotations=0, twins=0, raw_input=False)
    return observe_states(
        layer_states(stored), subject=Subject("benchmark", stored.name, True, None, seed, stored.name, None),
        info=info_of(stored, seed), settings=ObservationSettings(PROBES, Rule(), controls, seed, permutations=0),
    )  # fmt: skip


def layer_states(stored: Stored) -> list[LayerState]:
    """The layers as they would be recorded."""
    states = []
    for depth, values in enumerate(stored.opened()):
        shape = (values.shape[1],)
        layer = Layer(f"hidden_{depth + 1}", depth, depth / max(1, len(stored.files) - 1), shape, "none", shape)
        states.append(LayerState(layer, values, np.arange(len(values))))
    return states


def info_of(stored: Stored, seed: int) -> SampleInfo:
    """Half of the rows as *fit*, the others as *test*."""
    n, attributes = stored.labels.shape
    order = stream("benchmark halves", seed).permutation(n)
    parts = Parts(np.arange(0), np.sort(order[: n // 2]), np.sort(order[n // 2 :]))
    labels = Labels(tuple(f"attribute {i}" for i in range(attributes)), ("quantiles",) * attributes, stored.labels)
    return SampleInfo(parts, [Family("quantiles", labels)], labels)
