"""Too few random ones for so many tests are a doubt, with the number that is enough."""

import polars as pl
import pytest

from denote.evidence.rule import Rule
from denote.interventions.families import corrected
from denote.reporting.answer.few_random import too_few_random
from denote.tables import INTERVENTIONS, table

ENOUGH = 299


def family(n_random: int, *, kind: str = "erase", p_value: float | None = None, q: float = 0.05) -> pl.DataFrame:
    """Fifteen tests, of which one exceeds all random ones."""
    p_values = [1 / (n_random + 1) if p_value is None else p_value, *[0.5] * 14]
    same = {"intervention": kind, "n_random": n_random, "measure": "reading" if kind == "steer" else "score"}
    return corrected(table([same | {"p_value": p} for p in p_values], INTERVENTIONS), q)


@pytest.mark.parametrize(
    ("kind", "key"), [("erase", "erase.draws"), ("steer", "steer.directions"), ("ablate", "ablate.directions")]
)
def test_what_exceeds_all_random_ones_and_is_not_shown_names_the_number_that_is_enough(kind: str, key: str) -> None:
    (doubt,) = too_few_random(family(99, kind=kind), Rule())
    assert doubt.text.startswith("1 of 15 ")
    assert "exceed all of 99 random ones and are not shown" in doubt.text
    assert doubt.text.endswith(f"intervention.{key}={ENOUGH} is enough for one alone.")


def test_as_many_as_are_named_are_enough_and_one_fewer_are_not() -> None:
    assert [*too_few_random(family(ENOUGH), Rule())] == []
    assert len([*too_few_random(family(ENOUGH - 1), Rule())]) == 1
    assert [*too_few_random(family(99, q=0.15), Rule(q=0.15))] == []


def test_what_some_random_one_exceeds_is_no_matter_of_their_number() -> None:
    assert [*too_few_random(family(99, p_value=0.02), Rule())] == []
