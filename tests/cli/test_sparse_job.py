"""A job with the sparse and the centroid probe, as a user runs it."""

from pathlib import Path

import polars as pl
from command_line import Command

from denote import tables
from denote.observers.observer import load_observers


def test_a_sparse_job_has_a_row_per_size_and_draws_the_curve(denote: Command) -> None:
    answer = denote("probe=[sparse,centroid]", "attribute=odd", "debug=fast", "logger=none", "layer.select=[0,-1]",
                    "control.shuffled.draws=2", "control.untrained.twins=1")  # fmt: skip
    assert answer.code == 0, answer
    (folder,) = [path.parent for path in Path("multirun/single").glob("*/run.json")]
    cells = pl.read_parquet(folder / "cells.parquet")
    assert cells.schema == pl.Schema(tables.CELLS)
    assert not cells.select(tables.CELLS_KEY).is_duplicated().any()
    sparse = cells.filter(pl.col("probe") == "sparse")
    logits = sparse.filter(pl.col("layer") == "logits")
    assert logits["k"].to_list() == [1, 2, 4, 8, 10]
    assert sparse["k"].max() == sparse["n_neurons"].max()
    assert sparse.group_by("layer").agg(pl.col("sufficient_k").n_unique())["sufficient_k"].to_list() == [1, 1]
    for column in ("control_auroc", "untrained_auroc", "input_auroc", "gradient_norm"):
        assert sparse[column].null_count() == 0
    (centroid,) = cells.filter(pl.col("probe") == "centroid", pl.col("layer") == "logits").iter_rows(named=True)
    assert (centroid["k"], centroid["sufficient_k"], centroid["gradient_norm"]) == (None, None, 0)
    controls = pl.read_parquet(folder / "controls.parquet").filter(pl.col("probe") == "sparse")
    assert controls.height == 2 * sparse.height
    assert list((folder / "figures").glob("sparse_curve-*.png"))
    names = set(load_observers(folder / "observers.safetensors"))
    assert {"logits/sparse-1", "logits/sparse-10", "logits/centroid", "input/sparse-32", "input/sparse-64"} <= names


def test_a_wrong_size_is_one_line(denote: Command) -> None:
    answer = denote("probe=sparse", "probe.sparse.sizes=[4,2]", "attribute=odd", "logger=none")
    assert answer.code == 2
    assert (
        "probe.sparse.sizes: [4, 2] is not possible; allowed: a list of increasing whole numbers of at least 1"
        in answer.err
    )
    assert "Traceback" not in answer.err
