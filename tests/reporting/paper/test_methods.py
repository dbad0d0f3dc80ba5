"""methods.md: its numbers are those of the tables, and what was not done is not said."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
import yaml

from denote.evidence.rule import Rule
from denote.reporting.paper.citation import ALLEN, bibtex, references
from denote.reporting.paper.methods import Done, methods
from denote.runs.paper import done_in

ROOT = Path(__file__).resolve().parents[3]
CONTROLS = {"shuffled": "control_auroc", "untrained": "untrained_auroc", "raw input": "input_auroc"}
CONFIG = {
    "split": {"seed": 7, "group": "speaker_id"}, "probe": {"linear": {"kind": "linear", "l2": 0.003, "balance": True}},
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    return synthetic.all_tables(7, 4, 16)


@pytest.fixture(scope="module")
def page(tables: Mapping[str, pl.DataFrame]) -> str:
    versions = {"denote": "9.8.7", "torch": "2.13.0"}
    return methods(Done(tables, Rule(), CONFIG, versions, ["standard"]), {"map-odd": "What a map shows."})


def section(page: str, heading: str) -> str:
    return page.split(f"## {heading}\n")[1].split("\n## ")[0] if f"## {heading}\n" in page else ""


def test_counts_are_those_of_the_tables(tables: Mapping[str, pl.DataFrame], page: str) -> None:
    neurons, cells = tables["neurons"], tables["cells"]
    live = neurons.filter("live").select("object_model", "layer", "neuron").n_unique()
    every = neurons.select("object_model", "layer", "neuron").n_unique()
    assert f"7 networks of {cells['architecture'][0]} on {cells['dataset'][0]} (seeds 0, 1, 2, 3, 4, 5 and 6)" in page
    assert f"observed at {neurons['layer'].n_unique()} layers" in page
    assert f"{every:,} neurons, of which {live:,} are live" in page
    assert f"{cells['n_fit'].max():,} rows (fit)" in page
    assert f"{cells['n_test'].max():,} other rows (test)" in page
    tested = neurons.filter(pl.col("p_value").is_not_null())
    assert f"this makes {tested['n_tests'].max():,} tests" in section(page, "Neurons")
    assert f"{int(tested['denotes'].sum())} neurons denote" in section(page, "Neurons")
    scored = cells.filter(pl.col("p_value").is_not_null())
    assert f"{int(scored['decisive'].sum()):,} of {len(scored):,} are." in section(page, "Observers")
    assert f"make {scored['n_tests'].max():,} tests" in section(page, "Observers")


def test_settings_and_versions_are_those_of_the_record(page: str) -> None:
    assert "(l2=0.003, balance=true)" in section(page, "Observers")
    assert r"Rows with the same speaker\_id stand in the same part." in page
    assert "split.seed=7" in page
    assert "over groups" in section(page, "Observers")
    assert "denote 9.8.7, torch 2.13.0" in section(page, "Software")
    assert "evidence=standard" in section(page, "Software")
    assert "map-odd: What a map shows." in section(page, "Figures")


def test_settings_of_observers_are_those_of_every_job(tables: Mapping[str, pl.DataFrame]) -> None:
    """Jobs of ``-m probe=linear,neuron`` have one of them each."""
    probes = {"linear": {"kind": "linear", "l2": 0.003}, "neuron": {"kind": "neuron", "thresholds": 64}}
    records = [
        {"config": {**CONFIG, "evidence": asdict(Rule()), "probe": {name: probe}}} for name, probe in probes.items()
    ]
    observers = section(methods(done_in(tables, records), {}), "Observers")
    assert "(l2=0.003)" in observers
    assert "(thresholds=64)" in observers


def test_the_rule_is_that_of_the_result(tables: Mapping[str, pl.DataFrame]) -> None:
    other = methods(Done(tables, Rule(decisive=0.97, null=0.85, q=0.01)), {})
    assert "at most .85" in section(other, "Neurons")
    assert "Benjamini and Hochberg at .01" in section(other, "Observers")
    assert "balanced accuracy is at least .97" in section(other, "Neurons")


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_that_was_not_made_is_not_told(tables: Mapping[str, pl.DataFrame], page: str, control: str) -> None:
    assert f"Control {control}: " in section(page, "Controls")
    without = {
        **tables,
        "cells": tables["cells"].with_columns(pl.lit(None, pl.Float64).alias(CONTROLS[control])),
        "controls": tables["controls"].filter(pl.col("control") != control),
    }
    assert f"Control {control}: " not in methods(Done(without), {})


TRAINING = {
    "optimizer": "adamw", "lr": 0.003, "weight_decay": 0.0, "batch_size": 48, "max_epochs": 70, "patience": None,
    "validation_share": 0.125,
}  # fmt: skip


def test_training_is_told_of_networks_that_were_trained_here(tables: Mapping[str, pl.DataFrame]) -> None:
    models = tables["cells"]["object_model"].unique().sort().to_list()
    done = Done(tables, trainings=dict.fromkeys(models, TRAINING) | {models[0]: {**TRAINING, "lr": 0.01}})
    said = section(methods(done, {}), "Networks and data")
    assert "trained by AdamW (learning rate" in said
    assert ".003" in said
    assert ".01" in said
    assert "batches of 48 rows, at most 70 epochs, patience none, in epochs" in said
    assert "a share of .125 " in said
    given = {
        **tables,
        **{name: tables[name].with_columns(trained_on=pl.lit("unknown")) for name in ("cells", "neurons")},
    }
    for other in (Done(tables), Done(given, trainings=done.trainings)):
        assert "AdamW" not in methods(other, {})


def test_one_network_has_no_tests_over_networks() -> None:
    page = methods(Done(synthetic.all_tables(1, 4, 16)), {})
    assert "over all layers of 1 network, corrected" in page
    assert "t-intervals" not in page
    assert "patterns" not in page


def test_when_a_neuron_is_on_is_told_with_its_number(tables: Mapping[str, pl.DataFrame]) -> None:
    page = methods(Done(tables, Rule(on_tolerance=0.125, min_rows=30)), {})
    assert "differs from the label proportion p by at most .125 min(p, 1 - p)" in page
    assert "at least 30 positive and 30 negative rows" in page
    assert "about as often" not in page


def test_draws_are_counted(tables: Mapping[str, pl.DataFrame], page: str) -> None:
    draws = tables["controls"].filter(pl.col("control") == "rotated")["draw"].n_unique()
    assert f"mixtures of each layer's live neurons ({draws} draws)" in section(page, "Controls")


def test_of_depth_the_unit_the_patterns_and_the_verdict(tables: Mapping[str, pl.DataFrame], page: str) -> None:
    (verdict,) = tables["depth_verdicts"].iter_rows(named=True)
    depth = section(page, "Depth")
    if verdict["p_value"] is None:
        assert "nothing was tested of depth" in depth
    else:
        assert "(7 networks, all 128 patterns)" in depth
        assert f"Verdict: {verdict['verdict']}" in depth
    few = section(methods(Done(synthetic.all_tables(3, 4, 16)), {}), "Depth")
    assert "there are 3" in few
    assert "patterns" not in few


def test_of_depth_the_last_epoch_is_told(tables: Mapping[str, pl.DataFrame], page: str) -> None:
    """An earlier epoch has a verdict of its own, which would contradict that of the last."""
    other = {
        "depth_verdicts": pl.lit("equivalent over depth").alias("verdict"),
        "depth_tests": pl.lit(3, pl.Int64).alias("n_models"),
    }
    mixed = {
        name: pl.concat([rows.with_columns(pl.col("epoch") - 1, *([other[name]] if name in other else [])), rows])
        for name, rows in tables.items()
        if name in {"cells", "neurons", "layers", *other}
    }
    depth = section(methods(Done({**tables, **mixed}, Rule(), CONFIG), {}), "Depth")
    assert depth == section(page, "Depth")
    assert f"at epoch {tables['depth_verdicts']['epoch'][0]}: " in depth


def test_nothing_observed_is_a_page_of_references() -> None:
    page = methods(Done(synthetic.empty_tables()), {})
    assert "## Neurons" not in page
    assert "## Observers" not in page
    assert "2103.08315" in page


def test_the_citation_is_that_of_the_file() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (paper,) = cited["references"]
    (author,) = paper["authors"]
    text, entry = "\n".join(references("1.2.3")), bibtex("1.2.3")
    for known in (paper["title"], str(paper["year"]), paper["url"], paper["identifiers"][0]["value"].split(":")[1]):
        assert known in text
        assert known in entry
    assert ALLEN["author"] == f"{author['family-names']}, {author['given-names']}"
    for known in (cited["authors"][0]["name"], cited["title"], "1.2.3"):
        assert known in text
        assert known in entry
    assert cited["license"] in entry
    assert not {"url", "repository", "repository-code", "doi", "date-released"} & cited.keys(), "an entry has them then"
    assert "\n% denote names no year and no address" in entry
