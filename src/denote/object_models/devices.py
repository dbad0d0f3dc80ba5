"""Let several devices train one network: one process each, which share every batch and average their gradients.

The process that was asked to train is the first of them and keeps what only it has: callbacks, loggers, the store. The
others are started by us, not by Lightning, whose launcher would run the user's command line again, with a whole sweep.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy

from denote.config.settings import TrainingSettings
from denote.errors import ConfigError
from denote.object_models.lightning_session import OneMachine, alone_on, lightning_session, torch_threads
from denote.object_models.spec import TrainerOptions
from denote.stops import in_main_thread
from denote.worker_processes import worker_processes

UNUSED = "ddp_find_unused_parameters_true"
"""The strategy for networks of which some parameters take no part in the loss."""

LIMIT = timedelta(minutes=30)
"""Longest that a device waits for the others, who may write a checkpoint."""

LOOPBACK = {"linux": "lo", "darwin": "lo0"}

Fit = Callable[[dict[str, Any]], None]
"""Trains by the arguments that a Trainer needs to know its devices."""


class Together(DDPStrategy):
    """Lightning's ``ddp`` for processes that are there already, and are told to end by us.

    Args:
        find_unused_parameters: Whether some parameters may take no part in the loss.
    """

    def __init__(self, find_unused_parameters: bool) -> None:
        super().__init__(find_unused_parameters=find_unused_parameters)
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    def _configure_launcher(self) -> None:
        """Start no processes, and leave the number of torch's threads alone."""

    def on_train_start(self) -> None:
        """Handle SIGTERM as before: Lightning's handler would wait for the others, who are in the middle of a step."""
        if in_main_thread():
            signal.signal(signal.SIGTERM, self._on_sigterm)


@dataclass(frozen=True)
class Place:
    """One of the devices that train together.

    Attributes:
        rank: Its number, from 0.
        count: How many there are.
        device: ``cpu`` or ``cuda``.
        strategy: See `denote.config.settings.STRATEGIES`.
        rendezvous: The file by which the processes find each other.
        threads: Of torch, in each process.
    """

    rank: int
    count: int
    device: str
    strategy: str
    rendezvous: Path
    threads: int

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a Trainer at this place."""
        return {
            "accelerator": "cpu" if self.device == "cpu" else "gpu",
            "devices": self.count,
            "strategy": Together(find_unused_parameters=self.strategy == UNUSED),
            "plugins": [OneMachine(self.rank)],
            "use_distributed_sampler": False,  # loaders give each device its share
        }

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Be in one process group with the other devices inside the block."""
        if self.device == "cuda":
            torch.cuda.set_device(self.rank)
        with _on_loopback():
            dist.init_process_group(
                "gloo" if self.device == "cpu" else "nccl",
                store=dist.FileStore(str(self.rendezvous), self.count),  # type: ignore[attr-defined] # is public
                rank=self.rank,
                world_size=self.count,
                timeout=LIMIT,
            )
        try:
            dist.barrier()
            if self.rank == 0:  # nobody reads the file any more, and so even a process that is killed leaves none
                shutil.rmtree(self.rendezvous.parent, ignore_errors=True)
            yield
        finally:
            dist.destroy_process_group()


@dataclass(frozen=True)
class Share:
    """How devices share the batches of an epoch.

    Attributes:
        n_rows: Rows of all batches.
        batch_size: Rows of every batch but the last.
        devices: How many share a batch.
    """

    n_rows: int
    batch_size: int
    devices: int

    def weight(self, number: int, rows: int) -> float:
        """Return what the mean over one device's rows weighs in the mean over devices: 1 where all have as many.

        Args:
            number: Of the batch, from 0.
            rows: Of it on the device.
        """
        return rows * self.devices / min(self.batch_size, self.n_rows - number * self.batch_size)


def train_on_devices(fit_at: Callable[[int], Fit], training: TrainingSettings, options: TrainerOptions) -> None:
    """Train on one device in this process, or on several, of which it has the first.

    Args:
        fit_at: Gives what the process with that number does; for all but the first it is sent to another process.
        training: How many devices, and the threads of each.
        options: Which device, or of which kind, and how they train together.

    Raises:
        ConfigError: if there are not so many devices.
        DeviceError: if a process fails or is lost; in one line.
    """
    device, count = torch.device(options.device), training.devices
    if count == 1:
        fit_at(0)(alone_on(device))
        return
    _check_devices(device, count)
    with tempfile.TemporaryDirectory(prefix="denote-") as folder:
        first = Place(0, count, device.type, options.strategy, Path(folder) / "rendezvous", training.threads)
        others = [(fit_at(rank), replace(first, rank=rank)) for rank in range(1, count)]
        with worker_processes(_follow, others, "trainer.devices"), first.joined():
            fit_at(0)(first.arguments())


def _follow(fit: Fit, place: Place) -> None:
    """Train as the first process does, silently."""
    warnings.simplefilter("ignore")
    with lightning_session(), torch_threads(place.threads), place.joined():
        fit(place.arguments())


def _check_devices(device: torch.device, count: int) -> None:
    if dist.is_available() and dist.is_initialized():
        problem = "this process has a process group of torch.distributed already"
        raise ConfigError("trainer.devices", problem, "allowed here: 1")
    if device.type == "cuda" and device.index is not None:
        raise ConfigError("device", f"{device} is one device, trainer.devices={count} needs more", "allowed: cuda, cpu")
    if device.type == "cuda" and count > torch.cuda.device_count():
        problem = f"there are no {count} GPUs"
        raise ConfigError("trainer.devices", problem, f"allowed here: 1 to {torch.cuda.device_count()}, or device=cpu")


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let gloo use the machine's own interface, unless the user has named another."""
    name, interface = "GLOO_SOCKET_IFNAME", LOOPBACK.get(sys.platform)
    if interface is None or name in os.environ:
        yield
        return
    os.environ[name] = interface
    try:
        yield
    finally:
        del os.environ[name]
