"""``denote-compare`` on results of the command line and of Python: text, page, table, and mistakes in one line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from command_line import Answer, Sweep
from wandb_files import runs_in

import denote
from denote.cli import commands, compare_command
from denote.cli.messages import USAGE
from denote.reporting.lineage import job_name
from denote.reporting.local_run import LocalRun
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_sessions import settle
from denote.runs import track_comparison
from denote.tables import COMPARISON, COMPARISON_KEY

Compare = Callable[..., Answer]


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compare:
    """The command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = commands._command("denote-compare", [str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two saved observations of one network, by probes of other strengths."""
    torch.manual_seed(0)
    inputs = torch.randn(240, 6)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    folder = tmp_path_factory.mktemp("observations")
    high = (inputs[:, 0] > 0).numpy()

    def saved(name: str, l2: float) -> Path:
        result = denote.observe(model, inputs, {"high": high}, evidence="quick", probe={"linear": {"l2": l2}})
        return result.save(folder / name)

    return saved("weak", 0.001), saved("strong", 10.0)


def test_a_sweep_with_itself_differs_in_nothing(compare: Compare, sweep: Sweep, tmp_path: Path) -> None:
    found = compare(sweep.folder, sweep.folder / "sweep")
    assert found.code == 0
    assert found.out.startswith("Compared  t (2) against t (baseline): mlp-2x16-relu on digits")
    assert len(found.out.splitlines()) <= 14
    (folder,) = (tmp_path / "multirun" / "compare").glob("t-t-*")
    table = pl.read_parquet(folder / "compare.parquet")
    assert dict(table.schema) == dict(COMPARISON)
    assert not table.select(COMPARISON_KEY).is_duplicated().any()
    assert (table["difference"].drop_nulls() == 0).all()
    assert not any(table[name].is_nan().any() for name in table.columns if table[name].dtype == pl.Float64)
    assert not table["differs"].drop_nulls().any()
    assert "How does t (2) differ from t?" in (folder / "compare.html").read_text(encoding="utf-8")


def test_jobs_are_compared_and_what_differs_in_their_settings_is_named(compare: Compare, sweep: Sweep) -> None:
    """Names of jobs hold `=`, as keys do."""
    jobs = [path for path in sorted(sweep.folder.glob("*layer=0-*")) if "odd" in path.name]
    found = compare(*jobs, "to=here")
    assert found.code == 0, found.err
    assert "seed 0 -> 1." in " ".join(found.out.split())
    assert "over test rows only" in " ".join(found.out.split())
    assert Path("here/compare.html").is_file()
    assert compare(*(f"sweep={job}" for job in jobs), "to=here").code == 0, "what was compared before is replaced"


def test_saved_observations_and_results_in_memory_are_compared_alike(
    compare: Compare, observations: tuple[Path, Path]
) -> None:
    found = compare(*observations)
    assert found.code == 0, found.err
    assert "settings are not known" in " ".join(found.out.split())
    assert "probe.l2 0.001 -> 10.0" in " ".join(found.out.split())
    one, other = map(denote.load, observations)
    in_python = denote.compare(one, other, names=["weak", "strong"])
    (folder,) = Path("multirun/compare").glob("weak-strong-*")
    table = pl.read_parquet(folder / "compare.parquet")
    assert table.equals(in_python.table)
    assert in_python.headline["unit"].unique().to_list() == ["rows"]
    assert np.isfinite(in_python.headline["difference"].to_numpy()).all()
    assert str(in_python).splitlines() == in_python.findings()
    assert str(in_python).count("of other networks") == 1, "what speaks against it is said once"
    assert in_python.overall["difference"].to_list() == [in_python.numbers()["auroc_difference/linear/mean"]]
    assert "<table>" in in_python._repr_html_()


def test_the_page_tells_how_to_repeat_it(
    observations: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the paths that were given, without the machine's folders; not of results in memory."""
    monkeypatch.chdir(observations[0].parent)

    def page(*results: object, **options: str) -> str:
        path = denote.compare(*results, **options).report(tmp_path / "page.html")  # type: ignore[arg-type]
        return path.read_text(encoding="utf-8")

    assert "denote-compare weak strong pair=none</pre>" in page("weak", "./strong", pair="none")
    assert "denote-compare weak strong</pre>" in page(*observations)
    assert str(observations[0].parent) not in page(*observations)
    monkeypatch.chdir(tmp_path)
    assert "denote-compare weak strong</pre>" in page(*observations), "of other folders only the name"
    assert "Repeat it" not in page(observations[0], denote.load(observations[1]))


def test_no_comparison_lies_where_another_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def name(*folders: str) -> str:
        return compare_command._name([Path(folder) for folder in folders])

    assert name("multirun/a", "multirun/b/sweep") == "a-b"
    jobs = [name(f"multirun/{sweep}/seed=0", f"multirun/{sweep}/seed=1") for sweep in ("a", "b")]
    assert all(each.startswith("seed=0-seed=1-") for each in jobs)
    assert jobs[0] != jobs[1]
    assert jobs[0] == name(str(tmp_path / "multirun/a/seed=0"), "multirun/a/seed=1")
    long = [name("multirun/" + "a" * 90, f"multirun/{other}") for other in "bc"]
    assert long[0] != long[1]


def test_python_takes_folders_and_names_them(observations: tuple[Path, Path], sweep: Sweep) -> None:
    found = denote.compare(*observations)
    assert found.table["other"].unique().to_list() == ["strong"]
    unnamed = denote.compare(*map(denote.load, observations))
    assert unnamed.table["baseline"].unique().to_list() == ["first"]
    with pytest.raises(denote.DenoteError, match="1 came for 2"):
        denote.compare(*observations, names=["a"])
    with pytest.raises(denote.DenoteError, match="no dataset"):
        denote.compare(observations[0], sweep.folder)


def test_a_page_replaces_its_own_and_nothing_else(observations: tuple[Path, Path], tmp_path: Path) -> None:
    found = denote.compare(*observations)
    assert found.report(tmp_path / "new" / "page.html") == found.report(tmp_path / "new" / "page.html")
    (tmp_path / "notes.html").write_text("mine")
    with pytest.raises(denote.DenoteError, match="would be lost"):
        found.report(tmp_path / "notes.html")
    with pytest.raises(denote.DenoteError, match="a job's results"):
        found.save(observations[0])


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    yield
    settle()


@pytest.mark.usefixtures("_offline")
def test_a_comparison_is_a_run_whose_id_repeats(compare: Compare, sweep: Sweep) -> None:
    jobs = [path for path in sorted(sweep.folder.glob("*layer=0-*")) if "odd" in path.name]
    for _ in range(2):
        found = compare(sweep.folder, *jobs[:1], "to=here", "logger=[wandb,csv]")
        assert found.code == 0, found.err
        assert found.err.splitlines()[-2:] == ["W&B: denote-sync here", "csv: here/csv"]
    (run,) = runs_in(Path("here/wandb"))
    name, job = sweep.folder.name, jobs[0].name
    assert (run.job_type, run.name) == ("compare", f"{job} against {name}")
    assert (run.exit_code, run.summary["status"]) == (0, "finished")
    assert len(run.group) <= 128
    flat = {key: value for key, value in run.config.items() if key not in ("_wandb", "settings")}
    assert all(isinstance(value, (str, int)) for value in flat.values())
    assert (flat["baseline"], flat["compared"], flat["sweep"]) == (name, job, name)
    assert {"layer.select", "seed"} <= set(flat["differs"].split(","))
    assert run.config["settings"][job]["seed"]["other"] == "0"
    numbers = denote.compare(sweep.folder, jobs[0]).numbers()
    assert {key: run.summary[key] for key in numbers} == pytest.approx(numbers)
    ((kind, said, files),) = run.artifacts.values()
    assert kind == "comparison"
    assert said["made_from"] == [
        "sweep-t",
        job_name(str(json.loads((jobs[0] / "run.json").read_text())["fingerprint"])),
    ]
    assert sorted(files) == ["compare.html", "compare.parquet"]
    (file,) = Path("here/wandb").glob("*run-*/*.wandb")
    assert os.fsencode(sys.executable) not in file.read_bytes(), "nothing of the machine"
    (metrics,) = Path("here/csv/compare").glob("*/metrics.csv")
    assert pl.read_csv(metrics).tail(1)["cells"].item() == numbers["cells"]
    assert metrics.parent.name.endswith(run.id)
    assert compare(sweep.folder, *jobs[1:2], "to=here", "logger=wandb").code == 0
    settle()
    assert len({run.id for run in runs_in(Path("here/wandb"))}) == 2, "of another comparison"


def test_what_is_left_out_is_no_input_of_the_run(
    compare: Compare, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, list[str]]] = []

    def keep(run: LocalRun, name: str, kind: str, files: object, said: dict[str, list[str]], **_: bool) -> None:
        kept.append((run.opened.config["sweep"], said["made_from"]))

    monkeypatch.setattr(LocalRun, "keep", keep)
    (tmp_path / "empty").mkdir()
    job = next(path for path in sorted(sweep.folder.glob("*layer=0-*")) if "odd" in path.name)
    assert compare(sweep.folder, "empty", job, "to=here", "logger=csv").code == 1
    fingerprint = json.loads((job / "run.json").read_text())["fingerprint"]
    assert kept == [("t", ["sweep-t", job_name(fingerprint)])]


@pytest.mark.usefixtures("_offline")
def test_observations_are_tracked_without_a_sweep_and_nothing_unless_asked(
    compare: Compare, observations: tuple[Path, Path]
) -> None:
    for logger in ([], ["logger=none"]):
        found = compare(*observations, "to=here", *logger)
        assert (found.code, found.err) == (0, "")
    assert sorted(path.name for path in Path("here").iterdir()) == ["compare.html", "compare.parquet"]
    found = compare(*observations, "to=here", "logger=csv")
    assert found.err.splitlines()[-1] == "csv: here/csv"
    (held,) = Path("here/csv/compare").glob("*/hparams.yaml")
    assert "settings.strong.probe.l2.other: '10.0'" in held.read_text()


def test_a_tracker_that_raises_costs_no_comparison(
    compare: Compare, observations: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(track_comparison, "settings_of", failing)
    found = compare(*observations, "to=here", "logger=csv")
    assert found.code == 0
    assert caplog.messages == ["strong against weak cannot be tracked (OSError: the disk is full)"]
    assert Path("here/compare.parquet").is_file()


def test_a_run_of_many_results_has_few_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: dict[str, object] = {}
    monkeypatch.setattr(track_comparison, "flat_numbers", lambda _: {f"key {n}": n for n in range(1000)})
    monkeypatch.setattr(track_comparison, "settings_of", lambda _: {})
    results = [SimpleNamespace(name=name) for name in "ab"]
    found = SimpleNamespace(results=results, table=pl.DataFrame({"a": [1]}))
    monkeypatch.setattr("denote.reporting.local_runs.CsvRun.end", lambda _, numbers, *__: told.update(numbers))
    sources = dict.fromkeys("ab", track_comparison.Source("t", None, {}))
    track_comparison.track(Tracker(("csv",), tmp_path, "t", "t"), found, sources, "key", {})  # type: ignore[arg-type]
    assert len(told) == track_comparison.MOST_NUMBERS


def test_what_cannot_be_compared_is_left_out_and_named(
    compare: Compare, observations: tuple[Path, Path], sweep: Sweep, tmp_path: Path
) -> None:
    """A folder without results, and one of another data set."""
    (tmp_path / "empty").mkdir()
    found = compare(observations[0], "empty", sweep.folder, observations[1], "to=here")
    assert found.code == 1
    lines = [line for line in found.err.splitlines() if line.startswith("left out")]
    assert len(lines) == 2
    assert lines[0].startswith("left out: empty (empty: holds no tables; allowed")
    assert lines[1].startswith("left out: t (weak and t: have no dataset and networks in common; weak has sequential")
    assert found.out.startswith("Compared  strong against weak (baseline)")
    assert "Left out: empty (empty: holds no tables" in Path("here/compare.html").read_text(encoding="utf-8")
    assert compare(observations[0], tmp_path / "empty", observations[1], "to=there").code == 1
    assert str(tmp_path) not in Path("there/compare.html").read_text(encoding="utf-8"), "nothing of the machine"
    in_python = denote.compare(observations[0], "empty", observations[1])
    assert list(in_python.left_out) == ["empty"]
    assert in_python.findings()[0].startswith("Left out: empty (")
    nothing = compare(observations[0], "empty", sweep.folder)
    assert nothing.code == 2
    assert nothing.err.startswith("weak and t: have no dataset")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            5,
            "compare: argument 2 is 5 (int); allowed: multirun/NAME of a sweep, or the folder of a job",
        ),
        ("nowhere", "nowhere: there is no such folder; allowed: multirun/NAME of a sweep"),
    ],
)
def test_what_is_no_result_is_a_mistake(observations: tuple[Path, Path], given: object, said: str) -> None:
    with pytest.raises(denote.DenoteError) as raised:
        denote.compare(observations[0], given, observations[1])  # type: ignore[arg-type]
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["WEAK", "STRONG", "logger=wandbb"], "logger=wandbb: there is no such option; did you mean 'wandb'?"),
        ([], "denote-compare: no folder is given; allowed: denote-compare BASELINE OTHER"),
        (["WEAK"], "denote-compare: only"),
        (["WEAK", "nowhere"], "nowhere: there is no such folder; allowed: multirun/NAME of a sweep"),
        (["WEAK", "."], ".: holds no tables"),
        (["WEAK", "STRONG", "to=a", "to=b"], "to: is given twice; allowed: once; a and b came"),
        (["WEAK", "STRONG", "pairs=seed"], "pairs: no such key of denote-compare; did you mean 'pair'?"),
        (["WEAK", "STRONG", "pair=seeds"], "pair: 'seeds' is not possible; did you mean 'seed'?"),
        (["WEAK", "STRONG", "--verbose"], "--verbose: no such flag of denote-compare"),
        (["WEAK", "STRONG", "to=WEAK"], "holds the results of a job or a sweep; allowed: another folder"),
        (["WEAK", "STRONG", "to=file"], "to=file: is a file; allowed: a folder"),
    ],
)
def test_mistakes_are_told_in_one_line(
    compare: Compare, observations: tuple[Path, Path], arguments: list[str], said: str
) -> None:
    Path("file").write_text("mine")
    places = {"WEAK": str(observations[0]), "STRONG": str(observations[1])}
    typed = [places.get(word, word.replace("to=WEAK", f"to={observations[0]}")) for word in arguments]
    found = compare(*typed)
    assert found.code == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert found.out == ""
    assert not Path("multirun").exists()


def test_a_mistaken_key_offers_those_of_the_help(compare: Compare) -> None:
    found = compare("A=one", "B=two")
    assert "no such key of denote-compare; allowed: " in found.err
    assert "sweep" not in found.err


def test_the_help_names_every_key(compare: Compare) -> None:
    found = compare("--help")
    assert found.code == 0
    assert all(f"  {key}=" in found.out for key in compare_command.KEYS)
    assert found.out.strip() == USAGE["denote-compare"].strip()
