"""Tests made, hits found and expected by chance; the alarm; what could not have been found."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.notes import Note, note
from denote.reporting.chance import (
    alarms,
    apart_sentences,
    chance_sentences,
    families,
    families_sheet,
    null_check_sheet,
    power_sentences,
    untested_sentences,
)
from denote.tables import CELLS, NULL_CHECK, OF_ROW, SCAN, joined_notes, remark, table

Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return synthetic.all_tables(3, 5, 16)


def test_a_family_counts_its_tests_its_hits_and_what_chance_gives(tables: Tables) -> None:
    p = [1e-5, 0.0009, 0.002, 0.03, 0.049, 0.3, 0.9, None]
    rows = [
        {"p_value": value, "q_value": value and 3 * value, "decisive": value == 1e-5, "attribute": str(i)}
        for i, value in enumerate(p)
    ]
    neurons, cells, pairs = families(tables | {"cells": table(rows, CELLS)}, Rule(q=0.1))
    assert (cells.n_tests, cells.below, cells.hits, cells.passed) == (7, (5, 2), 4, 1)
    assert cells.expected == (pytest.approx(0.35), pytest.approx(0.007))
    assert cells.row["false"] == "<= 0.4"
    assert [family.words for family in (neurons, cells, pairs)] == ["neurons, sets of classes", "cells", "pairs"]
    assert neurons.n_tests == tables["neurons"].filter("live").height
    assert neurons.passed == tables["neurons"].filter("denotes").height
    assert pairs.n_tests == tables["scan"]["n_tests"].sum()
    assert pairs.below == (tables["scan"]["below_05"].sum(), tables["scan"]["below_001"].sum())
    assert pairs.row["decisive or denote"] == "-"


def test_families_without_a_test_are_left_out(tables: Tables) -> None:
    assert families(synthetic.empty_tables(), Rule()) == []
    assert families_sheet([]).rows == []
    untested = tables | {"cells": tables["cells"].with_columns(p_value=pl.lit(None, pl.Float64))}
    assert [family.words for family in families(untested, Rule())] == ["neurons, sets of classes", "pairs"]


def test_families_whose_live_neurons_were_not_tested_keep_their_row_and_say_why(tables: Tables) -> None:
    neurons = tables["neurons"].filter("live")
    reason = "fewer than 25 positive or negative rows"
    why = note(
        Note.of("not_tested", min_rows=25, units="rows"),
        Note.of("auroc_of_groups"),
        Note.of("not_run", controls="rivals"),
    )
    untested = neurons.with_columns(
        family=pl.lit("classes"), p_value=pl.lit(None, pl.Float64), q_value=pl.lit(None, pl.Float64),
        denotes=pl.lit(None, pl.Boolean),
        **joined_notes(remark(why)),
    )  # fmt: skip
    dead = untested.with_columns(family=pl.lit("named"), live=pl.lit(False))
    found = families(tables | {"neurons": pl.concat([neurons, untested, dead])}, Rule())
    assert [family.words for family in found] == [
        "neurons, sets of classes",
        "neurons, single classes",
        "cells",
        "pairs",
    ]
    assert found[1].row["tests"] == "0"
    assert untested_sentences(found) == [f"No test of neurons, single classes: {reason}."]
    barren = untested.with_columns(
        **joined_notes(remark(Note.of("no_attribute_entered", rows=20)), remark(Note.of("no_property")))
    )
    found = families(tables | {"neurons": pl.concat([neurons, barren])}, Rule())
    (said,) = untested_sentences(found)
    assert said.endswith(f"classes: no attribute has 20 positive and negative fit rows, {Note.of('no_property')}.")
    (apart,) = apart_sentences(found)
    assert "corrected by itself" in apart
    assert apart_sentences([found[1], found[-1]]) == []


def test_the_null_check_is_summed_over_object_models_and_rings() -> None:
    quiet, loud = synthetic.null_check_table(3), synthetic.null_check_table(3, alarm=True)
    said = chance_sentences(synthetic.empty_tables() | {"null_check": quiet})
    assert said[0].startswith("Null check of the cells: 1 of 20 replicates")
    assert "1 of 60 replicates" in said[1]
    assert "at most 3.0 expected: no alarm" in said[1]
    assert alarms(quiet) == []
    (alarm,) = alarms(loud)
    assert "7 of 20 shuffled replicates of the cells" in alarm
    assert "3e-05" in alarm
    assert "ALARM" in chance_sentences(synthetic.empty_tables() | {"null_check": loud})[0]
    assert [row[-2] for row in null_check_sheet(loud).rows] == ["yes", "no", "no", "no"]


def test_a_check_that_was_not_made_is_said() -> None:
    assert "Null check: not run" in chance_sentences(synthetic.empty_tables())[0]
    row = {"scan": "pairs", "n_tests": 0, "n_replicates": 0, "note": "the pair scan has no permutations"}
    (said,) = chance_sentences(synthetic.empty_tables() | {"null_check": table([row], NULL_CHECK)})
    assert said == "Null check of the pairs: not run (the pair scan has no permutations)."


def test_the_whole_scan_has_one_p_value_per_object_model() -> None:
    rows = [
        {"object_model": name, "model_max_p_value": p}
        for name, p in (("a", 0.004), ("a", 0.9), ("b", 0.4), ("c", None))
    ]
    said = chance_sentences(synthetic.empty_tables() | {"scan": table(rows, SCAN)})
    assert "p = .004 to .400, by object model" in said[-1]
    weak = table([*rows, {"object_model": "a", "model_max_p_value": 0.9}], SCAN)
    assert "p = .004 to .400, by object model" in chance_sentences(synthetic.empty_tables() | {"scan": weak})[-1]


def test_power_says_what_could_not_be_found(tables: Tables) -> None:
    said = "\n".join(power_sentences(tables))
    assert "an AUROC of at least .58 would have been found" in said
    assert "label proportion below .07 could not have been found decisive" in said
    assert "only from this label proportion up: sets of classes .08;" in said
    assert power_sentences(synthetic.empty_tables()) == []
    assert "groups" not in said
    grouped = tables["cells"].with_columns(**joined_notes(OF_ROW, remark(Note.of("groups", groups=12))))
    assert "less would have been found" in power_sentences(tables | {"cells": grouped})[-1]
    by_depth = tables["label_proportion_by_depth"]
    rarer = by_depth.with_columns(family=pl.lit("classes"), smallest_detectable_proportion=pl.lit(0.22))
    never = by_depth.with_columns(family=pl.lit("named"), smallest_detectable_proportion=pl.lit(None, pl.Float64))
    apart = "\n".join(power_sentences(tables | {"label_proportion_by_depth": pl.concat([by_depth, rarer, never])}))
    assert "up: sets of classes .08, single classes .22;" in apart
    varied = tables["cells"].with_columns(detectable_auroc=pl.Series([0.55, 0.7] * (tables["cells"].height // 2)))
    assert "an AUROC of at least .55 to .70 (depending on the rows)" in power_sentences(tables | {"cells": varied})[0]
