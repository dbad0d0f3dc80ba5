"""Whether erasure and steering find what is planted in random networks: counts beside their goals.

python scripts/simulate_interventions.py [--only erasure,steering] [--networks N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from denote.data.parts import Halves
from denote.data.samples import TensorInputs
from denote.interventions.edited_runs import NetworkRows
from denote.interventions.erasure import ErasureResult, ErasureSettings, LayerErasure
from denote.interventions.measures import Reader
from denote.interventions.steered import SteeredDirection, SteeringSettings
from denote.interventions.steering import LayerSteering, SteeringResult
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import OUTPUT, READING
from denote.observers.linear import LinearProbe
from denote.observers.observer import Observer
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.streams import stream, torch_stream

ROWS = 800
"""Half of them *fit*, half *test*."""

Claim = tuple[str, int, int, str]
"""What was counted, of how many networks, and the goal in words."""


class Affine(nn.Module):
    """A layer that carries on all that it is given, turned and shifted."""

    def __init__(self, weight: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.weight, self.shift = nn.Parameter(weight), nn.Parameter(shift)

    def forward(self, x: Tensor) -> Tensor:
        """Turn and shift."""
        return x @ self.weight.T + self.shift


class Computing(Affine):
    """The same, and one neuron more: how far a sum of two directions is from 0, which is their XOR."""

    def __init__(self, weight: Tensor, shift: Tensor, first: Tensor, second: Tensor) -> None:
        super().__init__(weight, shift)
        self.summed = nn.Parameter(first + second)

    def forward(self, x: Tensor) -> Tensor:
        """Turn, shift, and compute."""
        return torch.cat([super().forward(x), (x @ self.summed).abs()[..., None]], -1)


class Rectified(Affine):
    """A layer of rectified units."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn, shift, rectify."""
        return super().forward(x).relu()


class OfMaps(nn.Module):
    """Makes a layer one of maps: it does the same with the channels of every pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """Put channels last and first again."""
        given: Tensor = super().forward(x.movedim(1, -1))  # type: ignore[misc]
        return given.movedim(-1, 1)


class MapAffine(OfMaps, Affine):
    """Pixel by pixel."""


class MapComputing(OfMaps, Computing):
    """Pixel by pixel."""


class MapRectified(OfMaps, Rectified):
    """Pixel by pixel."""


class MeanHead(Affine):
    """Logits of the mean over pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """Pool, turn and shift."""
        return super().forward(x.mean((2, 3)))


PIXELS = 3
"""Height and width of maps."""

NOISE = 0.3
"""Of the other pixels, so that what one of them tells is clear behind several layers: of what is hardly read before,
at most one in twenty is read after by chance, as the test has it."""


def recomputing(seed: int) -> tuple[nn.Module, NetworkRows, np.ndarray, str]:
    """Make a network that is given an attribute in one direction, and computes it again at one layer from two others.

    Returns:
        The network, its samples, the attribute, and the name of the layer that computes it.
    """
    drawn, generator = stream("recomputing", seed), torch_stream("recomputing", seed)
    width, depth = int(drawn.integers(6, 25)), int(drawn.integers(3, 6))
    at = int(drawn.integers(1, depth))
    x = drawn.standard_normal((ROWS, width)).astype(np.float32)
    bits = drawn.integers(0, 2, (ROWS, 2))
    labels = (bits[:, 0] == bits[:, 1]).astype(np.int8)
    x[:, 1:3] = 2 * (2 * bits - 1) + 0.3 * x[:, 1:3]
    x[:, 0] += 2 * (2 * labels - 1)
    blocks: list[nn.Module] = []
    turned = torch.eye(width)  # from the inputs to the state so far
    for place in range(depth):
        n = len(turned)
        turn = nn.init.orthogonal_(torch.empty(n, n), generator=generator)
        if place == at:
            # No layer before it shifts the state, so that sums of the two are 0 where they differ.
            blocks.append(Computing(turn, torch.randn(n, generator=generator), turned[:, 1], turned[:, 2]))
            turned = torch.cat([turn @ turned, torch.zeros(1, width)])
        else:
            blocks.append(Affine(turn, torch.randn(n, generator=generator) if place > at else torch.zeros(n)))
            turned = turn @ turned
    blocks.append(Affine(torch.randn(2, turned.shape[0], generator=generator), torch.zeros(2)))
    network = named(blocks)
    return network, samples_of(network, x), labels, f"layer_{at}"


def bypassing(seed: int) -> tuple[nn.Module, NetworkRows, np.ndarray, str]:
    """Make a network of rectified units that is given an attribute in one direction, all others independent of it."""
    drawn, generator = stream("bypassing", seed), torch_stream("bypassing", seed)
    width, depth = int(drawn.integers(6, 25)), int(drawn.integers(3, 6))
    x = drawn.standard_normal((ROWS, width)).astype(np.float32)
    labels = (drawn.random(ROWS) < drawn.uniform(0.2, 0.8)).astype(np.int8)
    x[:, 0] += 2 * (2 * labels - 1)
    turn = nn.init.orthogonal_(torch.empty(width, width), generator=generator)
    blocks: list[nn.Module] = [Affine(turn, torch.randn(width, generator=generator))]
    for _ in range(depth):
        weight = torch.randn(width, width, generator=generator) * (2 / width) ** 0.5
        blocks.append(Rectified(weight, 0.5 * torch.randn(width, generator=generator)))
    blocks.append(Affine(torch.randn(2, width, generator=generator), torch.zeros(2)))
    network = named(blocks)
    return network, samples_of(network, x), labels, "layer_0"


def in_one_pixel(
    world: Callable[[int], tuple[nn.Module, NetworkRows, np.ndarray, str]], seed: int
) -> tuple[nn.Module, NetworkRows, np.ndarray, str]:
    """Make a world one of maps: its samples in one of their pixels, and noise in all others.

    Layers do the same at every pixel. In a world of rectified units a convolution mixes neighbours behind the first.
    """
    network, data, labels, at = world(seed)
    drawn, generator = stream("pixels", seed), torch_stream("pixels", seed)
    flat = data.inputs[np.arange(len(data.inputs))]
    x = (NOISE * drawn.standard_normal((*flat.shape, PIXELS, PIXELS))).astype(np.float32)
    x[:, :, drawn.integers(PIXELS), drawn.integers(PIXELS)] = flat
    of_maps = {Affine: MapAffine, Computing: MapComputing, Rectified: MapRectified}
    *blocks, head = network.children()
    changed: list[nn.Module] = [_as(block, of_maps[type(block)]) for block in blocks]
    if any(isinstance(each, MapRectified) for each in changed):
        mixing = nn.Conv2d(flat.shape[1], flat.shape[1], 3, padding=1)
        nn.init.normal_(mixing.weight, std=flat.shape[1] ** -0.5, generator=generator)
        changed.insert(1, mixing)
    network = named([*changed, _as(head, MeanHead)])
    return network, samples_of(network, x), labels, at


def _as(block: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """Return a layer of the same weights that does something else with them."""
    made = kind.__new__(kind)
    made.__dict__.update(block.__dict__)
    return made


def named(blocks: Sequence[nn.Module]) -> nn.Sequential:
    """Put layers one behind the other."""
    network = nn.Sequential()
    for depth, block in enumerate(blocks):
        network.add_module(f"layer_{depth}", block)
    return network.eval()


def samples_of(network: nn.Module, x: np.ndarray) -> NetworkRows:
    """Deal rows into *fit* and *test*."""
    return NetworkRows(network, TensorInputs(x), Halves(*np.arange(len(x)).reshape(2, -1)))


def layers_of(data: NetworkRows) -> list[Layer]:
    """List the layers of a network."""
    return list_layers(data.network, data.inputs[np.arange(4)])


def erased(
    world: Callable[[int], tuple[nn.Module, NetworkRows, np.ndarray, str]], seed: int, draws: int = 19
) -> tuple[ErasureResult, str]:
    """Erase the attribute of a world at its first layer; return what is found, and where it is computed again."""
    _, data, labels, at = world(seed)
    first, *later = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 2)
    halves = Halves(labels[data.rows.fit], labels[data.rows.test])
    erasure = LayerErasure(data, first, later, scores, ErasureSettings(draws=draws, seed=seed))
    return erasure.attribute(halves), at


def erasure(networks: int) -> Iterator[Claim]:
    """An attribute that is computed again comes back where that is, and one that is not never does."""
    found = [erased(recomputing, seed) for seed in range(networks)]
    yield "computed again: comes back at that layer", sum(each.first == at for each, at in found), networks, ">= 95 %"
    yield "computed again: gone at the layer itself", sum(_gone(each) for each, _ in found), networks, ""
    alone = [erased(bypassing, seed)[0] for seed in range(networks)]
    yield "in one direction only: comes back", sum(each.comes_back for each in alone), networks, "0"
    yield "in one direction only: gone at the layer itself", sum(_gone(each) for each in alone), networks, ""
    maps = [erased(partial(in_one_pixel, recomputing), seed) for seed in range(networks)]
    yield (
        "computed again in one pixel: comes back there",
        sum(each.first == at for each, at in maps),
        networks,
        ">= 95 %",
    )
    alone = [erased(partial(in_one_pixel, bypassing), seed)[0] for seed in range(networks)]
    yield "in one direction of one pixel: comes back", sum(each.comes_back for each in alone), networks, "0"
    yield "in one direction of one pixel: gone there", sum(_gone(each) for each in alone), networks, ""


def _gone(result: ErasureResult) -> bool:
    return result.here is not None and result.here.after.low <= 0.5 <= result.here.after.high


def steered(seed: int, directions: int = 99) -> tuple[SteeringResult, dict[tuple[str, str], float]]:
    """Push along an observer's direction in a network whose tail is affine; return what is found and the true gains."""
    drawn, generator = stream("steered", seed), torch_stream("steered", seed)
    width, labels = int(drawn.integers(6, 25)), drawn.integers(0, 2, ROWS).astype(np.int8)
    x = (drawn.standard_normal((ROWS, width)) * np.exp(drawn.normal(size=width))).astype(np.float32)
    x[:, 0] += 2 * x[:, 0].std() * labels
    weights = [torch.randn(width, width, generator=generator) / width**0.5 for _ in range(3)]
    blocks = [Rectified(weights[0], torch.ones(width)), *(Affine(each, torch.ones(width)) for each in weights[1:])]
    out = torch.randn(3, width, generator=generator)
    network = named([*blocks, Affine(out, torch.zeros(3))])
    data = samples_of(network, x)
    at, _, later, _ = layers_of(data)
    steering = LayerSteering(data, at, settings=SteeringSettings(directions=directions, seed=seed))
    fit = labels[data.rows.fit][:, None]
    subject = SteeredDirection.of(LinearProbe().fit(steering.state.fit, fit), at.name)
    reader = Reader(later, Observer.linear(np.ascontiguousarray(drawn.normal(size=(width, 1))), np.zeros(1), fit))
    result = steering.subject(subject, [reader])
    moved = (weights[2] @ weights[1]).detach().double().numpy() @ subject.direction
    gains = {(READING, later.name): float(moved @ reader.observer.weights[:, 0])}
    gains |= {(OUTPUT, str(place)): float(row @ moved) for place, row in enumerate(out.detach().double().numpy())}
    return result, gains


def steering(networks: int) -> Iterator[Claim]:
    """The slope of every output and reading is the gain of the affine tail."""
    off = {"output": 0.0, "reading": 0.0}
    right = 0
    for seed in range(networks):
        result, gains = steered(seed)
        errors = {name: abs(result.of(*name).slope.value / gain - 1) for name, gain in gains.items()}
        right += max(errors.values()) <= 0.05
        off = {kind: max([most, *(e for name, e in errors.items() if name[0] == kind)]) for kind, most in off.items()}
    largest = ", ".join(f"{kind} {most:.1e}" for kind, most in off.items())
    yield f"known gain: all slopes within 5 % (largest relative error: {largest})", right, networks, ">= 95 %"


CLAIMS = {"erasure": erasure, "steering": steering}


def main(argv: Sequence[str] | None = None) -> int:
    """Count, and print the counts."""
    parser = argparse.ArgumentParser(prog="simulate_interventions.py", description=__doc__)
    parser.add_argument("--only", default=",".join(CLAIMS), help=f"some of {', '.join(CLAIMS)}")
    parser.add_argument("--networks", type=int, default=10, help="random networks of every claim; 100 is the full size")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)  # small products wait for the slowest of many threads
    asked = arguments.only.split(",")
    if not set(asked) <= set(CLAIMS):
        parser.error(f"--only {arguments.only}: allowed: {', '.join(CLAIMS)}")
    for name in asked:
        for what, count, networks, goal in CLAIMS[name](arguments.networks):
            print(f"{name}: {what}: {count} of {networks}{goal and f' (goal {goal})'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
