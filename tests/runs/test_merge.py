"""Merging keeps each row of jobs that overlap once, whether or not it has a size."""

from pathlib import Path
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.runs.merge import merge
from denote.tables import CELLS, CELLS_KEY, CONTROLS, EXAMPLES, JOB_TABLES, NEURONS, PAIRS, SCAN, empty, table

ROW = {
    "dataset": "d", "architecture": "a", "trained": True, "seed": 0, "object_model": "m", "layer": "hidden_1",
    "pooling": "none", "probe_seed": 0, "attribute": "odd", "family": "named", "n_fit": 100, "n_test": 100,
    "n_positive_fit": 50, "n_positive_test": 50, "balanced_accuracy": 0.9, "balanced_accuracy_low": 0.8,
}  # fmt: skip


def job(folder: Path, *observers: tuple[str, int | None]) -> Path:
    """A finished job's tables: a cell per observer, and a shuffled replicate of each."""
    rows: list[dict[str, Any]] = [
        {**ROW, "probe": probe, "k": k, "p_value": 0.01 * (k or 5), "auroc": 0.9} for probe, k in observers
    ]
    controls = [{**row, "control": "shuffled", "draw": draw} for row in rows for draw in range(2)]
    folder.mkdir()
    frames = {name: empty(schema) for name, schema in JOB_TABLES.items()}
    frames |= {"cells": table(rows, CELLS), "controls": table(controls, CONTROLS)}
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


def test_sizes_are_kept_apart_and_what_jobs_share_is_kept_once(tmp_path: Path) -> None:
    sparse = [("sparse", 1), ("sparse", 2), ("sparse", 16)]
    linear = ("linear", None)
    jobs = [job(tmp_path / "1", linear, *sparse), job(tmp_path / "2", *sparse), job(tmp_path / "3", linear)]
    merged = merge(jobs, Rule())
    assert merged.cells.select("probe", "k").rows() == [linear, *sparse]
    assert not merged.cells.select(CELLS_KEY).is_duplicated().any()
    assert set(merged.cells["n_tests"]) == {4}
    assert merged.controls.select("control", "draw", "probe", "k").height == 2 * 4
    assert not merged.controls.select("draw", *CELLS_KEY).is_duplicated().any()


def test_jobs_from_before_a_column_was_added_have_it_null(tmp_path: Path) -> None:
    old, new = job(tmp_path / "1", ("linear", None)), job(tmp_path / "2", ("sparse", 2))
    for name in ("cells", "controls"):
        frame = pl.read_parquet(old / f"{name}.parquet").drop("sufficient_k", "gradient_norm")
        frame.write_parquet(old / f"{name}.parquet")
    assert merge([old, new], Rule()).cells.columns == list(CELLS)


def test_pairs_of_several_scans_of_an_attribute_are_not_mixed(tmp_path: Path) -> None:
    """With equal rows another probe seed scans other rows; the best of both would be hits that chance does not make."""
    place = {key: ROW[key] for key in ("object_model", "layer", "pooling", "attribute")}
    jobs = [job(tmp_path / name, ("linear", None)) for name in "ab"]
    for folder, neurons in zip(jobs, ([0, 3], [1, 3, 5]), strict=True):
        table([{**place, "n_tests": 10}], SCAN).write_parquet(folder / "scan.parquet")
        pairs = [{**place, "neuron": neuron, "p_value": 0.001 * (neuron + 1)} for neuron in neurons]
        table(pairs, PAIRS).write_parquet(folder / "pairs.parquet")
    merged = merge(jobs, Rule())
    assert merged.tables["pairs"]["neuron"].to_list() == [0, 3]
    assert merged.tables["scan"].select("n_tests", "n_carrying").rows() == [(10, 2)]
    assert merged.tables["pairs"].columns == list(PAIRS)
    assert merged.tables["scan"].columns == list(SCAN)


PERFECT: dict[str, Any] = {
    "live": True, "p_value": 1e-9, "balanced_accuracy": 1.0, "label_proportion": 0.5, "on_proportion": 0.5,
    "n_fit": 200, "n_positive_fit": 100, "n_test": 200, "n_positive_test": 100,
}  # fmt: skip
"""A neuron that denotes by itself."""


def test_examples_are_those_of_neurons_that_denote_in_the_sweep(tmp_path: Path) -> None:
    (folder,) = jobs = [job(tmp_path / "a", ("linear", None))]
    own = {key: ROW[key] for key in ("object_model", "layer", "pooling", "probe_seed")}
    own |= {"family": "named", "property": "odd", "fit_balanced_accuracy": 1.0}
    neurons = [
        own | PERFECT | {"neuron": 0, "denotes": True},
        own | PERFECT | {"neuron": 1, "denotes": True, "p_value": 0.04},  # by its job alone; of three .04 is no hit
        own | PERFECT | {"neuron": 2, "denotes": False},  # by the sweep alone
        *(own | PERFECT | {"neuron": place, "denotes": False, "p_value": 0.9} for place in (3, 4)),
    ]
    table(neurons, NEURONS).write_parquet(folder / "neurons.parquet")
    key = {name: own[name] for name in ("object_model", "layer", "pooling", "probe_seed", "family", "property")}
    shown = [key | {"neuron": neuron, "kind": "top", "rank": 0, "sample": neuron} for neuron in (0, 1)]
    table(shown, EXAMPLES).write_parquet(folder / "examples.parquet")
    found = merge(jobs, Rule()).tables
    assert found["neurons"]["denotes"].to_list() == [True, False, True, False, False]
    assert found["examples"]["neuron"].to_list() == [0]
    said = found["neurons"]["note"].fill_null("").str.contains("examples: none, by its job alone it did not denote")
    assert said.to_list() == [False, False, True, False, False]


def test_examples_stay_with_the_property_that_their_neuron_keeps(tmp_path: Path) -> None:
    jobs = [job(tmp_path / name, ("linear", None)) for name in "ab"]
    for folder, (name, score) in zip(jobs, {"odd": 0.9, "NOT odd": 0.95}.items(), strict=True):
        own = {key: ROW[key] for key in ("object_model", "layer", "pooling", "probe_seed")}
        own |= {"neuron": 3, "family": "named", "property": name}
        neuron = own | PERFECT | {"fit_balanced_accuracy": score, "denotes": True}
        table([neuron], NEURONS).write_parquet(folder / "neurons.parquet")
        shown = [own | {"kind": "top", "rank": rank, "sample": rank} for rank in range(2)]
        table(shown, EXAMPLES).write_parquet(folder / "examples.parquet")
    found = merge([*jobs, jobs[1]], Rule()).tables["examples"]
    assert found.select("property", "rank").rows() == [("NOT odd", 0), ("NOT odd", 1)]
    assert found.columns == list(EXAMPLES)


def test_jobs_that_searched_other_attributes_do_not_say_how_far_another_search_agrees(tmp_path: Path) -> None:
    """Each searched one attribute and found it again; which of the two is best was nobody's choice."""
    jobs = [job(tmp_path / name, ("linear", None)) for name in "ab"]
    for folder, (name, score) in zip(jobs, {"odd": 0.9, "prime": 0.95}.items(), strict=True):
        own = {key: ROW[key] for key in ("object_model", "layer", "pooling", "probe_seed")} | {"live": True}
        own |= {"family": "named", "property": name, "fit_balanced_accuracy": score, "fit_agreement": 1.0}
        same = own | {"family": "subsets", "property": "class=3", "fit_balanced_accuracy": 0.9}
        table([own | {"neuron": 3}, same | {"neuron": 3}], NEURONS).write_parquet(folder / "neurons.parquet")
    found = merge(jobs, Rule()).neurons.sort("family")
    assert found.select("property", "fit_agreement").rows() == [("prime", None), ("class=3", 1.0)]
    assert "each job searched other attributes" in found["note"][0]
    assert "each job searched other attributes" not in (found["note"][1] or "")
    assert merge(jobs[:1], Rule()).neurons["fit_agreement"].to_list() == [1.0, 1.0]
