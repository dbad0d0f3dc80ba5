"""Fit observers to one state in one process and in several, each with some of the rows, and compare.

Prints the largest difference of the coefficients, wall and CPU seconds, and what the processes told each other. The
state is drawn from a seed: rectified mixtures of a few directions, whose attributes lie along some of them.

    python scripts/drills/sharded_observers.py
    python scripts/drills/sharded_observers.py --rows 20000 --neurons 64 --processes 3
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import FitData
from denote.observers.reading import Resources
from denote.observers.row_shards import ProcessShards, RowShards
from denote.observers.sharded import fit_sharded

PROBES = {"linear": LinearProbe(), "neuron": NeuronProbe()}
LIMIT = timedelta(minutes=5)
"""How long a process waits for the others."""


def draw(folder: Path, rows: int, neurons: int, attributes: int, seed: int) -> None:
    """Draw state and labels, and write them to a folder."""
    rng = np.random.default_rng(seed)
    directions = min(32, neurons)
    mixing = rng.normal(size=(directions, neurons)).astype(np.float32) / np.sqrt(directions)
    state = np.lib.format.open_memmap(folder / "state.npy", "w+", np.float32, (rows, neurons))
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.int8, (rows, attributes))
    cuts = np.linspace(0, 1.5, attributes)
    for start in range(0, rows, 1 << 14):
        hidden = rng.normal(size=(min(1 << 14, rows - start), directions)).astype(np.float32)
        part = slice(start, start + len(hidden))
        noise = rng.normal(size=(len(hidden), neurons)).astype(np.float32)
        state[part] = np.maximum(hidden @ mixing + 0.3 * noise, 0)
        doubt = rng.normal(size=(len(hidden), attributes))
        labels[part] = hidden[:, np.arange(attributes) % directions] + 0.3 * doubt > cuts
    state.flush()
    labels.flush()


def fit(folder: Path, name: str, threads: int, shards: RowShards) -> dict[str, Any]:
    """Fit one probe to this process's rows, and write its coefficients."""
    torch.set_num_threads(threads)
    state, labels = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("state", "labels"))
    own = shards.share(len(state))
    data = FitData(np.array(state[own]), np.array(labels[own]), resources=Resources())
    wall, cpu = time.perf_counter(), time.process_time()
    observer = fit_sharded(PROBES[name], data, shards)
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    kind = f"{name}-{shards.count}-{shards.rank}"
    np.savez(folder / f"{kind}.npz", weights=observer.weights, bias=observer.bias)
    told = {"messages": getattr(shards, "messages", 0), "bytes": getattr(shards, "bytes", 0)}
    return {**seconds, **told, "converged": bool(observer.converged.all())}


def worker(folder: Path, name: str, threads: int, rank: int, processes: int, port: int, backend: str) -> None:
    """Be one of the processes, and print what it measured."""
    shards = RowShards()
    if processes > 1:
        address = f"tcp://127.0.0.1:{port}"
        dist.init_process_group(backend, init_method=address, rank=rank, world_size=processes, timeout=LIMIT)
        shards = ProcessShards()
    warm = FitData(np.eye(4, dtype=np.float32), np.eye(4, 1, dtype=np.int8))  # kernels are compiled, threads started
    fit_sharded(PROBES[name], warm, RowShards())
    print(json.dumps(fit(folder, name, threads, shards)))


def measure(folder: Path, name: str, threads: int, processes: int, backend: str) -> list[dict[str, Any]]:
    """Start the processes, and return what each of them measured."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    given = [str(value) for value in (folder, name, threads, processes, port, backend)]
    commands = [[sys.executable, __file__, "--worker", str(rank), *given] for rank in range(processes)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]  # noqa: S603
    said = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        sys.exit(f"{name}: a process failed, see above")
    return [json.loads(text.splitlines()[-1]) for text in said]


def difference(folder: Path, name: str, processes: int) -> tuple[float, float]:
    """Largest difference of the coefficients from those of one process, absolute and relative to the largest."""
    alone, shared = (np.load(folder / f"{name}-{count}-0.npz") for count in (1, processes))
    gaps = [float(np.abs(alone[part] - shared[part]).max()) for part in ("weights", "bias")]
    sizes = [float(np.abs(alone[part]).max()) for part in ("weights", "bias")]
    return max(gaps), max(gap / size for gap, size in zip(gaps, sizes, strict=True))


def compare(folder: Path, name: str, processes: int, backend: str) -> None:
    """Print a line per way to fit one probe, and how far their coefficients lie apart."""
    for threads, count in ((1, 1), (2, 1), (1, processes)):
        came = measure(folder, name, threads, count, backend)
        wall, cpu = max(each["wall"] for each in came), sum(each["cpu"] for each in came)
        sent = sum(each["bytes"] for each in came) / 1e6
        ways = f"{name:<8}{count:>10}{threads:>9}{wall:>9.2f}{cpu:>9.2f}{came[0]['messages']:>10}{sent:>10.2f}"
        print(f"{ways}  {'yes' if all(each['converged'] for each in came) else 'no'}", flush=True)
    absolute, relative = difference(folder, name, processes)
    print(f"{name}: coefficients differ by at most {absolute:.1e}, {relative:.1e} of the largest", flush=True)


def main() -> None:
    """Parse the arguments, draw a state and compare."""
    if sys.argv[1:2] == ["--worker"]:
        rank, folder, name, threads, processes, port, backend = sys.argv[2:]
        worker(Path(folder), name, int(threads), int(rank), int(processes), int(port), backend)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"rows": 200_000, "neurons": 256, "attributes": 4, "processes": 2, "seed": 0}
    for option, default in sizes.items():
        parser.add_argument(f"--{option}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--backend", default="gloo", help="of torch.distributed; default: gloo")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), given.rows, given.neurons, given.attributes, given.seed)
        print("probe    processes  threads   wall s    CPU s  messages   MB sent  converged")
        for name in PROBES:
            compare(Path(folder), name, given.processes, given.backend)


if __name__ == "__main__":
    main()
