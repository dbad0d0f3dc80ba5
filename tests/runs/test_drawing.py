"""Figures are saved side by side as they are one after the other, also where another process fails."""

import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure

from denote.config.figure_settings import ALL, DARK, NONE, FigureSettings
from denote.progress.steps import Steps, current, words
from denote.reporting.undrawn import undrawn
from denote.runs import drawing
from denote.runs.drawing import Drawing, save_drawings
from denote.runs.figure_folder import FIGURES, formats_in, remove_stale, show_others

N = 7


def figures() -> list[Drawing]:
    made = []
    for number in range(N):
        figure = Figure(figsize=(1, 1))
        figure.subplots().plot([0, number])
        made.append(Drawing("audit", str(number), figure, pl.DataFrame({"y": [0, number]}), {"of": "a network"}))
    return made


def test_processes_write_the_same_files(tmp_path: Path) -> None:
    formats = ("png", "svg")
    alone, beside = (save_drawings(figures(), tmp_path / str(n), formats, n) for n in (1, 2))
    assert [picture.path.name for picture in alone] == [picture.path.name for picture in beside]
    for name in (f"audit-{number}.{kind}" for number in range(N) for kind in (*formats, "csv")):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_what_another_process_cannot_draw_is_drawn_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, save_figure = os.getpid(), drawing.save_figure

    def fails_elsewhere(figure: Figure, folder: Path, name: str, formats: Sequence[str]) -> list[Path]:
        if os.getpid() != here:
            raise OSError("no room")
        return save_figure(figure, folder, name, formats)

    monkeypatch.setattr(drawing, "save_figure", fails_elsewhere)
    pictures = save_drawings(figures(), tmp_path, processes=2)
    assert len(pictures) == N
    assert all(picture.path.is_file() for picture in pictures)


def test_an_error_that_is_everywhere_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[Path]:
        raise OSError("no room")

    monkeypatch.setattr(drawing, "save_figure", fails)
    with pytest.raises(OSError, match="no room"):
        save_drawings(figures(), tmp_path, processes=2)


def test_settings_say_who_draws_and_whether_more_is_asked() -> None:
    assert FigureSettings.of({}) == FigureSettings("sweep", ("png",))
    assert FigureSettings.of({"figures": ALL, "figure_formats": ["svg"]}) == FigureSettings(ALL, ("png", "svg"))
    drawn = FigureSettings().as_drawn()
    assert FigureSettings().is_met(drawn)
    assert not FigureSettings(formats=("png", "svg")).is_met(drawn)
    assert not FigureSettings().is_met(FigureSettings(NONE).as_drawn())
    assert FigureSettings(NONE).is_met(None)
    assert FigureSettings().is_met({"formats": ["png"]})  # of an older denote
    assert not FigureSettings(style=DARK).is_met(drawn)
    assert FigureSettings.again({"figures": "none", "figure_scale": "shared"}, {"figure_networks": 9}) == (
        FigureSettings(scale="shared", networks=9)
    )
    assert FigureSettings(formats=("png", "pdf")).adding(("png", "svg")).formats == ("png", "pdf", "svg")


def lying(results: Path, *figures: str, **tables: list[float]) -> Path:
    """A folder of results with figures and tables of one column."""
    (results / FIGURES).mkdir(parents=True, exist_ok=True)
    for name in figures:
        (results / FIGURES / name).touch()
    for name, values in tables.items():
        pl.DataFrame({"x": values}).write_parquet(results / f"{name}.parquet")
    return results


def test_figures_are_stale_beside_tables_with_other_rows(tmp_path: Path) -> None:
    ours = lying(tmp_path / "ours", "a.png", "a.svg", "a.csv", cells=[1.0, float("nan")], layers=[2.0])
    assert formats_in(ours) == ("png", "svg")
    assert not show_others(ours, lying(tmp_path / "same", cells=[1.0, float("nan")], layers=[2.0]))
    assert not show_others(ours, lying(tmp_path / "more", layers=[2.0], new=[3.0]))
    assert show_others(ours, lying(tmp_path / "other", cells=[1.0, float("nan")], layers=[2.5]))
    assert show_others(ours, lying(tmp_path / "longer", layers=[2.0, 2.0]))
    (ours / "layers.parquet").write_bytes(b"broken")
    assert show_others(ours, lying(tmp_path / "whole", layers=[2.0]))
    undrawn = lying(tmp_path / "undrawn", cells=[1.0])
    assert not show_others(undrawn, lying(tmp_path / "changed", cells=[9.0]))


def test_stale_figures_go_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remove_stale(lying(tmp_path, "a.png"), "demo")
    assert not (tmp_path / FIGURES).exists()
    (line,) = caplog.messages
    assert line.startswith("demo: the tables changed")


def test_a_family_in_which_nothing_denotes_is_named() -> None:
    shares = {
        "share_denoting": [0.0, 0.5],
        "rotated_share_denoting": [None, 0.0],
        "untrained_share_denoting": [0.0] * 2,
    }
    frame = pl.DataFrame({"family": ["classes", "subsets"], **shares}).with_columns(
        dataset=pl.lit("d"), architecture=pl.lit("a"), trained=True, epoch=pl.lit(None, pl.Int64)
    )
    neurons = pl.DataFrame(
        [{"dataset": "d", "architecture": a, "trained": True, "epoch": None, "seed": seed, "object_model": f"{a}{seed}"}
         for a in ("a", "b") for seed in range(3)], schema_overrides={"epoch": pl.Int64},
    )  # fmt: skip
    networks, sentence = undrawn({"label_proportion_by_depth": frame, "neurons": neurons}, 3)
    assert "single classes" in sentence
    assert "subsets" not in sentence
    assert "show 3 of 6 networks; not drawn: d, b, seed 1; d, a, seed 2; d, b, seed 2." in networks
    assert "figure_networks=6 draws all" in networks
    assert len(undrawn({"label_proportion_by_depth": frame, "neurons": neurons}, 6)) == 1


@pytest.mark.parametrize(("processes", "last"), [(1, f"figure {N}"), (2, f"figure {N} of {N}")])
def test_progress_counts_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, last: str) -> None:
    steps, told, save_figure = Steps(), list[str](), drawing.save_figure

    def telling(*given: object) -> list[Path]:
        told.append(words(steps.open))
        return save_figure(*given)  # type: ignore[arg-type] # passed on as they came

    token = current.set(steps)
    monkeypatch.setattr(drawing, "save_figure", telling)
    try:
        save_drawings(figures(), tmp_path, processes=processes)
    finally:
        current.reset(token)
    assert told[-1] == last
    assert steps.open == []
