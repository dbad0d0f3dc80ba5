"""Six plots by the keys of runs: refused where there is nothing, sweeps apart, whole depths, jobs by their names."""

from itertools import pairwise
from math import radians, sin
from pathlib import Path

import pytest
import wandb_plots
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from wandb_files import Logged


def runs_of(sweep: str, auroc: float) -> list[Logged]:
    """The runs of a sweep with a network, a job, and a curve over two layers."""
    of_sweep = {"sweep": sweep, "network": f"network-{sweep}", "dataset": "digits", "probe": "linear"}
    rows = [
        {"depth": depth, "layer": f"hidden_{depth}", "relative_depth": depth, "linear/auroc/odd": auroc}
        for depth in (0, 1)
    ]
    return [
        Logged(name="a network", job_type="object_model", config=of_sweep, exit_code=0),
        Logged(
            name="seed=0-01234567",
            job_type="job",
            config=of_sweep,
            summary={"status": "interrupted", "auroc/odd": auroc},
            exit_code=255,
        ),
        Logged(name=f"curve of {sweep}", job_type="curve", config=of_sweep, history=rows, exit_code=0),
    ]


@pytest.fixture
def plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures that are saved, by file."""
    saved: dict[str, Figure] = {}
    sweeps = {"a": runs_of("a", 0.5), "b": runs_of("b", 1.0), "empty": []}
    monkeypatch.setattr(wandb_plots, "runs_in", lambda folder: sweeps[folder.parent.name])
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: saved.update({path.name: figure}))
    monkeypatch.chdir(tmp_path)
    for sweep in sweeps:
        (tmp_path / sweep / "wandb").mkdir(parents=True)
    return saved


def draw(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["wandb_plots.py", *arguments])
    return wandb_plots.main()


def test_nothing_to_draw_is_refused_in_one_line(
    plot: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(monkeypatch, "a", "empty") == 1
    assert capsys.readouterr().err == "empty: no runs in wandb/; allowed: sweeps that W&B kept offline\n"
    assert plot == {}
    assert not Path("plots").exists()


def test_sweeps_are_in_no_mean_together(
    plot: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(monkeypatch, "a", "b") == 0
    assert "folded_of_sweeps: no points from 6 runs, not drawn" in capsys.readouterr().out
    of_one = ("auroc_by_depth", "best_layer", "network_of_job", "probes_of_attribute")
    assert sorted(plot) == sorted([*(f"{name}-{sweep}.png" for name in of_one for sweep in "ab"), "failed_runs.png"])
    for sweep, auroc in (("a", 0.5), ("b", 1.0)):
        (line,) = plot[f"auroc_by_depth-{sweep}.png"].axes[0].lines
        assert list(line.get_ydata()) == [auroc, auroc]  # type: ignore[arg-type]


def test_axes_have_whole_depths_and_names_of_jobs(plot: dict[str, Figure], monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(monkeypatch, "a") == 0
    depths = plot["auroc_by_depth.png"].axes[0].get_xticks()
    assert all(depth == int(depth) for depth in depths)
    (job,) = plot["network_of_job.png"].axes[0].get_yticklabels()
    assert job.get_text() == "seed=0-01234567"
    codes = [label.get_text() for label in plot["failed_runs.png"].axes[0].get_xticklabels()]
    assert codes == ["255"]


def test_titles_name_the_sweeps(plot: dict[str, Figure], monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(monkeypatch, "a", "b") == 0
    assert {figure.axes[0].get_title().partition("\n")[0] for figure in plot.values()} == {"a", "b", "a, b"}
    assert all(plot[file].axes[0].get_title().startswith("a\n") for file in plot if file.endswith("-a.png"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nowhere", "nowhere: there is no such folder; allowed: that of a sweep, multirun/NAME\n"),
        (".", ".: holds sweeps and is none (a, b, empty); allowed: a\n"),
    ],
)
def test_what_is_no_sweep_is_refused(
    plot: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, said: str
) -> None:
    assert draw(monkeypatch, "a", typed) == 2
    assert capsys.readouterr().err == said
    assert plot == {}


def test_names_of_many_attributes_do_not_run_together() -> None:
    names = [f"class in {{{number},1,2,3,4,5,6,7,8,9}}" for number in range(40)]
    job = Logged(
        job_type="job",
        config={"dataset": "digits", "probe": "linear"},
        summary={f"auroc/{name}": 0.5 for name in names},
    )
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    assert wandb_plots.probes_of_attribute(axes, [job]) == 40
    figure.draw_without_rendering()
    at = [axes.transData.transform((tick, 0))[0] for tick in axes.get_xticks()]
    labels = axes.get_xticklabels()
    height = labels[0].get_fontsize() * figure.dpi / 72
    assert min(b - a for a, b in pairwise(at)) * sin(radians(labels[0].get_rotation())) > height
    assert all(len(label.get_text()) <= wandb_plots.LONGEST for label in labels)
