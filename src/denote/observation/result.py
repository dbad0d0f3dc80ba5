"""What an observation gives: tables, observers, and the inputs that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from denote.denotation.depth.analysis import DepthAnalysis, depth_analysis
from denote.denotation.depth.plan import Analysis
from denote.evidence.rule import Rule
from denote.observation.inputs_shown import InputsShown
from denote.observers.observer import Observer, save_observers
from denote.states.layers import Layer
from denote.tables import JOB_TABLES, write_table

INPUT = "input"
"""Name under which the observers of the raw input are kept, beside those of the layers."""


@dataclass(frozen=True)
class Evidence:
    """Tables by name, the three that are read most by an attribute each.

    Attributes:
        tables: The frames of ``tables.JOB_TABLES`` at least, by name; corrections over what is in them alone.
    """

    tables: Mapping[str, pl.DataFrame]

    @property
    def cells(self) -> pl.DataFrame:
        """Columns of ``tables.CELLS``: one row per object model, layer, attribute and probe."""
        return self.tables["cells"]

    @property
    def neurons(self) -> pl.DataFrame:
        """Columns of ``tables.NEURONS``: one row per neuron and attribute family."""
        return self.tables["neurons"]

    @property
    def controls(self) -> pl.DataFrame:
        """Columns of ``tables.CONTROLS``: the replicates behind the control columns."""
        return self.tables["controls"]

    def depth_analysis(self, analysis: Analysis | None = None) -> DepthAnalysis:
        """Analyse how the label proportion of what neurons denote depends on depth; see `denote.depth_analysis`.

        Args:
            analysis: What was planned; None: nothing, all is exploratory.
        """
        return depth_analysis(self.neurons, self.controls, self.tables["layers"], analysis=analysis)


@dataclass(frozen=True)
class Observation(Evidence):
    """What one observation found.

    Attributes:
        observers: The fitted observers by ``layer/probe``, of a probe of several sizes by ``layer/probe-k``; those of
            the raw input under ``input/probe``.
        layers: The layers that were observed.
        attributes: Names of the attributes, in the order of the observers' columns.
        object_model: Key of the object model.
        input_shape: Shape of one input; empty where it is not known.
        rule: The rule that decided.
        inputs_shown: Inputs of the samples in ``examples``, or None in results of before.
        truth: Where the network knows what its neurons denote (docs/worlds.md), what it says of each; else None.
    """

    observers: Mapping[str, Observer]
    layers: tuple[Layer, ...]
    attributes: tuple[str, ...]
    object_model: str
    input_shape: tuple[int, ...] = ()
    rule: Rule = field(default_factory=Rule)
    inputs_shown: InputsShown | None = None
    truth: pl.DataFrame | None = None

    @property
    def evidence_level(self) -> str | None:
        """How much evidence there is, by its name in ``evidence=``; None of a result from before there were levels."""
        return next(iter(self.tables["layers"]["evidence_level"]), None)

    def depth_analysis(self, analysis: Analysis | None = None) -> DepthAnalysis:
        """As of any evidence, with the rule that decided."""
        return depth_analysis(self.neurons, self.controls, self.tables["layers"], analysis=analysis, rule=self.rule)

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH`` for this one object model."""
        return self.depth_analysis().by_depth

    def write(self, folder: Path) -> None:
        """Save tables, observers, inputs and truth into a job's folder, each file whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = {name: self.tables[name] for name in JOB_TABLES}
        for name, frame in (tables if self.truth is None else {**tables, "truth": self.truth}).items():
            write_table(folder, name, frame)
        save_observers(folder / "observers.safetensors", self.observers)
        (self.inputs_shown or InputsShown()).write(folder)
