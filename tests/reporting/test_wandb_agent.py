"""Under W&B's agent the job's run is the one that the agent asks for, and no other run is."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import composed
from drills.wandb_server import WELL, WandbServer

from denote.reporting import wandb_environment as environment
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_sessions import settle

SWEEP_FILE = Path(__file__).parents[2] / "scripts" / "wandb_sweep.yaml"


@pytest.fixture
def _under_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"wandb_version": 1, "attribute": {"value": "odd"}, "architecture.width": {"desc": None, "value": 32}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(parameters), encoding="utf-8")
    said = ("sweep123", "agents01", str(tmp_path / "config.yaml"))
    for name, value in zip(environment.OF_AGENT, said, strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_under_agent")
def test_the_jobs_run_takes_the_agents_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    runs: dict[str, dict[str, Any]] = {}

    def note(kind: str, asked: dict[str, Any]) -> None:
        if kind == "UpsertBucket":
            runs.setdefault(asked["jobType"], {}).update({key: of for key, of in asked.items() if of is not None})

    with WandbServer(WELL, more=note) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        tracker = Tracker(("wandb",), tmp_path / "single", "single", "single", limit=60, artifacts=False)
        with (
            tracker.run("job", "key", "a job", {"attribute": "odd", "seed": 3}, alone=True) as job,
            tracker.run("object_model", "key", "a network", {"seed": 3}) as network,
        ):
            assert job is not None
            assert network is not None
            job.log({"depth": 0, "linear/auroc": 0.75})
        settle()
    assert (runs["job"]["name"], runs["job"]["sweep"]) == ("agents01", "sweep123")
    config = {name: of["value"] for name, of in json.loads(runs["job"]["config"]).items() if name != "_wandb"}
    assert config == {"attribute": "odd", "architecture.width": 32, "seed": 3, "sweep": "single"}
    assert server.history["agents01"][0]["linear/auroc"] == 0.75
    assert runs["object_model"]["name"] != "agents01"
    assert "sweep" not in runs["object_model"]
    assert server.ended == {"agents01": 0, runs["object_model"]["name"]: 0}


def test_denote_takes_what_the_ready_sweep_says() -> None:
    sweep = yaml.safe_load(SWEEP_FILE.read_text(encoding="utf-8"))
    program, parameters, *fixed = sweep["command"]
    assert (program, parameters) == ("denote", "${args_no_hyphens}")
    config = composed(*(f"{name}={of['values'][-1]}" for name, of in sweep["parameters"].items()), *fixed)
    assert (config["architecture"]["width"], "prime" in config["attribute"]) == (128, True)
    assert config["on_existing"] == "redo"


@pytest.mark.usefixtures("_under_agent")
def test_an_agent_is_one_with_a_sweep_and_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").unlink()
    assert environment.agent() == environment.Agent("sweep123", "agents01", {})
    monkeypatch.delenv(environment.OF_AGENT[1])
    assert environment.agent() is None
