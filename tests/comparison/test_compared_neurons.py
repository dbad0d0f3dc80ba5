"""What neurons denote in two results: shares beside random directions, properties of one only, both verdicts."""

import re
from dataclasses import replace

import polars as pl
import pytest
from compared_results import result, sweep_tables

from denote.comparison.compare import compare
from denote.comparison.compared import Compared
from denote.comparison.flat_numbers import flat_numbers
from denote.comparison.neurons import CURVE, EFFECT, EXCESS, NEURONS, OVERLAP, PROPERTY, USED_SHARE
from denote.comparison.verdicts import VERDICT
from denote.denotation.depth.analysis import depth_analysis
from denote.denotation.depth.by_model import denoted
from denote.interventions.words import NOT_SHOWN, USED
from denote.reporting.comparison.depth_told import depth_told, verdict_words
from denote.reporting.comparison.neurons_told import neurons_told, overlap_words


def silenced(name: str = "b") -> Compared:
    """The small sweep, whose neurons denote nothing at an early layer."""
    tables = sweep_tables()
    kept = pl.col("denotes") & (pl.col("layer") != "blocks.1")
    neurons = tables["neurons"].with_columns(denotes=kept)
    depth = depth_analysis(neurons, tables["controls"], tables["layers"])
    made = {**tables, "neurons": neurons, "properties": denoted(neurons), **depth.tables}
    return Compared(name, made, result().jobs)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return compare([result(), silenced()]).table


def test_the_share_that_denotes_is_that_of_live_hidden_neurons(table: pl.DataFrame) -> None:
    row = table.filter(scope=NEURONS, quantity="share_denoting").row(0, named=True)
    hidden = sweep_tables()["neurons"].filter("live", pl.col("layer") != "logits")
    shares = hidden.group_by("object_model").agg(pl.col("denotes").mean())["denotes"]
    assert row["baseline_value"] == pytest.approx(shares.mean())
    gone = hidden.filter(pl.col("denotes") & (pl.col("layer") == "blocks.1"))
    assert row["difference"] == pytest.approx(-len(gone) / len(hidden), abs=0.01)
    assert row["n_tests"] == 2, "the share and its excess over random directions"


def test_the_excess_over_random_directions_stands_beside_it(table: pl.DataFrame) -> None:
    row = table.filter(scope=NEURONS, quantity=EXCESS).row(0, named=True)
    assert row["baseline_value"] is not None
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_properties_that_one_result_lacks_are_there_with_their_share_of_networks(table: pl.DataFrame) -> None:
    rows = table.filter(scope=PROPERTY)
    assert (rows["other_value"] <= rows["baseline_value"]).all()
    only = rows.filter(other_value=0)
    properties = sweep_tables()["properties"].filter(pl.col("layer") != "logits")
    counted = properties.group_by("property").agg(pl.col("object_model").n_unique(), pl.col("layer").unique())
    expected = counted.filter(pl.col("layer") == ["blocks.1"])
    assert set(only["name"]) == set(expected["property"])
    shares = {name: count / 4 for name, count, _ in expected.rows()}
    assert {row["name"]: row["baseline_value"] for row in only.iter_rows(named=True)} == pytest.approx(shares)


def test_only_what_compared_layers_denote_counts() -> None:
    """The other result never observed a layer at which the baseline denotes."""
    whole = result("b", renamed="x")
    kept = {
        each: frame.filter(pl.col("layer").ne_missing("blocks.1")) if "layer" in frame.columns else frame
        for each, frame in whole.tables.items()
    }
    rows = compare([result(), Compared("b", kept, whole.jobs)]).table.filter(scope=PROPERTY)
    compared = sweep_tables()["properties"].filter(~pl.col("layer").is_in(["blocks.1", "logits"]))
    assert set(rows["name"]) == set(compared["property"])
    assert (rows["difference"] == 0).all()


def test_the_same_neurons_share_all_their_properties() -> None:
    """Each network with itself; other networks share no more than those of one result do."""
    found = compare([result(), result("b")])
    shares = {row["quantity"]: row["baseline_value"] for row in found.table.filter(scope=OVERLAP).iter_rows(named=True)}
    assert shares["jaccard_partners"] == 1
    assert shares["jaccard_across"] == pytest.approx(shares["jaccard_within"])
    assert shares["jaccard_across"] < 1


def test_what_networks_share_is_told_of_comparable_ones() -> None:
    def told(*results: Compared) -> str:
        contrast = compare(list(results)).contrasts[0]
        return re.sub(r"[.]\d\d|1.00", "x", overlap_words(contrast, contrast.rows(NEURONS)["family"][0]))

    head = "Of what either of two networks denotes both denote "
    paired = told(result(), silenced())
    assert paired == f"{head}x (partners), x (one of each result, no partners), x (both of a), x (both of b)."
    other = result("b", renamed="x", seeds=[0, 1, 2], known=False)
    assert told(result(), other) == f"{head}x (one of each result), x (both of a), x (both of b)."
    assert told(result(seeds=[0, 1]), result("b", seeds=[0, 1])).startswith(f"{head}x (partners), "), "over rows, too"
    assert told(result(seeds=[0]), result("b", seeds=[0])) == f"{head}x (partners)."


def test_where_too_little_denotes_for_a_label_proportion_no_verdict_is_told() -> None:
    contrast = compare([result(), result("b")]).contrasts[0]
    family = contrast.rows(NEURONS)["family"][0]
    values = pl.when(pl.col("quantity") == "label_proportion").then(None).otherwise("other_value")
    kept = contrast.table.with_columns(baseline_value=values, other_value=values)
    empty = depth_told(replace(contrast, table=kept))
    assert empty is not None
    assert empty.sentence == "Too few neurons denote in either for a label proportion by depth."
    assert verdict_words(contrast, family) in (depth_told(contrast) or empty).sentence


def test_curves_stand_side_by_side_and_outputs_are_not_tested(table: pl.DataFrame) -> None:
    rows = table.filter(scope=CURVE)
    assert rows.filter("is_head")["p_value"].null_count() == len(rows.filter("is_head"))
    gap = rows.filter(layer="blocks.1", quantity="label_proportion").row(0, named=True)
    assert gap["other_value"] is None
    assert gap["difference"] is None
    assert "too_few_with_score" in gap["note_codes"]
    folded = rows.filter(quantity="folded").drop_nulls("baseline_high")
    assert (folded["baseline_high"] <= 0.5).all()


def test_both_verdicts_and_interpretations_are_there(table: pl.DataFrame) -> None:
    row = table.filter(scope=VERDICT).row(0, named=True)
    assert row["baseline_text"] == sweep_tables()["depth_verdicts"]["verdict"][0]
    parts = table.filter(scope="depth_part")
    assert parts["name"].to_list()[:1] in ([], ["raw"])


def test_a_verdict_of_several_architectures_is_not_told_as_that_of_one() -> None:
    small = result("b", renamed="x")
    wide = {
        name: frame.with_columns(
            architecture=pl.lit("wide"), **({"object_model": pl.concat_str(pl.lit("w"), "object_model")}
                                            if "object_model" in frame.columns else {})
        )
        if "architecture" in frame.columns else frame.head(0)
        for name, frame in small.tables.items()
    }  # fmt: skip
    both = Compared("b", {name: pl.concat([frame, wide[name]]) for name, frame in small.tables.items()})
    found = compare([result(), both])
    assert len(found.contrasts) == 2
    for contrast in found.contrasts:
        row = contrast.rows(VERDICT).row(0, named=True)
        assert row["note"] == "verdict of b: over all its architectures"
        assert verdict_words(contrast, row["family"]).endswith("(over all its architectures).")
    assert compare([result(), result("b")]).table.filter(scope=VERDICT)["note"].null_count() == 1


def test_of_few_networks_neurons_are_shown_and_not_tested() -> None:
    rows = compare([result(seeds=[0]), Compared("b", silenced().tables, [])]).table
    rows = rows.filter(pl.col("scope").is_in([NEURONS, CURVE]))
    assert rows["p_value"].null_count() == len(rows)
    assert set(rows["note_codes"]) == {"too_few_networks_compared"}


def ablated(name: str, *, n_used: int) -> Compared:
    """The small sweep after ablation, in which neurons of few indices are used."""
    told = pl.when(pl.col("neuron") < n_used).then(pl.lit(f"{USED}: x")).otherwise(pl.lit(f"{NOT_SHOWN}: x"))
    effect = pl.when(pl.col("neuron") < n_used).then(0.5).otherwise(0.0)
    neurons = sweep_tables()["neurons"].with_columns(
        causal_evidence=pl.when("denotes").then(told),
        ablation_p=pl.when("denotes").then(0.01),
        ablation_effect=pl.when("denotes").then(effect),
    )
    return Compared(name, {**sweep_tables(), "neurons": neurons}, result().jobs)


def test_what_ablation_showed_is_compared_where_both_were_ablated(table: pl.DataFrame) -> None:
    assert not set(table["quantity"]) & {USED_SHARE, EFFECT}
    found = compare([ablated("a", n_used=4), ablated("b", n_used=12)])
    row = found.table.filter(scope=NEURONS, quantity=USED_SHARE).row(0, named=True)
    hidden = sweep_tables()["neurons"].filter("denotes", pl.col("layer") != "logits")
    shares = [
        hidden.group_by("object_model").agg((pl.col("neuron") < n).mean().alias("used"))["used"].mean()
        for n in (4, 12)
    ]  # fmt: skip
    assert [row["baseline_value"], row["other_value"]] == pytest.approx(shares)
    effect = found.table.filter(scope=NEURONS, quantity=EFFECT).row(0, named=True)
    assert effect["difference"] == pytest.approx(0.5 * row["difference"])
    assert row["n_tests"] == 2
    assert found.table.filter(scope=NEURONS, quantity="share_denoting")["n_tests"][0] == 2
    told = neurons_told(found.contrasts[0])
    assert told is not None
    assert "; of these shown to be used " in told.versions[0][0]
    assert flat_numbers(found)["used_share_difference/subsets"] == pytest.approx(row["difference"])
