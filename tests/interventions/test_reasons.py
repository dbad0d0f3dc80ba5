"""Why nothing was done somewhere is said by the decisions over all jobs, not by those of the job that asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
import synthetic_tables as synthetic
from polars.testing import assert_frame_equal

from denote.evidence.rule import Rule
from denote.interventions.deciding import decide_interventions
from denote.interventions.reasons import PLACE, cells_not_ablated
from denote.interventions.words import ANY, OBSERVER
from denote.notes import Note, note
from denote.reporting.answer.untouched import nothing_done
from denote.tables import INTERVENTIONS, table

Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def plain() -> Tables:
    return synthetic.all_tables(1, 5, 16)


@pytest.fixture(scope="module")
def here(plain: Tables) -> dict[str, Any]:
    """A hidden layer where neurons denote and attributes are decisive."""
    where = plain["neurons"].filter("denotes").select(PLACE).row(0, named=True)
    cells = plain["cells"].join(pl.DataFrame([where]), on=PLACE, how="semi")
    assert cells.filter("decisive").height
    return where


def decided(tables: Tables, *rows: dict[str, Any]) -> pl.DataFrame:
    return decide_interventions(tables | {"interventions": table(rows, INTERVENTIONS)}, Rule())["interventions"]


def codes(tables: Tables, here: dict[str, Any], *of_job: str) -> str:
    """Codes of a reason after a decision."""
    row = here | {"intervention": "steer", "note": note(*(Note.of(code) for code in of_job))}
    (said,) = decided(tables, row)["note_codes"]
    return str(said)


def undecided(tables: Tables, **cells: Any) -> Tables:
    """The same where nothing denotes and nothing is decisive."""
    flags = {"neurons": {"denotes": False}, "cells": {"decisive": False, **cells}}
    return tables | {
        name: tables[name].with_columns(pl.lit(v).alias(k) for k, v in of.items()) for name, of in flags.items()
    }


def test_a_reason_follows_from_the_decisions_over_all_jobs(plain: Tables, here: dict[str, Any]) -> None:
    both = ("none_denotes", "none_decisive")
    assert codes(plain, here, *both) == "none_denoted; none_was_decisive"
    assert codes(undecided(plain), here, *both) == "none_denotes; none_decisive"
    assert codes(undecided(plain), here, "none_denoted", "none_was_decisive") == "none_denotes; none_decisive"
    assert codes(undecided(plain), here, "none_scored") == "none_decisive"
    assert codes(undecided(plain, auroc=None), here, "none_scored") == "none_scored"
    assert codes(plain, here, "no_one_direction") == "no_one_direction"


def test_a_second_decision_leaves_reasons_as_they_are(plain: Tables, here: dict[str, Any]) -> None:
    once = decided(plain, here | {"intervention": "erase", "note": Note.of("none_decisive")})
    assert_frame_equal(decide_interventions(plain | {"interventions": once}, Rule())["interventions"], once)
    assert nothing_done(once) == ["Nothing was erased: in the job that asked no attribute is decisive."]


def test_where_another_job_did_something_no_reason_stays(plain: Tables, here: dict[str, Any]) -> None:
    reasons = [here | {"intervention": kind, "note": Note.of("none_denotes")} for kind in ("ablate", "steer")]
    done = here | {"intervention": "ablate", "subject_kind": OBSERVER, "subject": "direction", "property": "a"}
    rows = decided(plain, *reasons, done)
    assert rows.select("intervention", "subject_kind").rows() == [("steer", None), ("ablate", OBSERVER)]
    any_neuron = here | {"intervention": "ablate", "subject_kind": ANY, "subject": "0", "neuron": 0}
    assert decided(plain, *reasons, any_neuron).height == 3  # every neuron is ablated once whatever was found


def test_cells_that_are_decisive_over_all_jobs_alone_say_that_no_job_ablated_them(
    plain: Tables, here: dict[str, Any]
) -> None:
    cells = plain["cells"].with_columns(ablation_effect=pl.lit(None, pl.Float64))
    before = undecided(plain)["cells"]
    any_neuron = here | {"intervention": "ablate", "subject_kind": ANY, "subject": "0", "neuron": 0}
    asked = here | {"intervention": "ablate", "note": Note.of("none_decisive")}

    def told(before: pl.DataFrame, *rows: dict[str, Any]) -> pl.DataFrame:
        noted = cells_not_ablated(cells, before, table(rows, INTERVENTIONS))
        return noted.filter(pl.col("note_codes").str.contains("observer_not_ablated").fill_null(value=False))

    late = told(before, any_neuron, asked)
    of_layer = cells.join(pl.DataFrame([here]), on=PLACE[:3], how="semi").filter("decisive")
    assert late.height == of_layer.height > 0
    assert set(late["layer"]) == {here["layer"]}
    assert told(cells, any_neuron, asked).is_empty()  # their own job found them decisive, too
    left_out = here | {"intervention": "ablate", "note": Note.of("left_out", what="observers", setting="x")}
    assert told(before, any_neuron, left_out).is_empty()
    assert told(before, asked).is_empty()  # a layer that cannot be replaced
