"""A large table through the command line: load, train for an epoch, observe; seconds per step and peak memory."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from benchmarks.measure import Row
from benchmarks.processes import measured
from benchmarks.states import Bench
from denote.errors import ConfigError
from denote.streams import stream

COLUMNS = 50
"""The target, attributes, categories, and numbers."""

CATEGORIES = (2, 3, 5, 12)
"""Numbers of values of the text columns."""

SHARED = 8
"""Directions that target, attributes and numbers have in common."""

MISSING = 0.03
"""Share of the values that is missing in the columns that miss some: every fifth number, category and attribute."""


def table(bench: Bench) -> list[Row]:
    """Write a table, run one job on it, say what it took."""
    file = bench.folder / "benchmark-table.csv"
    wrote = perf_counter()
    drawn(bench.arguments).write_csv(file)
    wrote = perf_counter() - wrote
    folder = bench.folder / "benchmark-table"
    folder.mkdir(exist_ok=True)
    command = asked(bench.arguments, file)
    # W&B keeps its run in the folder, without a network.
    usage = measured(command, folder, os.environ | {"WANDB_MODE": "offline"})
    if usage.code:
        raise ConfigError("benchmark", usage.last_line)
    record = json.loads(next(folder.glob("multirun/single/*/run.json")).read_text(encoding="utf-8"))
    steps = record["timings"]
    stored = sum(each.stat().st_size for each in folder.glob("multirun/.store/states/**/*.npy"))
    note = f"peak of the process tree {usage.peak / 2**30:.3g} GiB; states on disk {stored / 2**30:.3g} GiB"
    note += f"; {', '.join(f'{step} {taken:.3g} s' for step, taken in steps.items())}"
    a = bench.arguments
    what = f"{a.table_rows} rows x {COLUMNS} columns, {file.stat().st_size / 2**20:.3g} MiB"
    more = {"peak": usage.peak, "states_bytes": stored, "timings": steps, "command": command[2:], "writing_s": wrote}
    return [Row("table", "table", what, usage.wall, note=note, more=more)]


def asked(arguments: Namespace, file: Path) -> list[str]:
    """The command, with everything that is not asked for as it is by default."""
    names = f"[{','.join(attribute_names(arguments))}]"
    return [
        sys.executable, "-c", "import sys; from denote.cli.commands import main; sys.exit(main())",
        "dataset=table", f"dataset.path={file}", "dataset.target=target", f"dataset.attributes={names}",
        "architecture=mlp", f"architecture.layers={arguments.table_layers}", "trainer.max_epochs=1",
        "trainer.progress=false", "attribute=columns", f"attribute.columns.names={names}",
        f"memory_limit={arguments.memory_limit}",
    ]  # fmt: skip


def attribute_names(arguments: Namespace) -> list[str]:
    """The columns that are observed."""
    return [f"attribute_{index}" for index in range(arguments.table_attributes)]


def drawn(arguments: Namespace) -> pl.DataFrame:
    """Target, yes/no attributes, categories and numbers that share a few directions; some values are missing."""
    names, draws = attribute_names(arguments), stream("benchmark table", arguments.seed)
    n_numbers = COLUMNS - 1 - len(names) - len(CATEGORIES)
    if n_numbers < 1:
        raise ConfigError("--table-attributes", f"{len(names)}", f"at most {COLUMNS - 2 - len(CATEGORIES)}")
    shared = draws.standard_normal((arguments.table_rows, SHARED), dtype=np.float32)

    def mixed() -> np.ndarray:
        values: np.ndarray = shared @ draws.standard_normal(SHARED, dtype=np.float32)
        return values + draws.standard_normal(len(values), dtype=np.float32)

    columns = [pl.Series("target", mixed() > 0, dtype=pl.Int8)]
    for name, share in zip(names, np.linspace(0.05, 0.5, len(names)), strict=True):
        values = mixed()
        columns.append(pl.Series(name, values > np.quantile(values, 1 - share), dtype=pl.Int8))
    for count in CATEGORIES:
        values = mixed()
        codes = np.digitize(values, np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
        columns.append(pl.Series(f"category_{count}", np.array([f"value {code}" for code in range(count)])[codes]))
    columns += [pl.Series(f"number_{index}", mixed().round(4)) for index in range(n_numbers)]
    return pl.DataFrame(
        column.zip_with(pl.Series(draws.random(len(column)) >= MISSING), pl.Series([None], dtype=column.dtype))
        if place % 5 == 0 and place else column
        for place, column in enumerate(columns)
    )  # fmt: skip
