"""Heat maps of a job or sweep carry the band of the same job that the drawn observers are from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from denote.observers.observer import Observer, save_observers
from denote.runs.relied import draw_relied, relied_on
from denote.tables import CELLS, table

ATTRIBUTES = ("odd", "prime")
BAND = {"fc": (0.5, 1.5), "logits": (9.0, np.nan), "input": (0.7, 0.8)}


def linear(weights: list[list[float]], band: np.ndarray | None) -> Observer:
    """An observer of both attributes on neurons of standard deviation 1."""
    return Observer(
        "linear", np.array(weights), np.zeros(2), np.ones(2, bool), np.zeros(2), (None, None),
        spread=np.ones(len(weights)), band=band,
    )  # fmt: skip


def job(folder: Path, probe_seed: int, scale: float | None = 1.0) -> tuple[Path, dict[str, Any]]:
    """A finished job of two layers; without a scale there is no band."""
    folder.mkdir()
    weights = {
        "fc": [[1.0, -1.0], [-0.5, 2.0], [0.1, 0.0]], "logits": [[3.0, 4.0], [-2.0, 1.0]], "input": [[1.0, 0.0]] * 4,
    }  # fmt: skip
    observers = {
        f"{layer}/linear": linear(own, None if scale is None else scale * np.array(BAND[layer]))
        for layer, own in weights.items()
    }
    save_observers(folder / "observers.safetensors", observers)
    layers = [{"name": name, "grid": [n], "pooling": "none"} for name, n in (("fc", 3), ("logits", 2))]
    return folder, {
        "object_model": "m", "layers": layers, "attributes": list(ATTRIBUTES), "input_shape": [2, 2],
        "seeds": {"probe_seed": probe_seed},
    }  # fmt: skip


def cells(probe_seed: int) -> pl.DataFrame:
    rows = [
        {
            "dataset": "digits", "architecture": "mlp", "trained": True, "seed": 0, "object_model": "m", "layer": layer,
            "depth": int(layer == "logits"), "pooling": "none", "probe": "linear", "probe_seed": probe_seed,
            "attribute": attribute,
        }
        for layer in ("fc", "logits")
        for attribute in ATTRIBUTES
    ]  # fmt: skip
    return table(rows, CELLS)


def test_the_figures_numbers_say_what_is_outside(tmp_path: Path) -> None:
    relied = relied_on([job(tmp_path / "job", 0)], cells(0))
    assert relied is not None
    assert relied.bands == {"odd": {"fc": 0.5, "logits": 9.0, "input": 0.7}, "prime": {"fc": 1.5, "input": 0.8}}
    odd, prime = (drawing.save(tmp_path) for drawing in draw_relied(relied, list(ATTRIBUTES)))
    both = pl.read_csv(odd.path.with_suffix(".csv"))
    on_input, numbers = both.filter(pl.col("layer") == "input"), both.filter(pl.col("layer") != "input")
    assert on_input["relevance"].to_list() == [1.0] * 4
    assert on_input["band"].to_list() == [0.7] * 4
    assert numbers["outside"].to_list() == [True, False, False, False, False]
    assert numbers["band"].to_list() == [0.5, 0.5, 0.5, 9.0, 9.0]
    numbers = pl.read_csv(prime.path.with_suffix(".csv")).filter(pl.col("layer") != "input")
    assert numbers["outside"].to_list() == [False, True, False, None, None]
    assert "drawn as zero" in odd.caption
    assert "No band is known" not in odd.caption
    assert "No band is known for logits" in prime.caption


def test_the_band_is_that_of_the_observers_own_job(tmp_path: Path) -> None:
    jobs = [job(tmp_path / "first", 0), job(tmp_path / "second", 1, scale=2.0)]
    relied = relied_on(jobs, pl.concat([cells(0), cells(1)]))
    assert relied is not None
    assert relied.bands["odd"] == {"fc": 1.0, "logits": 18.0, "input": 1.4}


def test_without_the_shuffled_control_the_caption_says_that_a_weight_is_no_evidence(tmp_path: Path) -> None:
    relied = relied_on([job(tmp_path / "job", 0, scale=None)], cells(0))
    assert relied is not None
    (picture,) = (drawing.save(tmp_path) for drawing in draw_relied(relied, ["odd"]))
    assert "No shuffled band is known, so a single weight is no evidence." in picture.caption
    assert pl.read_csv(picture.path.with_suffix(".csv"))["outside"].is_null().all()
