"""The sentences say what the tables hold: counts, gaps, controls that are missing; nothing else."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.reporting.curve_records import depth_records
from denote.reporting.findings import findings
from denote.reporting.run_summary import checks
from denote.reporting.sheets import cells_sheet


def text(neurons: pl.DataFrame, *, rotated: bool = False, cells: pl.DataFrame | None = None) -> str:
    cells = synthetic.cell_table(3, 9) if cells is None else cells
    return "\n".join(findings(cells, neurons, synthetic.by_depth_table(neurons, rotated=rotated)))


def test_counts_are_those_of_the_tables() -> None:
    neurons = synthetic.neuron_table(3, 9, 16)
    said = text(neurons)
    live, denoting = len(neurons.filter("live")), len(neurons.filter("denotes"))
    assert f"3 object models (mlp-8x32-relu on mnist), 9 layers, {len(neurons)} neurons in all, {live} live" in said
    assert f"{denoting} of {live} live neurons denote" in said
    assert "6 cells without a score (null): too few positive rows" in said


def test_without_rotation_no_claim_about_single_neurons_is_made() -> None:
    neurons = synthetic.neuron_table(3, 9, 16)
    assert "that single neurons are special is not supported here" in text(neurons)
    said = text(neurons, rotated=True)
    assert "not supported here" not in said
    assert "of random directions denote against" in said


def test_neurons_of_all_networks_are_not_held_against_directions_of_some() -> None:
    """As where levels of evidence are mixed: shares of different networks differ by themselves."""
    neurons = synthetic.neuron_table(2, 4, 16)
    by_depth = synthetic.by_depth_table(neurons, rotated=True)
    some = by_depth.with_columns(note_codes=pl.lit("control_of_some_networks"))
    said = "\n".join(findings(synthetic.cell_table(2, 4), neurons, some))
    assert "for some of the networks alone" in said
    assert "excess" not in said


def test_only_an_excess_over_rotated_directions_supports_single_neurons() -> None:
    neurons = synthetic.neuron_table(2, 4, 16)
    by_depth = synthetic.by_depth_table(neurons, rotated=True)
    said = "\n".join(findings(synthetic.cell_table(2, 4), neurons, by_depth))
    assert "only the excess, ." in said
    higher = by_depth.with_columns(rotated_share_denoting=pl.col("share_denoting") + 0.1)
    said = "\n".join(findings(synthetic.cell_table(2, 4), neurons, higher))
    assert "there is no excess, so nothing supports that single neurons are special" in said
    assert "only the excess" not in said


def test_the_course_over_depth_is_left_to_its_own_sentences() -> None:
    said = text(synthetic.neuron_table(3, 9, 16))
    assert "mean label proportion" not in said
    assert "no statement about depth" not in said


def test_where_nothing_passes_everything_abstains() -> None:
    said = text(synthetic.neuron_table(2, 4, 8, denoting=False), cells=synthetic.cell_table(2, 4, {"odd": 50}))
    assert "no neuron denotes by the rule" in said
    assert "abstain" in said
    assert "mean label proportion" not in said


def test_empty_tables_say_so() -> None:
    neurons, cells = synthetic.neuron_table(1, 2, 4), synthetic.cell_table(1, 2)
    by_depth = synthetic.by_depth_table(neurons)
    assert findings(cells.clear(), neurons.clear(), by_depth.clear()) == ["Nothing was observed: the tables are empty."]
    assert findings(cells.clear(), neurons, by_depth)
    assert findings(cells, neurons.clear(), by_depth.clear())


def test_trained_and_untrained_networks_are_kept_apart() -> None:
    both = pl.concat([synthetic.neuron_table(2, 3, 6), synthetic.neuron_table(2, 3, 6, denoting=False, trained=False)])
    said = text(both, cells=synthetic.cell_table(2, 3).clear())
    assert "2 object models (mlp-2x32-relu on mnist)" in said
    assert "2 untrained object models (mlp-2x32-relu on mnist)" in said
    assert "untrained, sets of classes: no neuron denotes" in said


def sparse_cells() -> pl.DataFrame:
    """Two networks in which only all 32 neurons, not 8, make a cell decisive, and one attribute has no score."""
    linear = synthetic.cell_table(2, 3).filter(pl.col("probe") == "linear")
    sizes = [
        linear.with_columns(
            probe=pl.lit("sparse"), k=pl.lit(k, pl.Int64), decisive=pl.col("decisive") & (k == 32),
            auroc=pl.col("auroc") - (0 if k == 32 else 0.2), sufficient_k=pl.lit(32, pl.Int64),
        )
        for k in (1, 8, 32)
    ]  # fmt: skip
    return pl.concat([linear, *sizes])


def test_sizes_of_a_sparse_probe_are_not_mixed() -> None:
    neurons = synthetic.neuron_table(2, 3, 6)
    said = text(neurons, cells=sparse_cells())
    assert "4 cells without a score" in said  # two networks, two probes: a curve is one cell here
    tables = synthetic.all_tables(2, 3, 6) | {"cells": sparse_cells()}
    first = depth_records(tables)[0]
    assert first["sparse/auroc"] == pytest.approx(first["linear/auroc"] - 0.2)
    assert checks(tables, Rule())["n_cells"] == 2 * 3 * 6 * 2
    sheet = cells_sheet(sparse_cells(), Rule())
    column = sheet.header.index("probe")
    assert {row[column] for row in sheet.rows} == {"linear", "sparse (k = 8)"}
    assert "enough neurons" in sheet.header
    assert "enough neurons" not in cells_sheet(synthetic.cell_table(2, 3), Rule()).header
