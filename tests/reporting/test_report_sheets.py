"""The report's tables: what they choose, what they name, and that nulls and missing tables are said or left out."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.denotation.depth.by_model import denoted
from denote.evidence.rule import Rule
from denote.reporting.association import carrying_sheet, correlation_sheet, mixing_sheet, uncompared_sentences
from denote.reporting.attribute_sheets import reading_sheets
from denote.reporting.cards import MOST_CARDS, report_cell_cards, report_neuron_cards
from denote.reporting.chance import randomisation_sentences, randomisation_sheet
from denote.reporting.page.evidence import belief, sections
from denote.reporting.sheet import Sheet
from denote.reporting.sheets import cells_sheet, neurons_sheet, where_some_denote
from denote.reporting.stability import denoted_sheets, spread_sheet
from denote.tables import CELLS, NEURONS, SWEEP_TABLES, table

Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return synthetic.all_tables(3, 5, 16)


def column(sheet: Sheet, name: str) -> list[str]:
    return [row[sheet.header.index(name)] for row in sheet.rows]


def test_scores_stand_beside_their_intervals_and_controls(tables: Tables) -> None:
    cells, neurons = cells_sheet(tables["cells"], Rule()), neurons_sheet(tables["neurons"], Rule())
    assert set(column(cells, "rotated")) == {"does not apply", ".88"}
    assert set(column(cells, "note")) == {""}
    assert set(column(cells, "detectable AUROC")) == {".58"}
    assert set(column(cells, "outside band")) == {"null", "12 of 32 (+-.030)"}
    assert all("[" in cell for name in ("AUROC", "balanced accuracy", "selectivity") for cell in column(cells, name))
    assert all("[" in cell for name in ("balanced accuracy", "TPR", "TNR") for cell in column(neurons, name))
    assert set(column(neurons, "rival")) == {"ink > 0.31: .77"}


def test_a_best_cell_that_misses_a_threshold_does_not_look_as_if_it_reached_it(tables: Tables) -> None:
    close = tables["cells"].with_columns(
        balanced_accuracy=pl.lit(0.94989), balanced_accuracy_low=pl.lit(0.897), q_value=pl.lit(0.05004)
    )
    sheet = cells_sheet(close.filter(pl.col("auroc").is_not_null()), Rule())
    assert {cell.partition(" ")[0] for cell in column(sheet, "balanced accuracy")} == {".9499"}
    assert set(column(sheet, "bound")) == {".897"}
    assert set(column(sheet, "q")) == {".05004"}


def test_curves_along_which_nothing_denotes_are_a_sentence(tables: Tables) -> None:
    by_depth = tables["label_proportion_by_depth"]
    none = by_depth.with_columns(family=pl.lit("classes"), n_denoting=pl.lit(0, pl.Int64))
    both = tables | {"label_proportion_by_depth": pl.concat([by_depth, none])}
    (shown,) = [section for section in sections(both, [], Rule()) if section.heading.startswith("Label proportion")]
    assert [sheet.title for sheet in shown.sheets] == [
        "Does it depend on depth?",
        "mnist, mlp-4x32-relu, epoch 20, sets of classes",
    ]
    (said,) = shown.sentences
    assert said.startswith("mnist, mlp-4x32-relu, epoch 20, single classes: no neuron denotes")


def test_other_rules_are_shown_of_families_in_which_some_rule_lets_a_neuron_denote() -> None:
    counts = {"classes": (0, 0), "subsets": (0, 3)}
    rows = [{"family": family, "n_denoting": n} for family, each in counts.items() for n in each]
    assert where_some_denote(pl.DataFrame(rows))["family"].to_list() == ["subsets", "subsets"]


def test_what_is_denoted_is_shown_once_over_networks_and_seeds_of_controls(tables: Tables) -> None:
    neurons = table([{"architecture": "a", "trained": True, "object_model": model, "layer": "l", "pooling": "none",
                      "family": "subsets", "probe_seed": seed, "neuron": neuron, "property": "class=3",
                      "label_proportion": 0.1, "live": True, "denotes": neuron < 2, "fit_balanced_accuracy": score}
                     for model, score in (("m", 0.96), ("n", 0.98)) for seed in range(2) for neuron in range(5)],
                    NEURONS)  # fmt: skip
    shown, abstaining = denoted_sheets(denoted(neurons), neurons)
    assert column(shown, "property") == ["class=3"]
    assert [column(shown, name) for name in ("neurons", "complement", "networks")] == [["4"], ["0"], ["2"]]
    assert column(shown, "fit score") == [".97"]
    assert [column(abstaining, name) for name in ("live neurons", "denote", "abstain")] == [["10"], ["4"], ["6"]]
    assert abstaining.caption.startswith("6 rows")
    most = [int(cell) for cell in column(denoted_sheets(tables["properties"], tables["neurons"])[0], "neurons")]
    assert most == sorted(most, reverse=True)


def test_attributes_of_different_jobs_are_said_not_to_be_compared(tables: Tables) -> None:
    cells, correlation = tables["cells"], tables["attribute_correlation"]
    (said,) = uncompared_sentences(correlation.clear(), cells)
    assert "attribute=[a,b]" in said
    assert uncompared_sentences(correlation, cells) == []
    assert uncompared_sentences(correlation.clear(), cells.filter(pl.col("attribute") == "odd")) == []


def test_the_spread_is_at_the_best_layer(tables: Tables) -> None:
    sheet = spread_sheet(tables["seed_spread"])
    assert len(sheet.rows) == len(synthetic.ATTRIBUTES) * 2
    best = dict(zip(zip(column(sheet, "attribute"), column(sheet, "probe"), strict=True), sheet.rows, strict=True))
    means = tables["seed_spread"].filter(pl.col("attribute") == "odd", pl.col("probe") == "neuron")
    assert best["odd", "neuron"][sheet.header.index("layer")] == means.sort("auroc_mean")["layer"][-1]


def test_attributes_that_are_tied_by_their_making_are_named_so() -> None:
    sizes = {"odd": 500, "prime": 400, "loop": 400, "class=3": 100, "class=0": 100, "even": 500, "big": 600}
    cells = table(
        [{"dataset": "mnist", "attribute": a, "n_positive_test": n, "n_test": 1000} for a, n in sizes.items()], CELLS
    )
    correlation = synthetic.correlation_table()
    nested = correlation.filter(pl.col("other") == "prime").with_columns(
        other=pl.lit("big"), n_both=pl.lit(500, pl.Int64), phi=pl.lit(0.8)
    )
    disjoint = nested.with_columns(other=pl.lit("loop"), n_both=pl.lit(0, pl.Int64), phi=pl.lit(-0.6))
    sheet = correlation_sheet(pl.concat([correlation, nested, disjoint]), cells)
    tied = dict(zip(zip(column(sheet, "attribute"), column(sheet, "other"), strict=True), column(sheet, "tied how"),
                    strict=True))  # fmt: skip
    assert tied == {
        ("odd", "even"): "complements", ("odd", "big"): "nested: odd lies in big", ("odd", "loop"): "disjoint",
        ("loop", "class=0"): "nested: class=0 lies in loop",
        ("odd", "class=3"): "nested: class=3 lies in odd", ("odd", "prime"): "", ("prime", "loop"): "",
    }  # fmt: skip
    assert column(sheet, "phi")[0] == "-1.00"
    assert column(sheet, "phi")[-1] == "null"


def test_a_neuron_is_counted_once_however_many_families_searched_it() -> None:
    base = {"layer": "a", "depth": 0, "object_model": "m", "pooling": "none", "live": True}
    rows = [
        base | {"neuron": neuron, "family": family, "attributes_passed": passed, "attributes_carried": 2 * passed}
        for neuron, passed in enumerate((0, 0, 1, 3)) for family in ("classes", "subsets")
    ]  # fmt: skip
    sheet = mixing_sheet(table([*rows, base | {"neuron": 9, "live": False}], NEURONS))
    (row,) = sheet.rows
    assert row[1:] == ("a", "4", ".50", ".25", ".25", "1.0", "3", ".50", ".00", ".50", "2.0", "6")


def test_neurons_that_carry_are_a_share_of_those_tested(tables: Tables) -> None:
    sheet = carrying_sheet(tables["scan"])
    assert len(sheet.rows) == len(synthetic.ATTRIBUTES)
    assert column(sheet, "neurons that carry it")[0].startswith("blocks.0 .33, blocks.1 .33")
    flipped = tables["scan"].with_columns(best_auroc=pl.when(pl.col("seed") == 0).then(0.09).otherwise("best_auroc"))
    assert carrying_sheet(flipped) == sheet  # a neuron that is off where the attribute holds is as good


def test_reading_curves_are_those_of_their_best_layer(tables: Tables) -> None:
    description, fit_rows, removed = reading_sheets(tables["cells"], tables["curves"])
    assert set(column(description, "compression")) == {"8.4"}
    assert column(fit_rows, "x: held-out AUROC")[0] == "15: .60, 31: .68, 125: .76, 500: .84, 1,000: .92"
    assert column(removed, "x: held-out AUROC")[0].startswith("0: .98, 1: .96")
    assert reading_sheets(tables["cells"].clear(), tables["curves"].clear()) == []


def test_the_randomisation_check_gives_median_and_range(tables: Tables) -> None:
    known = tables["cells"].filter(pl.col("randomised_similarity").is_not_null())
    (said,) = randomisation_sentences(tables["cells"])
    assert "median Spearman correlation .04 (.00 to .08)" in said
    assert column(randomisation_sheet(known), "median similarity") == [".00", ".02", ".04", ".06", ".08"]
    assert randomisation_sentences(tables["cells"].clear()) == []


def test_cards_are_capped_and_counted(tables: Tables) -> None:
    many = pl.concat([tables["neurons"]] * 20).filter("denotes")
    (cards,) = report_neuron_cards(many)
    assert len(cards.texts) == MOST_CARDS
    assert cards.more == f"{len(many) - MOST_CARDS:,} more cards in denote.load(FOLDER).cards()"
    (cells,) = report_cell_cards(tables["cells"], Rule())
    assert len(cells.texts) == len(cells_sheet(tables["cells"].filter("decisive"), Rule()).rows)
    assert all("decisive by the rule" in text for text in cells.texts)
    assert report_neuron_cards(tables["neurons"].with_columns(denotes=pl.lit(False))) == []


def test_sections_without_rows_are_left_out(tables: Tables) -> None:
    headings = [section.heading for section in sections(tables, [], Rule())]
    assert headings == [
        "Attributes: which are read, where, and how well", "From which layer on attributes are decisive",
        "How easily attributes are read", "Neurons that denote, the surest first", "Properties that neurons denote",
        "Label proportion by depth: numbers and tests",
        "Stability: found again on other rows, with other thresholds, in other networks?", "How much seeds differ",
        "Attributes that stand in for each other, and how many a neuron mixes", "The layers",
    ]  # fmt: skip
    assert sections(synthetic.empty_tables(), [], Rule()) == []
    assert belief(synthetic.empty_tables(), Rule()).sheets == []


def test_numbers_that_nobody_filled_in_are_no_crash(tables: Tables) -> None:
    bare = {
        name: frame.with_columns(pl.lit(None, kind).alias(key) for key, kind in SWEEP_TABLES[name].items()
                                 if kind == pl.Float64)
        for name, frame in tables.items()
    }  # fmt: skip
    assert [section.heading for section in sections(bare, [], Rule())]
    assert "null" in column(neurons_sheet(bare["neurons"], Rule()), "rotated share")
    assert belief(bare, Rule())
