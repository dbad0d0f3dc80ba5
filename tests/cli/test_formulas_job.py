"""Jobs over formulas and over named lists, as a user runs them."""

from pathlib import Path

import polars as pl
import pytest
from command_line import Command

from denote import tables

SMALL = ("probe=linear", "debug=fast", "logger=none", "layer.select=[0,-1]", "control=shuffled",
         "control.shuffled.draws=2", "figures=none")  # fmt: skip


def neurons_of_the_job() -> pl.DataFrame:
    (folder,) = [path.parent for path in Path("multirun/single").glob("*/run.json")]
    neurons = pl.read_parquet(folder / "neurons.parquet")
    assert neurons.schema == pl.Schema(tables.NEURONS)
    assert not neurons.select(tables.NEURONS_KEY).is_duplicated().any()
    return neurons


def test_a_job_over_formulas_has_neurons_and_no_cells(denote: Command) -> None:
    answer = denote("attribute=formulas", "attribute.formulas.length=2", "attribute.formulas.beam=4",
                    'attribute.formulas.where={loop: "class IN (0, 6, 8, 9)"}', *SMALL)  # fmt: skip
    assert answer.code == 0, answer
    neurons = neurons_of_the_job()
    live = neurons.filter("live")
    assert live["family"].unique().to_list() == ["formulas"]
    assert live["property"].null_count() == 0
    assert live["direction"].unique().to_list() == [1]
    assert set(live["n_members"].unique()) <= {1, 2}
    both = live.filter(pl.col("n_members") == 2)["property"]
    assert both.str.contains(" AND | OR ").all()
    assert live["control_balanced_accuracy"].null_count() == 0
    (folder,) = [path.parent for path in Path("multirun/single").glob("*/cells.parquet")]
    assert pl.read_parquet(folder / "cells.parquet").is_empty()


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (["attribute=[odd,prime]"], {"odd", "prime"}),
        (['attribute.where={low: "class < 4", six: "class = 6"}'], {"low", "six"}),
    ],
)
def test_a_named_list_is_one_family_searched_in_both_directions(
    denote: Command, chosen: list[str], names: set[str]
) -> None:
    answer = denote(*chosen, *SMALL)
    assert answer.code == 0, answer
    live = neurons_of_the_job().filter("live")
    assert live["family"].unique().to_list() == ["named"]
    assert set(live["property"].str.strip_prefix("NOT ")) == names
    assert set(live["direction"].unique()) == {-1, 1}
    against = live["property"].str.starts_with("NOT ")
    assert ((live["direction"] == -1) == against).all()


def test_a_wrong_setting_is_one_line(denote: Command) -> None:
    answer = denote("attribute=formulas", "attribute.formulas.length_penalty=0", *SMALL)
    assert answer.code == 2
    assert "attribute.formulas.length_penalty: 0; allowed: above 0 and below .5; without a penalty" in answer.err
    assert "Traceback" not in answer.err
