"""A network whose signs mean nothing: does the depth analysis say that unfolded label proportions depend on depth?

Tanh is odd, so every hidden unit may be given a random sign without changing what the network can do: which side of it
is called *on* is arbitrary by construction. Sweeps of eight such networks each, trained on the digits for real, every
network with its own initialisation, signs and batches, and no network in two sweeps. Two worlds are made of them:

- the neurons themselves. Their unfolded label proportion cannot depend on depth. Whether it does beyond what any basis
  shows is a question of fact about trained networks: a yes is no false alarm by construction.
- a random rotation of each layer in place of its neurons, held against three other rotations. Here nothing is special
  about the basis that stands for the neurons, so every "beyond polarity and basis" is a false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from denote.attributes.families import families
from denote.attributes.labels import Family
from denote.data.parts import Halves
from denote.data.sources.digits import DigitsModule
from denote.denotation.depth.analysis import depth_verdicts
from denote.denotation.depth.by_model import label_proportion_by_model
from denote.denotation.depth.depth_profiles import profiles, sign_flip_test
from denote.denotation.depth.hypothesis_tests import depth_tests
from denote.denotation.depth.plan import BEYOND, BEYOND_BASIS, UNFOLDED, Analysis
from denote.denotation.judging import decisions
from denote.denotation.neurons import Neurons
from denote.denotation.search.properties import family_halves
from denote.evidence.rotation import rotated
from denote.evidence.rule import Rule
from denote.object_models.architectures.mlp import MLP
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.streams import stream_seed, torch_stream
from denote.tables import CONTROLS, LAYERS, NEURONS, Schema, table
from simulations.chance import most
from simulations.row import Row

MODELS = 8
HIDDEN, WIDTH = 7, 64
STEPS, BATCH, RATE = 400, 64, 5e-3
"""Of training with Adam."""
TOGETHER = 10
"""Sweeps whose networks are trained side by side."""
ROTATIONS = 3
ANALYSIS = Analysis(family="subsets")
WORLDS = {"neurons": "the neurons", "rotation": "a rotation in their place"}

Values = Float32[np.ndarray, "model layer row neuron"]


class Found(NamedTuple):
    """What the analysis of one sweep said.

    Attributes:
        verdict: Its words.
        p_value: Of the primary test; None where it could not be made.
        unfolded_tested: Whether any test of unfolded label proportions was made.
        unfolded_p: What the sign-flip test of these would have said; nan with too few layers.
        share: Of the neurons that denote.
        profile: Mean over networks of folded - rotated folded at every layer, centred; nan in a gap.
    """

    verdict: str
    p_value: float | None
    unfolded_tested: bool
    unfolded_p: float
    share: float
    profile: Float[np.ndarray, " layer"]


def run(sweeps: int) -> list[Row]:
    """Number of sweeps with each answer, in either world."""
    found: dict[str, list[Found]] = {world: [] for world in WORLDS}
    data = DigitsModule(split={"fractions": {"object": 0.4, "fit": 0.3, "test": 0.3}})
    data.setup()
    for first in range(0, sweeps, TOGETHER):
        together = range(first, min(first + TOGETHER, sweeps))
        for sweep, states in zip(together, trained(data, together), strict=True):
            for world, answer in analysed(data, sweep, states).items():
                found[world].append(answer)
    return [
        row for world, what in WORLDS.items() for row in _rows(found[world], what, by_construction=world == "rotation")
    ]


def trained(data: DigitsModule, sweeps: Sequence[int]) -> Iterator[Halves[Values]]:
    """States on fit and test of the trained networks of every sweep."""
    networks = [_network(sweep, model) for sweep in sweeps for model in range(MODELS)]
    parameters, buffers = stack_module_state(networks)  # type: ignore[arg-type]
    base = networks[0].to("meta")

    def forward(parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
        return list(functional_call(base, (parameters, buffers), (inputs,)))

    inputs = data.samples.inputs[np.arange(len(data.samples))]
    targets, rows = torch.from_numpy(data.learned.targets), torch.from_numpy(data.parts.object)
    optimizer = torch.optim.Adam(parameters.values(), lr=RATE, fused=True)
    draws = torch_stream("tanh signs", "batches", sweeps[0])
    for _ in range(STEPS):
        batch = rows[torch.randint(len(rows), (len(networks), BATCH), generator=draws)]
        *_, logits = vmap(forward)(parameters, buffers, inputs[batch])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets[batch].flatten(), reduction="sum") / BATCH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def states(part: np.ndarray, at: slice) -> Values:
        own = [{name: value[at] for name, value in held.items()} for held in (parameters, buffers)]
        with torch.inference_mode():
            *hidden, _ = vmap(forward, in_dims=(0, 0, None))(*own, inputs[part])
        return np.asarray(torch.stack(hidden, dim=1).numpy())

    for place in range(len(sweeps)):
        at = slice(place * MODELS, (place + 1) * MODELS)
        yield Halves(states(data.parts.fit, at), states(data.parts.test, at))


class _EveryLayer(nn.Module):
    """A network that gives the outputs of all its observed layers."""

    def __init__(self, network: MLP) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Float[Tensor, " sample *shape"]) -> list[Tensor]:
        outputs = [inputs.flatten(1)]
        for name in self.network.observed_layers:
            outputs.append(self.network.get_submodule(name)(outputs[-1]))
        return outputs[1:]


def _network(sweep: int, model: int) -> _EveryLayer:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed("tanh signs", sweep, model))
        return _EveryLayer(MLP((1, 8, 8), 10, HIDDEN, WIDTH, activation="tanh", random_signs=True))


def analysed(data: DigitsModule, sweep: int, states: Halves[Values]) -> dict[str, Found]:
    """The depth analysis of one sweep in either world."""
    (family,) = families({"subsets": {"kind": "subsets", "as_cells": False}}, data.samples)
    halves = family_halves(family, data.parts.fit, data.parts.test)
    *layers, _ = list_layers(_network(0, 0).network, data.samples.inputs[np.array([0])])
    turned = [_turned(states, layers, draw, sweep) for draw in range(ROTATIONS + 1)]
    real, *rotations, instead = [_searched(each, layers, halves) for each in (states, *turned)]
    controls = pl.concat(
        _with_columns(rows.with_columns(control=pl.lit("rotated"), draw=pl.lit(draw, pl.Int64)), CONTROLS)
        for draw, rows in enumerate(rotations)
    )
    return {
        world: _answer(*decisions.decide(_with_columns(rows, NEURONS), controls, Rule()), layers)
        for world, rows in zip(WORLDS, (real, instead), strict=True)
    }


def _turned(states: Halves[Values], layers: Sequence[Layer], draw: int, sweep: int) -> Halves[Values]:
    """Every layer of every network under one rotation per layer, as a sweep with this ``probe_seed`` has it."""
    found = [
        [rotated(Halves(fit[place], test[place]), layer, draw, sweep) for place, layer in enumerate(layers)]
        for fit, test in zip(states.fit, states.test, strict=True)
    ]
    return Halves(*(np.stack([[getattr(each, part) for each in model] for model in found]) for part in ("fit", "test")))


def _searched(states: Halves[Values], layers: Sequence[Layer], family: Halves[Family]) -> pl.DataFrame:
    """Neurons of all networks and layers: they are searched one by one, so they may stand side by side."""
    n_models, n_layers, _, width = states.fit.shape
    fit, test = (each.transpose(2, 0, 1, 3).reshape(each.shape[2], -1) for each in (states.fit, states.test))
    neurons = Neurons(layers[0], [str(place) for place in range(fit.shape[1])])
    found = neurons.rows([neurons.scored(test, neurons.search(fit, family))], family.fit.name)
    model, layer, neuron = np.indices((n_models, n_layers, width)).reshape(3, -1)
    return found.with_columns(
        dataset=pl.lit("digits"), architecture=pl.lit("mlp"), trained=pl.lit(True), epoch=pl.lit(None, dtype=pl.Int64),
        seed=pl.Series(model), object_model=pl.Series(model).cast(pl.String), neuron=pl.Series(neuron),
        layer=pl.Series([layers[place].name for place in layer]), depth=pl.Series(layer),
        relative_depth=pl.Series([layers[place].relative_depth for place in layer]),
    )  # fmt: skip


def _with_columns(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(missing).select(*schema)


def _answer(neurons: pl.DataFrame, controls: pl.DataFrame, layers: Sequence[Layer]) -> Found:
    rows = [
        {"object_model": str(model), "layer": layer.name, "pooling": layer.pooling, "is_head": layer.is_head,
         "sign_identified": layer.sign_identified}
        for model in range(MODELS) for layer in layers
    ]  # fmt: skip
    by_model = label_proportion_by_model(neurons, controls, table(rows, LAYERS))
    tests = depth_tests(by_model, ANALYSIS)
    (verdict,) = depth_verdicts(tests, ANALYSIS).iter_rows(named=True)
    (own,) = profiles(by_model, ANALYSIS)
    unfolded = own.of(UNFOLDED)
    return Found(
        verdict=verdict["verdict"], p_value=verdict["p_value"], unfolded_tested=UNFOLDED in tests["quantity"],
        unfolded_p=float("nan") if unfolded is None else sign_flip_test([unfolded])[1],
        share=float(neurons["denotes"].mean()),  # type: ignore[arg-type]
        profile=own.numbers[BEYOND].mean(axis=0) - own.numbers[BEYOND][:, own.compared].mean(),
    )  # fmt: skip


def _rows(found: Sequence[Found], what: str, *, by_construction: bool) -> list[Row]:
    """Numbers of one world; ``by_construction`` where its basis cannot be special, so that a yes is a false alarm."""
    n, verdicts = len(found), Counter(each.verdict for each in found)
    untested = sum(each.p_value is None for each in found)
    words = "; ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    share = np.mean([each.share for each in found])
    known = [layer[np.isfinite(layer)] for layer in np.array([each.profile for each in found]).T]
    means = [float(layer.mean()) for layer in known if len(layer)]
    by_layer = "; ".join(f"{layer.mean():.3f} ({len(layer)} sweeps)" if len(layer) else "none" for layer in known)
    unfolded = sum(each.unfolded_p <= ANALYSIS.level for each in found)
    return [
        Row("tanh_signs", f"{what}: sweeps whose folded label proportion depends on depth beyond any basis",
            verdicts[BEYOND_BASIS], most=most(n, 0.05) if by_construction else None, note=f"of {n}: {words}"),
        Row("tanh_signs", f"{what}: range over layers of folded - rotated folded, mean of all sweeps",
            float(np.ptp(means)), note=by_layer),
        Row("tanh_signs", f"{what}: sweeps in which unfolded label proportions were tested",
            sum(each.unfolded_tested for each in found), most=0, note=f"denoting: {share:.2f} of the neurons"),
        Row("tanh_signs", f"{what}: sweeps in which they would have been significant", unfolded, most=most(n, 0.05),
            note=f"the primary test could not be made in {untested}"),
    ]  # fmt: skip
