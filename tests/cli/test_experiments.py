"""Experiments as users change them: what is typed replaces what they sweep, and does not multiply it."""

from pathlib import Path
from typing import Any

import pytest
from command_line import Command
from omegaconf import OmegaConf

from denote.cli import sweeper

FOLDER = Path(__file__).parents[2] / "conf" / "experiment"
EXPERIMENTS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.fixture
def planned(denote: Command, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of the jobs that a command line plans; none is run."""
    monkeypatch.setattr(sweeper, "keeping_epochs", lambda jobs: [])

    def settings(*arguments: str) -> list[dict[str, Any]]:
        denote(*arguments)
        plan = sweeper.PlannedSweeper.plan
        assert plan is not None
        assert [job.reason for job in plan.jobs if job.status != "run"] == []
        return [job.settings for job in plan.jobs]

    return settings


def networks(jobs: list[dict[str, Any]]) -> set[tuple[Any, Any]]:
    return {(job["architecture"].get("layers"), job["architecture"].get("width")) for job in jobs}


NEEDED = {
    "audit": ["dataset.path=table.csv", "dataset.target=class", "dataset.attributes=[age]"],
    "tagger": ["dataset.path=text.conllu"],
}
"""What an experiment has no default for."""

BY_DEPTH = "experiment=label_proportion_by_depth"


def test_an_experiment_sweeps_architectures_and_seeds(planned: Any) -> None:
    jobs = planned(BY_DEPTH)  # that all of them can start is seen to by the plan
    assert len(jobs) == 5 * 8
    assert networks(jobs) == {(4, 64), (8, 64), (12, 64), (8, 128), (None, None)}


@pytest.mark.parametrize("prefix", ["", "++"])
def test_a_typed_value_replaces_the_swept_ones(planned: Any, prefix: str) -> None:
    jobs = planned(BY_DEPTH, f"{prefix}seed=3", "architecture=mlp_8x128")
    assert [job["seed"] for job in jobs] == [3]
    assert networks(jobs) == {(8, 128)}


def test_a_typed_sweep_replaces_the_swept_one(planned: Any) -> None:
    jobs = planned("-m", BY_DEPTH, "seed=5,6", "architecture=mlp_4x64,mlp_8x64_norm")
    assert len(jobs) == 4
    assert {job["seed"] for job in jobs} == {5, 6}


def test_settings_on_top_of_an_architecture_hold(planned: Any) -> None:
    assert networks(planned(BY_DEPTH, "seed=0", "architecture=mlp_8x128", "architecture.width=32")) == {(8, 32)}


@pytest.mark.parametrize("experiment", [e for e in EXPERIMENTS if f"experiment={e}" != BY_DEPTH])
def test_every_job_of_an_experiment_can_start(planned: Any, experiment: str) -> None:
    """Two seeds stand for all; of the jobs by depth they are planned above."""
    swept = OmegaConf.load(FOLDER / f"{experiment}.yaml").get("hydra", {}).get("sweeper", {}).get("params", {})
    seeds = ["seed=0,1"] if "seed" in swept else []
    assert planned(*["-m"] * len(seeds), f"experiment={experiment}", *NEEDED.get(experiment, []), *seeds)
