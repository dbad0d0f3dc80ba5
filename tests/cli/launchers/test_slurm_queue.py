"""How jobs of SLURM stand: from lines as squeue and sacct of SLURM 22.05 write them."""

from collections.abc import Sequence

import pytest

from denote.cli.launchers.slurm_queue import FORGETTING, SlurmQueue, Standing, cancel, longest_array

QUEUED = """\
7_0|RUNNING|None
7_1|PENDING|Resources
7_2|PENDING|PartitionTimeLimit
7_3|FAILED|NonZeroExitCode
7_4|COMPLETING|None
8|PENDING|BeginTime
99|COMPLETED|None
"""
ENDED = """\
7_5|CANCELLED by 1000|0:0
7_6|OUT_OF_MEMORY|0:125
7_7|RUNNING|0:0
"""


class Scheduler:
    """Answers commands with what a SLURM would write."""

    def __init__(self, queued: str | None = QUEUED, ended: str | None = ENDED) -> None:
        self.answers = {"squeue": queued, "sacct": ended}
        self.asked: list[list[str]] = []
        self.time = 0.0

    def command(self, command: Sequence[str]) -> str | None:
        self.asked.append(list(command))
        return self.answers.get(command[0])

    def queue(self) -> SlurmQueue:
        return SlurmQueue(self.command, lambda: self.time)


def test_every_state_is_told() -> None:
    jobs = [f"7_{number}" for number in range(7)]
    standings = Scheduler().queue().standings([*jobs, "8"])
    assert standings is not None
    assert {job: standing.state for job, standing in standings.items()} == {
        "7_0": "RUNNING", "7_1": "PENDING", "7_2": "PENDING", "7_3": "FAILED", "7_4": "COMPLETING",
        "7_5": "CANCELLED", "7_6": "OUT_OF_MEMORY", "8": "PENDING",
    }  # fmt: skip
    assert [job for job, standing in standings.items() if standing.has_ended] == ["7_3", "7_5", "7_6"]
    assert [job for job, standing in standings.items() if standing.is_pending] == ["7_1", "7_2", "8"]
    assert [job for job, standing in standings.items() if standing.is_hopeless] == ["7_2"]


def test_a_job_that_is_not_shown_has_ended_only_after_a_while() -> None:
    """Right after it was submitted squeue may not show it yet, and accounting lags behind."""
    scheduler = Scheduler()
    queue = scheduler.queue()
    assert queue.standings(["7_7", "55"]) == {}
    scheduler.time = FORGETTING
    assert queue.standings(["7_7", "55"]) == {"7_7": Standing("gone"), "55": Standing("gone")}


def test_a_job_that_is_shown_again_is_not_forgotten() -> None:
    scheduler = Scheduler()
    queue = scheduler.queue()
    assert queue.standings(["55"]) == {}
    scheduler.answers["squeue"] = "55|PENDING|BeginTime\n"
    scheduler.time = FORGETTING
    assert queue.standings(["55"]) == {"55": Standing("PENDING", "BeginTime")}
    scheduler.answers["squeue"] = ""
    assert queue.standings(["55"]) == {}


def test_without_accounting_squeue_is_enough_and_without_squeue_nothing_is_known() -> None:
    assert Scheduler(ended=None).queue().standings(["7_3"]) == {"7_3": Standing("FAILED", "NonZeroExitCode")}
    assert Scheduler(queued=None).queue().standings(["7_3"]) is None


def test_accounting_is_asked_once_for_all_elements_of_an_array() -> None:
    scheduler = Scheduler(queued="")
    scheduler.queue().standings([f"7_{number}" for number in range(500)])
    assert [command[-1] for command in scheduler.asked if command[0] == "sacct"] == ["7"]


@pytest.mark.parametrize(
    ("told", "expected"), [("MaxArraySize            = 1001\n", 1000), ("MaxArraySize = 1\n", 1), (None, 1000)]
)
def test_the_longest_array(told: str | None, expected: int) -> None:
    assert longest_array(lambda command: told) == expected


def test_many_jobs_are_cancelled_in_several_commands() -> None:
    scheduler = Scheduler()
    cancel({f"7_{number}" for number in range(1001)}, scheduler.command)
    assert [len(command) - 1 for command in scheduler.asked] == [500, 500, 1]
