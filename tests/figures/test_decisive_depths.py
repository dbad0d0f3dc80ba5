"""The figure of first depths: dots at medians, what lies beyond the last layer behind it, rows from early to late."""

from __future__ import annotations

import polars as pl
import pytest
from matplotlib.figure import Figure
from synthetic_tables import ATTRIBUTES, all_tables, said_below

from denote.figures.decisive_depths import draw_first_decisive
from denote.tables import FIRST_DECISIVE, empty


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return all_tables(seeds=8)


def drawn(figure: Figure, panel: int, marker: str) -> list[tuple[float, float]]:
    lines = [line for line in figure.axes[panel].lines if line.get_marker() == marker]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]  # type: ignore[index]


def test_dots_are_medians_from_the_earliest_to_the_latest(tables: dict[str, pl.DataFrame]) -> None:
    first = tables["first_decisive"]
    figure = draw_first_decisive(first, tables["layers"])
    linear = first.filter(pl.col("probe") == "linear", pl.col("first_depth").is_not_null())
    assert [x for x, _ in drawn(figure, 0, "o")] == linear["first_depth"].to_list() == sorted(linear["first_depth"])
    assert [y for _, y in drawn(figure, 0, "o")] == list(range(len(linear)))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == len(ATTRIBUTES)
    assert labels[0] == "class=0 (.40)"


def test_what_never_is_stands_behind_the_last_hidden_layer(tables: dict[str, pl.DataFrame]) -> None:
    figure = draw_first_decisive(tables["first_decisive"], tables["layers"])
    ((x, _),) = drawn(figure, 0, "^")
    assert x > tables["layers"].filter(~pl.col("is_head"))["depth"].max()  # type: ignore[operator]
    assert "8 of 8" in [text.get_text() for text in figure.axes[0].texts]


def test_an_end_beyond_the_last_layer_is_an_arrow(tables: dict[str, pl.DataFrame]) -> None:
    odd = tables["first_decisive"].filter(attribute="odd", probe="linear").with_columns(
        first_depth_high=pl.lit(None, pl.Float64), n_censored=pl.lit(1, pl.Int64)
    )  # fmt: skip
    figure = draw_first_decisive(odd, tables["layers"])
    ((x, _),) = drawn(figure, 0, ">")
    (interval,) = (line for line in figure.axes[0].lines if len(line.get_xdata()) == 2)  # type: ignore[arg-type]
    assert list(interval.get_xdata()) == [odd["first_depth_low"].item(), x]  # type: ignore[arg-type]
    assert x > tables["layers"].filter(~pl.col("is_head"))["depth"].max()  # type: ignore[operator]
    assert "1 of 8" in [text.get_text() for text in figure.axes[0].texts]


def test_the_attributes_and_their_order_can_be_those_of_another_figure(tables: dict[str, pl.DataFrame]) -> None:
    first = tables["first_decisive"]
    wanted = first["attribute"].unique(maintain_order=True).to_list()[:0:-2]
    figure = draw_first_decisive(first, tables["layers"], [*wanted, "unknown"])
    assert [label.get_text().rpartition(" ")[0] for label in figure.axes[0].get_yticklabels()] == wanted
    assert f"{first['attribute'].n_unique() - len(wanted)} more attributes" in said_below(figure)


def test_the_legend_lists_only_what_is_drawn(tables: dict[str, pl.DataFrame]) -> None:
    decisive = tables["first_decisive"].filter(pl.col("first_depth").is_not_null())
    for first, entries in ((tables["first_decisive"], 2), (decisive, 1)):
        assert len(draw_first_decisive(first, tables["layers"]).legends[0].texts) == entries


def test_nothing_to_draw_is_said_in_words(tables: dict[str, pl.DataFrame]) -> None:
    (text,) = draw_first_decisive(empty(FIRST_DECISIVE), tables["layers"]).axes[0].texts
    assert text.get_text()
