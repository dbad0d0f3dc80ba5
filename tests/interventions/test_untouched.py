"""What was asked for and finds nothing to do is in the table of interventions, with the reason, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from planted_uses import Reads, planted

import denote
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.words import ANY
from denote.progress.steps import current
from denote.reporting.answer.untouched import nothing_done
from denote.reporting.erasures import intervention_sheets

CAUSAL = {0: 1.0}


def seen(kinds: Any, *, noise: bool = False, **more: Any) -> pl.DataFrame:
    inputs, labels = planted(3, rows=400)
    if noise:
        labels = np.random.default_rng(0).permutation(labels)
    options: dict[str, Any] = {"trained_on": "none", "evidence": "quick", "progress": "none"} | more
    result = denote.observe(Reads(CAUSAL), inputs, {"label": labels}, interventions=kinds, **options)
    return result.tables["interventions"]


def reasons(rows: pl.DataFrame) -> dict[tuple[str, str], str]:
    idle = rows.filter(pl.col("subject_kind").is_null())
    return {(kind, layer): why for kind, layer, why in idle.select("intervention", "layer", "note").iter_rows()}


def test_where_nothing_is_read_or_denoted_every_kind_says_so_at_every_layer() -> None:
    rows = seen(["ablate", "erase", "steer"], noise=True)
    said = reasons(rows)
    assert {kind for kind, _ in said} == {"ablate", "erase", "steer"}
    assert said["erase", "copy"] == "no attribute is decisive"
    assert said["ablate", "copy"] == said["steer", "copy"] == "no neuron denotes; no attribute is decisive"
    assert said["steer", "head"] == "nothing reads the outputs of the network"
    assert rows.filter(pl.col("subject_kind") == ANY).height  # every neuron is ablated once all the same
    assert nothing_done(rows) == [
        "Nothing was ablated in full or steered: no neuron denotes and no attribute is decisive.",
        "Nothing was erased: no attribute is decisive.",
    ]


def test_too_few_rows_are_the_reason_where_no_attribute_has_enough() -> None:
    rows = seen("erase", rule=denote.Rule(min_rows=150))
    assert set(reasons(rows).values()) == {"no attribute could be scored"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Ablate(observers=0), "no neuron denotes; observers are left out by ablate.observers=0"),
        (Steer(observers=0, neurons=0), "neurons are left out by steer.neurons=0; observers are left out by "
                                        "steer.observers=0"),
    ],
)  # fmt: skip
def test_what_settings_leave_out_is_named(asked: denote.Ablate, why: str) -> None:
    assert reasons(seen(asked, noise=True))[asked.name, "copy"] == why


def test_observers_without_a_direction_are_the_reason() -> None:
    rows = seen(Ablate(), probe="mlp", layers="copy")
    neurons = rows.filter(pl.col("subject_kind") == "neuron")
    assert neurons.height or reasons(rows)["ablate", "copy"].endswith("no decisive observer reads along one direction")
    assert reasons(seen(Steer(neurons=0), probe="mlp", layers="copy"))["steer", "copy"] == (
        "neurons are left out by steer.neurons=0; no decisive observer reads along one direction"
    )


def test_the_steps_of_a_call_name_its_interventions_once() -> None:
    class Watched(Reads):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            steps = current.get()
            told.add(" > ".join(step.name for step in steps.open) if steps is not None else "")
            return super().forward(inputs)

    told: set[str] = set()
    inputs, labels = planted(3, rows=300)
    denote.observe(
        Watched(CAUSAL), inputs, {"label": labels}, interventions=Erase(draws=19, attributes=1), trained_on="none",
        evidence="quick", progress="log",
    )  # fmt: skip
    under = [each for each in told if "interventions" in each]
    assert any(each.startswith("interventions > layer > erasure") for each in under), told
    assert all(each.count("interventions") == 1 for each in under)


def test_a_kind_that_finds_something_has_no_such_row() -> None:
    rows = seen(["erase", Steer(directions=19)])
    assert reasons(rows) == {("steer", "head"): "nothing reads the outputs of the network"}
    assert nothing_done(rows) == []


def test_outputs_are_not_steered_and_what_they_answer_is_described_alone() -> None:
    rows = seen(Steer(directions=19))
    assert set(rows.filter(pl.col("effect").is_not_null())["layer"]) == {"copy"}
    slopes = rows.filter(pl.col("kind") == "push slope")
    tested = slopes.filter(pl.col("p_value").is_not_null())
    assert set(tested["measure"]) == {"reading"}
    assert set(slopes["measure"]) == {"reading", "output", "score", "loss"}
    (sheet,) = intervention_sheets({"interventions": rows})
    answers, p, q = (sheet.header.index(name) for name in ("what answers", "p", "q"))
    told = {row[answers].split(" ")[0]: (row[p], row[q]) for row in sheet.rows}
    assert told["output"] == ("described", "described")
    assert "described" not in told["what"]


def test_only_what_is_about_the_task_says_whose_predictions_it_is_of() -> None:
    rows = seen(["ablate", Erase(draws=19), Steer(directions=19)])
    of_task = rows.filter(pl.col("note_codes").fill_null("").str.contains("own_predictions"))
    assert set(of_task["measure"]) == {"score", "loss"}
    assert set(of_task["intervention"]) == {"ablate", "erase", "steer"}


def test_a_layer_that_is_no_place_is_a_row_of_every_kind() -> None:
    class Doubled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.first(x) + torch.rand(1) * 0 + torch.rand_like(x))
            return out

    inputs = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    result = denote.observe(
        Doubled(), inputs, {"up": inputs[:, 0] > 0}, interventions=["ablate", "erase"], trained_on="none",
        evidence="quick", layers="first", progress="none",
    )  # fmt: skip
    said = reasons(result.tables["interventions"])
    assert all(why.startswith("impossible, as ") for (kind, _), why in said.items() if kind == "ablate")


def test_outputs_alone_are_the_reason_where_nothing_else_was_asked_about() -> None:
    assert nothing_done(seen("steer", layers="head")) == [
        "Nothing was steered: nothing reads the outputs of the network."
    ]
