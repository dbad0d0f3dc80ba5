"""Sheets and sentences on layers, stability and first depths say what their tables say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from synthetic_tables import all_tables

from denote.evidence.first_decisive import first_decisive
from denote.numbers import proportion
from denote.reporting.attribute_sheets import first_decisive_sentences, first_decisive_sheet
from denote.reporting.sheet import Sheet
from denote.reporting.sheets import layers_sheet
from denote.reporting.stability import stability_sentences, stability_sheet
from denote.tables import CELLS, LAYERS, table


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
    rows = zip(column(sheet, "attribute"), column(sheet, "probe"), strict=True)
    shown = dict(zip(rows, column(sheet, "first of two"), strict=True))
    assert shown["odd", "linear"] == "blocks.2 [blocks.2, blocks.2]"
    assert shown["<img src=x onerror=alert(1)>", "linear"] == "> [>, >]"
    sentences = first_decisive_sentences(first)
    assert len(sentences) == 2
    assert "5 of 6 attributes become decisive at a hidden layer" in sentences[0]
    assert "class=0 blocks.0" in sentences[0]
    few = first_decisive_sheet(all_tables(seeds=2)["first_decisive"])
    assert "blocks.2" in column(few, "first of two")  # too few networks for an interval
    assert not any("depth" in name for name in sheet.header if name != "relative depth"), "layers have one name"


WORDS = {"dips": "X.XXX", "steady": "XXXXX", "once": "..X..", "last": "....X", "never": "....."}
"""Layers at which each of five attributes is decisive."""


def watched(words: dict[str, str], heads: Sequence[int] = (), probe: str = "linear", **more: Any) -> pl.DataFrame:
    """``first_decisive`` of two networks that agree, with the layers' names."""
    rows = [
        {
            "dataset": "d", "architecture": "a", "trained": True, "object_model": model, "layer": f"hidden_{depth + 1}",
            "depth": depth, "relative_depth": depth / 4, "pooling": "none", "probe": probe, "probe_seed": 0,
            "attribute": attribute, "family": "classes", "label_proportion": 0.5, "decisive": sign == "X", **more,
        }
        for model in ("m", "n") for attribute, word in words.items() for depth, sign in enumerate(word)
    ]  # fmt: skip
    cells = table(rows, CELLS)
    layers = cells.select(pl.col(name) for name in CELLS if name in LAYERS).unique(["object_model", "layer"])
    return first_decisive(cells, layers.with_columns(is_head=pl.col("depth").is_in(heads)))


def test_an_attribute_is_said_to_be_decisive_only_where_it_is() -> None:
    (sentence,) = first_decisive_sentences(watched(WORDS))
    assert "from" not in sentence
    assert "2 of 5 attributes become decisive at a hidden layer (first of two consecutive" in sentence
    assert "steady hidden_1, dips hidden_3; at some hidden layer, in half or more of the networks: 4." in sentence
    sheet = first_decisive_sheet(watched(WORDS))
    at = dict(zip(column(sheet, "attribute"), column(sheet, "decisive at"), strict=True))
    assert at["dips"] == "hidden_1, hidden_3, hidden_4, hidden_5"
    assert (at["last"], at["once"], at["never"]) == ("hidden_5", "hidden_3", "null")


def test_where_there_are_no_two_hidden_layers_the_layers_are_listed() -> None:
    one = {name: word[2] for name, word in WORDS.items()}
    (sentence,) = first_decisive_sentences(watched(one))
    assert "3 of 5 attributes decisive in half or more of 2 networks: dips at hidden_1" in sentence
    assert "takes two hidden layers" in sentence
    (head,) = first_decisive_sentences(watched({"odd": ".X"}, heads=(0, 1)))
    assert "1 of 1 attribute decisive in half or more of 2 networks: odd at hidden_2;" in head
    (side_by_side,) = first_decisive_sentences(watched({"odd": "X"}, depth=None, layer="state"))
    assert "odd at state" in side_by_side
    assert column(first_decisive_sheet(watched(one)), "first of two") == ["null"] * 5


def test_architectures_epochs_and_sizes_are_told_apart() -> None:
    both = pl.concat([watched(WORDS), watched({"dips": "....."}, architecture="b")])
    assert [sentence.partition(" probe")[0] for sentence in first_decisive_sentences(both)] == [
        "d, a, linear", "d, b, linear",
    ]  # fmt: skip
    sizes = pl.concat([watched({"odd": "..XXX"}, probe="sparse", k=k) for k in (8, 16)])
    (sentence,) = first_decisive_sentences(sizes)
    assert "1 of 1 with k = 8, 1 of 1 with k = 16" in sentence
    untrained = watched({"odd": "XX"}, trained=False)
    assert first_decisive_sentences(untrained)[0].startswith("d, a (untrained), linear probe")
