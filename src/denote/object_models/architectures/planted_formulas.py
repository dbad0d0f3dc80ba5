"""Properties that can be planted: facts and formulas of up to three, with names and proportions by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from denote.attributes.labels import class_set_name
from denote.data.sources.planted import Layout

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
