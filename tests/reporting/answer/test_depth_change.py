"""Depth in words: too few networks describe, a verdict is of the networks it compared, its test is the one printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.denotation.depth import plan
from denote.notes import Note
from denote.reporting.answer import answer
from denote.reporting.answer.contents import DEPTH, NEXT
from denote.reporting.answer.depth_change import DepthChange, depth_number, depth_told
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.jobs import Job
from denote.tables import DEPTH_DESCRIPTION, DEPTH_PARTS, DEPTH_TESTS, DEPTH_VERDICTS, NEURONS, Schema, table

Tables = dict[str, pl.DataFrame]
MEANS = {"first": 0.53, "middle": 0.68, "last": 0.49}
P = {plan.BEYOND: 0.07, plan.FOLDED: 0.16, plan.UNFOLDED: 0.008}
QUESTION = {"dataset": "d", "trained": True, "family": "subsets"}


def planted(networks: dict[str, int], verdict: str | None = None, *, left_out: Sequence[str] = ()) -> Tables:
    """Networks by architecture, with one verdict on all that are enough."""
    rows: dict[str, list[dict[str, object]]] = {"neurons": [], "description": [], "parts": []}
    for architecture, n_models in networks.items():
        curve = QUESTION | {"architecture": architecture}
        rows["neurons"] += [
            curve | {
                "object_model": f"{architecture} {seed}", "seed": seed, "object_accuracy": 0.9, "layer": "hidden_1",
                "depth": 0, "relative_depth": 0.0, "pooling": "none", "neuron": 0, "live": True, "denotes": True,
                "property": "p", "balanced_accuracy": 0.97, "label_proportion": 0.2, "p_value": 0.001,
            }
            for seed in range(n_models)
        ]  # fmt: skip
        rows["description"] += [
            curve | {
                "place": place, "layer": f"hidden_{at}", "depth": at, "n_models": n_models,
                "n_models_with_value": n_models, "label_proportion_mean": mean, "label_proportion_low": mean - 0.1,
                "label_proportion_high": mean + 0.1, "sign_identified": True,
            }
            for at, (place, mean) in enumerate(MEANS.items())
        ]  # fmt: skip
        rows["parts"] += [
            curve | {"part": part, "shape": plan.CHANGE, "n_models": n_models - 1, "value": value,
                     "value_low": value - 0.01, "value_high": value + 0.01}
            for part, value in ((plan.RAW, -0.08), (plan.POLARITY, -0.09), (plan.ANY_BASIS, 0.0), (plan.OWN, 0.02))
        ]  # fmt: skip
    compared = sum(n_models for n_models in networks.values() if n_models >= plan.LEAST_MODELS)
    reasons = [Note.of("architecture_not_compared", architecture=name, why="with fewer layers") for name in left_out]
    note = Note.of("architectures_left_out", reasons="; ".join(reasons)) if reasons else None
    tests = [
        QUESTION | {
            "test": plan.SIGN_FLIP, "role": plan.PRIMARY if quantity == plan.BEYOND else plan.SECONDARY,
            "quantity": quantity, "n_models": compared, "p_value": p, "p_holm": min(1.0, 5 * p), "note": note,
        }
        for quantity, p in P.items()
    ]  # fmt: skip
    tests += [
        QUESTION | {"architecture": name, "test": plan.SIGN_FLIP, "quantity": plan.BEYOND, "p_value": None}
        for name in left_out
    ]
    judged = QUESTION | {"verdict": verdict, "n_models": compared, "p_value": P[plan.BEYOND], "planned": True}

    def made(of: list[dict[str, object]], schema: Schema) -> pl.DataFrame:
        return table(of, schema)

    return synthetic.empty_tables() | {
        "neurons": made(rows["neurons"], NEURONS),
        "depth_description": made(rows["description"], DEPTH_DESCRIPTION),
        "depth_parts": made(rows["parts"], DEPTH_PARTS),
        "depth_tests": made(tests if verdict else [], DEPTH_TESTS),
        "depth_verdicts": made([judged] if verdict else [], DEPTH_VERDICTS),
    }


def only(tables: Tables) -> Networks:
    (networks,) = networks_of(tables)
    return networks


@pytest.mark.parametrize(
    ("verdict", "quantity"),
    [
        (plan.BEYOND_BASIS, plan.BEYOND),
        (plan.ANY_BASIS_SHOWS, plan.FOLDED),
        (plan.POLARITY_ONLY, plan.UNFOLDED),
        (plan.NOT_EXCLUDED.format(".062"), plan.BEYOND),
    ],
)
def test_the_p_value_is_that_of_the_test_that_carries_the_verdict(verdict: str, quantity: str) -> None:
    change = DepthChange(only(planted({"a": 8}, verdict)))
    raw, p = f"{P[quantity]:.3f}"[1:], f"{5 * P[quantity]:.3f}"[1:]
    assert f"(p = {raw} " in change.verdict()
    assert f"Holm {p}" in change.verdict()
    assert "p = .070 beyond polarity and random directions" in change.verdict()
    assert change.verdict().endswith("8 networks, planned).")
    assert f"(p = {p}, 8 networks)" in change.brief_verdict()
    assert "(p = .008 for any change)" in change.plain()


def test_first_middle_and_last_layer_are_given_wherever_one_is() -> None:
    told, change = depth_told(only(planted({"a": 8}, plan.POLARITY_ONLY))), DepthChange(only(planted({"a": 8})))
    assert told is not None
    for said in (told.sentence, told.line, *(lines[0] for lines in told.versions)):
        given = [said.index(f"{mean:.2f}"[1:]) for mean in MEANS.values()]
        assert given == sorted(given)
        assert all(f"at hidden_{at}" in said for at in range(3))
    assert "Change along a straight line (7 networks) -.08 [-.09, -.07]: " in change.made_of()


@pytest.mark.parametrize("n_models", [3, 5])
def test_few_networks_describe_and_it_is_said_wherever_a_number_stands(n_models: int) -> None:
    networks = only(planted({"a": n_models}))
    told, number = depth_told(networks), depth_number(networks)
    assert told is not None
    assert number is not None
    assert "descriptive" in told.sentence
    assert "descriptive" in told.line
    assert all("descriptive" in lines[0] for lines in told.versions)
    assert number.beside == f"[-.09, -.07], descriptive: {n_models - 1} networks"
    assert f"(descriptive, {n_models - 1} networks)" in DepthChange(networks).made_of()
    assert not any("p = " in lines[0] or "own +" in number.beside for lines in told.versions)


def test_of_two_architectures_the_one_with_too_few_networks_has_no_verdict() -> None:
    big, small = networks_of(planted({"big": 6, "small": 3}, plan.NOT_SHOWN))
    assert "Does it depend on depth? Not shown" in DepthChange(big).verdict()
    assert DepthChange(small).judged is None
    assert DepthChange(small).verdict() == (
        "3 networks cannot answer whether it depends on depth; 6 or more of one architecture would."
    )
    told = depth_told(small)
    assert told is not None
    assert "not shown" not in " ".join([told.sentence, told.line, told.value, *(each[0] for each in told.versions)])
    said = answer(planted({"big": 6, "small": 3}, plan.NOT_SHOWN), most_lines=60).block(DEPTH)
    assert said is not None
    (line,) = (line for line in said.lines if line.startswith("small"))
    assert line.endswith("(descriptive); 3 networks cannot tell if it depends on depth.")


def test_an_architecture_that_the_test_left_out_has_no_verdict() -> None:
    both = {"mlp": 6, "mlp-wide": 6}
    narrow, wide = networks_of(planted(both, plan.POLARITY_ONLY, left_out=["mlp-wide"]))
    assert DepthChange(wide).judged is None
    assert DepthChange(wide).short_verdict() == "too few layers to tell if it depends on depth"
    assert DepthChange(narrow).judged is not None


def test_a_verdict_on_several_architectures_says_so() -> None:
    first, _ = networks_of(planted({"a": 6, "b": 7}, plan.POLARITY_ONLY))
    together = "13 networks of several architectures together"
    assert f"{together}, planned)" in DepthChange(first).verdict()
    assert DepthChange(first).short_verdict() == f"dependence on depth ({together}): through polarity only"
    assert "for any change" not in DepthChange(first).plain()  # that test is of both


def test_where_too_few_neurons_denote_more_networks_are_not_what_is_missing() -> None:
    tables = planted({"a": 2})
    empty = tables | {name: tables[name].clear() for name in ("depth_description", "depth_parts")}
    number, told = depth_number(only(empty)), depth_told(only(empty))
    assert number is not None
    assert told is not None
    assert (number.value, number.beside) == ("not known", "too few neurons denote")
    assert told.sentence == "Too few neurons denote for a label proportion by depth."


def test_more_seeds_are_advised_where_a_layer_has_a_value(tmp_path: Path) -> None:
    tables = planted({"a": 3})
    empty = tables | {"depth_description": tables["depth_description"].clear()}
    asked = [
        answer(of, [Job("a", "finished")], folder=tmp_path, command="denote", most_lines=40).block(NEXT)
        for of in (tables, empty)
    ]
    assert ["A verdict on depth" in block.text for block in asked if block is not None] == [True, False]
