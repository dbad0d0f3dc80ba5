"""Record states on several devices: each runs some of the batches, and writes their rows into the same arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from denote.states.capture import new_arrays, write_rows, write_states
from denote.states.layers import Layer
from denote.worker_processes import worker_processes

if TYPE_CHECKING:
    from denote.data.samples import Inputs

WORTHWHILE = 16
"""Batches that a device has to get for its process, which takes seconds to start, to pay."""


def write_shared_states(
    network: nn.Module,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    paths: Mapping[Layer, Path],
    batch_size: int,
    device: torch.device,
    devices: int,
) -> None:
    """Do what `write_states` does, on several devices where there are enough batches.

    The batches are those of one device, in neighbouring shares, so that arrays have the same bits on equal devices.

    Args:
        network: See `write_states`; sent to the other processes, as are the inputs.
        inputs: See `write_states`.
        rows: See `write_states`.
        paths: See `write_states`.
        batch_size: Inputs that a device runs at once.
        device: ``cpu``, ``cuda`` or ``cuda:N``, which is one device.
        devices: Most devices that share the work; the first ones of that kind.

    Raises:
        StateError: if an activation is NaN or infinite.
        LayerError: if a batch does not give what was listed.
        DeviceError: if a process fails otherwise or is lost.
    """
    batches = -(-len(rows) // batch_size)
    count = min(devices, batches // WORTHWHILE, _available(device, devices))
    if count < 2:
        write_states(network, inputs, rows, paths, batch_size, device)
        return
    new_arrays(paths, len(rows))
    ends = [batch_size * (batches * rank // count) for rank in range(count)]
    shares = [slice(start, stop) for start, stop in zip(ends, [*ends[1:], len(rows)], strict=True)]
    on = [device if device.type == "cpu" else torch.device(device.type, rank) for rank in range(count)]
    first, *others = [
        (network, inputs, rows[share], paths, batch_size, where, share.start)
        for share, where in zip(shares, on, strict=True)
    ]
    threads = torch.get_num_threads()
    with worker_processes(_write, [(threads, *arguments) for arguments in others], "trainer.devices"):
        write_rows(*first)


def _write(
    threads: int,
    network: nn.Module,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    paths: Mapping[Layer, Path],
    batch_size: int,
    device: torch.device,
    first: int,
) -> None:
    """Record as the first process does, with as many threads: their number shapes the bits of products."""
    torch.set_num_threads(threads)
    write_rows(network, inputs, rows, paths, batch_size, device, first)


def _available(device: torch.device, devices: int) -> int:
    """Return the number of devices of that kind."""
    if device.type == "cpu":
        return devices
    return 1 if device.index is not None else torch.cuda.device_count()
