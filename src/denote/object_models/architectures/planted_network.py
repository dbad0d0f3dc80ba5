"""A network whose neurons denote planted facts and formulas: the truth that a search should find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice, product
from math import prod

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from denote.attributes.labels import class_set_name
from denote.data.sources.planted import Layout
from denote.errors import ConfigError
from denote.object_models.architectures.building_blocks import check_counts

MOST_WITHOUT = 0.90
"""Balanced accuracy that a planted formula may have, at most, for what ignores one of its facts: else a neuron could
denote that other property too, by a rule that asks for more than this."""


@dataclass(frozen=True)
class Literal:
    """One class set or one factor, or that it does not hold.

    Attributes:
        facts: Places among the facts of a `Layout`: several classes, or one factor. It holds where any of them does.
        negated: Whether it is turned round.
    """

    facts: tuple[int, ...]
    negated: bool = False

    def holds(self, facts: Bool[Tensor, "sample fact"]) -> Bool[Tensor, " sample"]:
        """Return where it holds."""
        return facts[:, self.facts].any(dim=1) ^ self.negated

    def share(self, layout: Layout) -> float:
        """Return the share of the population of which it holds."""
        share = sum(layout.shares[fact] for fact in self.facts)
        return 1 - share if self.negated else share

    def name(self, layout: Layout) -> str:
        """As denote names it: of a set of classes and its complement the smaller goes without ``NOT``."""
        n, inside, negated = layout.classes, self.facts, self.negated
        if inside[0] >= n:
            text = layout.factors[inside[0] - n]
        else:
            twice = 2 * len(inside)
            if twice > n or (twice == n and 0 not in inside):
                inside, negated = tuple(index for index in range(n) if index not in inside), not negated
            text = class_set_name([str(index) for index in inside])
        return f"NOT {text}" if negated else text


@dataclass(frozen=True)
class Formula:
    """Literals that are joined from left to right: ``(a AND b) OR c``.

    Attributes:
        literals: One to three of independent facts.
        operators: ``AND`` or ``OR`` between each and what stands before it.
        negated: Whether the whole is turned round.
    """

    literals: tuple[Literal, ...]
    operators: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, facts: Bool[Tensor, "sample fact"]) -> Bool[Tensor, " sample"]:
        """Return where it holds."""
        return self._joined([literal.holds(facts) for literal in self.literals])

    def complement(self) -> Formula:
        """Return the formula that holds where this one does not."""
        if len(self.literals) == 1:
            (literal,) = self.literals
            return replace(self, literals=(replace(literal, negated=not literal.negated),))
        return replace(self, negated=not self.negated)

    def share(self, layout: Layout) -> float:
        """Return the label proportion in the population."""
        weights, held = self._outcomes(layout)
        return float(weights[held].sum())

    def most_without(self, layout: Layout) -> float:
        """Return the largest true balanced accuracy with which this formula tells any property that ignores one of its
        facts.

        A neuron that is on exactly where the formula holds has this score for the property that is most like it among
        all yes/no functions of the other facts; .5 for a single fact.
        """
        weights, held = self._outcomes(layout)
        best = 0.5
        for axis in range(len(self.literals)):
            every, inside = (part.sum(axis).ravel() for part in (weights, weights * held))
            functions = (np.arange(1, 2**every.size - 1)[:, None] >> np.arange(every.size)) & 1
            positive, negative = (each @ inside / (each @ every) for each in (functions, 1 - functions))
            best = max(best, float((1 + positive - negative).max(initial=1.0)) / 2)
        return best

    def name(self, layout: Layout) -> str:
        """In words; of a single literal as denote names it."""
        names = [literal.name(layout) for literal in self.literals]
        text = names[0]
        for index, (operator, name) in enumerate(zip(self.operators, names[1:], strict=True)):
            text = f"({text}) {operator} {name}" if index else f"{text} {operator} {name}"
        return f"NOT ({text})" if self.negated else text

    def _joined(self, held: Sequence[Bool[Tensor, "*outcome"]]) -> Bool[Tensor, "*outcome"]:
        result = held[0]
        for operator, other in zip(self.operators, held[1:], strict=True):
            result = result & other if operator == "AND" else result | other
        return result ^ self.negated

    def _outcomes(self, layout: Layout) -> tuple[Float[np.ndarray, "*literal"], Bool[np.ndarray, "*literal"]]:
        """Return the probability of every combination of literals, one axis each, and whether the formula holds
        there.
        """
        shares = [literal.share(layout) for literal in self.literals]
        combinations = list(product((False, True), repeat=len(shares)))
        weights = [np.prod([s if yes else 1 - s for s, yes in zip(shares, each, strict=True)]) for each in combinations]
        shape = (2,) * len(shares)
        held = self._joined(list(torch.tensor(combinations).T))
        return np.reshape(weights, shape), held.numpy().reshape(shape)


def class_subset(members: Sequence[int]) -> Formula:
    """Return a set of classes as a formula of one literal."""
    return Formula((Literal(tuple(sorted(members))),))


def factor(layout: Layout, index: int) -> Formula:
    """Return a factor as a formula of one literal.

    Args:
        layout: The facts.
        index: Of the factor, from 0.
    """
    return Formula((Literal((layout.classes + index,)),))


def draw_subset(layout: Layout) -> Formula:
    """Return a set of one to half of the classes, every size alike, by torch's global generator."""
    size = 1 + _integer(layout.classes // 2)
    return class_subset(torch.randperm(layout.classes)[:size].tolist())


def draw_formula(layout: Layout, low: float, high: float) -> Formula:
    """Return a formula of two or three facts of which none can be left out, by torch's global generator.

    Args:
        layout: The facts; at most one literal is a class, as several would exclude each other.
        low: Smallest label proportion, above 0.
        high: Largest one.
    """
    while True:
        sources = torch.randperm(len(layout.proportions) + 1)[: 2 + _integer(2)].tolist()
        literals = tuple(
            Literal((_integer(layout.classes) if source == 0 else layout.classes + source - 1,), bool(_integer(2)))
            for source in sources
        )
        operators = tuple(("AND", "OR")[_integer(2)] for _ in literals[1:])
        formula = Formula(literals, operators)
        if low <= formula.share(layout) <= high and formula.most_without(layout) <= MOST_WITHOUT:
            return formula


def _integer(below: int) -> int:
    return int(torch.randint(below, ()))


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
        check_counts(layers=layers, width=width)
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
        return {name: layer for name, layer in self.named_children() if isinstance(layer, PlantedLayer)}

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
