"""How the course over depth is told: plain numbers first, what they are made of, and what cannot be told."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.denotation.depth.analysis import depth_analysis
from denote.denotation.depth.plan import Analysis
from denote.numbers import Estimate, interval, signed_interval, small
from denote.reporting.depth_course import course_sentences, too_few_sentences

Tables = dict[str, pl.DataFrame]


def tables(
    seeds: int = 8, architectures: tuple[str, ...] = ("x",), *, denoting: bool = True, **of_layers: Any
) -> Tables:
    """Depth tables of networks with six layers, the last a head."""
    numbers = dict(zip(architectures, (seeds, 3), strict=False))
    neurons = pl.concat(
        synthetic.neuron_table(n, 6, 64, denoting=denoting).with_columns(
            architecture=pl.lit(name), object_model=pl.lit(name) + pl.col("object_model")
        )
        for name, n in numbers.items()
    )
    layers = pl.concat(
        synthetic.layer_table(n, 6).with_columns(object_model=pl.lit(name) + pl.col("object_model"), **of_layers)
        for name, n in numbers.items()
    )
    analysis = Analysis(family="subsets")
    return depth_analysis(neurons, synthetic.control_table(neurons), layers, analysis=analysis).tables


@pytest.fixture(scope="module")
def eight() -> Tables:
    return tables()


def test_the_plain_sentence_has_the_first_the_middle_and_the_last_layer(eight: Tables) -> None:
    said = course_sentences(eight)[0]
    rows = eight["depth_description"].rows(named=True)
    assert len(rows) == 3
    for row in rows:
        estimate = Estimate.of(row, "label_proportion_mean", bounds="label_proportion")
        assert f"{interval(estimate)} at {row['layer']}" in said
    assert "(8 networks; not compared, too few networks have a value: blocks.0)" in said
    (p,) = eight["depth_tests"].filter(test="sign_flip", quantity="label_proportion")["p_value"]
    assert f"test of no change over layers: p = {small(p)}" in said
    assert "largest difference between two layers [" in said


def test_what_it_is_made_of_adds_up_as_printed(eight: Tables) -> None:
    said = course_sentences(eight)[1]
    parts = eight["depth_parts"]
    for shape in ("change", "bow"):
        for row in parts.filter(shape=shape).iter_rows(named=True):
            assert signed_interval(Estimate.of(row, "value")) in said
    change, bow = said.split("In the middle third")
    for sentence in (change, bow):
        printed = [float(number) for number in re.findall(r"([+-]?\.\d+) \[", sentence.replace("−", "-"))]
        assert len(printed) == 4
        assert printed[0] == pytest.approx(sum(printed[1:]), abs=0.0201)  # four numbers, each rounded by .005


def test_enough_networks_are_not_said_to_be_too_few(eight: Tables) -> None:
    assert too_few_sentences(eight) == []
    assert "no test" not in " ".join(course_sentences(eight))


@pytest.mark.parametrize("sign", [False, None])
def test_where_the_sign_is_not_identified_the_folded_value_is_told(sign: bool | None) -> None:
    said = course_sentences(tables(sign_identified=pl.lit(sign, pl.Boolean)))[0]
    assert "read the folded value" in said
    assert "p = " not in said


def test_families_without_values_are_named_together() -> None:
    (said,) = course_sentences(tables(denoting=False))
    assert "x, epoch 20, sets of classes: no label proportion by depth" in said
    assert "fewer than 5 denoting neurons or 3 distinct properties" in said


def test_an_architecture_of_few_networks_gets_no_test_of_the_others() -> None:
    two = tables(8, ("x", "y"))
    (few,) = too_few_sentences(two)
    assert "needs 6 networks or more of one architecture; y has 3" in few
    of_x = [said for said in course_sentences(two) if ", x, " in said]
    of_y = [said for said in course_sentences(two) if ", y, " in said]
    assert "test of no change" in of_x[0]
    assert "(3 networks" in of_y[0]
    assert "p = " not in " ".join(of_y)
    assert "a description: no test" in of_y[-1]
