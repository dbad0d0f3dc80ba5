"""Where an attribute becomes decisive: two layers in a row, censored models, the head left out."""

from __future__ import annotations

from typing import Any

import polars as pl

from denote.evidence.first_decisive import first_decisive
from denote.tables import CELLS, FIRST_DECISIVE, LAYERS, table


def cells_of(passes: dict[str, list[str]], **more: Any) -> list[dict[str, Any]]:
    """By attribute one word per model: ``..XX`` is decisive at its last two layers, ``?`` has no score."""
    return [
        {
            "dataset": "d", "architecture": "a", "trained": True, "seed": seed, "object_model": f"m{seed}",
            "layer": f"block{depth}", "depth": depth, "relative_depth": depth / max(len(word) - 1, 1),
            "pooling": "none", "probe": "linear", "probe_seed": 0, "attribute": attribute, "family": "classes",
            "label_proportion": 0.2, "n_fit": 100, "n_positive_fit": 50, "n_test": 80, "n_positive_test": 40,
            "balanced_accuracy": None if sign == "?" else 0.9, "decisive": None if sign == "?" else sign == "X", **more,
        }
        for attribute, words in passes.items() for seed, word in enumerate(words) for depth, sign in enumerate(word)
    ]  # fmt: skip


def first(rows: list[dict[str, Any]], head: int | None = None) -> dict[str, dict[str, Any]]:
    cells = table(rows, CELLS)
    layers = cells.select(pl.col(c) for c in CELLS if c in LAYERS).unique(["object_model", "layer"]).with_columns(
        is_head=pl.col("depth") == (-1 if head is None else head)
    )  # fmt: skip
    found = first_decisive(cells, layers)
    assert found.columns == list(FIRST_DECISIVE)
    return {row["attribute"]: row for row in found.iter_rows(named=True)}


def test_the_median_over_networks_of_the_first_of_two_layers_in_a_row() -> None:
    words = ["X.XXX", ".XXXX", ".XX.X", "..XXX", ".XXXX", "..XX.", "XX...", "...XX"]
    row = first(cells_of({"odd": words}))["odd"]
    assert (row["n_models"], row["n_censored"]) == (8, 0)
    assert (row["first_depth"], row["first_depth_low"], row["first_depth_high"]) == (1.5, 0, 3)
    assert row["first_layer"] == "between block1 and block2"
    assert (row["first_layer_low"], row["first_layer_high"]) == ("block0", "block3")
    assert row["decisive_at"] == "block1, block2, block3, block4"
    assert (row["first_relative_depth"], row["first_relative_depth_high"]) == (0.375, 0.75)
    assert first(cells_of({"odd": words[:7]}))["odd"]["first_layer"] == "block1"
    assert row["note"] is None


def test_one_pass_or_the_last_layer_alone_is_no_first() -> None:
    row = first(cells_of({"odd": ["X.X.X"] * 6}))["odd"]
    assert (row["n_censored"], row["first_depth"], row["first_layer"]) == (6, None, None)
    assert row["note"] == "first_depth, first_depth_low, first_depth_high: later than the last layer"


def test_a_layer_without_a_score_stands_between_its_neighbours() -> None:
    row = first(cells_of({"odd": ["X?X..", "X?X..", "X?XX."]}))["odd"]
    assert (row["n_models"], row["n_censored"]) == (3, 2)


def test_the_head_is_no_second_of_two() -> None:
    words = {"odd": ["..XX"] * 6}
    assert first(cells_of(words))["odd"]["first_depth"] == 2
    assert first(cells_of(words), head=3)["odd"]["n_censored"] == 6


def test_censored_networks_move_the_ends_beyond_the_last_layer() -> None:
    row = first(cells_of({"odd": ["XX."] * 5 + [".X."] * 1}))["odd"]
    assert (row["n_censored"], row["first_depth"], row["first_depth_low"], row["first_depth_high"]) == (1, 0, 0, None)
    assert row["note"] == "first_depth_high: later than the last layer"
    row = first(cells_of({"odd": ["XX.", "..."]}))["odd"]
    assert (row["first_depth"], row["first_depth_low"]) == (None, None)
    assert row["note"] == "first_depth: later than the last layer; no interval: 2 models, 6 needed"


def test_rows_are_equal_where_every_scored_attribute_has_the_same_numbers() -> None:
    same = cells_of({"odd": ["XX."] * 6, "rare": ["XX."] * 6})
    assert all(row["equal_rows"] for row in first(same).values())
    other = cells_of({"odd": ["XX."] * 6}) + cells_of({"rare": ["XX."] * 6}, n_positive_test=2)
    found = first(other)
    assert not any(row["equal_rows"] for row in found.values())
    assert "unequal numbers of rows" in found["odd"]["note"]
    unscored = cells_of({"odd": ["XX."] * 6}) + cells_of({"rare": ["???"] * 6}, n_positive_test=2)
    found = first(unscored)
    assert found["odd"]["equal_rows"]
    assert (found["rare"]["n_models"], found["rare"]["note"]) == (0, "no cell has a score")


def test_probe_seeds_are_averaged_inside_a_network_and_probes_stand_apart() -> None:
    rows = cells_of({"odd": ["XX.."] * 6}) + cells_of({"odd": ["..XX"] * 6}, probe_seed=1)
    assert first(rows)["odd"]["first_depth"] == 0  # half of the seeds are enough
    rows += cells_of({"odd": ["..XX"] * 6}, probe_seed=2)
    assert first(rows)["odd"]["first_depth"] == 2
    both = first_decisive(
        table(cells_of({"odd": ["XX"]}) + cells_of({"odd": [".."]}, probe="neuron"), CELLS), table([], LAYERS)
    )
    assert both["n_censored"].to_list() == [0, 1]


def test_too_few_layers_and_gaps_between_them_say_so() -> None:
    assert first(cells_of({"odd": ["X"] * 6}))["odd"]["note"] == "one layer: there are no two in a row"
    rows = [row | {"depth": 2 * row["depth"]} for row in cells_of({"odd": ["XX"] * 6})]
    assert first(rows)["odd"]["note"] == "layers in between were not observed"


def test_the_earliest_stand_first_and_what_never_is_last() -> None:
    found = first(cells_of({"never": ["...."] * 6, "late": ["..XX"] * 6, "early": ["XXXX"] * 6}))
    assert list(found) == ["early", "late", "never"]


def test_nothing_observed_gives_no_rows() -> None:
    assert first_decisive(table([], CELLS), table([], LAYERS)).is_empty()


def test_majority_is_no_observer() -> None:
    rows = [row | {"probe": "majority"} for row in cells_of({"odd": ["XX"] * 6})]
    assert first_decisive(table(rows, CELLS), table([], LAYERS)).is_empty()


def test_without_a_hidden_layer_the_row_says_so_and_where_it_is_decisive() -> None:
    side_by_side = first([row | {"depth": None, "layer": "state"} for row in cells_of({"odd": ["X"] * 6})])["odd"]
    assert (side_by_side["note"], side_by_side["decisive_at"]) == ("no hidden layer was observed", "state")
    head = first(cells_of({"odd": ["X"] * 6}), head=0)["odd"]
    assert (head["note"], head["decisive_at"]) == ("no hidden layer was observed", "block0")
    assert head["n_censored"] is head["first_layer"] is None
