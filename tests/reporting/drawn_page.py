"""A small bundle of a report's data, and a page that draws it with the report's own scripts and styles."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from denote.denotation.depth import plan
from denote.reporting import page
from denote.reporting.page.render import SCRIPTS, STYLES

FOLDER = Path(page.__file__).parent
HOSTILE = '<img src=x onerror="document.title=1">'
NOTE = "fewer than 25 positive rows in test"
LAYERS = ("hidden_1", "hidden_2", "logits")
SCORES = {
    # By layer, one value per network.
    "odd": ((0.9912, 0.9944), (0.9991, 0.9999), (0.97, 0.93)),
    HOSTILE: ((1.0, 1.0), (0.8, 0.9), (0.7, 0.72)),
    "rare": ((None, None), (0.66, None), (0.6123, 0.64)),
}
DECISIVE = {("odd", 0): (True, True), ("odd", 1): (True, False), (HOSTILE, 0): (True, True)}


def frame(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as the bundle has them: text by levels and codes, all else as plain columns."""
    columns: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        levels = list(dict.fromkeys(value for value in values if isinstance(value, str)))
        codes = [levels.index(value) if isinstance(value, str) else None for value in values]
        columns[name] = {"levels": levels, "codes": codes} if levels else values
    return {"n": len(rows), "columns": columns}


def cells() -> list[dict[str, Any]]:
    """Cells of two networks; those without a score say why."""
    return [
        {
            "model": model, "layer": len(LAYERS) * model + layer, "attribute": attribute, "family": "named",
            "probe": "linear", "balanced_accuracy": values[model], "balanced_accuracy_low": None,
            "auroc": None if values[model] is None else min(1, values[model] + 0.005),
            "input_auroc": 0.9, "untrained_auroc": 0.8 + 0.01 * layer, "control_auroc": 0.5, "n_test": 540,
            "decisive": DECISIVE.get((attribute, layer), (False, False))[model],
            "note": NOTE if values[model] is None else None,
        }
        for model in (0, 1) for attribute, by_layer in SCORES.items() for layer, values in enumerate(by_layer)
    ]  # fmt: skip


def curves() -> list[dict[str, Any]]:
    """A curve with a gap at the first layer, and one of another family in which nothing denotes."""
    shared = {"curve": 0, "n_models": 2, "n_live": 100, "untrained_share_denoting": 0.0, "on_proportion_mean": 0.4}
    known = {"label_proportion_low": 0.5, "label_proportion_high": 0.7, "folded_low": 0.1, "folded_high": 0.3}
    denoting = [
        {"layer": "hidden_1", "depth": 0, "n_denoting": 2, "note": "3 of 3 networks without a value"},
        {"layer": "hidden_2", "depth": 1, "n_denoting": 31, "label_proportion_mean": 0.6213, "folded_mean": 0.2,
         "rotated_folded_mean": 0.18, "own_mean": 0.02, "own_low": -0.01, "own_high": 0.05, **known},
        {"layer": "logits", "depth": 2, "is_head": True, "n_denoting": 8, "label_proportion_mean": 0.5,
         "folded_mean": 0.21, "rotated_folded_mean": 0.2, "own_mean": 0.01, **known},
    ]  # fmt: skip
    nothing = [{"curve": 1, "layer": layer, "depth": at, "n_denoting": 0} for at, layer in enumerate(LAYERS)]
    rows = [{**shared, **row} for row in (*denoting, *nothing)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


NETWORK = {"dataset": "digits", "architecture": "mlp", "trained": True, "epoch": None}


def models() -> list[dict[str, Any]]:
    """Two networks that differ in their seed."""
    return [{"key": f"seed {seed}", "object_model": f"m{seed}", **NETWORK, "seed": seed} for seed in (0, 1)]


def layers() -> list[dict[str, Any]]:
    """Their layers."""
    return [
        {"model": model, "layer": layer, "depth": at, "pooling": "none", "is_head": layer == "logits",
         "module_class": "Linear"}
        for model in (0, 1) for at, layer in enumerate(LAYERS)
    ]  # fmt: skip


def bundle(**changes: Any) -> dict[str, Any]:
    """A bundle of two networks, with some of its parts replaced."""
    by_model = [
        {"curve": 0, "model": model, "layer": layer, "label_proportion": 0.6 + 0.02 * model, "folded": 0.2,
         "rotated_folded": 0.18, "share_denoting": 0.3}
        for model in (0, 1) for layer in LAYERS[1:]
    ]  # fmt: skip
    parts = {
        "rule": {"decisive": 0.95, "null": 0.9, "q": 0.05, "min_rows": 25, "on_tolerance": 0.25},
        "least_networks": plan.LEAST_MODELS,
        "too_few": plan.GAP,
        "models": frame(models()), "layers": frame(layers()), "cells": frame(cells()), "neurons": frame([]),
        "curves": frame(curves()), "by_model": frame(by_model),
        "curve_names": [{"title": f"digits, {family}", **NETWORK, "family": family} for family in ("sets", "classes")],
        "default": {"metric": "balanced_accuracy", "probe": "linear", "family": "", "curve": 0},
    }  # fmt: skip
    return {**parts, **changes}


def two_architectures() -> dict[str, Any]:
    """A bundle with a third network, of another architecture: one layer, and all layers together."""
    other = {**NETWORK, "architecture": "cnn"}
    conv = {"model": 2, "layer": "conv", "depth": 0, "pooling": "mean", "is_head": False, "module_class": "Conv2d"}
    state = {**conv, "layer": "state", "depth": None, "module_class": None}
    cell = cells()[0]
    own = [{**cell, "model": 2, "layer": at, "balanced_accuracy": value} for at, value in ((6, 0.5), (7, 0.75))]
    curve = {**curves()[1], "curve": 1, "layer": "conv", "depth": 0, "n_denoting": 7}
    return bundle(
        models=frame([*models(), {"key": "seed 0", "object_model": "m2", **other, "seed": 0}]),
        layers=frame([*layers(), conv, state]),
        cells=frame([*cells(), *own]),
        curves=frame([*curves()[:3], curve]),
        curve_names=[
            {"title": "digits, mlp", **NETWORK, "family": "sets"}, {"title": "digits, cnn", **other, "family": "sets"},
        ],
    )  # fmt: skip


def write_page(path: Path, data: Mapping[str, Any]) -> Path:
    """Write a page with the figures of a report, drawn from ``data``; its functions are within reach of a test."""
    style = "".join((FOLDER / name).read_text() for name in STYLES)
    scripts = "\n".join((FOLDER / name).read_text() for name in SCRIPTS if name != "start.js")
    start = (
        "page.load(JSON.parse(byId('data').textContent)); drawHeatmap(); drawDepth();"
        "Object.assign(window, {page, histogramChart, onRateChart, relevanceStrip, signedShare});"
    )
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    path.write_text(
        f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>page</title><style>{style}</style><main>"
        "<h1>A report</h1><div class='pair'><figure id='answer-heatmap'></figure><figure id='answer-depth'></figure>"
        "</div><figure id='heatmap'></figure><figure id='depth-curve'></figure><section id='small'></section></main>"
        f"<script type='application/json' id='data'>{text}</script>"
        f"<script>'use strict'; (() => {{ {scripts}\n{start} }})()</script></html>",
        encoding="utf-8",
    )
    return path
