"""A state larger than the memory that its fit may take: seconds and peak memory, and the same numbers as in memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int8
from numpy.lib.format import write_array_header_1_0
from scipy import stats

from benchmarks.measure import Row
from benchmarks.states import Bench, proportions
from denote.errors import ConfigError
from denote.observers.linear import LinearProbe
from denote.observers.reading import Resources
from denote.states.state import StoredState
from denote.streams import stream

FITS = {"linear": "linear probe", "ranks": "AUROC and p", "thresholds": "neuron probe"}

RANK = 16
"""Directions that the neurons share, from which attributes are read."""

BLOCK = 1 << 24
"""Numbers that are drawn at once."""

PART = 40
"""The comparison with a fit in memory takes this part of the rows ..."""

LEAST_ROWS = 8_192
"""... or so many, if there are that many."""

STREAMED = 3.9
"""Sizes of the state that a fit is allowed while it has to read it from disk: with more it would take a copy."""


def disk(bench: Bench) -> list[Row]:
    """Write, fit in processes of their own, compare, remove."""
    a = bench.arguments
    n_bytes = 4 * a.disk_rows * a.disk_neurons + a.disk_rows * a.disk_attributes
    free = shutil.disk_usage(bench.folder).free
    if n_bytes * 1.02 > free:
        raise ConfigError("--disk-rows", f"{n_bytes / 2**30:.3g} GiB do not fit into {bench.folder}",
                          f"{free / 2**30:.3g} GiB are free")  # fmt: skip
    with _written(bench) as (values, labels):
        rows = [_fitted(bench, fit, values, labels) for fit in FITS]
        return [*rows, _compared(bench, values, labels)]


@contextmanager
def _written(bench: Bench) -> Iterator[tuple[Path, Path]]:
    """The files of activations and labels, while they are needed."""
    a = bench.arguments
    values, labels = bench.folder / "benchmark-disk-values.npy", bench.folder / "benchmark-disk-labels.npy"
    try:
        header = {"descr": "<f4", "fortran_order": False, "shape": (a.disk_rows, a.disk_neurons)}
        with values.open("wb") as file:
            write_array_header_1_0(file, header)
            found = []
            for block, columns in _blocks(a.disk_rows, a.disk_neurons, a.disk_attributes, a.seed):
                file.write(block.data)
                found.append(columns)
        np.save(labels, np.concatenate(found))
        yield values, labels
    finally:
        values.unlink(missing_ok=True)
        labels.unlink(missing_ok=True)


def _blocks(
    rows: int, neurons: int, attributes: int, seed: int
) -> Iterator[tuple[Float32[np.ndarray, "row neuron"], Int8[np.ndarray, "row attribute"]]]:
    """Neurons that share a few Gaussian directions; an attribute is where one combination of them is high."""
    draws = stream("benchmark disk", seed)
    mixing = draws.standard_normal((RANK, neurons), dtype=np.float32)
    weights = draws.standard_normal((RANK, attributes), dtype=np.float32)
    weights /= np.linalg.norm(weights, axis=0)
    # Signal and noise have variance 1 each.
    cuts = stats.norm.ppf(1 - proportions(attributes)) * np.sqrt(2)
    step = max(1, BLOCK // neurons)
    for start in range(0, rows, step):
        n = min(step, rows - start)
        factors = draws.standard_normal((n, RANK), dtype=np.float32)
        block = draws.standard_normal((n, neurons), dtype=np.float32)
        block += factors @ mixing
        signal = factors @ weights + draws.standard_normal((n, attributes), dtype=np.float32)
        yield block, (signal > cuts).astype(np.int8)


def _fitted(bench: Bench, fit: str, values: Path, labels: Path) -> Row:
    a = bench.arguments
    asked = json.dumps({"fit": fit, "values": str(values), "labels": str(labels), "limit": a.memory_limit})
    command = [sys.executable, str(Path(__file__).with_name("disk_fit.py")), asked]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own file)
    size = f"{a.disk_rows} x {a.disk_neurons}, {4 * a.disk_rows * a.disk_neurons / 2**30:.3g} GiB"
    what = f"{FITS[fit]}, {size}"
    if ran.returncode < 0:  # the others may still fit
        return Row("disk", "disk", what, note=f"ended by signal {-ran.returncode}, out of memory?", more={"fit": fit})
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"])[-1]
        raise ConfigError(f"disk, {FITS[fit]}", last)
    found = json.loads(ran.stdout)
    peak, baseline, limit = (each / 2**30 for each in (found["peak"], found["baseline"], a.memory_limit))
    kept = "within" if peak <= limit else "above"
    note = f"peak {peak:.3g} GiB, {kept} the limit of {limit:.3g} GiB; imports alone {baseline:.3g} GiB"
    note += "; seconds of a first call"
    return Row("disk", "disk", what, found["seconds"], note=note, more={"fit": fit, **found})


def _compared(bench: Bench, values: Path, labels: Path) -> Row:
    """Coefficients of some of the rows, read from disk block by block and lying in memory."""
    a = bench.arguments
    count = min(a.disk_rows, max(a.disk_rows // PART, LEAST_ROWS))
    stored = StoredState(np.load(values, mmap_mode="r"), np.arange(count))
    there = np.load(labels, mmap_mode="r")[:count].copy()
    memory = STREAMED * 4 * count * a.disk_neurons
    streamed = LinearProbe().fit(stored, there, resources=Resources(memory=memory))
    whole = LinearProbe().fit(np.array(stored), there)
    apart = np.linalg.norm(streamed.weights - whole.weights, axis=0) / np.linalg.norm(whole.weights, axis=0)
    error = float(np.nanmax(apart))
    note = "largest relative difference of coefficients, streamed and in memory"
    return Row("disk", "disk", f"linear probe, {count} rows", coefficient_error=error, note=note, more={"fit": "same"})
