"""A network whose neurons denote what they were given to denote: the truth that a search should find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from math import prod

import polars as pl
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from denote.data.sources.planted import Layout
from denote.errors import ConfigError
from denote.object_models.architectures.building_blocks import at_least
from denote.object_models.architectures.planted_formulas import Formula, draw_formula, draw_subset, factor

FAMILIES = ("subsets", "columns", "formulas")
"""What may be planted, by the family that expresses it."""
TRUTH = {
    "layer": pl.String,
    "neuron": pl.Int64,
    "kind": pl.String,
    "family": pl.String,
    "property": pl.String,
    "d_prime": pl.Float64,
    "label_proportion": pl.Float64,
}

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Neuron:
    """What one neuron is made of.

    Attributes:
        kind: ``planted``, ``distractor``, ``noise`` or ``dead``.
        family: The family that expresses its property; None without one.
        on: The property that holds where its activation is high.
        d_prime: Distance of the means with and without the property, in standard deviations.
        sign: +1 or -1; at -1 the activation sinks where the complement of ``on`` holds.
    """

    kind: str
    family: str | None = None
    on: Formula | None = None
    d_prime: float = 0.0
    sign: int = 1

    def described(self, layout: Layout) -> tuple[str, str | None, str | None, float | None, float | None]:
        """Return kind, family, property, d' and label proportion in the population; None where there is none."""
        if self.on is None:
            return self.kind, self.family, None, None, None
        return self.kind, self.family, self.on.name(layout), self.d_prime, self.on.share(layout)


class PlantedLayer(nn.Module):
    """Neurons that read a property of the input, each in noise of its own.

    A neuron is ``d_prime * holds + noise`` or, with sign -1, ``-d_prime * holds + noise``, where ``noise`` is a
    projection of the noise numbers that is standard normal. Dead neurons are 0.

    Args:
        layout: Where things stand in an input.
        neurons: What each is.
        noise: Number of noise numbers.
    """

    projection: Tensor

    def __init__(self, layout: Layout, neurons: Sequence[Neuron], noise: int) -> None:
        super().__init__()
        self.layout, self.neurons = layout, tuple(neurons)
        rows = torch.randn(len(neurons), noise)
        live = torch.tensor([[neuron.kind != "dead"] for neuron in neurons])
        self.register_buffer("projection", rows / rows.norm(dim=1, keepdim=True) * live)

    def forward(self, inputs: Float[Tensor, "sample number"]) -> Float[Tensor, "sample neuron"]:
        """Return the activations."""
        height = inputs.new_tensor([neuron.d_prime for neuron in self.neurons])
        sinks = inputs.new_tensor([float(neuron.sign < 0) for neuron in self.neurons])
        return height * (self.holds(inputs).float() - sinks) + self.layout.noise(inputs) @ self.projection.T

    def holds(self, inputs: Float[Tensor, "sample number"]) -> Bool[Tensor, "sample neuron"]:
        """Return where every neuron's property holds; nowhere for a neuron without one."""
        facts = self.layout.facts(inputs)
        never = torch.zeros(len(inputs), dtype=torch.bool, device=inputs.device)
        columns = [never if neuron.on is None else neuron.on.holds(facts) for neuron in self.neurons]
        return torch.stack(columns, dim=1)


class PlantedNetwork(nn.Module):
    """Layers side by side, each planted on the input itself, and logits that give the class away.

    Everything is drawn from torch's global generator when it is built; nothing is learned. A factor is planted from a
    known layer on: as many enter in each layer, those that entered last first.

    Args:
        input_shape: Shape of one sample of the planted data.
        n_classes: Number of logits.
        proportions: Label proportion of each factor of the data.
        layers: Number of layers, at least 1.
        width: Neurons of each.
        share: Share of a layer's neurons that are planted, in the first and in the last layer; linear between.
        d_prime: Smallest and largest d' of planted neurons.
        distractor_share: Share of a layer's neurons that carry a property too weakly to denote it.
        distractor_d_prime: Smallest and largest d' of those.
        dead_share: Share that is 0 everywhere.
        families: Families that properties of planted neurons and of distractors come from, in turn.
        formula_proportions: Smallest and largest label proportion of planted formulas.

    Raises:
        ConfigError: for a setting that cannot be, by its key.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        proportions: Sequence[float],
        layers: int = 5,
        width: int = 100,
        share: Bounds = (0.08, 0.3),
        d_prime: Bounds = (6.0, 8.0),
        distractor_share: float = 0.2,
        distractor_d_prime: Bounds = (1.0, 2.0),
        dead_share: float = 0.03,
        families: Sequence[str] = FAMILIES,
        formula_proportions: Bounds = (0.05, 0.5),
    ) -> None:
        super().__init__()
        at_least(layers, 1, "layers")
        at_least(width, 1, "width")
        if not families or not set(families) <= set(FAMILIES):
            raise ConfigError("architecture.families", f"{list(families)!r}", f"allowed: some of {', '.join(FAMILIES)}")
        self.layout = Layout(n_classes, tuple(proportions))
        noise = prod(input_shape) - self.layout.n_facts - 1
        if len(input_shape) != 1 or noise < 1:
            problem = f"a planted network cannot read inputs of {tuple(input_shape)}"
            raise ConfigError("architecture", problem, "allowed: dataset=planted with all its classes")
        self.readable_id = f"planted-{layers}x{width}"
        self.hidden = tuple(f"hidden_{index}" for index in range(1, layers + 1))
        self.observed_layers = (*self.hidden, "logits")
        order, before = torch.randperm(len(proportions)).tolist(), 0
        for depth, name in enumerate(self.hidden):
            entered = order[: -(-len(order) * (depth + 1) // layers)]
            sources = self._sources(entered[::-1], formula_proportions)
            planted = share[0] + (share[1] - share[0]) * depth / max(1, layers - 1)
            numbers = [round(part * width) for part in (planted, distractor_share, dead_share)]
            _check_numbers(numbers, width, families, len(entered) - before)
            neurons = [
                *islice(_planted(sources, families, "planted", d_prime), numbers[0]),
                *islice(_planted(sources, families, "distractor", distractor_d_prime), numbers[1]),
                *[Neuron("dead")] * numbers[2],
                *[Neuron("noise")] * (width - sum(numbers)),
            ]
            shuffled = [neurons[index] for index in torch.randperm(width).tolist()]
            self.add_module(name, PlantedLayer(self.layout, shuffled, noise))
            before = len(entered)
        self.logits = _Classes(n_classes)

    def forward(self, inputs: Float[Tensor, "sample number"]) -> Float[Tensor, "sample class"]:
        """Return the class, one-hot."""
        for name in self.hidden:
            self.get_submodule(name)(inputs)
        return torch.as_tensor(self.logits(inputs))

    def planted_layers(self) -> dict[str, PlantedLayer]:
        """Return the layers without the logits, by name, the first one first."""
        layers = {name: self.get_submodule(name) for name in self.hidden}
        return {name: layer for name, layer in layers.items() if isinstance(layer, PlantedLayer)}

    def truth(self) -> pl.DataFrame:
        """Return what every neuron of the hidden layers is: columns of ``TRUTH``, the label proportion in the
        population.
        """
        rows = [
            (name, index, *neuron.described(self.layout))
            for name, layer in self.planted_layers().items()
            for index, neuron in enumerate(layer.neurons)
        ]
        return pl.DataFrame(rows, schema=TRUTH, orient="row")

    def _sources(self, entered: Sequence[int], bounds: Bounds) -> dict[str, Callable[[], Formula]]:
        """Return how the next property of each family is had."""
        columns = cycle(entered)
        return {
            "subsets": lambda: draw_subset(self.layout),
            "columns": lambda: factor(self.layout, next(columns)),
            "formulas": lambda: draw_formula(self.layout, *bounds),
        }


class _Classes(nn.Module):
    """The first numbers of an input."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, inputs: Float[Tensor, "sample number"]) -> Float[Tensor, "sample class"]:
        return inputs[:, : self.n]


def _planted(
    sources: dict[str, Callable[[], Formula]], families: Sequence[str], kind: str, d_prime: Bounds
) -> Iterator[Neuron]:
    """Neurons without end, the families in turn; signs and d' at random."""
    for family in cycle(families):
        sign = 1 if torch.rand(()) < 0.5 else -1
        height = d_prime[0] + (d_prime[1] - d_prime[0]) * float(torch.rand(()))
        formula = sources[family]()
        yield Neuron(kind, family, formula if sign > 0 else formula.complement(), height, sign)


def _check_numbers(numbers: Sequence[int], width: int, families: Sequence[str], entering: int) -> None:
    if min(numbers) < 0 or sum(numbers) > width:
        problem = f"{sum(numbers)} neurons would be planted, weak or dead"
        raise ConfigError("architecture.share", problem, f"allowed: at most {width} (architecture.width)")
    columns = sum(family == "columns" for family in islice(cycle(families), numbers[0]))
    if numbers[0] and "columns" in families and columns < entering:
        problem = f"{entering} factors enter in a layer with {columns} neurons for them"
        allowed = "more planted neurons, more layers, or fewer dataset.proportions"
        raise ConfigError("architecture.share", problem, allowed)
