"""Properties and families as people call them; names keep no power over a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.attributes.labels import class_set_name
from denote.denotation.property_names import complement
from denote.reporting.answer.words import clean, family_words, listed, plain_property

DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("name", "told", "short"),
    [
        ("class=3", "class 3", None),
        ("class in {0,6}", "class 0 or 6", None),
        ("NOT class=4", "all classes but 4 (0, 1, 2, 3, 5, 6, 7, 8 or 9)", "all classes but 4"),
        ("NOT class in {1,4,7}", "all classes but 1, 4 and 7 (0, 2, 3, 5, 6, 8 or 9)", "all classes but 1, 4 and 7"),
        ("odd", "odd", None),
        ("NOT odd", "not odd", None),
        ("NOT (odd AND loop)", "not odd AND loop", None),
        ("odd AND NOT loop", "odd AND NOT loop", None),
        ("housing=own", "housing=own", None),
        ("ink top 20%", "ink top 20%", None),
    ],
)
def test_a_property_is_told_by_its_smaller_side_with_what_it_holds(name: str, told: str, short: str | None) -> None:
    assert plain_property(name, DIGITS) == told
    assert plain_property(name, DIGITS, short=True) == (short or told)


def test_without_the_classes_a_set_is_told_by_its_name_alone() -> None:
    assert plain_property("NOT class in {1,4,7}") == "all classes but 1, 4 and 7"
    assert plain_property("species=setosa", ["setosa", "virginica"]) == "species setosa"
    assert (
        plain_property("NOT species=setosa", ["setosa", "virginica"]) == "all values of species but setosa (virginica)"
    )


@given(st.sets(st.text("ab,}{ =", min_size=1, max_size=4), min_size=1, max_size=6), st.randoms())
def test_classes_whose_names_hold_commas_are_told_apart(names: set[str], random: object) -> None:
    """Whatever classes are called, no class is told that is none, and none is lost where names are no prefixes."""
    classes = sorted(names)
    inside = classes[: max(1, len(classes) // 2)]
    told = plain_property(class_set_name(inside), classes)
    if not any(first != second and second.startswith(f"{first},") for first in classes for second in classes):
        assert told == f"class {listed(inside, 99).replace(' and ', ' or ')}" or " and " in "".join(inside)
    assert (
        plain_property(complement(class_set_name(inside)), classes).startswith("all classes but ") or len(inside) == 0
    )


@given(st.text(max_size=300))
def test_a_name_is_visible_and_short(name: str) -> None:
    shown = clean(name)
    assert len(shown) <= 28
    assert shown.isprintable()


def test_families_are_called_by_what_was_typed() -> None:
    assert family_words("subsets") == "sets of classes (attribute=neuron_subsets)"
    assert family_words("named", ["odd", "prime"]) == "named attributes (odd and prime)"
    assert family_words("named", ["odd"], one=True) == "a named attribute (odd)"
    assert family_words("classes", one=True) == "a class (attribute=classes)"
    assert family_words("mine") == "mine (attribute=mine)"
    assert listed(list("abcdefgh"), 4) == "a, b, c and 5 more"
