"""Properties that are planted: their names, their shares and that no part of them can be left out."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.data.sources.planted import Layout
from denote.denotation.search.properties import subset_name
from denote.object_models.architectures.planted_network import (
    MOST_WITHOUT,
    Formula,
    Literal,
    class_subset,
    draw_formula,
    draw_subset,
    factor,
)

LAYOUT = Layout(4, (0.1, 0.3, 0.5))


@st.composite
def formulas(draw: st.DrawFn) -> Formula:
    sources = draw(st.permutations([0, 1, 2, 3]))[: draw(st.integers(1, 3))]
    literals = tuple(
        Literal((draw(st.integers(0, 3)) if source == 0 else 3 + source,), draw(st.booleans())) for source in sources
    )
    operators = tuple(draw(st.sampled_from(["AND", "OR"])) for _ in literals[1:])
    return Formula(literals, operators, draw(st.booleans()))


def population(layout: Layout) -> tuple[torch.Tensor, np.ndarray]:
    """Every combination of facts that there is, and how often it comes."""
    cells = list(product(range(layout.classes), *[(False, True)] * len(layout.proportions)))
    facts = torch.tensor([[place == cell[0] for place in range(layout.classes)] + list(cell[1:]) for cell in cells])
    weights = [
        np.prod([p if yes else 1 - p for p, yes in zip(layout.proportions, cell[1:], strict=True)]) / layout.classes
        for cell in cells
    ]
    return facts, np.array(weights)


@given(formula=formulas())
def test_the_share_is_that_of_the_population(formula: Formula) -> None:
    facts, weights = population(LAYOUT)
    held = formula.holds(facts).numpy()
    assert formula.share(LAYOUT) == pytest.approx(weights[held].sum())
    other = formula.complement()
    np.testing.assert_array_equal(other.holds(facts).numpy(), ~held)
    assert other.complement() == formula


@given(formula=formulas())
@settings(max_examples=30)
def test_no_property_that_ignores_a_fact_is_more_like_it_than_said(formula: Formula) -> None:
    """Every yes/no function of the other facts over the whole population, one by one."""
    facts, weights = population(LAYOUT)
    held = formula.holds(facts).numpy()
    literals = np.stack([literal.holds(facts).numpy() for literal in formula.literals])
    best = 0.5
    for left in range(len(literals)):
        others = np.delete(literals, left, axis=0)
        cells = others.T @ (1 << np.arange(len(others)))
        for chosen in range(2**2 ** len(others)):
            other = (chosen >> cells) & 1 == 1
            if 0 < weights[other].sum() < 1 - 1e-9:
                tpr = weights[other & held].sum() / weights[other].sum()
                tnr = weights[~other & ~held].sum() / weights[~other].sum()
                best = max(best, (tpr + tnr) / 2)
    assert formula.most_without(LAYOUT) == pytest.approx(best)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sets_of_classes_are_named_as_in_a_search(size: int) -> None:
    for members in combinations(range(4), size):
        inside = np.isin(np.arange(4), members)
        expected = subset_name(inside, np.ones(4, dtype=bool), ["0", "1", "2", "3"])
        assert class_subset(members).name(LAYOUT) == expected
        assert class_subset(members).complement().name(LAYOUT) == subset_name(~inside, np.ones(4, bool), list("0123"))


def test_names_read_from_left_to_right() -> None:
    a, b = (factor(LAYOUT, index).literals[0] for index in (0, 2))
    formula = Formula((a, Literal((2,), True), b), ("AND", "OR"))
    assert formula.name(LAYOUT) == "(factor_1 AND NOT class=2) OR factor_3"
    assert formula.complement().name(LAYOUT) == "NOT ((factor_1 AND NOT class=2) OR factor_3)"


def test_drawn_properties_keep_their_promises() -> None:
    torch.manual_seed(0)
    layout = Layout(10, (0.05, 0.1, 0.2, 0.3, 0.4, 0.5))
    for _ in range(50):
        formula, subset = draw_formula(layout, 0.05, 0.5), draw_subset(layout)
        assert 0.05 <= formula.share(layout) <= 0.5
        assert formula.most_without(layout) <= MOST_WITHOUT
        assert 0.1 <= subset.share(layout) <= 0.5 + 1e-9
