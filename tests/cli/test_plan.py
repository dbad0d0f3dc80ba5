"""``plan=true`` tells what a sweep would do and need, and writes nothing; what it tells is what comes."""

from pathlib import Path

import numpy as np
from command_line import Command

from denote.cli.plan import forecast
from denote.cli.sweeper import PlannedSweeper
from denote.reporting.forecast import Forecast

JOB = [
    *("debug=fast", "logger=none", "figures=none", "progress=none", "sweep_name=planned", "attribute=odd"),
    *("probe=linear", "control=[untrained]", "control.untrained.twins=1", "architecture.layers=2"),
    "architecture.width=8",
]


def told() -> Forecast:
    """The forecast of the plan of the latest command."""
    assert PlannedSweeper.plan is not None
    return forecast(PlannedSweeper.plan)


def states_in(store: Path) -> list[Path]:
    """The arrays of states in a store."""
    return [file for file in (store / "states").rglob("*.npy") if file.name != "rows.npy"]


def test_what_is_planned_is_what_comes(denote: Command, tmp_path: Path) -> None:
    answer = denote("-m", "plan=true", *JOB, "seed=0")
    assert answer.code == 0, answer.err
    before = told()
    assert list(tmp_path.iterdir()) == []
    assert [work.state for work in before.work] == ["to run"]
    assert before.trainings == (1, 0)
    assert before.duration.n_known == 0
    assert "no job of their kind is finished" in " ".join(answer.out.split())

    assert denote("-m", *JOB, "seed=0").code == 0
    store = tmp_path / "multirun" / ".store"
    arrays = states_in(store)
    assert before.states_bytes == sum(np.load(file, mmap_mode="r").nbytes for file in arrays)
    assert before.recordings == (len({file.relative_to(store).parts[1] for file in arrays}), 0)

    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    answer = denote("-m", "plan=true", *JOB, "seed=0,1")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == kept
    assert answer.code == 0
    after = told()
    assert [(work.state, work.level) for work in after.work] == [("finished", "standard"), ("to run", "standard")]
    assert after.trainings == (1, 0)
    assert (after.duration.n_known, after.duration.n_from) == (1, 1)
    assert after.duration.seconds > 0
    assert after.table_bytes is not None

    denote("-m", "plan=true", *JOB, "seed=0", "evidence.permutations=40", "sweep_name=other")
    other = told()
    assert [work.state for work in other.work] == ["to run"]  # of another kind, on the same network and states
    assert (other.trainings, other.states_bytes, other.duration.n_known) == ((1, 1), 0, 0)


def test_what_ablation_takes_is_told(denote: Command) -> None:
    ablate = ["intervention=ablate", "intervention.ablate.draws=2", "intervention.ablate.directions=19"]
    answer = denote("-m", "plan=true", *JOB, *ablate, "seed=0,1")
    cost = told().interventions
    assert cost is not None
    n_layers, neurons = 3, 8 + 8 + 10
    assert cost.passes == 2 * 3 * neurons  # of two networks: zero, mean and one resample of every neuron
    directions = 19 + 40 * n_layers  # and what a correction asks for where none of 19 costs as much
    assert cost.of_neuron == 3 + 2 + directions
    assert cost.of_observers == 2 * n_layers * (
        (2 + directions) + (3 + 2 + directions)
    )  # and the neurons of most weight
    assert f"{cost.passes} passes" in answer.out
    answer = denote("-m", "plan=true", *JOB, "intervention=[erase,steer]", "intervention.steer.neurons=0", "seed=0")
    cost = told().interventions
    assert cost is not None
    assert (cost.passes, cost.of_erasures) == (0, n_layers * (3 + 2 * 99))  # one attribute: before, after, outputs
    assert cost.of_steering == (n_layers - 1) * 6 * (1 + 199)  # outputs are not steered
    assert "erasure" in answer.out
    denote("-m", "plan=true", *JOB, "seed=0")
    assert told().interventions is None


def test_an_upgrade_is_told(denote: Command) -> None:
    job = ["-m", *(part for part in JOB if "control" not in part and "debug" not in part), "trainer.max_epochs=2"]
    assert denote(*job, "evidence=quick").code == 0
    assert denote(*job, "evidence=standard", "plan=true").code == 0
    assert [(work.state, work.level) for work in told().work] == [("to upgrade", "standard")]
    assert told().trainings == (1, 1)


def test_one_job_is_planned_like_a_sweep(denote: Command, tmp_path: Path) -> None:
    answer = denote("plan=true", *JOB, "layer=last", "evidence=quick")
    assert (answer.code, list(tmp_path.iterdir())) == (0, [])
    assert told().folder.startswith("multirun/single/digits-mlp-2x8-odd-linear")
    assert any("a test of depth needs 3 layers" in sentence for sentence in told().unsaid)
    assert any("evidence=quick leaves out" in sentence for sentence in told().unsaid)
    answer = denote("plan=true", *JOB, "seed=0,1")
    assert answer.code == 2
    assert "with -m" in answer.err


def test_an_experiment_is_a_sweep_without_m(denote: Command) -> None:
    assert denote("plan=true", "experiment=emergence", "logger=none").code == 0
    found = told()
    assert len(found.work) == 7 * 8
    assert found.trainings == (8, 0)
    assert not any("a verdict on depth" in sentence for sentence in found.unsaid)


def test_what_will_fail_and_what_has_too_few_rows_is_told(denote: Command) -> None:
    rare = 'attribute.where="class = 3 AND ink < 0.1"'
    assert denote("-m", "plan=true", *JOB, rare).code == 0
    assert any("this will fail: attribute" in sentence for sentence in told().unknown)
    rare_columns = [
        "attribute=quantiles",
        "attribute.quantiles.columns=[ink]",
        "attribute.quantiles.proportions=[0.01]",
    ]
    assert denote("-m", "plan=true", *JOB, *rare_columns).code == 0
    assert any("too few rows" in sentence for sentence in told().unsaid)


def test_data_that_may_be_fetched_is_not_loaded(denote: Command) -> None:
    answer = denote("-m", "plan=true", *JOB, "dataset=mnist", "dataset.root=nowhere")
    assert answer.code == 0
    assert "nowhere is not there" in answer.out


def test_a_plan_of_which_nothing_can_start_is_a_mistake(denote: Command, tmp_path: Path) -> None:
    answer = denote("-m", "plan=true", *JOB, "seed=0,1", "analysis.level=5")
    assert (answer.code, list(tmp_path.iterdir())) == (2, [])
    assert answer.err.startswith("sweep: none of 2 jobs could start")
    assert answer.err.count("\n") == 1
    alone = denote("plan=true", *JOB, "analysis.level=5")
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    assert "sweep" not in alone.err
    assert "analysis.level" in alone.err
