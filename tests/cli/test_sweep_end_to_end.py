"""A sweep as users run it: two layers, two attributes, two seeds; its folder is its record."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import TINY, Command, Sweep
from polars.testing import assert_frame_equal
from scipy.stats import false_discovery_control

from denote import tables
from denote.runs import present

pytestmark = pytest.mark.xdist_group("sweep")  # with --dist=loadgroup no second worker waits for the sweep

CONTRACT = {
    "cells": """dataset architecture trained epoch seed object_model object_accuracy layer depth relative_depth pooling
        n_neurons probe k probe_seed attribute family label_proportion n_fit n_test auroc auroc_low auroc_high
        average_precision balanced_accuracy balanced_accuracy_low mcc accuracy majority_accuracy control_auroc
        selectivity untrained_auroc input_auroc p_value q_value n_tests converged decisive note""",
    "neurons": """dataset architecture trained epoch seed object_model object_accuracy layer depth relative_depth
        pooling neuron neuron_name probe_seed family property label_proportion folded_label_proportion direction
        threshold balanced_accuracy balanced_accuracy_low tpr tnr precision auroc mcc p_value q_value n_tests denotes
        on_proportion live fit_balanced_accuracy n_fit n_test n_positive_fit n_positive_test label_proportion_range
        control_balanced_accuracy untrained_balanced_accuracy input_balanced_accuracy rival rival_balanced_accuracy
        note""",
    "label_proportion_by_depth": """dataset architecture trained epoch layer family depth relative_depth n_models
        n_neurons n_live n_denoting n_distinct share_denoting rotated_share_denoting untrained_share_denoting
        label_proportion_mean label_proportion_low label_proportion_high folded_mean folded_low folded_high
        rotated_folded_mean majority_side_share on_proportion_mean unconditional_label_proportion_mean
        unconditional_folded_mean untrained_label_proportion_mean untrained_folded_mean smallest_detectable_proportion
        note""",
}
"""The columns that DESIGN.md promises, as it lists them."""

SCHEMAS = {
    "cells": tables.CELLS, "neurons": tables.NEURONS, "controls": tables.CONTROLS,
    "label_proportion_by_depth": tables.LABEL_PROPORTION_BY_DEPTH,
}  # fmt: skip


def jobs_of(sweep: Sweep) -> list[Path]:
    return sorted(path.parent for path in sweep.folder.glob("*/run.json"))


def test_one_job_per_combination_and_one_training_per_seed(sweep: Sweep) -> None:
    assert sweep.first.code == 0, sweep.first
    records = [json.loads((job / "run.json").read_text(encoding="utf-8")) for job in jobs_of(sweep)]
    assert len(records) == 8
    assert {record["status"] for record in records} == {"finished"}
    assert len({record["fingerprint"] for record in records}) == 8
    assert len({record["object_model"] for record in records}) == 2
    trained = [path for path in (sweep.folder.parent / ".store" / "models").iterdir() if path.is_dir()]
    assert len(trained) == 2
    status = json.loads((sweep.folder / "sweep" / "status.json").read_text(encoding="utf-8"))
    assert (status["finished"], status["failed"]) == (8, 0)


def test_a_job_folder_is_complete_and_well_named(sweep: Sweep) -> None:
    for job in jobs_of(sweep):
        record = json.loads((job / "run.json").read_text(encoding="utf-8"))
        assert job.name.endswith(f"-{record['fingerprint'][:8]}")
        assert {"config", "versions", "seeds", "timings", "error"} <= set(record)
        assert (job / "observers.safetensors").is_file()
        assert not (job / "figures").exists()  # a job of a sweep draws only where figures=all
        assert not list(job.rglob("*.partial"))
        for name in ("cells", "neurons", "controls"):
            assert pl.read_parquet_schema(job / f"{name}.parquet") == pl.Schema(SCHEMAS[name])


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_merged_tables_have_the_columns_of_the_contract(sweep: Sweep, name: str) -> None:
    frame = pl.read_parquet(sweep.folder / "sweep" / f"{name}.parquet")
    assert frame.schema == pl.Schema(SCHEMAS[name])
    assert set(CONTRACT.get(name, "control draw note").split()) <= set(frame.columns)
    assert frame.height > 0


def test_merged_tables_hold_each_row_once(sweep: Sweep) -> None:
    cells = pl.read_parquet(sweep.folder / "sweep" / "cells.parquet")
    assert cells.height == 2 * 2 * 2 * 2  # layers, attributes, seeds, probes
    assert not cells.select(tables.CELLS_KEY).is_duplicated().any()
    neurons = pl.read_parquet(sweep.folder / "sweep" / "neurons.parquet")
    assert neurons.height == 2 * 2 * 16  # layers, seeds, units
    assert not neurons.select(tables.NEURONS_KEY).is_duplicated().any()
    assert set(neurons["family"]) == {"named"}


def test_corrections_are_over_all_jobs(sweep: Sweep) -> None:
    cells = pl.read_parquet(sweep.folder / "sweep" / "cells.parquet")
    tested = cells.filter(pl.col("p_value").is_not_null())
    assert set(cells["n_tests"]) == {tested.height}
    assert tested.height == 16
    np.testing.assert_allclose(tested["q_value"], false_discovery_control(tested["p_value"].to_numpy()), rtol=1e-12)
    alone = pl.concat(pl.read_parquet(job / "cells.parquet") for job in jobs_of(sweep))
    assert set(alone["n_tests"]) == {2}


def test_controls_stand_beside_every_cell(sweep: Sweep) -> None:
    cells = pl.read_parquet(sweep.folder / "sweep" / "cells.parquet")
    for column in ("control_auroc", "untrained_auroc", "input_auroc", "selectivity"):
        assert cells[column].null_count() == 0
    controls = pl.read_parquet(sweep.folder / "sweep" / "controls.parquet")
    assert set(controls["control"]) == {"shuffled", "rotated", "untrained", "second_fit", "thresholds"}
    assert controls.filter(control="shuffled")["draw"].unique().sort().to_list() == [0, 1]


def test_figures_and_report(sweep: Sweep) -> None:
    figures = sweep.folder / "sweep" / "figures"
    drawn = {path.stem for path in figures.glob("*.png")}
    assert not list(figures.glob("*.svg"))  # only where they are asked for
    for kind in ("attribute_by_depth", "relevance-odd", "relevance-prime"):
        assert any(name.startswith(kind) for name in drawn)
    page = (sweep.folder / "sweep" / "report.html").read_text(encoding="utf-8")
    assert not any(name.startswith("label_proportion_by_depth") for name in drawn)
    assert "label proportion by depth is not drawn of named attributes, where nothing denotes" in page
    assert all(job.name in page for job in jobs_of(sweep))
    assert "layer.select=0,1 attribute=odd,prime" in page


def test_the_summary_says_where_to_look(sweep: Sweep) -> None:
    shown = sweep.first.out.splitlines()
    last = [line[:10].strip() for line in shown].index("Observed")
    assert len(shown[last:]) <= 14
    assert max(map(len, shown[last:])) <= 100
    assert "multirun/t/sweep/report.html" in sweep.first.out


def test_one_tracked_run_per_model_job_curve_and_sweep(sweep: Sweep) -> None:
    assert len(sweep.ids) == 2 + 8 + 1 + 1
    assert sweep.ids_after == sweep.ids


def test_again_does_nothing_and_says_so(sweep: Sweep) -> None:
    assert sweep.second.code == 0, sweep.second
    assert sweep.second.out.startswith("Nothing to do")
    assert len(sweep.second.out.splitlines()) <= 14
    assert sweep.after == sweep.before
    assert not {"torch", "pytorch_lightning", "wandb", "matplotlib"} & set(sweep.second.heavy or [])


def test_the_report_is_written_again_from_saved_evidence(sweep: Sweep) -> None:
    assert sweep.report.code == 0, sweep.report
    assert (sweep.folder / "sweep" / "report.html").is_file()
    assert "layer.select=0,1 attribute=odd,prime" in (sweep.folder / "sweep" / "report.html").read_text(
        encoding="utf-8"
    )
    assert not {"pytorch_lightning", "wandb"} & set(sweep.report.heavy or [])


def test_results_are_the_same_without_a_logger(sweep: Sweep, denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])
    store = sweep.folder.parent / ".store"
    wanted = ["layer.select=1", "attribute=prime", "seed=1"]
    answer = denote("-m", *wanted, *TINY, "sweep_name=silent", "logger=none", "on_existing=redo", f"store.path={store}")
    assert answer.code == 0, answer
    (job,) = [path.parent for path in Path("multirun/silent").glob("*/run.json")]
    assert not list(Path().rglob("wandb"))
    for name in ("cells", "neurons", "controls"):
        ours, theirs = (pl.read_parquet(place / job.name / f"{name}.parquet") for place in (job.parent, sweep.folder))
        assert_frame_equal(ours, theirs, check_exact=True)
