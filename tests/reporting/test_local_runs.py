"""Other trackers: the keys of W&B's runs by the same writer, one folder an id, and no harm to a job."""

import posixpath
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import polars as pl
import pytest
import synthetic_tables as synthetic
import yaml

from denote.errors import ConfigError
from denote.evidence.rule import Rule
from denote.reporting import whereabouts
from denote.reporting.curve_records import curves, depth_records
from denote.reporting.dashboard import log_job
from denote.reporting.local_run import LocalRun, Opened, flattened
from denote.reporting.local_runs import LOCAL, MlflowRun, check_installed, mlflow_name
from denote.reporting.run_summary import checks, summary
from denote.reporting.tracking import Tracker

CONFIG = {"seed": 0, "attribute": "odd,prime", "settings": {"architecture": {"width": 16}, "tags": []}}
TABLES = synthetic.all_tables(1, 3, 8)


def track(tracker: Tracker, value: float | None = None) -> None:
    with tracker.run("job", "key", "a job", CONFIG) as run:
        assert run is not None
        if value is None:
            log_job(run, TABLES, [], Rule(), ["odd"])
        else:
            run.log({"depth": 0, "linear/auroc": value})


def csv_of(folder: Path) -> pl.DataFrame:
    (path,) = folder.glob("csv/job/*/metrics.csv")
    return pl.read_csv(path)


def test_csv_has_the_keys_of_every_tracker(tmp_path: Path) -> None:
    track(Tracker(("csv",), tmp_path, "t", "t"))
    rows = csv_of(tmp_path)
    (curve,) = curves(TABLES)
    records = depth_records(curve.tables, ["odd"])
    lines, last = rows.head(len(records)), rows.tail(1)
    for record, row in zip(records, lines.iter_rows(named=True), strict=True):
        assert row["step"] == record["depth"]
        assert {key: row[key] for key in record if key != "layer"} == pytest.approx(
            {key: value for key, value in record.items() if key != "layer"}
        )
    numbers = {**checks(TABLES, Rule()), **summary(TABLES, ["odd"])}
    for key, value in numbers.items():
        if not isinstance(value, str):
            assert last[key].item() == pytest.approx(float(value)), key
    (held,) = tmp_path.glob("csv/job/*/hparams.yaml")
    said = yaml.safe_load(held.read_text(encoding="utf-8"))
    assert (said["attribute"], said["settings.architecture.width"]) == ("odd,prime", 16)
    assert (said["sweep"], said["summary.status"]) == ("t", "finished")
    assert said["summary.verdict"] == numbers["verdict"]


def test_every_tracker_says_where_its_runs_are(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for run in LOCAL.values():
        monkeypatch.setattr(run, "begin", lambda _: None)
    monkeypatch.chdir(tmp_path.parent)
    here = tmp_path.name
    said = {kind: run(opened).where() for kind, run in LOCAL.items()}
    assert said == {
        "csv": f"{here}/csv",
        "tensorboard": f"tensorboard --logdir {here}/tensorboard",
        "mlflow": f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db",
        "trackio": "trackio show --project p",
    }
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert LOCAL["mlflow"](opened).where() == "https://mlflow.example.org"


def test_the_last_runs_of_all_trackers_are_told_once(tmp_path: Path) -> None:
    whereabouts.whereabouts()
    track(Tracker(("csv",), tmp_path, "t", "t"), 0.5)
    track(Tracker(("csv",), tmp_path / "later", "t", "t"), 0.5)
    assert whereabouts.whereabouts() == [f"csv: {tmp_path}/later/csv"]
    assert whereabouts.whereabouts() == []


def test_a_run_that_is_made_again_replaces_its_folder(tmp_path: Path) -> None:
    for value in (0.5, 0.75):
        track(Tracker(("csv",), tmp_path, "t", "t"), value)
    assert csv_of(tmp_path)["linear/auroc"].to_list() == [0.75]


def test_a_tracker_that_fails_is_said_once_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = ModuleType("trackio")
    monkeypatch.setitem(sys.modules, "trackio", broken)  # without `init`
    track(Tracker(("csv", "trackio"), tmp_path, "t", "t"), 0.5)
    assert csv_of(tmp_path)["linear/auroc"].to_list() == [0.5]
    (line,) = caplog.messages
    assert line.startswith("a job in trackio cannot be tracked (AttributeError: ")


def test_trackio_is_told_what_wandb_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []

    class Run:
        def log(self, values: dict[str, float], step: int | None = None) -> None:
            said.append((step, values))

        def finish(self) -> None:
            said.append("finish")

    def init(**given: object) -> Run:
        said.append(given["config"])
        return Run()

    package = ModuleType("trackio")
    package.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackio", package)
    track(Tracker(("trackio",), tmp_path, "t", "t"), 0.5)
    settings, line, end, finish = said
    assert settings == flattened({**CONFIG, "sweep": "t"})
    assert (line, end, finish) == ((0, {"depth": 0.0, "linear/auroc": 0.5}), (None, {"status": "finished"}), "finish")


class HeldRun(LocalRun):
    """A run that keeps what it is told."""

    def begin(self) -> None:
        self.told: dict[str, object] = {}

    def write(self, numbers: Mapping[str, float], step: int | None) -> None:
        """Leave lines."""

    def where(self) -> str:
        return ""

    def end(self, numbers: Mapping[str, float], texts: Mapping[str, str], exit_code: int) -> None:
        self.told = {**numbers, **texts}


@pytest.mark.parametrize(("has_rows", "name"), [(False, "summary/sets/folded"), (True, "sets/folded")])
def test_a_number_of_the_summary_is_no_point_of_a_line(opened: Opened, has_rows: bool, name: str) -> None:
    run = HeldRun(opened)
    run.has_rows = has_rows
    run.log({"depth": 0, "sets/folded": 0.25})
    run.summarize({"sets/folded": 0.5, "folded": 0.5})
    run.finish(1)
    assert run.told == {name: 0.5, "folded": 0.5}


def test_all_that_a_run_was_made_from_is_named(opened: Opened) -> None:
    run = HeldRun(opened)
    for key in ("states-b", "states-a"):
        run.keep(key, "states", {}, {}, is_input=True)
    run.keep("job-c", "evidence", {}, {})
    run.finish(1)
    assert run.told == {"inputs": "states-a,states-b", "outputs": "job-c"}


@pytest.fixture
def trackio(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, float]]]:
    """The rows of every run of a trackio that holds them in memory."""
    held: dict[str, list[dict[str, float]]] = {}

    def init(**given: str) -> SimpleNamespace:
        rows = held.setdefault(given["name"], [])
        return SimpleNamespace(log=lambda values, step=None: rows.append(values), finish=lambda: None)

    def runs(_: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name, delete=lambda name=name: held.pop(name)) for name in held]

    package = ModuleType("trackio")
    package.init = init  # type: ignore[attr-defined]
    package.Api = lambda: SimpleNamespace(runs=runs)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackio", package)
    return held


def test_a_run_of_trackio_that_is_made_again_has_its_rows_once(
    tmp_path: Path, trackio: dict[str, list[dict[str, float]]]
) -> None:
    for value in (0.5, 0.75):
        track(Tracker(("trackio",), tmp_path, "t", "t"), value)
    (rows,) = trackio.values()
    assert rows == [{"depth": 0.0, "linear/auroc": 0.75}, {"status": "finished"}]


def test_a_whole_run_is_known_whatever_the_trackers(
    tmp_path: Path, trackio: dict[str, list[dict[str, float]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MlflowRun, "begin", lambda run: setattr(run, "logger", MagicMock()))
    tracker = Tracker(("csv", "mlflow", "trackio"), tmp_path, "t", "t")
    assert not tracker.logged("job", "key")
    with pytest.raises(RuntimeError), tracker.run("job", "key", "a job", CONFIG):
        raise RuntimeError
    assert not tracker.logged("job", "key")
    track(tracker, 0.5)
    assert tracker.logged("job", "key")
    assert not tracker.logged("job", "other")


def test_names_in_mlflow_are_plain_and_different(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ["linear/auroc/ink > .5", "linear/auroc/ink < .5", "a//b", "../a", "/a/b", "é", "?", "x" * 500]
    names = [mlflow_name(key) for key in keys]
    assert len(set(names)) == len(keys)
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9_/. -]{1,250}", name)
        assert posixpath.normpath(name) == name
        assert not name.startswith(("/", "."))
    assert mlflow_name("linear/auroc/odd") == "linear/auroc/odd"
    monkeypatch.setattr(MlflowRun, "begin", lambda run: setattr(run, "logger", MagicMock()))
    run = MlflowRun(replace(opened, config={"settings": {"ink > .5": 1}}))
    run.log({"depth": 3, keys[0]: 0.5, keys[1]: 0.75})
    run.summarize({"auroc/ink > .5": 0.9, "a?": "text"})
    run.finish(0)
    logged = [set(call.args[0]) for call in run.logger.log_metrics.call_args_list]  # type: ignore[attr-defined]
    assert logged == [{"depth", *names[:2]}, {mlflow_name("auroc/ink > .5")}]
    (settings,) = run.logger.log_hyperparams.call_args.args  # type: ignore[attr-defined]
    assert set(settings) == {mlflow_name("settings.ink > .5"), mlflow_name("summary.a?")}


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return Opened(tmp_path, "p", "g", "job", "0123456789abcdef", "a job", ["quick"], CONFIG)


def test_tensorboard(opened: Opened) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for value in (0.5, 0.75):
        run = LOCAL["tensorboard"](opened)
        run.log({"depth": 3, "linear/auroc": value})
        run.summarize({"auroc/best": 0.9, "status": "finished"})
        run.finish(0)
    events = EventAccumulator(str(opened.place("tensorboard")))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("linear/auroc")] == [(3, 0.75)]
    assert events.Scalars("auroc/best")[0].value == pytest.approx(0.9)


def test_mlflow(opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    for value in (0.5, 0.75):
        run = LOCAL["mlflow"](opened)
        run.log({"depth": 3, "linear/auroc/class=1": value})
        run.summarize({"auroc/best": 0.9, "status": "failed"})
        run.finish(1)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (found,) = client.search_runs([client.get_experiment_by_name("p").experiment_id])
    assert (found.data.metrics[mlflow_name("linear/auroc/class=1")], found.data.metrics["auroc/best"]) == (0.75, 0.9)
    assert (found.info.status, found.data.params["summary.status"]) == ("FAILED", "failed")


def test_a_package_that_is_missing_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed(["csv", "wandb"])
    monkeypatch.setattr("denote.reporting.local_runs.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"logger=mlflow: mlflow is not installed; .*pip install -e '.\[mlflow\]' -c"):
        check_installed(["csv", "mlflow"])
