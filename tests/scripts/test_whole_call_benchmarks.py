"""The benchmarks of the whole call at tiny sizes: what they compare is equal. No time is looked at."""

import json
from importlib import import_module
from typing import Any

import benchmark
import pytest
from benchmarks import growth, observe, transformer
from benchmarks.processes import alone

TINY = [
    "--rows=4000", "--neurons=12", "--attributes=3", "--sample=2", "--repeats=1", "--state=synthetic", "--small",
    "--threads=1", "--busy=1", "--sections=observe,growth,transformer",
]  # fmt: skip
CLOSE = 1e-3
"""Held-out AUROCs of fits that minimise the same objective, some of them in float32 and to a default tolerance."""


def here(module: str, threads: int | None = None, **asked: object) -> dict[str, Any]:
    """Run in this process what has one of its own otherwise, for most of its time would be imports."""
    told: dict[str, Any] = import_module(f"benchmarks.{module}").main(json.loads(json.dumps(asked)))
    return told


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("benchmark")
    file, work = folder / "benchmark.json", folder / "work"
    work.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for section in (growth, observe, transformer):
            patch.setattr(section, "alone", here)
        assert benchmark.main([*TINY, f"--json={file}", f"--folder={work}"]) == 0
    assert list(work.iterdir()) == []
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert content["machine"]["cpus"] >= 1
    found: list[dict[str, Any]] = content["rows"]
    return found


def of(rows: list[dict[str, Any]], section: str, **wanted: object) -> list[dict[str, Any]]:
    named = [row for row in rows if row["section"] == section]
    return [row for row in named if all(row.get(key) == value for key, value in wanted.items())]


def test_every_call_meets_what_it_is_compared_with(rows: list[dict[str, Any]]) -> None:
    for load in ("quiet", "busy"):
        met = {(row["call"], row["against"]) for row in of(rows, "observe", load=load) if row["against"] != "quiet"}
        assert met == {
            (call, against) for call in observe.COMPARED for against in (*observe.COMPARED[call], "linear fit")
        }


def test_ratios_are_those_of_the_seconds(rows: list[dict[str, Any]]) -> None:
    ratios = [row for row in of(rows, "observe") if row["against"] not in ("quiet", "linear fit")]
    for row in ratios:  # of one round, so that its ratio is the ratio
        assert row["ratio"] == pytest.approx(row["alternative_s"] / row["ours_s"])
        assert row["cpu_ratio"] == pytest.approx(row["alternative_cpu_s"] / row["ours_cpu_s"])
    for row in of(rows, "observe", against="linear fit") + of(rows, "observe", against="quiet"):
        assert row["times_one"] == pytest.approx(row["ours_s"] / row["alternative_s"])


def test_the_expert_takes_the_fastest_fits(rows: list[dict[str, Any]]) -> None:
    (expert,) = of(rows, "observe", call="quick", against="expert", load="quiet")
    others = [
        of(rows, "observe", call="quick", against=name, load="quiet")[0] for name in ("newton-cholesky", "torch Newton")
    ]
    assert expert["alternative_cpu_s"] <= min(row["alternative_cpu_s"] for row in others)


def test_baselines_read_as_well_as_denote(rows: list[dict[str, Any]]) -> None:
    for row in of(rows, "observe", load="quiet"):
        if row["against"] in ("two loops", "expert", *observe.BASELINES) and row["against"] != "Adam":
            assert row["alternative_auroc"] == pytest.approx(row["ours_auroc"], abs=CLOSE)
        if row["against"] == "Adam":
            assert 0.5 < row["alternative_auroc"] <= 1


def test_the_scan_has_the_aurocs_of_ranks(rows: list[dict[str, Any]]) -> None:
    differences = [row["difference"] for row in of(rows, "observe") if row["difference"] is not None]
    assert differences
    assert max(differences) < 1e-6


def test_a_curve_has_its_sizes_and_exponents(rows: list[dict[str, Any]]) -> None:
    curves = {(row["axis"], row["level"]): row["points"] for row in of(rows, "growth")}
    assert set(curves) == {(axis, level) for axis in growth.CURVES for level in ("quick", "standard")}
    for (axis, _), points in curves.items():
        assert len(points) == len(growth.CURVES[axis][1])
        assert [point["size"] for point in points] == sorted({point["size"] for point in points})
        assert all("exponent" in point for point in points[1:])
        assert all(point["peak_mib"] > 0 and point["cpu_s"] > 0 for point in points)


@pytest.mark.parametrize("unit", ["sample", "token"])
def test_the_transformer_is_read_alike_by_hand(rows: list[dict[str, Any]], unit: str) -> None:
    found = of(rows, "transformer", unit=unit)
    assert [row["level"] for row in found] == ["quick", "standard"]
    for row in found:
        assert row["ours_auroc"] == pytest.approx(row["alternative_auroc"], abs=CLOSE)
        assert row["cpu_ratio"] == pytest.approx(row["alternative_cpu_s"] / row["ours_cpu_s"])
        assert row["peak_mib"] > 0


def test_a_process_of_its_own_says_what_each_size_took() -> None:
    sizes = [{"rows": 400, "neurons": 8, "attributes": 2}]
    told = alone("growth_alone", 1, level="quick", device="cpu", seed=0, sizes=sizes)
    assert [set(point) for point in told["points"]] == [{"wall_s", "cpu_s", "before_mib", "peak_mib"}]
