"""The correlation figure shows every pair where it belongs, puts proxies side by side and invents no value."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from synthetic_tables import said_below

from denote.figures.correlations import (
    MOST_ANNOTATED,
    MOST_ATTRIBUTES,
    Correlations,
    clustered,
    correlations,
    draw_attribute_correlation,
    strongest,
)
from denote.streams import stream
from denote.tables import ATTRIBUTE_CORRELATION, table


def frame(phi: Mapping[tuple[str, str], float | None], dataset: str = "digits") -> pl.DataFrame:
    rows = [{"dataset": dataset, "attribute": a, "other": b, "phi": value} for (a, b), value in phi.items()]
    return table(rows, ATTRIBUTE_CORRELATION)


def noise(n: int) -> pl.DataFrame:
    pairs = list(itertools.combinations([f"a{i}" for i in range(n)], 2))
    return frame(dict(zip(pairs, stream("correlations").uniform(-0.3, 0.3, len(pairs)), strict=True)))


def shown(ax: Axes) -> np.ndarray:
    values: np.ndarray = np.ma.filled(ax.collections[0].get_array(), np.nan)
    return values


def names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_each_pair_stands_at_both_places_and_the_undefined_one_stays_open() -> None:
    pairs = {("odd", "prime"): 0.4, ("odd", "loop"): -0.004, ("prime", "loop"): None}
    ax = draw_attribute_correlation(frame(pairs)).axes[0]
    values, place = shown(ax), {name: i for i, name in enumerate(names(ax))}
    for (a, b), phi in pairs.items():
        for cell in (values[place[a], place[b]], values[place[b], place[a]]):
            np.testing.assert_equal(cell, np.nan if phi is None else phi)
    assert np.isnan(np.diag(values)).all()
    assert sorted(text.get_text() for text in ax.texts) == [".00", ".00", ".40", ".40"]
    assert "hatched" in ax.get_xlabel()
    assert ax.collections[0].get_clim() == (-1, 1)


def test_a_table_with_both_directions_and_the_diagonal_gives_the_same_matrix() -> None:
    once = frame({("odd", "prime"): 0.4, ("odd", "loop"): -0.2, ("prime", "loop"): 0.1})
    back = once.rename({"attribute": "other", "other": "attribute"}).select(once.columns)
    itself = frame({("odd", "odd"): 1.0})
    both = correlations(pl.concat([once, back, itself]))
    assert both.attributes == correlations(once).attributes
    np.testing.assert_array_equal(both.phi, correlations(once).phi)


def test_proxies_and_opposites_stand_side_by_side() -> None:
    weak = dict.fromkeys(itertools.combinations(["a", "b", "c", "d", "e", "f"], 2), 0.05)
    found = clustered(correlations(frame({**weak, ("a", "d"): 0.9, ("b", "f"): -0.95})))
    place = {name: i for i, name in enumerate(found.attributes)}
    assert sorted(found.attributes) == ["a", "b", "c", "d", "e", "f"]
    assert abs(place["a"] - place["d"]) == 1
    assert abs(place["b"] - place["f"]) == 1
    np.testing.assert_array_equal(found.phi, found.phi.T)
    assert found.phi[place["b"], place["f"]] == -0.95


def test_of_many_attributes_those_with_the_strongest_partner_are_drawn_and_the_title_says_so() -> None:
    found = correlations(noise(MOST_ATTRIBUTES + 7))
    largest = {name: np.nanmax(np.abs(row)) for name, row in zip(*found, strict=True)}
    expected = sorted(largest, key=lambda name: -largest[name])[:MOST_ATTRIBUTES]
    figure = draw_attribute_correlation(noise(MOST_ATTRIBUTES + 7))
    assert set(names(figure.axes[0])) == set(expected)
    assert "60 of 67 attributes, those with the largest |phi|" in said_below(figure)
    assert said_below(draw_attribute_correlation(noise(5))) == ""
    assert strongest(Correlations(["a", "b"], np.full((2, 2), np.nan)), 1).attributes == ["a"]


def test_signs_can_be_read_without_colours() -> None:
    few, many = (draw_attribute_correlation(noise(n)).axes[0] for n in (MOST_ANNOTATED, MOST_ANNOTATED + 1))
    assert len(few.texts) == MOST_ANNOTATED * (MOST_ANNOTATED - 1)
    assert sum(text.get_text().startswith("−") for text in few.texts) == (np.round(shown(few), 2) < 0).sum()
    assert not many.texts
    places = np.asarray(many.collections[1].get_offsets()) - 0.5
    expected = np.argwhere(shown(many) <= -0.1)[:, ::-1]
    np.testing.assert_array_equal(places, expected)
    assert len(expected) > 10


def test_an_empty_table_is_a_message() -> None:
    assert (
        "no two attributes" in draw_attribute_correlation(frame({("a", "b"): 0.1}).clear()).axes[0].texts[0].get_text()
    )
