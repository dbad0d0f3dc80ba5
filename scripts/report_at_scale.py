"""A report of 1,000 cells and 20,000 neurons: how large it is, how long it takes to write, to open, to sort and filter.

python scripts/report_at_scale.py [--classes 1000] [--report REPORT.html] [--busy] [--rounds 3]

The tables are synthetic, with numbers that differ in every row, so that they compress no better than those of a sweep.
``--report`` measures a report that is there. The browser is Chromium, driven by Playwright; times in it are from an
event to the end of the next frame, the median of the rounds, while ``--busy`` keeps two more processes at work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from benchmarks.processes import busy

from denote.denotation.atlas import MOST_CLASSES
from denote.reporting.jobs import Job
from denote.reporting.report import Report
from denote.tables import HISTOGRAMS, NEURONS_KEY, ON_RATES, table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import synthetic_tables as synthetic

SEEDS, LAYERS, WIDTH = 5, 10, 444
ATTRIBUTES = {f"attribute {number}": number % 7 for number in range(10)}
CLASSES = 10
UNIT = ("object_model", "layer", "pooling", "neuron")

TIMED = """async ([selector, kind, values]) => {
  const element = document.querySelector(selector);
  const shown = () => ["#neurons table", "#count"].map((part) => document.querySelector(part).textContent).join();
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const times = [];
  for (const value of values) {
    const before = shown();
    const start = performance.now();
    if (kind === "click") element.click();
    else {
      element.value = value;
      element.dispatchEvent(new Event(kind, {bubbles: true}));
    }
    while (shown() === before && performance.now() - start < 10000) await new Promise((done) => setTimeout(done, 1));
    await frame();
    times.push(performance.now() - start);
  }
  return times;
}"""
"""Act on an element once per value, and return how many ms passed each time until the changed table was drawn."""


def tables(
    seeds: int = SEEDS, n_layers: int = LAYERS, width: int = WIDTH, classes: int = CLASSES
) -> dict[str, pl.DataFrame]:
    """Return the tables of a sweep; by default of 1,000 cells and 20,030 neurons."""
    rng = np.random.default_rng(0)
    neurons = spread(synthetic.neuron_table(seeds, n_layers, width), rng)
    return {
        **synthetic.empty_tables(),
        "cells": spread(synthetic.cell_table(seeds, n_layers, ATTRIBUTES), rng),
        "neurons": neurons,
        "layers": synthetic.layer_table(seeds, n_layers, width),
        "label_proportion_by_depth": synthetic.by_depth_table(neurons, rotated=True),
        "examples": synthetic.example_table(neurons, per_layer=5),
        "histograms": histograms(neurons, rng),
        "on_rates": on_rates(neurons, rng, classes),
    }


def spread(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Move every number between 0 and 1 a little, so that no two rows are alike; integers and nulls stay."""
    columns = [name for name, kind in frame.schema.items() if kind.is_float() and not name.startswith("relative")]
    moved = [
        (pl.col(name) + pl.Series(rng.normal(0, 2e-3, len(frame)))).clip(0, 1).alias(name)
        for name in columns
        if frame[name].is_between(0, 1).all()
    ]
    return frame.with_columns(moved)


def histograms(neurons: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return 20 counts for every neuron, of bell curves whose middle and width differ."""
    units = neurons.select(UNIT)
    middle, width = rng.uniform(3, 17, (len(units), 1)), rng.uniform(2, 5, (len(units), 1))
    counts = rng.poisson(100 * np.exp(-(((np.arange(20) - middle) / width) ** 2)))
    ends = {"low": pl.Series(rng.normal(-1, 0.2, len(units))), "high": pl.Series(rng.normal(3, 0.5, len(units)))}
    return table(units.with_columns(**ends, counts=pl.Series(counts.tolist())).to_dicts(), HISTOGRAMS)


def on_rates(neurons: pl.DataFrame, rng: np.random.Generator, classes: int) -> pl.DataFrame:
    """Return how often every live neuron is on in every class; of many classes in as many as a job keeps."""
    live, kept = neurons.filter("live").select(NEURONS_KEY), min(classes, MOST_CLASSES)
    chosen = np.argsort(rng.random((len(live), classes)), axis=1)[:, :kept].ravel()
    every = live[np.repeat(np.arange(len(live)), kept)].with_columns(pl.Series("class", chosen).cast(pl.String))
    rates = every.with_columns(on_rate=pl.Series(rng.beta(0.5, 0.5, len(every))), n_rows=pl.lit(100))
    return rates.select(pl.col(name).cast(kind) for name, kind in ON_RATES.items())


def written(folder: Path, classes: int = CLASSES) -> tuple[Path, float, float]:
    """Write the report; return its path, seconds and the processor's seconds. The tables are made before."""
    report = Report(title="scale", status=[Job("synthetic", "finished")], tables=tables(classes=classes), figures=[])
    start, worked = time.perf_counter(), time.process_time()
    return report.write(folder), time.perf_counter() - start, time.process_time() - worked


def measure(report: Path, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield what is measured in a browser, and how many ms it takes."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium on PATH")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened: list[float] = []
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(report.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            opened.append(page.evaluate("performance.getEntriesByName('ready')[0].startTime"))
        yield "ready", median(opened)
        yield from _acts(page, rounds)
        browser.close()


def _acts(page: Any, rounds: int) -> Iterator[tuple[str, float]]:
    """Filter, sort and search: the first of each is named apart, as it makes what later ones reuse."""

    def act(name: str, selector: str, kind: str, values: Sequence[str]) -> Iterator[tuple[str, float]]:
        first, *later = page.evaluate(TIMED, [selector, kind, values])
        yield f"{name}, first", first
        if later:
            yield name, median(later)

    yield from act("filter", "#filters [name=denotes]", "change", ["all", "abstaining"] * rounds + ["all"])
    for column in ("layer", "property", "label_proportion", "rival"):
        yield from act(f"sort by {column}", f"#neurons th[data-key={column}] button", "click", [""] * (2 * rounds))
    typed = ["class", "class in", "unit 4", "3"] * rounds
    yield from act("search (a pause of 60 ms included)", "#filters [name=search]", "input", typed)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is measured, one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, help="measure this report instead of writing one")
    parser.add_argument("--classes", type=int, default=CLASSES, help="classes of the data, such as 1000")
    parser.add_argument("--busy", action="store_true", help="beside two busy processes")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, busy(2) if options.busy else nullcontext():
        if options.report:
            report = options.report.resolve()
        else:
            report, seconds, worked = written(Path(folder), options.classes)
            print(f"{'write':42}{seconds:8.1f} s\n{'write, of the processor':42}{worked:8.1f} s")
        print(f"{'size':42}{report.stat().st_size / 1e6:8.2f} MB")
        for name, milliseconds in measure(report, options.rounds):
            print(f"{name:42}{milliseconds:8.0f} ms")


if __name__ == "__main__":
    main()
