"""A small sweep in W&B's own files: what a person groups, sorts and draws by, how runs end, and no secret."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from command_line import PLANTED_KEY, Command, Sweep
from wandb_files import Logged, runs_in

from denote.cli import build
from denote.reporting.run_config import FLAT, SETTINGS
from denote.reporting.wandb_names import artifact_name
from denote.reporting.wandb_sessions import settle
from denote.runs import present
from denote.runs.job import Job
from denote.stops import Stopped


@pytest.fixture(scope="module")
def runs(sweep: Sweep) -> list[Logged]:
    """The runs of the sweep of 8 jobs."""
    return runs_in(sweep.folder / "wandb")


def of_type(runs: list[Logged], job_type: str) -> list[Logged]:
    return [run for run in runs if run.job_type == job_type]


def test_one_run_per_network_job_curve_and_sweep(sweep: Sweep, runs: list[Logged]) -> None:
    assert Counter(run.job_type for run in runs) == {"object_model": 2, "job": 8, "curve": 1, "sweep": 1}
    assert len({run.id for run in runs}) == len(list((sweep.folder / "wandb").glob("*run-*/*.wandb"))) == 12
    assert {run.group for run in runs} == {"t"}
    assert {run.exit_code for run in runs} == {0}
    assert {run.summary["status"] for run in runs} == {"finished"}
    assert all(len(run.name) <= 128 for run in runs)
    assert all(run.tags == ["evidence=standard"] for run in runs if run.job_type != "object_model")


def test_settings_are_scalars_or_comma_lists(sweep: Sweep, runs: list[Logged]) -> None:
    for run in runs:
        flat = {key: value for key, value in run.config.items() if key not in ("_wandb", SETTINGS, "swept")}
        assert flat.keys() <= set(FLAT)
        assert all(isinstance(value, (str, int)) for value in flat.values())
    cells = pl.read_parquet(sweep.folder / "sweep" / "cells.parquet")
    for job in of_type(runs, "job"):
        rows = pl.read_parquet(sweep.folder / job.name / "cells.parquet")
        for key in ("dataset", "architecture", "attribute", "layer", "depth", "seed", "object_model"):
            assert rows[key].unique().to_list() == [job.config[key]]
        assert job.config["probe"] == ",".join(sorted(rows["probe"].unique()))
        assert job.config["sweep"] == "t"
        assert job.config[SETTINGS]["architecture"]["width"] == 16
    (whole,) = of_type(runs, "sweep")
    assert whole.config["swept"] == {"layer.select": "0,1", "attribute": "odd,prime", "seed": "0,1"}
    assert whole.config["layer"] == ",".join(sorted(cells["layer"].unique()))
    assert whole.config["object_model"] == ",".join(sorted(cells["object_model"].unique()))
    assert whole.config["control"] == "raw_input,rotated,shuffled,untrained"
    assert "seed" not in whole.config[SETTINGS]  # what differs is no setting of the sweep


def test_numbers_by_name_are_those_of_the_tables(sweep: Sweep, runs: list[Logged]) -> None:
    for run in [*of_type(runs, "job"), *of_type(runs, "sweep")]:
        folder = sweep.folder / (run.name if run.job_type == "job" else "sweep")
        cells = pl.read_parquet(folder / "cells.parquet")
        assert run.summary["auroc/best"] == cells["auroc"].max()
        assert run.summary["auroc/mean"] == pytest.approx(cells["auroc"].mean())
        assert run.summary["linear/auroc/best"] == cells.filter(probe="linear")["auroc"].max()
        for attribute in cells["attribute"].unique():
            best = cells.filter(attribute=attribute).group_by("object_model").agg(pl.col("auroc").max())["auroc"].mean()
            assert run.summary[f"auroc/{attribute}"] == pytest.approx(best)
        assert run.summary["null_alarm"] in (True, False)
        assert 0 < run.summary["object_accuracy"] < 1
        assert "folded" not in run.summary  # nothing denotes: undefined is left out, never 0


def test_lines_over_depth_are_native(sweep: Sweep, runs: list[Logged]) -> None:
    (curve,) = of_type(runs, "curve")
    assert curve.name.startswith("digits mlp-2x16-relu")
    cells = pl.read_parquet(sweep.folder / "sweep" / "cells.parquet").filter(probe="linear", attribute="prime")
    means = cells.group_by("depth").agg(pl.col("auroc").mean()).sort("depth")
    assert curve.line("depth", "linear/auroc/prime") == [(x, pytest.approx(y)) for x, y in means.iter_rows()]
    assert [x for x, _ in curve.line("relative_depth", "linear/auroc")] == [0, 0.5]
    assert curve.steps == dict.fromkeys(("linear/*", "neuron/*", "named/*"), "depth")
    for network in of_type(runs, "object_model"):
        assert [x for x, _ in network.line("epoch", "val_loss")] == [1, 2, 3]
        assert network.steps == {"*": "epoch"}


def test_artifacts_tell_where_results_come_from(sweep: Sweep, runs: list[Logged]) -> None:
    networks = {run.config["network"]: run for run in of_type(runs, "object_model")}
    for name, run in networks.items():
        kind, _, files = run.artifacts[name]
        assert (kind, set(files)) == ("network", {"model.json", "model.safetensors"})
    made = set()
    for job in of_type(runs, "job"):
        states = {name: said for name, (kind, said, _) in job.artifacts.items() if kind == "states"}
        ((name, (_, said, files)),) = [item for item in job.artifacts.items() if item[1][0] == "evidence"]
        assert said["network"] == job.config["network"] in networks
        assert {of["network"] for of in states.values()} == {job.config["network"]}
        assert sorted(said["states"]) == sorted(states) == sorted(job.inputs)
        held = pl.read_parquet(files["cells.parquet"])
        assert held.equals(pl.read_parquet(sweep.folder / job.name / "cells.parquet"))
        made.add(name)
    (whole,) = of_type(runs, "sweep")
    kind, said, files = whole.artifacts[artifact_name("sweep", "t")]
    assert (kind, set(said["jobs"])) == ("sweep", made)
    assert {"cells.parquet", "neurons.parquet", "label_proportion_by_depth.parquet", "report.html"} <= files.keys()
    assert all(path.is_file() for path in files.values())


def test_tables_and_pictures(runs: list[Logged]) -> None:
    (whole,) = of_type(runs, "sweep")
    assert whole.summary["cells"]["_type"] == "table-file"
    pictures = {key: of["count"] for key, of in whole.summary.items() if key.startswith("figures/")}
    assert pictures["figures/attribute_by_depth"] == 1
    assert pictures["figures/relevance"] == 4


def test_no_secret_is_written(sweep: Sweep) -> None:
    for file in (path for path in (sweep.folder / "wandb").rglob("*") if path.is_file()):
        assert PLANTED_KEY.encode() not in file.read_bytes(), file


SMALL = [
    *("debug=fast", "architecture.layers=2", "architecture.width=16", "trainer.progress=false", "attribute=odd"),
    *("layer.select=0", "probe=linear", "control=[]", "sweep_name=f", "logger.limit=60"),
]


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])
    monkeypatch.setenv("WANDB_MODE", "offline")
    yield
    settle()


@pytest.mark.usefixtures("_offline")
def test_a_failed_job_ends_so_until_it_is_run_again(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Job.run

    def failing(self: Job, prepared: object = None) -> object:
        if self.config["seed"] == 1:
            raise RuntimeError("planted")
        return run(self, prepared)  # type: ignore[arg-type]

    def tracked(answer: int) -> dict[tuple[str, int | str], tuple[int | None, str]]:
        assert denote("-m", "seed=0,1", *SMALL).code == answer
        settle()
        found = runs_in(Path("multirun/f/wandb"))
        assert len({run.id for run in found}) == len(found)  # one folder an id
        return {(run.job_type, run.config["seed"]): (run.exit_code, run.summary["status"]) for run in found}

    with monkeypatch.context() as patched:
        patched.setattr(Job, "run", failing)
        before = tracked(1)
    assert before["job", 0] == (0, "finished")
    assert before["job", 1] == (1, "failed")
    assert before["sweep", 0] == (1, "failed")
    after = tracked(0)
    assert set(after.values()) == {(0, "finished")}
    assert len(after) == len(before) + 1  # the network of the second seed


@pytest.mark.usefixtures("_offline")
def test_without_runs_of_jobs_there_are_those_of_the_sweep_and_its_curves(denote: Command) -> None:
    answer = denote("-m", "seed=0", *SMALL, "logger.per_job=false")
    assert (answer.code, answer.err.splitlines()[-1]) == (0, "W&B: denote-sync multirun/f")
    assert [run.job_type for run in runs_in(Path("multirun/f/wandb"))] == ["curve", "sweep"]


@pytest.mark.usefixtures("_offline")
def test_a_job_that_fails_before_it_is_tracked_has_a_run_that_says_of_what(denote: Command) -> None:
    options = [option for option in SMALL if option != "attribute=odd"]
    answer = denote("-m", 'attribute.where="class = 77","class IN (1,2)"', *options, "logger=[wandb,csv]")
    assert answer.code == 1
    settle()
    jobs = {run.exit_code: run for run in of_type(runs_in(Path("multirun/f/wandb")), "job")}
    failed = jobs[1]
    assert jobs.keys() == {0, 1}
    assert failed.summary["status"] == "failed"
    assert failed.summary["error"].startswith("AttributeLabelError: attribute 'class = 77': ")
    assert {key: value for key, value in jobs[0].config.items() if key in FLAT} == {
        **{key: jobs[0].config[key] for key in ("layer", "depth")},
        **{key: value for key, value in failed.config.items() if key in FLAT},
        "attribute": "class IN (1,2)",
    }
    assert failed.config["attribute"] == "class = 77"
    assert failed.config[SETTINGS]["architecture"]["width"] == 16
    assert len(list(Path("multirun/f/csv/job").iterdir())) == 2


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("where", ["built", "prepared"])
def test_a_sweep_all_of_whose_jobs_fail_has_runs_and_says_where(
    denote: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    def failing(*_: object) -> None:
        raise OSError(f"nothing in {tmp_path}/deep/data\nmore")

    monkeypatch.setattr(*((build, "job") if where == "built" else (Job, "prepare")), failing)
    answer = denote("-m", "seed=0,1", *SMALL)
    assert (answer.code, answer.err.splitlines()[-1]) == (1, "W&B: denote-sync multirun/f")
    found = runs_in(Path("multirun/f/wandb"))
    assert Counter(run.job_type for run in found) == {"job": 2, "sweep": 1}
    assert {(run.exit_code, run.summary["status"]) for run in found} == {(1, "failed")}
    assert {run.summary["error"] for run in of_type(found, "job")} == {"OSError: nothing in data"}
    (whole,) = of_type(found, "sweep")
    assert (whole.summary["error"], whole.summary["n_failed"]) == ("SweepFailedError: 2 of 2 jobs failed", 2)
    assert (whole.config["swept"], whole.config["seed"]) == ({"seed": "0,1"}, "0,1")


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("mode", ["-m", ""])
def test_an_interrupted_command_says_where_its_runs_are(
    denote: Command, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def stopped(*_: object) -> None:
        raise Stopped("SIGTERM")

    monkeypatch.setattr(Job, "run", stopped)
    given = [option for option in SMALL if mode or not option.startswith("sweep_name")]
    answer = denote(*([mode] if mode else []), *given)
    folder = "multirun/f" if mode else "multirun/single"
    assert (answer.code, answer.err.splitlines()[-1]) == (1, f"W&B: denote-sync {folder}")
    (job,) = runs_in(Path(folder, "wandb"))
    assert (job.exit_code, job.summary["status"]) == (255, "interrupted")
