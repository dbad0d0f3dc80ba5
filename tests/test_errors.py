"""A long list of names is cut where one of them is a good guess, and told in full where none is."""

from denote.errors import MOST_LISTED, NEAREST_LISTED, one_of, type_in_words

NAMES = [f"column_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def test_a_short_list_is_told_in_full_behind_the_guess() -> None:
    assert one_of("liner", ["linear", "neuron"]) == "did you mean 'linear'? allowed: linear, neuron"


def test_of_a_long_list_the_nearest_are_told_and_how_many_more_there_are() -> None:
    said = one_of("column_q1", NAMES)
    assert said.startswith("did you mean 'column_q'? allowed: column_q, ")
    assert said.endswith(f" and {len(NAMES) - NEAREST_LISTED} more")
    assert said.count("column_") == NEAREST_LISTED + 1
    assert len(NAMES) > MOST_LISTED


def test_without_a_guess_all_names_are_told() -> None:
    assert one_of("x", NAMES) == f"allowed: {', '.join(NAMES)}"


def test_types_have_their_article() -> None:
    assert [type_in_words(value) for value in (3, "a", None, {})] == ["an int", "a str", "nothing", "a dict"]
