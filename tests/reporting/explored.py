"""Reports for a browser: the page of a small sweep, with the data that a test wants it to have."""

import base64
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import synthetic_tables as synthetic
from PIL import Image

from denote.reporting.page.bundle import Contents, bundle, packed

HOSTILE = "<img src=x onerror=document.title='run'>"
TILE, TILES, IN_A_ROW = 8, 40, 32
DATA = re.compile(r'(<script id="data"[^>]*>)([^<]*)(</script>)')


def data_of_two_networks() -> dict[str, Any]:
    """The data of a report of two networks of five layers, with on-rates, histograms and inputs of every kind."""
    tables = synthetic.all_tables(2, 5, 16)
    shared = pl.col("denotes").fill_null(value=False) & (pl.col("neuron") < 3)
    alike = pl.when(shared).then(pl.lit("class in {3, 5}")).otherwise(pl.col("property"))
    neurons = tables["neurons"].with_columns(property=alike)
    tables |= {
        "neurons": neurons,
        "on_rates": synthetic.on_rate_table(neurons),
        "examples": synthetic.example_table(neurons),
    }
    made, _ = bundle(Contents(tables, "two networks"))
    return {**made, **_histograms(made), **_inputs(made)}


def _histograms(made: dict[str, Any]) -> dict[str, Any]:
    columns = {name: made["neurons"]["columns"][name] for name in ("model", "layer", "neuron")}
    n = made["neurons"]["n"]
    ends = {"low": [-0.5] * n, "high": [1.5] * n}
    return {"histograms": {"n": n, "columns": {**columns, **ends}, "counts": list(range(20)) * n}}


def _inputs(made: dict[str, Any]) -> dict[str, Any]:
    """A third of the samples are pictures, a third rows, a third words; the last has no input."""
    samples = sorted(set(made["examples"]["columns"]["sample"]))[:-1]
    kinds = (
        lambda sample: {"sprite": [0, sample % TILES]},
        lambda sample: {"row": {"age": str(sample), HOSTILE: "yes"}},
        lambda sample: {"words": ["the", f"cat{sample}", "sat"], "at": 1},
    )
    inputs = {str(sample): kinds[sample % 3](sample) for sample in samples}
    sprite = {"id": "sprite-0", "tile": [TILE, TILE], "columns": IN_A_ROW, "tiles": TILES}
    return {"inputs": {"mnist": inputs}, "sprites": [sprite]}


def sprite() -> str:
    """A picture of as many grey tiles as there are pictures, none of them black."""
    sheet = Image.new("L", (IN_A_ROW * TILE, 2 * TILE))
    for tile in range(TILES):
        left, top = tile % IN_A_ROW * TILE, tile // IN_A_ROW * TILE
        sheet.paste(100 + tile, (left, top, left + TILE, top + TILE))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    uri = base64.b64encode(file.getvalue()).decode()
    return f'<img id="sprite-0" class="sprite" alt="" hidden src="data:image/png;base64,{uri}">'


def with_data(report: Path, data: dict[str, Any] | str, path: Path) -> Path:
    """Write a report whose data is another's; text stands there as it is."""
    html = report.read_text(encoding="utf-8")
    text = data if isinstance(data, str) else packed(data)
    assert DATA.search(html)
    path.write_text(DATA.sub(lambda found: found[1] + text + found[3] + sprite(), html), encoding="utf-8")
    return path


def data_in(report: Path) -> dict[str, Any]:
    """The data of a report, as its scripts unpack it."""
    found = DATA.search(report.read_text(encoding="utf-8"))
    assert found
    unpacked: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[2])))
    return unpacked


def rows(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """A frame of the data, row by row."""
    columns = {
        name: [None if code is None else held["levels"][code] for code in held["codes"]]
        if isinstance(held, dict)
        else held
        for name, held in frame["columns"].items()
    }
    return [{name: values[at] for name, values in columns.items()} for at in range(frame["n"])]


def neurons_of(data: dict[str, Any]) -> pl.DataFrame:
    """Neurons with the layer's name and depth, numbered as the page numbers them."""
    layers = rows(data["layers"])
    named = [
        {**neuron, "at": at, "depth": layers[neuron["layer"]]["depth"], "layer": layers[neuron["layer"]]["layer"]}
        for at, neuron in enumerate(rows(data["neurons"]))
    ]
    return pl.DataFrame(named, infer_schema_length=None)
