"""What was found, in Python: frames, weights, heat maps; it shows itself in a notebook, and can be saved and loaded."""

from __future__ import annotations

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
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.figures.relevance import draw_relevance
from denote.keys import digest
from denote.observation.found import Evidence, Observation
from denote.observers.observer import Observer
from denote.reporting.notebook import as_html, as_image, as_text
from denote.runs.merge import Merged
from denote.runs.present import Reading, put_together
from denote.runs.record import FINISHED, now, versions, write_record
from denote.tables import JOB_TABLES, SWEEP_TABLES


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
            ConfigError: if there is no such observer, or an attribute has the name of the neurons' column.
        """
        if "neuron" in self.attributes:
            allowed = "another name, or seen.observer(layer).weights"
            raise ConfigError("weights", "an attribute is called 'neuron', as the column of neurons is", allowed)
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
        return _attribute_figure(Merged.of(self).tables)

    def depth_figure(self, family: str | None = None) -> Figure:
        """Label proportion of what neurons denote by depth, raw, folded and beside what random directions denote.

        Args:
            family: ``subsets``, ``classes``, ``columns``; needed where neurons were searched over several.

        Raises:
            DenoteError: naming the families, if there is no such one or several.
        """
        return _depth_figure(Merged.of(self).tables, family=family)

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
        return f"{self._title}\n{as_text(self.summary())}"

    def _repr_html_(self) -> str:
        """The summary and the figure, for a notebook."""
        image = as_image(self.figure(), "AUROC of every attribute by depth") if len(self.cells) else ""
        return f"<p>{escape(self._title)}</p>{as_html(self.summary())}{image}"

    @property
    def _title(self) -> str:
        denoting = self.neurons.filter("denotes").select("layer", "neuron").n_unique()
        return f"{len(self.layers)} layers, {len(self.attributes)} attributes, {denoting} neurons that denote"


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
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``.

        Raises:
            StoreError: if this is no sweep.
        """
        return self._of_sweep()["label_proportion_by_depth"]

    def figure(self) -> Figure:
        """How well every attribute is read at every depth.

        Raises:
            StoreError: if this is no sweep.
        """
        return _attribute_figure(self._of_sweep())

    def depth_figure(self, **chosen: str | bool | int | None) -> Figure:
        """Label proportion of what neurons denote by depth, mean over networks.

        Args:
            **chosen: Of ``family``, ``architecture``, ``dataset``, ``trained`` and ``epoch`` what the sweep has several
                of.

        Raises:
            DenoteError: if this is no sweep, or the choices leave no curve or more than one.
        """
        return _depth_figure(self._of_sweep(), **chosen)

    def __repr__(self) -> str:
        """Names of the tables and their sizes."""
        return as_text(self._sizes)

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        return as_html(self._sizes)

    @property
    def _sizes(self) -> pl.DataFrame:
        sizes = [(name, *frame.shape) for name, frame in self.tables.items()]
        return pl.DataFrame(sizes, ["table", "rows", "columns"], orient="row")

    def _of_sweep(self) -> Mapping[str, pl.DataFrame]:
        if "label_proportion_by_depth" not in self.tables:
            raise StoreError("tables", "are those of one job, not of a sweep", "denote-report sweep=PARENT makes them")
        return self.tables


def _attribute_figure(tables: Mapping[str, pl.DataFrame]) -> Figure:
    drawn = tables["cells"].filter((pl.col("probe") != "majority") & pl.col("depth").is_not_null())
    return draw_attribute_by_depth(drawn, tables["first_decisive"])


def _depth_figure(tables: Mapping[str, pl.DataFrame], **chosen: Any) -> Figure:
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    return draw_label_proportion_by_depth(tables["neurons"], by_depth, by_model, **chosen)
