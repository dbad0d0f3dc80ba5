"""Results in Python, of one observation or of a sweep: frames, weights, figures, cards; shown, saved and loaded."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.api.findings import Result
from denote.config.figure_settings import LIGHT
from denote.config.keys import SCHEMA, digest
from denote.config.paper_settings import LAST, PAPER, WIDTH
from denote.config.report_settings import REPORT
from denote.denotation.depth.plan import Analysis
from denote.digests import check
from denote.errors import ConfigError, StoreError, one_of
from denote.evidence.rule import Rule, rule_of
from denote.files import await_swap
from denote.numbers import count
from denote.observation.inputs_shown import InputsShown
from denote.observation.result import Observation
from denote.observers.observer import Observer, load_observers
from denote.runs.record import (
    Status,
    finished_jobs,
    now,
    read_record,
    result_files,
    versions,
    with_digests,
    write_record,
)
from denote.states.layers import Layer
from denote.tables import JOB_TABLES, SWEEP_TABLES, has_tables, missing_tables, read_tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ObservationResult(Result, Observation):
    """The result of one call of `observe`: tables, observers and figures of one network.

    Its tables are ``cells``, ``neurons``, ``controls``, and all others by name in ``tables`` (docs/audit.md).

    Example:
        >>> result = denote.observe(model, inputs, {"high": high})
        >>> result.cells.select("layer", "attribute", "probe").height
        3
        >>> result.weights("0").shape
        (5, 2)
        >>> sorted(result.summary().columns)
        ['auroc', 'best', 'denote', 'depth', 'layer', 'live', 'neurons']
        >>> result.report("pages/high.html").name
        'high.html'
        >>> result.neurons.columns[:4] == result.denoting().columns[:4]
        True
        >>> result.denoting().columns[:4]
        ['layer', 'neuron', 'property', 'balanced_accuracy']
        >>> result.verdict().needed  # more networks of one architecture, before label proportion by depth has a verdict
        5
        >>> any("networks" in line and "here is 1" in line for line in result.findings())
        True
        >>> result["layers"].height
        3
    """

    @classmethod
    def of(cls, observation: Observation) -> ObservationResult:
        """Return an observation as a result that shows itself."""
        return cls(**{field.name: getattr(observation, field.name) for field in fields(Observation)})

    @classmethod
    def read(cls, folder: Path) -> ObservationResult:
        """Read what `save` left in a folder, or a job of the command line.

        Args:
            folder: The folder of one job.

        Raises:
            StoreError: if a file of it is missing or broken.
        """
        record = read_record(folder)
        if record is None:
            raise StoreError(str(folder), "holds no run.json", "the folder of a job, or of `ObservationResult.save`")
        return cls(
            tables=read_tables(folder, JOB_TABLES),
            observers=load_observers(folder / "observers.safetensors"),
            layers=tuple(_layer(each) for each in record["layers"]),
            attributes=tuple(record["attributes"]),
            object_model=record["object_model"],
            input_shape=tuple(record["input_shape"]),
            rule=rule_of(record["config"]),
            inputs_shown=InputsShown.read(folder),
            truth=_truth(folder / "truth.parquet"),
        )

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
        """Return the weights of a layer's observers, in raw units: one row per neuron, one column per attribute.

        Args:
            layer: Name of the layer.
            probe: The probe; None for the first one. Of one with a hidden layer the rows are its hidden units.

        Returns:
            The column ``neuron`` and a column per attribute.

        Raises:
            ConfigError: if there is no such observer, or an attribute has the name of the neurons' column.
        """
        if "neuron" in self.attributes:
            allowed = "another name, or result.observer(layer).weights"
            raise ConfigError("weights", "an attribute is called 'neuron', as the column of neurons is", allowed)
        weights = self.observer(layer, probe).weights
        columns = {name: weights[:, index] for index, name in enumerate(self.attributes)}
        return pl.DataFrame({"neuron": range(len(weights))} | columns, nan_to_null=True)

    def heatmap(
        self, attribute: str, layer: str | None = None, *, shared_scale: bool = False, style: str = LIGHT
    ) -> Figure:
        """Draw what observers of an attribute rely on, linear ones where there are any, each layer in its geometry.

        Args:
            attribute: Its name.
            layer: One layer, or None for all.
            shared_scale: Whether one colour is one relevance in all layers; else a layer has a scale of its own.
            style: ``light``, ink on white, or ``dark``, light ink on a dark ground.

        Returns:
            A figure of matplotlib, in which units that matter have their number.

        Raises:
            ConfigError: if no observer of it weighs every neuron.
        """
        from denote.api.result_figures import observation_heatmap

        return observation_heatmap(self, attribute, layer, shared_scale=shared_scale, style=style)

    def figure(self, *, style: str = LIGHT) -> Figure:
        """Draw how well every attribute is read at every depth.

        Args:
            style: ``light`` or ``dark``.
        """
        from denote.api.result_figures import attribute_figure

        return attribute_figure(self._sweep_tables, style)

    def depth_figure(self, family: str | None = None, *, style: str = LIGHT) -> Figure:
        """Draw the label proportion of what neurons denote by depth, raw, folded, and of random directions.

        Args:
            family: ``subsets``, ``classes``, ``columns``; needed where neurons were searched over several.
            style: ``light`` or ``dark``.

        Returns:
            A figure of matplotlib.

        Raises:
            DenoteError: naming the families, if there is no such one or several.
        """
        from denote.api.result_figures import depth_figure

        return depth_figure(self._sweep_tables, style, family=family)

    def summary(self) -> pl.DataFrame:
        """Return one row per layer: live neurons, how many denote, and the attribute that is read best."""
        rows = [(layer.name, layer.depth, layer.n_neurons) for layer in self.layers]
        layers = pl.DataFrame(rows, ["layer", "depth", "neurons"], orient="row")
        by_neuron = self.neurons.group_by("layer", "neuron").agg(pl.col("live", "denotes").any())
        counts = by_neuron.group_by("layer").agg(live=pl.col("live").sum(), denote=pl.col("denotes").sum())
        read = self.cells.filter(pl.col("auroc").is_not_null()).sort("auroc", descending=True)
        best = read.group_by("layer", maintain_order=True).agg(
            pl.col("attribute").first().alias("best"), pl.first("auroc")
        )
        for columns in (counts, best):
            layers = layers.join(columns, on="layer", how="left", maintain_order="left")
        return layers

    def cards(self) -> pl.DataFrame:
        """Put every decisive cell and every neuron that denotes into sentences, one row and ``card`` each."""
        from denote.reporting.cards import cards

        return cards(self.cells, self.neurons, self.rule)

    def report(self, path: Path | str = "report.html") -> Path:
        """Write the answer and all evidence as one page, which opens in a browser without a network.

        Args:
            path: The file, whose folder is made where it is missing; a folder gets a ``report.html``. A report that
                was written here before is replaced.

        Returns:
            The path of the file.

        Raises:
            StoreError: if something that is no report lies there, or the folder is that of a job or a sweep's results.
        """
        from denote.api.report_file import write_report
        from denote.runs.reports import observation_report

        return write_report(observation_report(self, Path(path).stem), path)

    def paper(
        self,
        folder: Path | str = PAPER,
        formats: Sequence[str] = ("pdf", "latex", "markdown"),
        width: float = WIDTH,
        epochs: str = LAST,
    ) -> Path:
        """Write figures at a column's width, tables, and the sentences of a methods section.

        Args:
            folder: Made where it is missing; a paper that was written here before is replaced.
            formats: Some of ``pdf`` and ``svg`` (figures), ``latex`` and ``markdown`` (tables).
            width: Of a figure, in inches in [2.5, 12]: 3.3 is one column of two, 6.75 both.
            epochs: ``last``: layers, tests and verdicts of the best or last epoch of networks; ``all``: of every one.

        Returns:
            The path of the folder.

        Raises:
            DenoteError: for another format or width, if something else lies in the folder, or there is nothing to show.
        """
        from denote.api.paper_folder import write_paper
        from denote.reporting.paper.methods import Done

        levels = [] if self.evidence_level is None else [self.evidence_level]
        done = Done(self._sweep_tables, self.rule, versions=versions(), levels=levels)
        return write_paper(done, folder, formats, width, epochs)

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Save as the folder of a job, which `load` and ``denote-report sweep=PARENT`` read.

        Args:
            folder: Its folder, ``multirun/NAME/WHAT``; made if it is not there.
            overwrite: Whether it may replace an observation of another network or of other attributes there.

        Returns:
            The folder.

        Raises:
            StoreError: if it would, or the folder is a file.
        """
        folder = Path(folder)
        fingerprint = digest([self.object_model, *self.attributes])
        _check_free(folder, fingerprint, overwrite)
        self.write(folder)
        agreed = {"evidence": asdict(self.rule), "analysis": asdict(Analysis())}
        level = {} if self.evidence_level is None else {"level": self.evidence_level}
        config = {**agreed, "evidence": {**agreed["evidence"], **level}}
        record = {"status": Status.FINISHED, "schema": SCHEMA, "name": folder.name, "fingerprint": fingerprint}
        record |= {"started": now(), "ended": now(), "overrides": [], "config": config, "agreement": agreed}
        record |= {"evidence_level": self.evidence_level}
        record |= {REPORT: {"inputs": self.inputs_shown is None or not self.inputs_shown.is_withheld}}
        record |= {"analysis": config["analysis"], "versions": versions(), "timings": {}, "error": None}
        record |= {"object_model": self.object_model, "layers": [asdict(layer) for layer in self.layers]}
        record |= {"attributes": list(self.attributes), "input_shape": list(self.input_shape)}
        write_record(folder, with_digests(record, folder, result_files(folder)))
        return folder

    def __repr__(self) -> str:
        """Return the answer, the summary and what was not read, as text."""
        from denote.reporting.notebook import as_text

        return "\n".join([*self._short(), self._counts, as_text(self.summary()), *self._unread])

    def _repr_html_(self) -> str:
        """The same and the figure, for a notebook."""
        from denote.api.result_figures import attribute_figure
        from denote.reporting.notebook import as_html, as_image, as_lines

        image = ""
        if len(self.cells):
            image = as_image(attribute_figure(self._sweep_tables), "AUROC of every attribute by depth")
        opening = as_lines([*self._short(), self._counts])
        return f"{opening}{as_html(self.summary())}{as_lines(self._unread)}{image}"

    @property
    def _counts(self) -> str:
        denoting = self.neurons.filter("denotes").select("layer", "neuron").n_unique()
        layers, attributes = count(len(self.layers), "layer"), count(len(self.attributes), "attribute")
        return f"{layers}, {attributes}, {count(denoting, 'neuron')} that {'denotes' if denoting == 1 else 'denote'}"

    @cached_property
    def _sweep_tables(self) -> dict[str, pl.DataFrame]:
        from denote.runs.merge import Merged

        return dict(Merged.of(self).tables)

    @property
    def _rule(self) -> Rule:
        return self.rule

    @property
    def _unread(self) -> list[str]:
        """Attributes without any score, and why."""
        none = self.cells.group_by("attribute", maintain_order=True).agg(
            pl.col("auroc").is_null().all().alias("unread"), pl.col("note").drop_nulls().first()
        )
        return [f"not read: {name}: {note}" for name, note in none.filter("unread").select("attribute", "note").rows()]


def _truth(file: Path) -> pl.DataFrame | None:
    check(file)
    return pl.read_parquet(file, glob=False) if file.is_file() else None


def _layer(saved: Mapping[str, Any]) -> Layer:
    """A layer of a record; JSON knows no tuples."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()}
    return Layer(**values)


def _check_free(folder: Path, fingerprint: str, overwrite: bool) -> None:
    """Refuse to replace another observation, unless that is wanted."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(str(folder), "is a file", "a folder")
    record = read_record(folder)
    if record is not None and record.get("fingerprint") != fingerprint and not overwrite:
        raise StoreError(str(folder), "holds another observation", "another folder, or save(folder, overwrite=True)")


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepResult(Result):
    """The result of a sweep: merged tables over networks, by name in ``tables``, and figures.

    Attributes:
        folder: The folder of its jobs.

    Example:
        >>> folder = denote.observe(model, inputs, {"high": high}).save("runs/mine/seed_0")
        >>> denote.load(folder).attributes
        ('high',)
    """

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> SweepResult | None:
        """Read the sweep whose folder, or ``sweep/`` within it, this is; None where it is neither."""
        for merged, jobs in ((folder / "sweep", folder), (folder, folder.parent)):
            if not has_tables(merged, SWEEP_TABLES):
                await_swap(merged)
                if not has_tables(merged, SWEEP_TABLES):
                    continue
            if missing := ", ".join(missing_tables(merged, SWEEP_TABLES)):
                again = f"denote-report sweep={jobs} analyses it again"
                log.warning("%s: merged by an older denote, without %s; %s", merged, missing, again)
            return cls(read_tables(merged, SWEEP_TABLES), jobs)
        return None

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Return the columns of ``tables.LABEL_PROPORTION_BY_DEPTH``."""
        return self.tables["label_proportion_by_depth"]

    def heatmap(
        self,
        attribute: str,
        layer: str | None = None,
        *,
        shared_scale: bool = False,
        style: str = LIGHT,
        **network: str | int | None,
    ) -> Figure:
        """Draw what linear observers of an attribute rely on in one network, by default the first trained one.

        Args:
            attribute: Its name.
            layer: One layer, or None for all.
            shared_scale: Whether one colour is one relevance in all layers; else a layer has a scale of its own.
            style: ``light``, ink on white, or ``dark``, light ink on a dark ground.
            **network: Of ``seed``, ``architecture`` and ``dataset`` what tells the network; the first that answers is
                drawn.

        Returns:
            A figure of matplotlib, in which units that matter have their number.

        Raises:
            ConfigError: if there is no linear observer of it, or no such network.
        """
        from denote.api.result_figures import sweep_heatmap

        look: dict[str, Any] = {"shared_scale": shared_scale, "style": style}
        return sweep_heatmap(self.folder, self.cells, attribute, layer, network, **look)

    def figure(self, *, style: str = LIGHT) -> Figure:
        """Draw how well every attribute is read at every depth, mean over networks.

        Args:
            style: ``light`` or ``dark``.
        """
        from denote.api.result_figures import attribute_figure

        return attribute_figure(self.tables, style)

    def depth_figure(self, *, style: str = LIGHT, **chosen: str | bool | int | None) -> Figure:
        """Draw the label proportion of what neurons denote by depth, mean over networks.

        Args:
            style: ``light`` or ``dark``.
            **chosen: Of ``family``, ``architecture``, ``dataset``, ``trained`` and ``epoch`` what the sweep has several
                of.

        Returns:
            A figure of matplotlib.

        Raises:
            DenoteError: if the choices leave no curve or more than one.
        """
        from denote.api.result_figures import depth_figure

        return depth_figure(self.tables, style, **chosen)

    def report(self, path: Path | str = "report.html") -> Path:
        """Write the answer and all evidence as one page; see `ObservationResult.report`.

        Args:
            path: The file, whose folder is made where it is missing; a folder gets a ``report.html``. Links to figures
                and to the reports of jobs lead to the sweep's folder from there.

        Returns:
            The path of the file.

        Raises:
            StoreError: if something that is no report lies there, or the folder is that of a job or a sweep's results.
        """
        from denote.api.report_file import write_report
        from denote.runs.reports import sweep_report

        return write_report(sweep_report(self.folder, self.tables), path)

    def paper(
        self,
        folder: Path | str = PAPER,
        formats: Sequence[str] = ("pdf", "latex", "markdown"),
        width: float = WIDTH,
        epochs: str = LAST,
    ) -> Path:
        """Write figures, tables and methods for a paper; see `ObservationResult.paper`.

        Args:
            folder: Made where it is missing; a paper that was written here before is replaced.
            formats: Some of ``pdf``, ``svg``, ``latex`` and ``markdown``.
            width: Of a figure, in inches in [2.5, 12].
            epochs: ``last`` or ``all``.

        Returns:
            The path of the folder.

        Raises:
            DenoteError: for another format or width, if something else lies in the folder, or there is nothing to show.
        """
        from denote.api.paper_folder import write_paper
        from denote.runs.paper import done_in

        done = done_in(self.tables, [record for _, record in finished_jobs(self.folder)])
        return write_paper(done, folder, formats, width, epochs)

    def cards(self) -> pl.DataFrame:
        """Put every decisive cell and every neuron that denotes into sentences, one row and ``card`` each."""
        from denote.reporting.cards import cards

        return cards(self.cells, self.neurons, self._rule)

    def summary(self) -> pl.DataFrame:
        """Return one row per architecture and layer: networks, neurons, how many denote, the attribute read best."""
        place = ["dataset", "architecture", "layer"]
        unit = [*place, "object_model", "neuron"]
        units = self.neurons.group_by(unit).agg(pl.col("live", "denotes").any(), pl.col("depth").min())
        layers = units.group_by(place).agg(
            pl.col("depth").min(),
            networks=pl.col("object_model").n_unique(),
            neurons=pl.len(),
            live=pl.col("live").sum(),
            denote=pl.col("denotes").sum(),
        )
        read = self.cells.group_by(*place, "attribute", "probe", "k").agg(pl.col("auroc").mean()).drop_nulls("auroc")
        best = (
            read.sort("auroc", descending=True)
            .group_by(place, maintain_order=True)
            .agg(pl.col("attribute").first().alias("best"), pl.first("auroc"))
        )
        rows = layers.join(best, on=place, how="left").sort(
            "dataset", "architecture", "depth", "layer", nulls_last=True
        )
        differing = [name for name in place[:2] if rows[name].n_unique() > 1]
        return rows.select(*differing, "layer", "depth", "networks", "neurons", "live", "denote", "best", "auroc")

    def __repr__(self) -> str:
        """Return the answer, the summary and the names of the tables, as text."""
        from denote.reporting.notebook import as_text

        return "\n".join([*self._short(), as_text(self.summary()), self._names])

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        from denote.reporting.notebook import as_html, as_lines

        return f"{as_lines(self._short())}{as_html(self.summary())}{as_lines([self._names])}"

    @property
    def _names(self) -> str:
        return f"tables: {', '.join(self.tables)}"

    @property
    def _sweep_tables(self) -> dict[str, pl.DataFrame]:
        return dict(self.tables)

    @cached_property
    def _rule(self) -> Rule:
        rules = [rule_of(record["config"]) for _, record in finished_jobs(self.folder)]
        return rules[0] if rules else Rule()
