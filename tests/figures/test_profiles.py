"""Profiles over depth: object models weigh equally, and a layer counts as the first only if half of them pass there."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.figures.profiles import first_decisive, profiles


def test_first_layer_is_the_planted_one() -> None:
    order = first_decisive(profiles(synthetic.cell_table())).filter(pl.col("probe") == "linear")
    found = dict(order.select("attribute", "first_depth").iter_rows())
    assert found == {name: depth if depth < 9 else None for name, depth in synthetic.ATTRIBUTES.items()}
    assert order["first_depth"].to_list() == [0, 2, 3, 4, 5, None]


def test_probe_seeds_are_averaged_inside_a_model_before_models_are() -> None:
    one = synthetic.cell_table(1, 2, {"odd": 0}).filter(pl.col("probe") == "linear", pl.col("depth") == 0)
    low = one.with_columns(auroc=pl.lit(0.6), decisive=pl.lit(False))
    repeated = pl.concat([low.with_columns(probe_seed=pl.lit(i, pl.Int64)) for i in range(3)])
    high = one.with_columns(object_model=pl.lit("other"), auroc=pl.lit(1.0))
    (row,) = profiles(pl.concat([repeated, high])).iter_rows(named=True)
    assert row["auroc"] == pytest.approx(0.8)
    assert (row["n_models"], row["decisive_share"]) == (2, 0.5)


def test_undefined_scores_stay_undefined() -> None:
    profile = profiles(synthetic.cell_table()).filter(pl.col("attribute") == "loop", pl.col("depth") == 1)
    assert profile["auroc"].to_list() == [None, None]
    assert profile["decisive_share"].to_list() == [0, 0]
    assert profile["note"].str.contains("too few").all()
