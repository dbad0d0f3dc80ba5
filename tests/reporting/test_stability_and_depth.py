"""Sheets and sentences on layers, stability and first depths say what their tables say."""

from __future__ import annotations

import polars as pl
import pytest
from synthetic_tables import all_tables

from denote.numbers import proportion
from denote.reporting.first_decisive import first_decisive_sentences, first_decisive_sheet
from denote.reporting.layers import layers_sheet
from denote.reporting.page import Sheet
from denote.reporting.stability import stability_sentences, stability_sheet


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return all_tables(seeds=8)


def column(sheet: Sheet, name: str) -> list[str]:
    return [row[sheet.header.index(name)] for row in sheet.rows]


def test_layers_are_means_over_networks(tables: dict[str, pl.DataFrame]) -> None:
    sheet = layers_sheet(tables["layers"], tables["label_proportion_by_depth"])
    assert column(sheet, "participation ratio") == [f"{12 - depth:.1f}" for depth in range(9)]
    assert column(sheet, "models") == ["8"] * 9
    assert column(sheet, "head") == ["no"] * 8 + ["yes"]
    assert not any("entropy" in name for name in sheet.header)
    by_depth = tables["label_proportion_by_depth"].with_columns(property_entropy_mean=pl.lit(2.5))
    assert column(layers_sheet(tables["layers"], by_depth), "entropy of subsets (bits)") == ["2.5"] * 9


def test_stability_gives_the_range_over_hidden_layers(tables: dict[str, pl.DataFrame]) -> None:
    stability = tables["stability"]
    (sentence,) = stability_sentences(stability)
    own = stability.filter(pl.col("relative_depth") < 1, against="second fit")["property_jaccard"]
    assert f"{proportion(own.min())} to {proportion(own.max())} on other rows" in sentence  # type: ignore[arg-type]
    assert "1.00 with half as many thresholds" in sentence
    assert len(stability_sheet(stability).rows) == stability.height == 27
    assert stability_sentences(stability.clear()) == []
    beside = stability.with_columns(pl.lit(None, pl.Int64).alias("depth"), relative_depth=None, property_jaccard=0.0)
    together = stability_sentences(pl.concat([stability, beside], how="vertical_relaxed"))
    assert together == [sentence], "all layers side by side are no hidden layer"


def test_first_depths_are_written_with_their_ends(tables: dict[str, pl.DataFrame]) -> None:
    first = tables["first_decisive"]
    sheet = first_decisive_sheet(first)
    shown = dict(zip(zip(column(sheet, "attribute"), column(sheet, "probe"), strict=True), column(sheet, "first depth"),
                     strict=True))  # fmt: skip
    assert shown["odd", "linear"] == "2 [2, 2]"
    assert shown["<img src=x onerror=alert(1)>", "linear"] == "> [>, >]"
    sentences = first_decisive_sentences(first)
    assert len(sentences) == 2
    assert "5 of 6 attributes become decisive" in sentences[0]
    assert "class=0 0 [0, 0]" in sentences[0]
    few = first_decisive_sheet(all_tables(seeds=2)["first_decisive"])
    assert "2" in column(few, "first depth")  # too few networks for an interval
