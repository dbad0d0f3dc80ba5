"""The whole comparison from tables on: itself, a planted difference, keys, flat numbers."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy
from compared_results import of_cells, result, sweep_tables
from simulations import comparisons

from denote.comparison.compare import Comparison, compare
from denote.comparison.compared import Compared
from denote.comparison.flat_numbers import flat_numbers
from denote.comparison.naming import contrast_name
from denote.comparison.observers import CELL, HEADLINE, OVERALL
from denote.errors import ConfigError, DataError
from denote.reporting.comparison.doubts import comparison_doubts
from denote.tables import COMPARISON, COMPARISON_KEY

NUMBERS = ["difference", "difference_low", "difference_high"]


@pytest.fixture(scope="module")
def itself() -> Comparison:
    return compare([result(), result("again")])


def shifted(by: float, at: str, name: str = "b", **options: Any) -> Compared:
    """The small sweep with another AUROC of its linear probe at one layer."""
    made = result(name, **options)
    moved = pl.when(layer=at, probe="linear").then(by).otherwise(0.0)
    cells = made.tables["cells"].with_columns(pl.col("auroc", "auroc_low", "auroc_high") - moved)
    return Compared(name, {**made.tables, "cells": cells}, made.jobs)


def test_a_sweep_with_itself_differs_in_nothing(itself: Comparison) -> None:
    table = itself.table
    assert (table["difference"].drop_nulls() == 0).all()
    assert (table["p_corrected"].drop_nulls() == 1).all()
    assert not table["differs"].drop_nulls().any()
    floats = table.select(pl.selectors.float())
    assert not floats.select(pl.all().is_nan().any()).row(0) or not any(floats.select(pl.all().is_nan().any()).row(0))
    assert table.filter(scope=HEADLINE)["difference"].null_count() == 0


def test_over_rows_alone_it_differs_in_nothing_either() -> None:
    found = compare([result(seeds=[0]), result("again", seeds=[0])]).table.filter(scope=HEADLINE)
    assert (found["difference"] == 0).all()
    assert (found["p_corrected"] == 1).all()
    assert (found["difference_low"] < 0).all()


def test_the_key_tells_rows_apart_and_columns_are_those_of_the_schema(itself: Comparison) -> None:
    assert dict(itself.table.schema) == dict(COMPARISON)
    assert not itself.table.select(COMPARISON_KEY).is_duplicated().any()


def test_what_is_null_has_a_reason(itself: Comparison) -> None:
    tested = itself.table.filter(pl.col("scope").is_in([HEADLINE, "neurons", "depth"]))
    assert tested.filter(pl.col("p_value").is_null(), pl.col("note").is_null()).is_empty()


def test_a_difference_of_one_probe_at_one_layer_is_found_there_alone() -> None:
    found = compare([result(), shifted(0.1, "blocks.1", renamed="x")])
    differing = found.table.filter(scope=HEADLINE, differs=True)
    assert differing.select("probe", "layer").rows() == []
    noisy = shifted(0.1, "blocks.1", renamed="x")
    rng = np.random.default_rng(0)
    cells = noisy.tables["cells"]
    cells = cells.with_columns(auroc=pl.col("auroc") + pl.Series(rng.normal(0, 0.003, len(cells))))
    found = compare([result(), Compared("b", {**noisy.tables, "cells": cells}, noisy.jobs)])
    rows = found.table.filter(scope=HEADLINE, probe="linear", differs=True)
    assert rows["layer"].to_list() == ["blocks.1"]
    assert rows["difference"][0] == pytest.approx(-0.1, abs=0.01)
    assert rows["test"][0] == "paired t", "four pairs are too few for signs"


def test_the_headline_is_the_mean_over_attributes_that_all_networks_have() -> None:
    table = compare([result(), result("b")]).table
    row = table.filter(scope=HEADLINE, probe="linear", layer="blocks.1").row(0, named=True)
    cells = sweep_tables()["cells"].filter(probe="linear", layer="blocks.1").drop_nulls("auroc")
    assert row["n_attributes"] == cells["attribute"].n_unique() == 5, "loop has no score at depth 1"
    by_network = cells.group_by("object_model").agg(pl.col("auroc").mean())["auroc"]
    assert row["baseline_value"] == pytest.approx(by_network.mean())
    missing = table.filter(scope=CELL, quantity="auroc", probe="linear", layer="blocks.1", name="loop")
    assert missing["difference"][0] is None
    assert missing["note_codes"][0] == "too_few_with_score"


def test_the_mean_over_layers_is_that_of_the_means_at_layers() -> None:
    """Of every probe, with the interval that a network's own means over layers have; over rows likewise."""
    two = {"x": 0.0, "y": 1.0}
    one, other = of_cells("a", two, {"odd": 0.8, "prime": 0.7}), of_cells("b", two, {"odd": 0.9, "prime": 0.7})
    for pair in ("auto", "seed"):
        table = compare([one, other], pair).table
        row, at_layers = table.filter(scope=OVERALL).row(0, named=True), table.filter(scope=HEADLINE)
        assert row["difference"] == pytest.approx(at_layers["difference"].mean())
        assert (row["n_layers"], row["n_attributes"], row["layer"]) == (2, 2, None)
    known = scipy.stats.ttest_ind([0.8, 0.81, 0.82], [0.75, 0.76, 0.77], equal_var=False)
    row = compare([one, other]).table.filter(scope=OVERALL).row(0, named=True)
    assert row["p_value"] == pytest.approx(known.pvalue)
    assert row["difference_low"] == pytest.approx(known.confidence_interval().low)
    few = compare([result(seeds=[0]), result("b", seeds=[1])]).table.filter(probe="linear")
    row, at_layers = few.filter(scope=OVERALL).row(0, named=True), few.filter(scope=HEADLINE)
    assert row["unit"] == "rows"
    assert row["difference"] == pytest.approx(at_layers["difference"].mean())
    widths = [each["difference_high"] - each["difference_low"] for each in [row, *at_layers.iter_rows(named=True)]]
    assert widths[0] == pytest.approx(np.mean(widths[1:]), rel=0.1), "layers share their rows"


def test_the_interval_of_the_mean_over_layers_covers_a_planted_difference() -> None:
    """Of 24 intervals .95 x 24 are expected to cover; 19 or fewer have a chance below 1 in 100."""
    for made in comparisons.EQUAL.values():
        assert sum(comparisons.covers(made(draw, comparisons.PLANTED)) for draw in range(24)) >= 20


def test_networks_that_are_not_paired_are_compared_by_welch() -> None:
    one, other = of_cells("a", {"x": 0.0}, {"odd": 0.8, "prime": 0.7}), of_cells("b", {"x": 0.0}, {"odd": 0.9})
    row = compare([one, other]).table.filter(scope=HEADLINE).row(0, named=True)
    assert (row["unit"], row["test"], row["n_attributes"]) == ("networks", "Welch's t", 1)
    known = scipy.stats.ttest_ind([0.9, 0.91, 0.92], [0.8, 0.81, 0.82], equal_var=False)
    assert row["p_value"] == pytest.approx(known.pvalue)


def test_the_headline_and_cells_are_families_of_their_own(itself: Comparison) -> None:
    headline, cells = (itself.table.filter(scope=scope, quantity="auroc") for scope in (HEADLINE, CELL))
    assert headline["n_tests"].unique().to_list() == [len(headline)]
    assert cells["n_tests"].drop_nulls().unique().to_list() == [cells["p_value"].count()]


def test_three_results_are_each_compared_with_the_first() -> None:
    found = compare([result(), result("b"), shifted(0.1, "blocks.1", "c")])
    assert found.table["other"].unique(maintain_order=True).to_list() == ["b", "c"]
    assert found.table["baseline"].unique().to_list() == ["a"]
    assert {key.split("/")[0] for key in flat_numbers(found)} == {"baseline", "compared", "b", "c"}


def test_one_result_that_cannot_be_compared_leaves_the_others(itself: Comparison) -> None:
    other_data = of_cells("c", {"x": 0.0}, {"odd": 0.8})
    found = compare([result(), other_data, result("again")])
    assert [each.name for each in found.results] == ["a", "again"]
    assert found.table.equals(itself.table)
    assert [(each.name, each.reason[:52]) for each in found.left_out] == [
        ("c", "a and c: have no dataset and networks in common; a h")
    ]
    assert flat_numbers(found)["left_out"] == "c"
    with pytest.raises(DataError, match="a and c: have no dataset"):
        compare([result(), other_data])
    with pytest.raises(ConfigError, match="no seed in common"):
        compare([result(seeds=[0]), result("b", seeds=[1]), other_data], "seed")


def test_one_dataset_that_cannot_be_compared_leaves_the_others() -> None:
    one = of_datasets("a", {"digits": 0.7, "shapes": 0.7}, "mlp")
    other = of_datasets("b", {"digits": 0.8}, "mlp")
    far = of_cells("mlp", {"x": 0.0}, {"red": 0.8}, dataset="shapes")
    other = Compared("b", {each: pl.concat([frame, far.tables[each]]) for each, frame in other.tables.items()})
    found = compare([one, other])
    assert [contrast.groups[0].dataset for contrast in found.contrasts] == ["digits"]
    assert [each.name for each in found.left_out] == ["b (mlp on shapes)"]
    assert comparison_doubts(found)[0].text.startswith("Left out: b (mlp on shapes) (a and b: have no attri")


def of_datasets(name: str, scores: dict[str, float], *kinds: str) -> Compared:
    """Cells of several datasets, of networks of several kinds on each."""
    parts = [
        of_cells(kind, {"x": 0.0}, {"odd": score}, dataset=dataset)
        for dataset, score in scores.items() for kind in kinds
    ]  # fmt: skip
    return Compared(name, {each: pl.concat([part.tables[each] for part in parts]) for each in parts[0].tables})


def test_contrasts_are_told_apart_by_whatever_differs_among_them() -> None:
    def names(one: Compared, other: Compared) -> list[str]:
        found = compare([one, other])
        return [contrast_name(found, contrast) for contrast in found.contrasts]

    scores = {"digits": 0.7, "shapes": 0.8}
    assert names(of_datasets("a", scores, "mlp"), of_datasets("b", scores, "mlp")) == ["b (digits)", "b (shapes)"]
    both = names(of_datasets("a", scores, "mlp", "vit"), of_datasets("b", scores, "mlp", "vit"))
    assert both == ["b (digits, mlp)", "b (digits, vit)", "b (shapes, mlp)", "b (shapes, vit)"]
    one_of = names(of_datasets("a", {"d": 0.7}, "mlp", "vit"), of_datasets("b", {"d": 0.7}, "cnn"))
    assert one_of == ["b (against mlp)", "b (against vit)"]
    assert names(of_datasets("a", {"d": 0.7}, "mlp"), of_datasets("b", {"d": 0.7}, "cnn")) == ["b"]


def test_numbers_of_several_datasets_are_all_there() -> None:
    one = of_datasets("a", {"digits": 0.7, "shapes": 0.7}, "mlp")
    other = of_datasets("b", {"digits": 0.8, "shapes": 0.9}, "mlp")
    numbers = flat_numbers(compare([one, other]))
    means = {key: value for key, value in numbers.items() if key.endswith("linear/mean")}
    assert means == pytest.approx(
        {"b/digits/auroc_difference/linear/mean": 0.1, "b/shapes/auroc_difference/linear/mean": 0.2}
    )


def test_flat_numbers_are_scalars_with_names_of_their_own(itself: Comparison) -> None:
    numbers = flat_numbers(itself)
    assert numbers["auroc_difference/linear/mean"] == 0
    assert numbers["unit"] == "pairs"
    assert len(numbers) < 40
    assert all(isinstance(value, str) or math.isfinite(value) for value in numbers.values())


def test_a_word_that_is_none_and_one_result_alone_are_mistakes() -> None:
    with pytest.raises(ConfigError, match=r"pair: 'seeds' is not possible; did you mean 'seed'\?"):
        compare([result(), result("b")], "seeds")
    with pytest.raises(ConfigError, match="1 result is given"):
        compare([result()])


def test_planted_differences_are_found_and_absent_ones_are_not() -> None:
    """Of 12 planted ones .9 x 12 are expected; 7 or fewer have a chance below 1 in 1,000. Of 6 absent ones 4 do."""
    assert sum(comparisons.is_found(comparisons.compared(draw, comparisons.PLANTED)) for draw in range(12)) >= 8
    for made in comparisons.EQUAL.values():
        assert sum(comparisons.any_found(made(draw)) for draw in range(6)) <= 3
