"""What interventions show is written beside the score of neurons and cells, once however often it is decided."""

import polars as pl
import pytest
import synthetic_tables as synthetic
from polars.testing import assert_frame_equal

from denote.evidence.rule import Rule
from denote.interventions.deciding import decide_interventions
from denote.interventions.words import (
    ALL,
    AUROC,
    BY_ERASURE,
    ELSEWHERE,
    NEURON,
    NOT_SHOWN,
    OBSERVER,
    PART,
    RESAMPLE,
    SCORE,
    TOGETHER,
    TOGETHER_ONLY,
    USED,
    WITH,
    WITHOUT,
    resampled,
    verdict,
)
from denote.tables import INTERVENTIONS, NEURONS, NOTE, table


def test_a_second_decision_changes_nothing_and_notes_say_what_was_compared() -> None:
    once = synthetic.ablated(synthetic.all_tables(1, 5, 16))
    again = decide_interventions(once, Rule())
    for name in ("cells", "neurons"):
        assert_frame_equal(again[name], once[name].select(again[name].columns))
    outputs = once["layers"].filter("is_head")["layer"].unique().implode()
    of_output = once["neurons"].filter("denotes", pl.col("layer").is_in(outputs))
    assert of_output.select(verdict()).to_series().null_count() == of_output.height > 0
    denoting = once["neurons"].filter("denotes", pl.col("layer").is_in(outputs).not_())
    few = pl.col("neuron") % 5 == 4
    assert denoting.filter(few)["note_codes"].str.contains("few_ablation_rows").all()
    assert denoting.filter(few)["ablation_p"].null_count() == denoting.filter(few).height
    assert (denoting.filter(few.not_())["note_codes"] == "matched_neurons").all()
    verdicts = denoting.select("neuron", told=verdict()).filter(few.not_())
    assert (verdicts["told"] == verdicts.select(pl.when(pl.col("neuron") % 2 == 0).then(pl.lit(USED)).otherwise(
        pl.lit(NOT_SHOWN))).to_series()).all()  # fmt: skip
    ablated = resampled(once["interventions"])
    assert ablated["p_value"].is_null().equals(ablated["random"].is_null())
    assert ablated["p_value"].count() > 0


def test_several_together_are_tested_while_two_of_them_denote() -> None:
    where = {"object_model": "a", "layer": "b", "pooling": "mean", "family": "f", "property": "p", "probe_seed": 0}
    headline = {"intervention": "ablate", "kind": RESAMPLE, "measure": SCORE, "rows": WITH}
    same = {**where, **headline, "subject": "1, 2, 3", "effect": 0.5, "effect_low": 0.4}
    parts = [{**same, "subject_kind": PART, "neuron": neuron} for neuron in (1, 2, 3)]
    whole = {**same, "subject_kind": TOGETHER, "random": 0.0, "p_value": 0.001}
    tables = synthetic.all_tables(1, 5, 16) | {"interventions": table([whole, *parts], INTERVENTIONS)}

    def decided(*denoting: int) -> dict[str, pl.DataFrame]:
        neurons = [{**where, "neuron": neuron, "denotes": neuron in denoting} for neuron in (1, 2, 3)]
        return decide_interventions(tables | {"neurons": table(neurons, NEURONS)}, Rule())

    three = decided(1, 2, 3)
    assert three["interventions"]["q_value"][0] == 0.001
    assert decided(1, 2)["interventions"]["q_value"][0] == 0.001
    assert decided(1)["interventions"]["q_value"][0] is None


def test_observers_that_are_decisive_no_more_are_in_no_family() -> None:
    once = synthetic.ablated(synthetic.all_tables(1, 5, 16))
    tested = once["cells"].filter(verdict().is_not_null())
    weaker = pl.col("attribute") == tested["attribute"][0]
    cells = once["cells"].with_columns(decisive=pl.col("decisive") & weaker.not_())
    decided = decide_interventions(once | {"cells": cells}, Rule())
    rows = decided["interventions"].filter(pl.col("property") == tested["attribute"][0])
    assert rows["q_value"].null_count() == rows.height > 0
    assert decided["interventions"]["q_value"].null_count() < decided["interventions"].height
    evidence = decided["cells"].filter(weaker, pl.col("ablation_p").is_not_null())["causal_evidence"]
    assert evidence.str.starts_with("not tested, as it ").all()


def test_without_interventions_notes_stay_as_they_are() -> None:
    tables = synthetic.all_tables(1, 5, 16)
    decided = decide_interventions(tables, Rule())
    assert decided["neurons"]["note"].equals(tables["neurons"]["note"])


def evidence_of(ablation_p: float | None, erasure_p: float, low: float | None = None) -> str:
    """What a cell says of an ablation and an erasure with these p-values."""
    tables = synthetic.all_tables(1, 5, 16)
    cell = tables["cells"].filter("decisive", probe="linear").row(0, named=True)
    where = {name: cell[name] for name in INTERVENTIONS if name in cell and name not in NOTE}
    where |= {"property": cell["attribute"], "measure": SCORE, "random": 0.01, "p_value": None}
    erased = where | {"intervention": "erase", "subject_kind": "attribute", "probe": None, "k": None}
    rows = [
        erased | {"rows": WITH, "effect": 0.95},
        erased | {"rows": WITHOUT, "effect": 0.0},
        erased | {"rows": ALL, "effect": 0.09, "effect_low": 0.07, "p_value": erasure_p},
        erased | {"measure": AUROC, "target": "behind", "comes_back": False},
    ]
    if ablation_p is not None:
        surely = low if low is not None else 0.01 if ablation_p < 0.05 else -0.01
        of_observer = {"intervention": "ablate", "kind": RESAMPLE, "subject_kind": OBSERVER, "rows": WITH}
        rows.append(where | of_observer | {"effect": 0.02, "effect_low": surely, "p_value": ablation_p})
    decided = decide_interventions(tables | {"interventions": table(rows, INTERVENTIONS)}, Rule())["cells"]
    (said,) = decided.filter(pl.col("causal_evidence").str.contains("erasing"), probe="linear").select(
        said=pl.format("{} | {}", verdict(), "causal_evidence")
    )["said"]
    return str(said)


ERASED = "erasing it costs .09 of the score (.95 on its rows, .00 on the others), random .01; it does not come back"
RESAMPLED = "resampling costs .02 of the score on its rows, random .01"


@pytest.mark.parametrize(
    ("ablation_p", "erasure_p", "word", "said"),
    [
        (0.9, 0.01, ELSEWHERE, f"{RESAMPLED}; {ERASED}"),
        (0.9, 0.5, NOT_SHOWN, f"{RESAMPLED}; {ERASED}"),
        (0.01, 0.01, USED, f"{RESAMPLED}; {ERASED}"),
        (None, 0.01, BY_ERASURE, ERASED),
        (None, 0.5, NOT_SHOWN, ERASED),
    ],
)
def test_an_erasure_that_costs_and_an_ablation_that_does_not_are_told_together(
    ablation_p: float | None, erasure_p: float, word: str, said: str
) -> None:
    assert evidence_of(ablation_p, erasure_p) == f"{word} | {word}: {said}"


def test_what_it_costs_elsewhere_and_what_all_together_cost_is_said() -> None:
    where = {"object_model": "a", "layer": "b", "pooling": "mean", "family": "f", "property": "p", "probe_seed": 0}
    headline = where | {"intervention": "ablate", "kind": RESAMPLE, "measure": SCORE, "rows": WITH}
    alone = [
        headline | {"subject_kind": NEURON, "neuron": 1, "subject": "1", "effect": 0.0, "random": 0.0, "p_value": 0.9},
        headline
        | {"subject_kind": NEURON, "neuron": 1, "subject": "1", "rows": WITHOUT, "effect": 0.4, "effect_low": 0.3},
    ]
    same = headline | {"subject": "1, 2", "effect": 0.5, "effect_low": 0.4}
    parts = [same | {"subject_kind": PART, "neuron": neuron} for neuron in (1, 2)]
    rows = [*alone, *parts, same | {"subject_kind": TOGETHER, "random": 0.0, "p_value": 0.001}]
    neurons = table([where | {"neuron": neuron, "denotes": True} for neuron in (1, 2)], NEURONS)
    tables = synthetic.all_tables(1, 5, 16) | {"interventions": table(rows, INTERVENTIONS), "neurons": neurons}
    evidence = decide_interventions(tables, Rule())["neurons"]["causal_evidence"]
    costs = "resampling costs .00 of the score on its rows (.40 on the others), random .00, all of them .50"
    assert evidence[0] == f"{TOGETHER_ONLY}: {costs}"


def test_a_direction_that_surely_costs_something_is_no_evidence_of_another_one() -> None:
    assert evidence_of(0.9, 0.01, low=0.01) == f"{BY_ERASURE} | {BY_ERASURE}: {RESAMPLED}; {ERASED}"


def test_an_erasure_from_outputs_is_no_test_of_use() -> None:
    tables = synthetic.erased_and_steered(synthetic.all_tables(1, 5, 16))
    heads = tables["layers"].filter("is_head")["layer"].implode()
    told = tables["cells"].filter(pl.col("causal_evidence").str.contains("erasing"))
    of_outputs = told.filter(pl.col("layer").is_in(heads))
    assert of_outputs["causal_evidence"].str.starts_with("not tested, as it is an output of the network: erasing").all()
    assert 0 < len(of_outputs) < len(told)


def test_what_may_cost_nothing_over_all_resamplings_is_not_used_whatever_one_of_them_shows() -> None:
    assert evidence_of(0.001, 0.5, low=-0.01).startswith(f"{NOT_SHOWN} | ")
    assert evidence_of(0.001, 0.5, low=0.01).startswith(f"{USED} | ")


def test_an_attribute_that_is_decisive_no_more_is_in_no_family_of_erasures() -> None:
    once = synthetic.erased_and_steered(synthetic.all_tables(1, 5, 16))
    erased = once["interventions"].filter(pl.col("intervention") == "erase", pl.col("q_value").is_not_null())
    weaker = pl.col("attribute") == erased["property"][0]
    cells = once["cells"].with_columns(decisive=pl.col("decisive") & weaker.not_())
    rows = decide_interventions(once | {"cells": cells}, Rule())["interventions"]
    of_score = pl.col("measure") == SCORE
    again = rows.filter(pl.col("intervention") == "erase", of_score, pl.col("property") == erased["property"][0])
    assert again["q_value"].null_count() == len(again)
    assert again["note_codes"].str.contains("not_decided").any()
