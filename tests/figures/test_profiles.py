"""Profiles over depth: object models weigh equally."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.first_decisive import first_decisive
from denote.figures.curves import one_size, profiles
from denote.tables import LAYERS, empty


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


def test_a_model_without_a_score_is_neither_decisive_nor_not_as_where_attributes_become_decisive() -> None:
    cells = synthetic.cell_table(3, 2, {"odd": 0}).filter(pl.col("probe") == "linear", pl.col("depth") < 2)
    unknown = pl.col("seed") == 2
    cells = cells.with_columns(
        auroc=pl.when(~unknown).then("auroc"), decisive=pl.when(~unknown).then(pl.col("seed") == 0)
    )
    assert profiles(cells).select("n_models", "decisive_share").rows() == [(2, 0.5), (2, 0.5)]
    (row,) = first_decisive(cells, empty(LAYERS)).iter_rows(named=True)
    assert row["decisive_at"] == ", ".join(cells["layer"].unique(maintain_order=True))


def sizes(n_neurons: int, *k: int, layer: str = "blocks.0") -> pl.DataFrame:
    """Sparse rows of one layer, with scores that tell the sizes apart."""
    one = synthetic.cell_table(1, 1, {"odd": 0}).filter(pl.col("probe") == "linear")
    return pl.concat(
        one.with_columns(
            probe=pl.lit("sparse"), k=pl.lit(size, pl.Int64), n_neurons=pl.lit(n_neurons, pl.Int64),
            auroc=pl.lit(0.5 + size / 1000), input_auroc=pl.lit(0.6 + size / 1000), layer=pl.lit(layer),
        )
        for size in k
    )  # fmt: skip


def test_of_several_sizes_the_largest_that_leaves_neurons_out_stands_for_the_probe() -> None:
    linear = synthetic.cell_table(1, 1, {"odd": 0})
    wide, narrow, single = sizes(64, 1, 8, 32, 64), sizes(10, 1, 8, 10, layer="b"), sizes(1, 1, layer="c")
    cells = pl.concat([linear, wide, narrow, single])
    kept = one_size(cells)
    assert kept.select("probe", "layer", "k").rows() == [
        ("linear", "logits", None), ("neuron", "logits", None), ("sparse", "blocks.0", 32), ("sparse", "b", 8),
        ("sparse", "c", 1),
    ]  # fmt: skip
    profile = profiles(cells).filter(pl.col("probe") == "sparse")
    assert profile.select("layer", "k").rows() == [("blocks.0", 32), ("b", 32), ("c", 32)]  # one panel, "at most 32"
    assert profile["auroc"].to_list() == pytest.approx([0.532, 0.508, 0.501])
    assert profile["input_auroc"].to_list() == [pytest.approx(0.632), None, None]
