"""Chunks that submitit carries: a scheduler's signal interrupts the job and leaves the rest to the next process."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from denote.cli.launchers.submitit import ALL_DEVICES, SubmittedChunk, scheduler_stops
from denote.stops import Stopped


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signal handlers as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR2, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def requeues(*_: object) -> None:
    """Exit as submitit does once a job is requeued."""
    sys.exit(-1)


def gives_up(*_: object) -> None:
    """Raise as submitit does where it does not requeue."""
    raise RuntimeError("Job not requeued because: timed-out too many times.")


def ended_by_signal(seen: list[BaseException]) -> None:
    with scheduler_stops():
        try:
            os.kill(os.getpid(), signal.SIGUSR2)
            time.sleep(5)
        except (Exception, SystemExit) as error:  # as a job that records its failure
            seen.append(error)
        except KeyboardInterrupt as error:
            seen.append(error)
            raise


def test_a_job_is_interrupted_and_its_process_exits_as_submitit_wants() -> None:
    signal.signal(signal.SIGUSR2, requeues)
    seen: list[BaseException] = []
    with pytest.raises(SystemExit) as stop:
        ended_by_signal(seen)
    assert stop.value.code == -1
    assert [type(error) for error in seen] == [Stopped]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN  # SLURM's next word does not disturb the record
    assert signal.getsignal(signal.SIGUSR2) == requeues


def test_a_process_that_is_not_requeued_says_why() -> None:
    signal.signal(signal.SIGUSR2, gives_up)
    seen: list[BaseException] = []
    with pytest.raises(Stopped, match="timed-out too many times"):
        ended_by_signal(seen)
    assert len(seen) == 1


@pytest.mark.parametrize(("devices", "seen"), [(ALL_DEVICES, None), ("1", "1"), (None, "0")])
def test_devices_are_those_of_the_parent(
    monkeypatch: pytest.MonkeyPatch, devices: str | None, seen: str | None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # as submitit or SLURM sets it
    found: list[str | None] = []
    SubmittedChunk((), lambda _: found.append(os.environ.get("CUDA_VISIBLE_DEVICES")), devices)()
    assert found == [seen]


def test_what_is_requeued_is_the_chunk_with_its_settings() -> None:
    """Its work leaves alone what has ended."""
    pytest.importorskip("submitit")
    carried = SubmittedChunk((), print, ALL_DEVICES)
    assert carried.checkpoint().function == carried
