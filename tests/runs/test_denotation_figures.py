"""A sweep's pictures of denotation are drawn from its saved files alone, each with its numbers beside it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from safetensors.numpy import save_file

from denote.figures.curves import Curve
from denote.observation.inputs_shown import BEFORE
from denote.reporting.report import Picture
from denote.runs.denotation_figures import Jobs, atlas_layers, draw_denotation, last_epochs, verdict_of
from denote.tables import DEPTH_VERDICTS, table


def saved(tables: dict[str, pl.DataFrame], jobs: Jobs, folder: Path) -> list[Picture]:
    return [drawing.save(folder) for drawing in draw_denotation(tables, jobs)]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    neurons, cells = synthetic.neuron_table(2, 4, 12), synthetic.cut_cells(2, 4)
    by_depth = synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))
    early = by_depth.with_columns(epoch=pl.lit(1, pl.Int64), share_denoting=0.1 * pl.col("share_denoting"))
    verdict = {"dataset": "mnist", "trained": True, "epoch": 20, "family": "subsets", "verdict": "not shown",
               "n_models": 2, "p_value": 0.5, "planned": False}  # fmt: skip
    return synthetic.empty_tables() | {
        "neurons": neurons, "cells": cells, "scan": synthetic.cut_scan(cells),
        "label_proportion_by_depth": pl.concat([early, by_depth]),
        "label_proportion_by_model": synthetic.by_model_table(neurons), "on_rates": synthetic.on_rate_table(neurons),
        "examples": synthetic.example_table(neurons), "depth_verdicts": table([verdict], DEPTH_VERDICTS),
    }  # fmt: skip


def test_every_figure_is_drawn_again_from_parquet_byte_for_byte(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    job = tmp_path / "job"
    job.mkdir()
    pixels = np.linspace(0, 1, 40 * 16, dtype=np.float32).reshape(40, 4, 4)
    save_file({"samples": np.arange(40), "inputs": pixels, "mean": pixels[0]}, job / BEFORE)
    for name, frame in tables.items():
        frame.write_parquet(job / f"{name}.parquet")
    again = {name: pl.read_parquet(job / f"{name}.parquet") for name in tables}
    jobs = [(job, {"object_model": f"{0:016x}"})]
    first, second = (saved(each, jobs, tmp_path / name) for each, name in ((tables, "a"), (again, "b")))
    kinds = {picture.path.stem.split("-")[0] for picture in first}
    assert kinds == {"label_proportion_by_depth", "layer_measures", "emergence", "neuron_atlas", "examples",
                     "label_proportion_sweep"}  # fmt: skip
    for one, other in zip(first, second, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
        assert one.path.with_suffix(".csv").read_text() == other.path.with_suffix(".csv").read_text()
        assert len(one.caption) > 60
    assert len({picture.path for picture in first}) == len(first)


@pytest.mark.usefixtures("unpainted")
def test_without_the_images_of_jobs_there_are_no_thumbnails(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    drawn = saved(tables, [], tmp_path)
    assert not [picture for picture in drawn if picture.path.stem.startswith("examples")]


def test_of_several_epochs_the_last_is_drawn() -> None:
    made = [Curve("d", "a", trained, epoch, "f") for trained, epoch in ((False, 0), (True, 2), (True, 10), (True, 5))]
    assert [(curve.trained, curve.epoch) for curve in last_epochs(made)] == [(False, 0), (True, 10)]
    best = Curve("d", "a", True, None, "f")
    for order in ([best, *made], [*made, best]):
        assert best in last_epochs(order)


def test_a_verdict_goes_with_its_curve_and_says_if_it_was_not_planned(tables: dict[str, pl.DataFrame]) -> None:
    verdicts = tables["depth_verdicts"]
    own = Curve("mnist", "mlp", True, 20, "subsets")
    tests = tables["depth_tests"]
    assert verdict_of(verdicts, tests, own) == "not shown (2 object models, primary p = .500, exploratory)"
    assert verdict_of(verdicts, tests, Curve("mnist", "mlp", True, None, "subsets")) == ""


def test_a_verdict_of_other_architectures_says_so(tables: dict[str, pl.DataFrame]) -> None:
    (row,) = tables["depth_verdicts"].filter("trained").head(1).iter_rows(named=True)
    curve = Curve(row["dataset"], "shallow", True, row["epoch"], row["family"])
    same = {"dataset": row["dataset"], "trained": True, "epoch": row["epoch"], "family": row["family"]}
    for p, said in ((None, "of other architectures"), (0.3, "")):
        own = pl.DataFrame(
            [{**same, "architecture": "shallow", "p_value": p}],
            schema_overrides={"epoch": pl.Int64, "p_value": pl.Float64},
        )
        verdicts = tables["depth_verdicts"].with_columns(p_value=pl.lit(0.5))
        assert said in verdict_of(verdicts, own, curve)
        assert ("other" in verdict_of(verdicts, own, curve)) == bool(said)


def test_the_layers_of_an_atlas_are_hidden_ones_in_order_of_depth() -> None:
    neurons = synthetic.neuron_table(1, 9, 64)
    hidden = neurons.filter(pl.col("layer") != "logits")
    counts = dict(hidden.group_by("layer").agg(pl.col("denotes").sum()).iter_rows())
    first, most, last = atlas_layers(neurons)
    assert (first, last, counts[most]) == ("blocks.0", "blocks.7", max(counts.values()))
    assert atlas_layers(neurons.filter(pl.col("layer") == "logits")) == ["logits"]
    assert atlas_layers(neurons.clear()) == []


@pytest.mark.usefixtures("unpainted")
def test_of_several_poolings_an_atlas_shows_one(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    other = pl.lit("flatten").alias("pooling")
    two = tables | {
        "neurons": pl.concat([tables["neurons"], tables["neurons"].with_columns(other)]),
        "on_rates": pl.concat(
            [tables["on_rates"], tables["on_rates"].with_columns(other, on_rate=1 - pl.col("on_rate"))]
        ),
    }
    one, both = (saved(each, [], tmp_path / name) for name, each in (("one", tables), ("two", two)))
    atlases = [[p.path for p in found if p.path.stem.startswith("neuron_atlas")] for found in (one, both)]
    assert atlases[0]
    for alone, among in zip(*atlases, strict=True):
        assert alone.with_suffix(".csv").read_text() == among.with_suffix(".csv").read_text()


def test_the_caption_of_measures_says_why_a_panel_is_not_there(tables: dict[str, pl.DataFrame]) -> None:
    by_depth = tables["label_proportion_by_depth"]
    shares = [name for name in by_depth.columns if name.endswith(("share_denoting", "share_denoting_mean"))]
    nothing = by_depth.with_columns(pl.col(shares) * 0.0, property_entropy_mean=pl.lit(None, pl.Float64))
    drawn = draw_denotation(tables | {"label_proportion_by_depth": nothing}, [])
    (measures,) = [drawing for drawing in drawn if drawing.kind == "layer_measures"]
    assert "Known of no layer: variety of denoted properties. No neuron denotes" in measures.words["missing"]
