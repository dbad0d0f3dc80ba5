"""A page's data says what the tables say: nothing lost in silence, nothing that JSON or HTML would take otherwise."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.reporting.page import cells, networks, neurons
from denote.reporting.page.bundle import Contents, Relevance, _shown_family, bundle, packed
from denote.reporting.page.columns import column, frame

HOSTILE = ["</script><img src=x onerror=alert(1)>", "__proto__", "\u202egnp.exe", "x" * 500, "<!--", "at"]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    made = synthetic.all_tables(3, 5, 12)
    renamed = dict(zip(synthetic.ATTRIBUTES, HOSTILE, strict=True))
    return {**made, "cells": made["cells"].with_columns(pl.col("attribute").replace(renamed))}


@pytest.fixture(scope="module")
def data(tables: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """What a browser gets: the text in the page, unpacked."""
    text = packed(bundle(Contents(tables, "demo"))[0])
    assert not set(text) & set("<>&\"'")
    unpacked: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
    return unpacked


def values(made: dict[str, Any], name: str) -> list[Any]:
    """A column as the page's scripts read it."""
    held = made["columns"][name]
    return [None if code is None else held["levels"][code] for code in held["codes"]] if "levels" in held else held


def test_neurons_come_back_as_the_table_has_them(tables: dict[str, pl.DataFrame], data: dict[str, Any]) -> None:
    shown, table = data["neurons"], tables["neurons"]
    assert shown["n"] == len(table)
    assert data["neurons_left_out"] == 0
    layers = values(data["layers"], "layer")
    seeds = values(data["models"], "seed")
    rows = zip(values(shown, "model"), values(shown, "layer"), values(shown, "neuron"), strict=True)
    order = pl.DataFrame([(seeds[model], layers[layer], neuron) for model, layer, neuron in rows], orient="row")
    order = order.rename(dict(zip(order.columns, ("seed", "layer", "neuron"), strict=True)))
    same = order.join(table, on=["seed", "layer", "neuron"], how="left", maintain_order="left")
    for name, of in {"property": "property", "denotes": "denotes", "live": "live", "name": "neuron_name"}.items():
        assert values(shown, name) == same[of].to_list()
    for name, of in {
        "balanced_accuracy": "balanced_accuracy",
        "balanced_accuracy_low": "balanced_accuracy_interval_low",
        "balanced_accuracy_bound": "balanced_accuracy_low",
        "tpr": "tpr",
    }.items():
        assert values(shown, name) == pytest.approx(same[of].to_list(), abs=1e-4, nan_ok=True)
    cards = [card is not None for card in values(shown, "card")]
    assert cards == [denotes is True for denotes in values(shown, "denotes")]


def test_names_of_users_come_back_as_they_are(tables: dict[str, pl.DataFrame], data: dict[str, Any]) -> None:
    assert set(values(data["cells"], "attribute")) == set(HOSTILE)
    assert len(values(data["cells"], "attribute")) == len(tables["cells"])


def test_what_is_undefined_is_null_and_an_imperfect_score_stays_one() -> None:
    numbers = pl.Series([float("nan"), float("inf"), None, 0.99999, 1.0, 0.00001, 0.0, -0.99999, 0.12346])
    assert column(numbers) == [None, None, None, 0.9999, 1.0, 0.0001, 0.0, -0.9999, 0.1235]
    assert column(pl.Series([2.87e-33, 12345.6]), is_free=True) == [2.87e-33, 12350.0]
    assert frame(pl.DataFrame({"a": ["x", None, "x"]}))["columns"]["a"] == {"levels": ["x"], "codes": [0, None, 0]}


def test_neurons_that_denote_are_there_whatever_the_cap(tables: dict[str, pl.DataFrame]) -> None:
    models = networks.models_of(tables)
    denoting = int(tables["neurons"]["denotes"].sum())
    kept = neurons.kept_neurons(tables["neurons"], models, denoting + 10)
    assert len(kept) == denoting + 10
    assert kept["denotes"].sum() == denoting
    assert kept.filter(~pl.col("denotes").fill_null(value=False))["seed"].unique().to_list() == [0]
    surest = neurons.kept_neurons(tables["neurons"], models, 5)
    assert surest["denotes"].all()
    best = tables["neurons"].filter("denotes")["fit_balanced_accuracy"].top_k(5)
    assert sorted(surest["fit_balanced_accuracy"]) == sorted(best)


def test_cells_are_left_out_by_whole_networks(tables: dict[str, pl.DataFrame]) -> None:
    models, table = networks.models_of(tables), tables["cells"]
    one = len(table.filter(seed=0))
    assert cells.kept_cells(table, models, 2 * one + 1)["seed"].unique().sort().to_list() == [0, 1]
    assert cells.kept_cells(table, models, 1)["seed"].unique().to_list() == [0]


def test_on_rates_and_examples_name_the_rows_of_neurons(tables: dict[str, pl.DataFrame]) -> None:
    seen = tables["neurons"].filter("denotes").head(2)
    key = [*neurons.KEY]
    rates = pl.concat([seen.select(*key, pl.lit(name).alias("class"), on_rate=pl.lit(rate))
                       for name, rate in (("at", 0.25), ("<b>", 0.5))])  # fmt: skip
    examples = seen.select(
        *key, "property", kind=pl.lit("top"), rank=0, sample=7, activation=1.23456, has_property=True,
        target=pl.lit("a"),
    )  # fmt: skip
    shown = bundle(Contents({**tables, "on_rates": rates, "examples": examples}, "demo"))[0]
    rates_shown = shown["on_rates"]["mnist"]
    assert rates_shown["classes"] == ["at", "<b>"]
    assert rates_shown["values"] == [0.25, 0.5, 0.25, 0.5]
    at = rates_shown["rows"]["columns"]["at"]
    assert rates_shown["rows"]["columns"]["entries"] == [2, 2]
    assert [values(shown["neurons"], "neuron")[row] for row in at] == seen["neuron"].to_list()
    assert shown["examples"]["columns"]["activation"] == [1.235, 1.235]


@pytest.mark.parametrize(
    ("name", "inside"),
    [("class=a", [0]), ("NOT class in {a,b,c}", [2]), ("class in {b,c,d}", [1, 2]), ("odd", []), ("class=z", []),
     ("class=a AND odd", []), ("NOT (class=a AND odd)", [])],
)  # fmt: skip
def test_the_classes_that_a_property_holds_are_marked(
    tables: dict[str, pl.DataFrame], name: str, inside: list[int]
) -> None:
    seen = tables["neurons"].filter("denotes").head(1).with_columns(property=pl.lit(name))
    rates = pl.concat([seen.select(*neurons.KEY, pl.lit(one).alias("class"), on_rate=pl.lit(0.5))
                       for one in ("a", "b,c", "d")])  # fmt: skip
    shown = bundle(Contents({**tables, "neurons": seen, "on_rates": rates}, "demo"))[0]["on_rates"]["mnist"]
    assert [place for place, holds in zip(shown["codes"], shown["inside"], strict=True) if holds] == inside


def test_on_rates_of_many_classes_keep_those_that_tell_most(tables: dict[str, pl.DataFrame]) -> None:
    seen = tables["neurons"].filter("denotes").head(3).with_columns(property=pl.lit("NOT class=c7"), on_proportion=0.5)
    kept = neurons.kept_neurons(seen, networks.models_of({**tables, "neurons": seen}))
    rates = pl.concat([seen.select(*neurons.KEY, pl.lit(f"c{one}").alias("class"), on_rate=pl.lit(rate))
                       for one in range(50) for rate in [{7: 0.0, 9: 1.0}.get(one, 0.5 + one / 1000)]])  # fmt: skip
    classes = neurons.classes_by_source(rates, networks.models_of(tables))
    shown = neurons.on_rates_by_source(rates, kept, classes, most=3 * 5)["mnist"]
    assert shown["rows"]["columns"]["entries"] == [5, 5, 5]
    names = [shown["classes"][code] for code in shown["codes"][:5]]
    assert set(names) == {"c7", "c9", "c49", "c48", "c47"}
    assert dict(zip(names, shown["inside"], strict=False)) == {name: int(name != "c7") for name in names}


def test_classes_of_one_data_set_are_none_of_another(tables: dict[str, pl.DataFrame]) -> None:
    networks_of = tables["neurons"]["object_model"].unique(maintain_order=True).to_list()
    first = [tables["neurons"].filter(object_model=name).filter("denotes").head(1) for name in networks_of[:2]]
    seen = pl.concat(first).with_columns(property=pl.lit("NOT class in {good}"))
    rates = pl.concat([one.select(*neurons.KEY, pl.lit(name).alias("class"), on_rate=pl.lit(0.5))
                       for one, names in zip(first, (("good", "bad"), ("good", "setosa", "virginica")), strict=True)
                       for name in names])  # fmt: skip
    sources = dict(zip(networks_of, ("people", "people (2)"), strict=False))
    contents = Contents(
        {**tables, "neurons": seen, "on_rates": rates}, "two", sources=sources,
        plain=lambda name, classes: f"{name} of {', '.join(classes)}",
    )  # fmt: skip
    shown = bundle(contents)[0]
    assert {source: rate["classes"] for source, rate in shown["on_rates"].items()} == {
        "people": ["good", "bad"],
        "people (2)": ["good", "setosa", "virginica"],
    }
    assert [sum(rate["inside"]) for rate in shown["on_rates"].values()] == [1, 2]
    assert set(values(shown["neurons"], "plain")) == {
        "NOT class in {good} of good, bad",
        "NOT class in {good} of good, setosa, virginica",
    }


def test_what_has_no_room_is_counted_and_what_denotes_apart(
    tables: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    denoting = int(tables["neurons"]["denotes"].sum())
    kept = neurons.kept_neurons
    monkeypatch.setattr(neurons, "kept_neurons", lambda rows, models: kept(rows, models, denoting - 2))
    shown = bundle(Contents(tables, "demo"))[0]
    assert shown["neurons_left_out"] == len(tables["neurons"]) - denoting + 2
    assert shown["denoting_left_out"] == 2


def test_relevance_has_a_budget_in_whole_attributes(
    tables: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denote.reporting.page.bundle.MOST_RELEVANCES", 12)
    many = [Relevance(f"{0:016x}", "blocks.0", name, np.array([0.1, np.nan, 2.0, 0, 0])) for name in ("a", "b", "c")]
    shown = bundle(Contents(tables, "demo", relevance=many))[0]["relevance"]
    assert [one["attribute"] for one in shown] == ["a", "b"]
    assert shown[0]["values"] == [0.1, None, 2.0, 0.0, 0.0]


def test_a_sweep_in_which_nothing_was_observed_has_a_bundle() -> None:
    empty = bundle(Contents(synthetic.empty_tables(), "nothing"))[0]
    assert {empty[name]["n"] for name in ("models", "layers", "cells", "neurons", "curves", "examples")} == {0}
    assert packed(empty)


def test_the_family_shown_first_hides_no_decisive_attribute() -> None:
    cells = pl.DataFrame(
        {"family": ["classes", "columns", "columns"], "attribute": ["4", "x0", "x1"], "decisive": [False, True, None]},
    )
    assert _shown_family(cells, "classes") == ""
    assert _shown_family(cells, "sets") == "sets"  # no family of the map, which shows all
    many = pl.concat([cells, pl.DataFrame({"attribute": [f"a{n}" for n in range(20)]})], how="diagonal").with_columns(
        pl.col("family").fill_null("columns")
    )
    assert _shown_family(many, "classes") == "columns"
    assert _shown_family(many.with_columns(decisive=False), "classes") == "classes"
