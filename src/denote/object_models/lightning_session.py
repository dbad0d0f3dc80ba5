"""Run Lightning inside this process: quietly, interruptible, and alone whatever the environment says of other ones."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined] # re-exported without saying so
from pytorch_lightning.utilities import rank_zero_only

from denote.errors import ConfigError


class OneMachine(LightningEnvironment):
    """A cluster environment that knows this machine alone, and reads no environment variable.

    By itself Lightning believes what SLURM (``SLURM_NTASKS``, ``SLURM_PROCID``), torchrun (``LOCAL_RANK``,
    ``MASTER_ADDR``) and MPI leave in the environment, and refuses to train, waits for processes that do not exist, or
    believes to be another process than the first; it also warns of every ``srun`` on the path.

    Args:
        rank: Place of this process among those that train together.
    """

    def __init__(self, rank: int = 0) -> None:
        super().__init__()
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        """Return True: Lightning has none to start."""
        return True

    def local_rank(self) -> int:
        """Return the place of this process."""
        return self._rank

    def node_rank(self) -> int:
        """Return 0: there is one machine."""
        return 0

    def teardown(self) -> None:
        """Leave the environment as it is."""


def alone_on(device: torch.device) -> dict[str, Any]:
    """Return the arguments of a Trainer that trains in this process, on one device.

    Args:
        device: ``cpu``, ``cuda`` (the current one) or ``cuda:N``.
    """
    if device.type == "cpu":
        return {"accelerator": "cpu", "devices": 1, "plugins": [OneMachine()]}
    return {"accelerator": "gpu", "devices": gpu_indices(device), "plugins": [OneMachine()]}


def gpu_indices(device: torch.device) -> list[int]:
    """Return the index of the one GPU that is meant, or an empty list for the processor."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]


@contextmanager
def lightning_session() -> Iterator[None]:
    """Let Lightning train inside the block: quiet, interruptible, and as the first process.

    Raises:
        ConfigError: if the environment has settings of Lightning's own, which would change weights and enter no key.
    """
    _refuse_settings_of_the_environment()
    of_process: Any = rank_zero_only
    rank = of_process.rank  # what SLURM_PROCID, RANK, ... said when Lightning was imported
    of_process.rank = 0
    try:
        with quiet_lightning(), interruptible():
            yield
    finally:
        of_process.rank = rank


def _refuse_settings_of_the_environment() -> None:
    names = sorted(name for name in os.environ if name.startswith("PL_TRAINER_"))
    if names:
        problem = "is set in the environment; Lightning would train by it, unknown to the key of the weights"
        raise ConfigError(names[0], problem, "unset it, and set trainer.* instead")


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let torch use so many threads inside the block.

    Threads that wait for each other after every small product cost many times the product, and more where another
    process holds a processor.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C be a KeyboardInterrupt: Lightning makes it an exit and ignores the signal ever after."""
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if isinstance(interrupt := stop.__context__, KeyboardInterrupt):
            raise type(interrupt)(*interrupt.args) from stop  # a signal's name stays
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGINT, handler)


_LOGGERS = ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.rank_zero")
_REMARKS = (
    ".*does not have many workers.*",  # samples are in memory: workers would only copy them
    ".*number of training batches.*is smaller than the logging interval.*",  # logged per epoch
    ".*Checkpoint directory .* exists and is not empty.*",  # that is how training resumes
    ".*GPU available but not used.*",  # the user chose the device
    ".*`srun` command is available.*",  # Lightning still looks for it where a checkpoint might come from
    ".*sync_dist=True.*",  # what several devices log is put together before
    ".*LeafSpec.*is deprecated.*",  # Lightning's own use of torch
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's hints and its start-up lines inside the block; errors and other warnings pass."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for remark in _REMARKS:
            warnings.filterwarnings("ignore", message=remark)
        try:
            for name in levels:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
