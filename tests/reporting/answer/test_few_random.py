"""Too few random ones for so many tests are a doubt, with the number that is enough."""

import polars as pl
import pytest

from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.rule import Rule
from denote.notes import Note
from denote.reporting.answer.few_random import too_few_random
from denote.tables import INTERVENTIONS, table

ENOUGH = 299


def erasures(n_random: int, *, kind: str = "erase", note: str | None = None) -> pl.DataFrame:
    """Fifteen tests, one of which exceeds all random ones."""
    p_values = [1 / (n_random + 1), *[0.5] * 14]
    q_values = benjamini_hochberg(p_values)
    same = {"intervention": kind, "n_random": n_random, "note": note}
    return table([same | {"p_value": p, "q_value": q} for p, q in zip(p_values, q_values, strict=True)], INTERVENTIONS)


@pytest.mark.parametrize(("kind", "key"), [("erase", "erase.draws"), ("steer", "steer.directions")])
def test_what_exceeds_all_random_ones_and_is_not_shown_names_the_number_that_is_enough(kind: str, key: str) -> None:
    (doubt,) = too_few_random(erasures(99, kind=kind), Rule())
    assert doubt.text.startswith("1 of 15 ")
    assert "exceed all of 99 random ones and are not shown" in doubt.text
    assert doubt.text.endswith(f"intervention.{key}={ENOUGH} is enough for one alone.")


def test_as_many_as_are_named_are_enough_and_one_fewer_are_not() -> None:
    assert [*too_few_random(erasures(ENOUGH), Rule())] == []
    assert len([*too_few_random(erasures(ENOUGH - 1), Rule())]) == 1
    assert [*too_few_random(erasures(99), Rule(q=0.15))] == []


def test_neurons_that_are_alike_cannot_be_drawn_more_often() -> None:
    alike = Note.of("matched_neurons", number=24, floor="1/25")
    assert [*too_few_random(erasures(24, kind="ablate", note=alike), Rule())] == []
    assert len([*too_few_random(erasures(24, kind="ablate", note=Note.of("random_directions")), Rule())]) == 1


def test_what_some_random_one_exceeds_is_no_matter_of_their_number() -> None:
    rows = erasures(99).with_columns(p_value=pl.lit(0.02))
    assert [*too_few_random(rows, Rule())] == []
