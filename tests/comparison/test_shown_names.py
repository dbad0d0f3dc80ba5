"""Long names of results as sentences show them: told apart, and short."""

import pytest
from compared_results import result
from hypothesis import given
from hypothesis import strategies as st

from denote.comparison.compare import compare
from denote.comparison.shown_names import LONGEST, shown_names
from denote.reporting.comparison.compose import comparison_answer
from denote.reporting.comparison.page import comparison_page

JOB = "digits-mlp-4x48-classes+odd+prime+loop-linear-layer=all-seed={}-{}"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["weak", "strong"], ["weak", "strong"]),
        ([JOB.format(0, "c65ae8b6"), JOB.format(1, "4cb58de8")], ["…seed=0", "…seed=1"]),
        ([JOB.format(0, "c65ae8b6"), JOB.format(0, "4cb58de8")], ["…c65ae8b6", "…4cb58de8"]),
        ([f"{each}/{JOB.format(0, 'c65ae8b6')}" for each in ("weak", "strong")], ["weak…", "strong…"]),
        (["a", JOB.format(0, "c65ae8b6")], ["a", "digits-mlp-4x48-classes+odd…"]),
        (
            ["x" * 40 + "a" + "y" * 40, "x" * 40 + "b" + "y" * 40],
            ["…" + "x" * 6 + each + "y" * 19 + "…" for each in "ab"],
        ),
        (["x" * 60, "x" * 61], ["x" * 27 + "…", "x" * 23 + " (2)"]),
    ],
)
def test_what_tells_names_apart_is_shown(names: list[str], shown: list[str]) -> None:
    assert shown_names(names) == shown


@given(st.lists(st.text("ab-=/ …(2)", max_size=80), min_size=2, max_size=5, unique=True))
def test_no_two_names_are_shown_alike_and_none_is_long(names: list[str]) -> None:
    shown = shown_names(names)
    assert len(set(shown)) == len(names)
    assert max(map(len, shown)) <= LONGEST


def test_every_surface_shows_them() -> None:
    long = [JOB.format(seed, digest) for seed, digest in ((0, "c65ae8b6"), (1, "4cb58de8"))]
    found = compare([result(long[0]), result(long[1], renamed="x", probe__linear__l2=0.1)])
    answer = comparison_answer(found)
    assert answer.question == "How does …seed=1 differ from …seed=0?"
    assert answer.blocks[0].text.startswith("…seed=1 against …seed=0 (baseline): ")
    page = comparison_page(found)
    assert "<title>…seed=1 against …seed=0" in page
    assert page.count("4x48") == 2, "whole names stand below how to read the page"
    assert f"…seed=1 is {long[1]}." in page
    assert found.table["other"].unique().to_list() == [long[1]], "tables hold whole names"
