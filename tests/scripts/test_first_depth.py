"""What rarity does to first depths, at a small size: the lines are many standard errors away."""

from __future__ import annotations

from simulations import first_depth
from simulations.first_depth import ONE_PASS, RULE


def test_a_rare_attribute_is_early_by_one_lucky_pass_and_late_by_the_rule() -> None:
    """30 networks of 500 rows: means of 3.4 against 4.1 and of 8 (never) against 4.2, standard errors of about .15."""
    cells = [first_depth.observed(500, network) for network in range(30)]
    once, twice = first_depth._depths(cells, ONE_PASS), first_depth._depths(cells, RULE)
    assert once["p = 0.02"] < once["p = 0.3"]
    assert twice["p = 0.02"] == 8
    assert twice["p = 0.5"] < 5


def test_equal_rows_give_every_attribute_the_same_numbers() -> None:
    cells = first_depth.observed(2_000, 0, equal=True)
    assert cells.select("n_fit", "n_positive_fit", "n_test", "n_positive_test").n_unique() == 1
    assert cells["n_positive_test"].unique().item() <= 50
