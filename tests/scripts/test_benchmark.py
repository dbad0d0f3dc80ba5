"""The benchmarks at a tiny size, through the real command: what they compare is equal. No time is looked at."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import benchmark
import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark.py"
SECTIONS = ("linear", "shuffled", "path", "neuron", "layers", "scaling", "disk", "subsets", "formulas")
TINY = [
    "--rows=400", "--neurons=24", "--attributes=4", "--draws=2", "--layers=2", "--strengths=2", "--repeats=1",
    "--sample=2", "--disk-rows=20000", "--disk-neurons=24", "--disk-attributes=3",
    "--subset-rows=1000", "--subset-neurons=40", "--subset-classes=5",
    "--formula-rows=1000", "--formula-neurons=8", "--formula-atoms=5", f"--sections={','.join(SECTIONS)}",
]  # fmt: skip


def ran_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("results") / "benchmark.json"
    ran = ran_alone(*TINY, f"--json={file}", f"--folder={folder}")
    assert ran.returncode == 0, ran.stderr
    assert "2 of 4 attributes, scaled up" in ran.stdout
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def rows_of(results: dict[str, Any], section: str) -> list[dict[str, Any]]:
    return [row for row in results["rows"] if row["section"] == section]


def numbers(rows: list[dict[str, Any]], key: str) -> list[float]:
    return [row[key] for row in rows if row[key] is not None]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_speaks_of_every_state(results: dict[str, Any], section: str) -> None:
    states = {row["state"] for row in rows_of(results, section)}
    alone = {
        "disk": {"disk"},
        "subsets": {"drawn", *(f"digits, layer {depth}" for depth in range(3))},
        "formulas": {"drawn"},
    }
    assert states == alone.get(section, {"synthetic", "network"})


def test_the_machine_and_the_arguments_are_told(results: dict[str, Any]) -> None:
    assert {"torch", "scikit-learn", "numpy"} <= set(results["machine"]["versions"])
    assert results["arguments"]["rows"] == 400


def test_the_linear_probe_reaches_the_optimum(results: dict[str, Any]) -> None:
    rows = rows_of(results, "linear")
    assert max(numbers(rows, "objective_gap")) <= 1e-6
    assert max(numbers(rows, "coefficient_error")) <= 1e-3


def test_the_loop_that_is_as_accurate_is(results: dict[str, Any]) -> None:
    accurate = [row for row in rows_of(results, "linear") if "1e-6" in (row["alternative"] or "")]
    assert len(accurate) == 2
    assert max(numbers(accurate, "alternative_gap")) <= 1e-6


def test_the_scans_equal_the_loops(results: dict[str, Any]) -> None:
    differences = numbers(rows_of(results, "neuron"), "difference")
    assert len(differences) == 6
    assert max(differences) <= 1e-9


def test_the_tables_hold_all_cells_and_neurons(results: dict[str, Any]) -> None:
    tables = [row for row in rows_of(results, "layers") if row["what"].startswith("tables")]
    assert len(tables) == 4
    assert all("16 cells, 48 neurons" in row["note"] for row in tables)


def test_a_curve_has_its_sizes(results: dict[str, Any]) -> None:
    curve = next(row for row in rows_of(results, "scaling") if row["axis"] == "rows")
    assert [point["size"] for point in curve["points"]] == [100, 200, 400, 800]


def test_streamed_coefficients_are_those_in_memory(results: dict[str, Any]) -> None:
    fits = {row["fit"]: row for row in rows_of(results, "disk")}
    assert fits["same"]["coefficient_error"] <= 1e-5
    assert all(fits[fit]["peak"] >= fits[fit]["baseline"] > 0 for fit in ("linear", "ranks", "thresholds"))


def test_every_gap_scores_no_less_on_fit_than_quantiles(results: dict[str, Any]) -> None:
    gaps = numbers([row for row in rows_of(results, "subsets") if "fit_gap" in row], "fit_gap")
    assert len(gaps) == 12
    assert 0 <= min(gaps) <= max(gaps) < 0.01


def test_a_beam_is_near_all_formulas(results: dict[str, Any]) -> None:
    gaps = numbers([row for row in rows_of(results, "formulas") if "fit_gap" in row], "fit_gap")
    assert len(gaps) == 12
    assert -0.005 < min(gaps) <= max(gaps) < 0.02  # compared at quantiles, the winner's threshold is then set exactly


def test_nothing_is_left_behind(results: dict[str, Any], folder: Path) -> None:
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--device=cuda"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "benchmark.py: argument --device: there is no GPU that torch can use; nothing was run"
    ]


@pytest.mark.parametrize(
    "mistake",
    [["--rows=many"], ["--rows=0"], ["--state=nope"], ["--sections=nope"], ["--memory-limit=much"], ["--folder=/nope"],
     ["--sections=disk", "--disk-rows=1000000000000"], ["--threads=none"], ["--busy=0"],
     ["--device=cuda", "--sections=linear"]],
    ids=lambda mistake: " ".join(mistake),
)  # fmt: skip
def test_a_mistake_is_one_line(mistake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In this process; most of the time of one of its own would be imports."""
    try:
        code: object = benchmark.main(mistake)
    except SystemExit as stop:  # of argparse
        code = stop.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
