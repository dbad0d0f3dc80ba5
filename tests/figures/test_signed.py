"""Colours of signed values: pale inside the band, sign and order outside, and both seen without colours."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.figures.signed import BANDED, EDGE, SIGNED, outside_band, shades


@settings(max_examples=60)
@given(st.lists(st.floats(-9, 9), min_size=2, max_size=30), st.one_of(st.none(), st.floats(0, 10)))
def test_shades_are_zero_inside_the_band_and_keep_sign_and_order_outside(
    values: list[float], band: float | None
) -> None:
    relevance = np.array(values)
    found = shades(relevance, band)
    inside = np.abs(relevance) <= (band or 0)
    assert (found[inside] == 0).all()
    assert (np.abs(found) <= 1).all()
    if band is not None:
        assert (np.abs(found[~inside]) >= EDGE).all()
        assert (np.sign(found[~inside]) == np.sign(relevance[~inside])).all()
        assert inside.all() or np.abs(found).max() == 1
    order = np.argsort(relevance, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_what_is_undefined_is_neither_inside_nor_outside() -> None:
    relevance = np.array([np.nan, 2.0, -0.5])
    np.testing.assert_array_equal(outside_band(relevance, 1.0), [False, True, False])
    np.testing.assert_array_equal(shades(relevance, 1.0), [np.nan, 1, 0])
    np.testing.assert_array_equal(shades(relevance, None), [np.nan, 1, -0.25])
    assert not outside_band(relevance, None).any()


def test_the_end_of_the_band_shows_in_a_grey_print() -> None:
    grey = np.array([0.299, 0.587, 0.114])
    inside, ends = SIGNED(0.5)[:3] @ grey, np.array(SIGNED([0.5 - EDGE / 2, 0.5 + EDGE / 2]))[:, :3] @ grey
    assert (inside - ends > 0.1).all()
    scale = np.linspace(0, 1, 256)
    same = np.abs(2 * scale - 1) >= EDGE
    np.testing.assert_allclose(BANDED(scale)[same], SIGNED(scale)[same], atol=0.01)
    np.testing.assert_allclose(BANDED(scale)[~same], np.tile(SIGNED(0.5), ((~same).sum(), 1)), atol=0.01)
