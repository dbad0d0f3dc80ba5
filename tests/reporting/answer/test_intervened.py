"""The answer says what erasing and steering showed, and what found nothing to do, in a line each."""

from collections.abc import Mapping

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.interventions.words import WITH
from denote.reporting.answer.compose import answer
from denote.reporting.answer.contents import INTERVENED
from denote.reporting.answer.intervened import ERASURE, Erasures, Steering, counted_rows
from denote.reporting.answer.untouched import nothing_done, untouched_sentences
from denote.reporting.page.evidence import sections
from denote.tables import INTERVENTIONS, table

Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def plain() -> dict[str, pl.DataFrame]:
    return synthetic.all_tables(1, 5, 32)


def said(tables: Tables, **more: object) -> list[str]:
    block = answer(tables, most_lines=30, **more).block(INTERVENED)  # type: ignore[arg-type]
    return [] if block is None else [*block.lines]


def test_without_interventions_there_is_nothing_to_say(plain: dict[str, pl.DataFrame]) -> None:
    assert said(plain) == []


def test_what_was_ablated_and_not_tested_is_said_to_be_that(plain: dict[str, pl.DataFrame]) -> None:
    tables = synthetic.ablated(plain)
    untested = {
        name: tables[name].with_columns(causal_evidence=pl.lit("not testable")) for name in ("cells", "neurons")
    }
    n = len(tables["interventions"])
    assert said(tables | untested) == [
        f"Ablated: none of {n} subjects could be tested, as too few test rows have the property."
    ]


def test_erasures_and_steering_have_a_line_each(plain: dict[str, pl.DataFrame]) -> None:
    tables = synthetic.erased_and_steered(plain)
    rows = counted_rows(tables["interventions"], tables["layers"])
    losses = rows.filter(pl.col("intervention") == "erase", pl.col("measure") == "score", pl.col("rows") == WITH)
    costly, back = len(losses.filter(pl.col("effect") > 0)), rows.filter("comes_back").height
    mean = f"{losses['effect'].mean():.2f}".lstrip("0")
    attributes, layers = losses["property"].n_unique(), losses["layer"].n_unique()
    of_reading = rows.filter(pl.col("measure") == "reading", pl.col("kind") == "push slope")
    moved = of_reading.filter(pl.col("p_value") < 0.01).height
    erased, steered = said(tables)
    assert erased == (
        f"Erased: {attributes} attributes at {layers} layers, each costs {mean} of the score on average, "
        f"random .01; {costly} of {len(losses)} more than random (q <= .05); {back} of {len(losses)} come back at a "
        "later layer."
    )
    assert steered == (
        f"Steered: {len(losses)} directions; {moved} of {len(losses)} move what a later observer reads more than "
        "random (q <= .05)."
    )
    brief = f"Erased: {costly} of {len(losses)} cost beyond random, {back} come back."
    assert f"{brief} Steered: {moved} of {len(losses)} move later observers." in answer(tables).sentences


def test_outputs_are_counted_only_where_nothing_else_was_intervened_on(plain: dict[str, pl.DataFrame]) -> None:
    tables = synthetic.erased_and_steered(plain)
    heads = tables["layers"].filter("is_head")["layer"].implode()
    rows, at_head = tables["interventions"], pl.col("layer").is_in(heads)
    assert rows.select(at_head.any()).item()
    assert not counted_rows(rows, tables["layers"]).select(at_head.any()).item()
    of_heads = rows.filter(at_head)
    assert counted_rows(of_heads, tables["layers"]).equals(of_heads)


def test_of_no_erasure_and_no_steering_nothing_is_said(plain: dict[str, pl.DataFrame]) -> None:
    rows = synthetic.erased_and_steered(plain)["interventions"].clear()
    assert Erasures(rows, Rule()).told() == Steering(rows, Rule()).told() == ""


def test_what_was_asked_for_and_did_nothing_is_said_once_with_the_reason(plain: dict[str, pl.DataFrame]) -> None:
    tables = synthetic.untouched(plain)
    (line,) = said(tables)
    assert line == "Nothing was ablated in full, erased or steered: no attribute is decisive."
    assert line in answer(tables).sentences
    one, *others = untouched_sentences(tables)
    assert one.startswith("Nothing was ablated in full at blocks.0, blocks.1 and ")
    assert one.endswith(": no attribute is decisive.")
    assert len(others) == 2
    section = next(each for each in sections(tables, (), Rule()) if each.heading == "Used, or only readable?")
    assert one in section.sentences


def test_reasons_that_differ_by_layer_name_their_layers() -> None:
    rows = [
        {"object_model": "m", "layer": layer, "pooling": "none", "intervention": "steer", "note": why}
        for layer, why in (("hidden_1", "no neuron denotes; no attribute is decisive"), ("logits", "nothing reads it"))
    ]
    told = nothing_done(table(rows, INTERVENTIONS))
    reason = "no neuron denotes and no attribute is decisive (hidden_1), nothing reads it (logits)"
    assert told == [f"Nothing was steered: {reason}."]


def test_where_something_was_done_at_one_layer_the_others_are_told_in_the_report_alone() -> None:
    known = {"object_model": "m", "pooling": "none", "intervention": "erase"}
    rows = [
        {**known, "layer": "hidden_1", "subject_kind": "attribute", "property": "a", "effect": 0.1},
        {**known, "layer": "hidden_2", "note": "no attribute is decisive"},
    ]
    frame = table(rows, INTERVENTIONS)
    assert nothing_done(frame) == []
    assert [*untouched_sentences({"interventions": frame})] == [
        "Nothing was erased at hidden_2: no attribute is decisive."
    ]


def test_erasures_at_outputs_alone_are_said_to_be_no_tests(plain: dict[str, pl.DataFrame]) -> None:
    rows = synthetic.erased_and_steered(plain)["interventions"].filter(pl.col("intervention") == "erase")
    untested = rows.filter(pl.col("measure") == "score").with_columns(q_value=pl.lit(None, pl.Float64))
    said = f"Erased: none of {untested.select(ERASURE).n_unique()} erasures could be tested (column note)."
    assert Erasures(untested, Rule()).told() == Erasures(untested, Rule()).told(brief=True) == said
