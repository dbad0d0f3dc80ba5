"""What lands in W&B's own files: lines, numbers, tables, and nothing that is overwritten."""

from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import synthetic_tables as synthetic
from wandb_files import Logged, runs_in

from denote.evidence.rule import Rule
from denote.reporting.dashboard import by_kind, log_curves, log_job, log_sweep
from denote.reporting.report import Picture
from denote.reporting.run_summary import checks, summary
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_sessions import settle


def offline(folder: Path, monkeypatch: pytest.MonkeyPatch, log: Any, tables: Any) -> Logged:
    """The file of an offline run into which ``log`` wrote."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    with Tracker(("wandb",), folder, "t", "t", limit=60).run("sweep", "key", "a sweep", {"seed": 0}) as run:
        log(run, tables, [], Rule(), ["odd", "prime"])
    settle()
    (found,) = runs_in(folder / "wandb")
    return found


def test_a_sweep_carries_its_null_check_its_tests_and_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = synthetic.all_tables(2, 4, 8) | {"null_check": synthetic.null_check_table(2, alarm=True)}
    found = offline(tmp_path, monkeypatch, log_sweep, tables).summary
    assert found["null_check/cells/alarm"] is True
    assert found["null_alarm"] is True
    assert found["null_check/cells/n_with_hit"] == 7
    assert found["null_check/pairs/alarm"] is False
    assert found["tests/pairs/n"] == 2 * 4 * 6 * 30
    assert found["tests/pairs/expected_05"] == pytest.approx(0.05 * found["tests/pairs/n"])
    assert found["tests/neurons/subsets/hits"] == tables["neurons"].filter("denotes").height
    assert found["power/detectable_auroc/least"] == found["power/detectable_auroc/most"] == 0.58
    assert found["verdict"] == tables["depth_verdicts"]["verdict"].item()
    assert {"scan", "null_check", "seed_spread", "curves", "properties", "cells", "denoting_neurons"} <= found.keys()
    assert not {**checks(tables, Rule()), **summary(tables)}.keys() & tables.keys()  # a number would hide the table


def test_a_job_without_rows_logs_no_empty_table_and_nothing_undefined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = offline(tmp_path, monkeypatch, log_job, synthetic.empty_tables())
    assert found.history == []
    assert {key for key in found.summary if not key.startswith("_")} == {
        *("n_cells", "n_decisive", "n_neurons", "n_live", "n_denoting", "status"),
    }  # fmt: skip


def two_datasets_three_epochs_two_poolings() -> dict[str, pl.DataFrame]:
    """Tables of networks whose numbers differ."""
    base = synthetic.all_tables(2, 4, 8)
    held: dict[str, list[pl.DataFrame]] = {name: [] for name in ("cells", "label_proportion_by_model", "layers")}
    for number, (dataset, epoch, pooling) in enumerate(product("ab", (1, 2, 3), ("mean", "max"))):
        for name, frames in held.items():
            columns = ("auroc", "folded", "label_proportion")
            scores = [pl.col(column) * (1 - number / 100) for column in columns if column in base[name].columns]
            keys = {"dataset": dataset, "epoch": epoch, "pooling": pooling}
            of_network = pl.col("object_model") + f"-{dataset}-{epoch}"
            frames.append(base[name].with_columns(*scores, of_network, **{key: pl.lit(of) for key, of in keys.items()}))
    return base | {name: pl.concat(frames) for name, frames in held.items()}


def test_several_datasets_epochs_and_poolings_overwrite_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    tables = two_datasets_three_epochs_two_poolings()
    log_curves(Tracker(("wandb",), tmp_path, "t", "t", limit=60), tables, {"evidence": "quick"}, ["odd"])
    settle()
    runs = runs_in(tmp_path / "wandb")
    assert len(runs) == len({run.id for run in runs}) == 6
    by_model = tables["label_proportion_by_model"]
    values = set()
    for run in runs:
        of_run = pl.col("dataset") == run.config["dataset"], pl.col("epoch") == run.config["epoch"]
        for pooling in ("mean", "max"):
            cells = tables["cells"].filter(*of_run, probe="linear", pooling=pooling)
            expected = cells.group_by("depth").agg(pl.col("auroc").mean()).sort("depth")
            line = run.line("depth", f"linear/{pooling}/auroc")
            assert line == [(depth, pytest.approx(auroc)) for depth, auroc in expected.iter_rows()]
            odd = cells.filter(attribute="odd").group_by("depth").agg(pl.col("auroc").mean()).sort("depth")
            assert [y for _, y in run.line("depth", f"linear/{pooling}/auroc/odd")] == pytest.approx(list(odd["auroc"]))
            folded = by_model.filter(*of_run, pooling=pooling).group_by("depth").agg(pl.col("folded").mean())
            shown = dict(run.line("depth", f"subsets/{pooling}/folded"))
            assert shown == pytest.approx(dict(folded.drop_nulls().iter_rows()))
            values.add(tuple(auroc for _, auroc in line))
        assert run.steps["linear/*"] == run.steps["subsets/*"] == "depth"
        assert [row["relative_depth"] for row in run.history] == pytest.approx([0, 1 / 3, 2 / 3, 1])
        assert "linear/mean/auroc" not in run.summary  # the last layer's value says nothing of the network
        assert run.summary["auroc/best"] == pytest.approx(tables["cells"].filter(*of_run)["auroc"].max())
    assert len(values) == 12


def test_pictures_have_a_key_a_kind(tmp_path: Path) -> None:
    pictures = [Picture(tmp_path / f"relevance-{name}.png", "caption") for name in "abc"]
    found = by_kind([*pictures, Picture(tmp_path / "audit.png", "all"), Picture(tmp_path / "audit.svg", "all")])
    assert {key: len(of) for key, of in found.items()} == {"figures/relevance": 3, "figures/audit": 1}
    assert found["figures/relevance"][1] == (tmp_path / "relevance-b.png", "b: caption")
    assert len(by_kind(100 * pictures)["figures/relevance"]) == 50
