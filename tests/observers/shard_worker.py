"""One of two processes that fit observers to their rows; run by test_sharded.py, which draws the same cases."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from denote.errors import DenoteError
from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import FitData, Observer, save_observers
from denote.observers.reading import Resources
from denote.observers.sharded import fit_sharded

CUT = 0.65
"""Share of the rows that the first process holds."""


@dataclass(frozen=True)
class Case:
    """A probe and all rows, and how far coefficients may be off, of the largest: by rounding, or not at all."""

    probe: LinearProbe | NeuronProbe
    data: FitData
    within: float = 1e-6

    def own(self, rank: int) -> FitData:
        """Rows of one of the two processes."""
        cut = round(CUT * len(self.data.labels))
        data = self.data.at(np.arange(cut) if rank == 0 else np.arange(cut, len(self.data.labels)))
        return replace(data, state=np.asarray(data.state))


def cases() -> dict[str, Case]:
    """Fits of every kind, small."""
    rng = np.random.default_rng(5)
    state = np.maximum(rng.normal(size=(1001, 13)) @ rng.normal(size=(13, 13)), 0).astype(np.float32)
    state[:, 3] = 2.0  # constant
    state[:, 4] = np.repeat([1.0, 2.0], [651, 350])  # constant in each process, but not in both
    state[:, 5] = np.round(state[:, 5])  # ties
    state[:, 6] += 3e4  # far from 0
    labels = np.stack([state[:, place] + rng.normal(size=1001) > state[:, place].mean() for place in range(3)], axis=1)
    values = labels.astype(np.int8)
    values[::7, 1] = -1
    values[651:, 2] = -1  # all of its rows lie in the first process
    values = np.concatenate([values, np.zeros((1001, 1), np.int8), (np.arange(1001)[:, None] < 300)], axis=1)
    data = FitData(state, np.ascontiguousarray(values, dtype=np.int8))
    wide = FitData(rng.normal(size=(120, 300)).astype(np.float32), values[-120:, :2])
    return {
        "linear": Case(LinearProbe(), data),
        "raw": Case(LinearProbe(standardise=False, l2=1e-2), data),
        "strengths": Case(LinearProbe(l2=(1e-2, 1e-1, 1.0)), replace(data, seed=3)),
        "grouped": Case(LinearProbe(l2=(1e-2, 1e-1)), replace(data, groups=np.arange(1001) // 10)),
        "unbalanced": Case(LinearProbe(balance=False), data),
        "streamed": Case(LinearProbe(), replace(data, resources=Resources(memory=180_000))),
        # With fewer rows than neurons the penalty alone holds most directions, along which rounding moves furthest.
        "wide": Case(LinearProbe(), wide, within=2e-5),
        "neuron": Case(NeuronProbe(), data, within=0),
        "narrow neuron": Case(NeuronProbe(), replace(data, state=state[:, :1]), within=0),
    }


def mistakes(rank: int) -> dict[str, tuple[LinearProbe | NeuronProbe | MlpProbe, FitData]]:
    """What one process alone has, or has otherwise."""
    data = cases()["linear"].own(rank)
    spoiled = np.array(data.state)
    spoiled[7 * rank, rank] = np.nan if rank else spoiled[0, 0]
    return {
        "nan linear": (LinearProbe(), replace(data, state=spoiled)),
        "nan neuron": (NeuronProbe(), replace(data, state=spoiled)),
        "neurons": (LinearProbe(), replace(data, state=np.asarray(data.state)[:, rank:])),
        "settings": (LinearProbe(l2=1e-3 * (1 + rank)), data),
        "no rows": (LinearProbe(), data if rank else data.at(np.arange(0))),
        "memory": (LinearProbe(), replace(data, resources=Resources(memory=1000.0 if rank else float("inf")))),
        "probe": (MlpProbe(), data),
    }


def main(rank: int, folder: Path) -> None:
    """Fit all cases, meet all mistakes, and lose the other process."""
    torch.set_num_threads(1)
    rendezvous = f"file://{folder / 'rendezvous'}"
    limit = timedelta(seconds=60)
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2, timeout=limit)
    fitted: dict[str, Observer] = {name: fit_sharded(case.probe, case.own(rank)) for name, case in cases().items()}
    save_observers(folder / f"{rank}.safetensors", fitted)
    told = {}
    for name, (probe, data) in mistakes(rank).items():
        try:
            fit_sharded(probe, data)  # type: ignore[arg-type] # one is not allowed
        except DenoteError as error:
            told[name] = str(error)
    if rank == 1:
        (folder / "1.json").write_text(json.dumps(told))
        os._exit(9)  # as if it had been killed
    try:
        fit_sharded(*mistakes(1)["neurons"])  # type: ignore[arg-type]
    except DenoteError as error:
        told["lost"] = str(error)
    (folder / "0.json").write_text(json.dumps(told))
    os._exit(0)  # gloo's threads, which wait for the lost process, may abort a usual end


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
