"""The arithmetic of a forecast."""

from typing import Any

import pytest
from rich.console import Console

from denote.reporting.forecast import Duration, Forecast, PlannedWork
from denote.reporting.forecast_page import print_forecast, rough_time
from denote.runs.forecast import FinishedJob, asks_about_depth, duration


def test_a_duration_is_the_median_of_a_kind_and_the_trainings_that_are_needed() -> None:
    finished = [
        FinishedJob("a", {"object model": 30.0, "total": 40.0}, 1),
        FinishedJob("a", {"object model": 0.5, "total": 12.5}, 1),
        FinishedJob("a", {"object model": 0.5, "total": 14.5}, 1),
        FinishedJob("b", {"object model": 900.0, "total": 999.0}, 1),
    ]
    assert duration(["a"] * 4, 2, finished) == Duration(4 * 12 + 2 * 30, 4, 3)
    half = duration(["a", "a", "c", "c"], 2, finished)
    assert half == Duration(2 * 12 + 1 * 30, 2, 3)
    assert duration(["c"], 1, finished) == Duration(0.0, 0, 0)
    assert duration([], 0, finished) == Duration(0.0, 0, 0)


ODD, PRIME, LOOP = ({name: {"kind": "where", "where": "class % 2 = 1"}} for name in ("odd", "prime", "loop"))


@pytest.mark.parametrize(
    ("layers", "attributes", "asks"),
    [
        (["all"], [{"subsets": {"kind": "subsets"}}], True),
        ([0, 1, 2], [{"subsets": {"kind": "subsets"}}], True),
        ([[0, 1, 2]], [ODD | PRIME | LOOP], True),
        (["hidden_*"], [ODD, PRIME, LOOP], True),
        (["all"], [{"where": {"a": "class = 1", "b": "class = 2", "c": "class = 3"}}], True),
        ([1], [{"subsets": {"kind": "subsets"}}], False),
        (["first", "last"], [{"subsets": {"kind": "subsets"}}], False),
        (["state"], [{"subsets": {"kind": "subsets"}}], False),
        (["all"], [ODD], False),
        (["all"], [{"where": "class = 1"} | ODD | PRIME | LOOP], False),
    ],
)
def test_a_question_about_depth_takes_several_layers_and_properties(
    layers: list[Any], attributes: list[Any], asks: bool
) -> None:
    jobs = [{"layer": {"select": layer}, "attribute": named} for layer in layers for named in attributes]
    assert asks_about_depth(jobs) == asks


@pytest.mark.parametrize(
    ("value", "written"), [(8.4, "8 s"), (90, "2 min"), (3600 * 5.25, "5.2 h"), (86400 * 3, "3.0 days")]
)
def test_rough_times(value: float, written: str) -> None:
    assert rough_time(value) == written


def test_too_little_disk_and_many_refusals_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    work = [PlannedWork(f"job {number}", "refused", reason="no") for number in range(12)]
    work.append(PlannedWork("good", "to run", "quick"))
    told = Forecast("multirun/x", work, states_bytes=3 * 2**30, free_bytes=2**30)
    print_forecast(told, Console(width=200))
    printed = capsys.readouterr().out
    assert "too little disk: 3 GiB are needed, 1 GiB are free" in printed
    assert printed.count("refused job") == 10
    assert "and 2 more" in printed
