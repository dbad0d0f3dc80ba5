"""What interventions show is written beside the score of neurons and cells, once however often it is decided."""

import polars as pl
import synthetic_tables as synthetic
from polars.testing import assert_frame_equal

from denote.evidence.rule import Rule
from denote.interventions.deciding import decide_interventions
from denote.interventions.words import NOT_SHOWN, USED, headlines, verdict


def test_a_second_decision_changes_nothing_and_notes_say_what_was_compared() -> None:
    once = synthetic.ablated(synthetic.all_tables(1, 5, 16))
    again = decide_interventions(once, Rule())
    for name in ("cells", "neurons"):
        assert_frame_equal(again[name], once[name].select(again[name].columns))
    denoting = once["neurons"].filter("denotes")
    few = pl.col("neuron") % 5 == 4
    assert denoting.filter(few)["note_codes"].str.contains("few_ablation_rows").all()
    assert denoting.filter(few)["ablation_p"].null_count() == denoting.filter(few).height
    assert (denoting.filter(few.not_())["note_codes"] == "matched_neurons").all()
    verdicts = denoting.select("neuron", told=verdict()).filter(few.not_())
    assert (verdicts["told"] == verdicts.select(pl.when(pl.col("neuron") % 2 == 0).then(pl.lit(USED)).otherwise(
        pl.lit(NOT_SHOWN))).to_series()).all()  # fmt: skip
    assert headlines(once["interventions"])["p_value"].null_count() == 0


def test_without_interventions_notes_stay_as_they_are() -> None:
    tables = synthetic.all_tables(1, 5, 16)
    decided = decide_interventions(tables, Rule())
    assert decided["neurons"]["note"].equals(tables["neurons"]["note"])
