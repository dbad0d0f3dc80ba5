"""What was found, in Python: frames, weights, heat maps; it shows itself in a notebook, and can be saved and loaded."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from denote.denotation.analysis import Analysis
from denote.errors import ConfigError, StoreError, one_of
from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.relevance import draw_relevance
from denote.keys import digest
from denote.numbers import proportion
from denote.observation.found import Evidence, Observation
from denote.observers.observer import Observer
from denote.runs.merge import Merged
from denote.runs.present import Reading, put_together
from denote.runs.record import FINISHED, now, versions, write_record
from denote.tables import JOB_TABLES, SWEEP_TABLES

DOTS = 90
"""Of a figure in a notebook."""


@dataclass(frozen=True)
class Seen(Observation):
    """What one call of `observe` found."""

    @classmethod
    def of(cls, found: Observation) -> Seen:
        """An observation that shows itself."""
        return cls(**{field.name: getattr(found, field.name) for field in fields(Observation)})

    def observer(self, layer: str, probe: str | None = None) -> Observer:
        """The observer of a layer.

        Args:
            layer: Its name, or ``input``.
            probe: Its kind, ``sparse-4`` for one of several sizes; None for the first of the layer.

        Raises:
            ConfigError: if there is none.
        """
        own = [name for name in self.observers if name.rpartition("/")[0] == layer]
        if not own:
            raise ConfigError(
                "layer", f"{layer!r}", one_of(layer, dict.fromkeys(n.rpartition("/")[0] for n in self.observers))
            )
        name = own[0] if probe is None else f"{layer}/{probe}"
        if name not in self.observers:
            raise ConfigError("probe", f"{probe!r}", one_of(str(probe), [each.rpartition("/")[2] for each in own]))
        return self.observers[name]

    def weights(self, layer: str, probe: str | None = None) -> pl.DataFrame:
        """Weights of a layer's observers, in raw units: one row per neuron, one column per attribute.

        Of a probe with a hidden layer the rows are its hidden units.

        Raises:
            ConfigError: if there is no such observer.
        """
        weights = self.observer(layer, probe).weights
        columns = {name: weights[:, place] for place, name in enumerate(self.attributes)}
        return pl.DataFrame({"neuron": range(len(weights))} | columns, nan_to_null=True)

    def heatmap(self, attribute: str, layer: str | None = None) -> Figure:
        """What linear observers of an attribute rely on, every layer in its own geometry.

        Args:
            attribute: Its name.
            layer: One layer, or None for all.

        Raises:
            ConfigError: if there is no linear observer of it.
        """
        relied = put_together([Reading.of(self)], self.cells)
        maps = {} if relied is None else relied.relevance
        if relied is None or attribute not in maps:
            raise ConfigError("heatmap", f"there is no linear observer of {attribute!r}", one_of(attribute, maps))
        layers = maps[attribute]
        if layer is not None:
            if layer not in layers:
                raise ConfigError("layer", f"{layer!r}", one_of(layer, layers))
            layers = {layer: layers[layer]}
        on_input = relied.on_input.get(attribute) if layer is None else None
        title = f"{attribute}: {relied.title}"
        return draw_relevance(layers, relied.grids, title, on_input, relied.bands.get(attribute), relied.mean_input)

    def figure(self) -> Figure:
        """How well every attribute is read at every depth."""
        drawn = self.cells.filter((pl.col("probe") != "majority") & pl.col("depth").is_not_null())
        return draw_attribute_by_depth(drawn, Merged.of(self).tables["first_decisive"])

    def summary(self) -> pl.DataFrame:
        """One row per layer: live neurons, how many denote, and the attribute that is read best."""
        layers = pl.DataFrame({
            "layer": [layer.name for layer in self.layers],
            "depth": [layer.depth for layer in self.layers],
            "neurons": [layer.n_neurons for layer in self.layers],
        })  # fmt: skip
        each = self.neurons.group_by("layer", "neuron").agg(pl.col("live", "denotes").any())
        counts = each.group_by("layer").agg(live=pl.col("live").sum(), denote=pl.col("denotes").sum())
        best = (
            self.cells.filter(pl.col("auroc").is_not_null()).sort("auroc", descending=True)
            .group_by("layer", maintain_order=True).agg(best=pl.col("attribute").first(), auroc=pl.col("auroc").first())
        )  # fmt: skip
        return layers.join(counts, on="layer", how="left", maintain_order="left").join(
            best, on="layer", how="left", maintain_order="left"
        )

    def save(self, folder: Path | str) -> Path:
        """Save as the folder of a job, which `load` and ``denote-report sweep=PARENT`` read.

        Args:
            folder: Its folder, ``multirun/NAME/WHAT``; made, or written over.
        """
        folder = Path(folder)
        self.write(folder)
        config = {"evidence": asdict(self.rule), "analysis": asdict(Analysis())}
        write_record(folder, {
            "status": FINISHED, "name": folder.name, "fingerprint": digest([self.object_model, *self.attributes]),
            "started": now(), "ended": now(), "overrides": [], "config": config, "agreement": config,
            "analysis": config["analysis"], "versions": versions(), "timings": {}, "error": None,
            "object_model": self.object_model, "layers": [asdict(layer) for layer in self.layers],
            "attributes": list(self.attributes), "input_shape": list(self.input_shape),
        })  # fmt: skip
        return folder

    def __repr__(self) -> str:
        """The summary as text."""
        with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
            return f"{self._title}\n{self.summary()}"

    def _repr_html_(self) -> str:
        """The summary and the figure, for a notebook."""
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(_shown(value))}</td>' for value in row)}</tr>"
            for row in self.summary().iter_rows()
        )
        head = "".join(f"<th>{name}</th>" for name in self.summary().columns)
        image = (
            f'<img alt="AUROC by depth" src="data:image/png;base64,{_png(self.figure())}">' if len(self.cells) else ""
        )
        return f"<p>{escape(self._title)}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{image}"

    @property
    def _title(self) -> str:
        denote = int(self.neurons["denotes"].sum())
        return f"{len(self.layers)} layers, {len(self.attributes)} attributes, {denote} denoting neurons (by family)"


@dataclass(frozen=True)
class Loaded(Evidence):
    """The tables of a sweep or of a job, by name in ``tables``."""

    @classmethod
    def read(cls, folder: Path) -> Loaded:
        """The tables in a folder, or in its ``sweep``.

        Raises:
            StoreError: if it holds none.
        """
        for place, names in ((folder / "sweep", SWEEP_TABLES), (folder, SWEEP_TABLES), (folder, JOB_TABLES)):
            paths = {name: place / f"{name}.parquet" for name in names}
            if all(path.is_file() for path in paths.values()):
                return cls({name: pl.read_parquet(path) for name, path in paths.items()})
        raise StoreError(
            str(folder), "holds no tables", "allowed: multirun/NAME of a sweep that ended, or a job's folder"
        )

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``; of a job that one object model's."""
        made: Mapping[str, Any] = self.tables
        if "label_proportion_by_depth" in made:
            return self.tables["label_proportion_by_depth"]
        raise StoreError("label_proportion_by_depth", "is a table of sweeps", "denote-report sweep=PARENT makes it")


def _shown(value: Any) -> str:
    return proportion(value, 3) if isinstance(value, float) else "" if value is None else str(value)


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS)
    return base64.b64encode(buffer.getvalue()).decode()
