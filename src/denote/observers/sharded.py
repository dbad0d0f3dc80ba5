"""Fit observers to rows that lie in several processes, each with its own rows of one state."""

from __future__ import annotations

from dataclasses import asdict, replace

import torch
import torch.distributed as dist

from denote.config.keys import digest
from denote.errors import ConfigError, StateError
from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import FitData, Observer
from denote.observers.row_shards import ProcessShards, RowShards

_DIGITS = 12
"""Hexadecimal digits that a float64 holds."""


def fit_sharded(probe: LinearProbe | NeuronProbe, data: FitData, shards: RowShards | None = None) -> Observer:
    """Fit a probe to the rows of all processes, in every one of them.

    Every process calls it with the same probe and its own rows; together they are fitted as if they lay in one process,
    the rows of the first process first. A linear observer then differs from that of one process by the rounding of
    sums, a neuron's threshold not at all.

    Args:
        probe: Settings, the same in all processes.
        data: The rows of this process, at least one; ``seed`` and the columns are the same in all, and codes of
            ``groups`` mean the same. ``resources`` say where this process works and with how much memory.
        shards: The processes; by default all of torch's default process group.

    Returns:
        The observers, the same in every process.

    Raises:
        ConfigError: if ``torch.distributed`` is not initialised, or the probe cannot be fitted so.
        StateError: if the processes do not agree, the rows of one cannot be fitted, or one was lost.

    Example:
        Run by ``torchrun --nproc_per_node=2 script.py``::

            dist.init_process_group("gloo")
            state, labels = np.load("state.npy", mmap_mode="r"), np.load("labels.npy", mmap_mode="r")
            own = np.array_split(np.arange(len(state)), dist.get_world_size())[dist.get_rank()]
            data = FitData(state[own[0] : own[-1] + 1], labels[own[0] : own[-1] + 1])
            observer = fit_sharded(LinearProbe(), data)
    """
    if not isinstance(probe, LinearProbe | NeuronProbe):
        raise ConfigError("probe", f"a {probe.kind} probe is fitted by one process", "allowed: linear, neuron")
    if shards is None:
        if not (dist.is_available() and dist.is_initialized()):
            problem = "is not initialised, so that there are no processes to fit with"
            raise ConfigError("torch.distributed", problem, "call init_process_group in every process")
        shards = ProcessShards()
    _check_agreement(probe, data, shards)
    return probe.fit_data(replace(data, resources=replace(data.resources, shards=shards, kept=None)))


def _check_agreement(probe: LinearProbe | NeuronProbe, data: FitData, shards: RowShards) -> None:
    """Refuse processes that would not make the same fit, which would wait for each other for ever."""
    settings = int(digest([probe.kind, asdict(probe), data.seed, data.groups is not None])[:_DIGITS], 16)
    facts = [len(data.labels), data.state.shape[1], data.labels.shape[1], settings]
    of_all = shards.stacked(torch.tensor(facts, dtype=torch.int64))
    if int(of_all[:, 0].min()) < 1:
        problem = f"process {int(of_all[:, 0].argmin())} of {shards.count} has none"
        raise StateError("rows", problem, "one or more in every process")
    for place, what in enumerate(("neurons", "attributes", "settings"), start=1):
        came = of_all[:, place].tolist()
        if len(set(came)) > 1:
            shown = "" if what == "settings" else f": {came}"
            raise StateError(what, f"differ between the processes{shown}", "the same in every process")
