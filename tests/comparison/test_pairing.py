"""Networks are paired where they share what their weights were drawn from, and the unit is said."""

from typing import Any

import pytest
from compared_results import result

from denote.comparison.compared import Compared
from denote.comparison.pairing import NETWORKS, PAIRS, ROWS, Pairing, paired
from denote.errors import ConfigError


def pairing(one: Compared, other: Compared, way: str = "auto") -> Pairing:
    return paired((one, other), (one.groups[0], other.groups[0]), way)


def seeds_of(found: Pairing) -> list[tuple[int, int]]:
    return [(int(one[-16:], 16), int(other[-16:], 16)) for one, other in zip(found.baseline, found.other, strict=True)]


def test_the_same_networks_are_pairs() -> None:
    found = pairing(result(), result("b", probe__linear__l2=0.1))
    assert found.unit == PAIRS
    assert found.baseline == found.other
    assert found.reason == "the same networks"


@pytest.mark.parametrize("changed", [{"trainer__learning_rate": 0.01}, {"architecture__epoch": 5}])
def test_another_training_of_one_initialisation_is_paired_by_it(changed: dict[str, Any]) -> None:
    found = pairing(result(), result("b", renamed="x", seeds=[3, 2, 1], **changed))
    assert found.unit == PAIRS
    assert seeds_of(found) == [(1, 1), (2, 2), (3, 3)]
    assert found.left_out == 1
    assert found.reason == "networks of one initialisation"


@pytest.mark.parametrize("changed", [{"architecture__layers": 5}, {"split__seed": 1}, {"dataset__path": "other.csv"}])
def test_another_architecture_split_or_dataset_shares_no_initialisation(changed: dict[str, Any]) -> None:
    found = pairing(result(), result("b", renamed="x", **changed))
    assert found.unit == NETWORKS
    assert found.numbers == (4, 4)


def test_other_seeds_share_no_initialisation() -> None:
    assert pairing(result(), result("b", renamed="x", seeds=[1, 2, 3])).unit == PAIRS
    assert pairing(result(seeds=[0, 1, 2]), result("b", renamed="x", seeds=[1, 2, 3])).unit == NETWORKS


def test_networks_whose_settings_are_unknown_are_paired_only_if_that_is_asked() -> None:
    one, other = result(known=False), result("b", renamed="x", known=False)
    assert pairing(one, other).unit == NETWORKS
    assert "nothing says" in pairing(one, other).reason
    assert seeds_of(pairing(one, other, "seed")) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert pairing(result(), result("b"), "none").unit == NETWORKS


@pytest.mark.parametrize(("ours", "others"), [([0, 1], [0, 1]), ([0, 1, 2], [0, 1]), ([0], [5 - 3])])
def test_fewer_than_three_networks_are_compared_over_rows(ours: list[int], others: list[int]) -> None:
    found = pairing(result(seeds=ours), result("b", seeds=others, renamed="x"))
    assert found.unit == ROWS
    assert "3 networks" in found.reason


def test_below_three_pairs_shared_networks_are_compared_with_themselves() -> None:
    """Not the mean of four networks with that of two, although two are the same."""
    found = pairing(result(seeds=[0, 1]), result("b", seeds=[0, 1, 2, 3]))
    assert (found.unit, found.baseline, found.left_out, found.partners) == (ROWS, found.other, 2, "the same networks")
    trained = pairing(result(seeds=[0, 1]), result("b", renamed="x", trainer__learning_rate=0.01))
    assert (trained.unit, trained.numbers, trained.partners) == (ROWS, (2, 2), "networks of one initialisation")
    many = pairing(result(seeds=[0, 1, 2]), result("b", seeds=[1, 2, 3]))
    assert (many.unit, many.reason) == (NETWORKS, "only 2 of them share an initialisation")


def test_of_two_pairs_too_it_is_said_how_many_networks_have_no_partner() -> None:
    found = pairing(result(seeds=[0, 1, 2]), result("b", seeds=[1, 2, 3], renamed="x"), "seed")
    assert (found.unit, found.numbers, found.left_out) == (ROWS, (2, 2), 2)


def test_seeds_that_pair_nothing_or_too_much_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="no seed in common"):
        pairing(result(seeds=[0, 1]), result("b", seeds=[2, 3]), "seed")
    twice = result()
    same = Compared("c", {k: v.with_columns(seed=0) if "seed" in v.columns else v for k, v in twice.tables.items()})
    with pytest.raises(ConfigError, match="several networks have seed 0"):
        pairing(same, result("b"), "seed")
