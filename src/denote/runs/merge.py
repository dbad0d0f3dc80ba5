"""Finished jobs' tables as one: each row once, and one correction over all of them (METHOD section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from denote import tables as columns
from denote.config.levels import LEVELS, STANDARD
from denote.denotation.depth.analysis import depth_analysis
from denote.denotation.depth.by_model import denoted
from denote.denotation.depth.plan import Analysis
from denote.denotation.judging.decisions import best_per_key
from denote.denotation.judging.search_stability import AGREEMENT, stability
from denote.evidence.audit import audit
from denote.evidence.first_decisive import first_decisive, seed_spread
from denote.evidence.rule import Rule
from denote.interventions.reasons import cells_not_ablated
from denote.interventions.use import use_tests
from denote.notes import Note
from denote.observation.decide import decide
from denote.observation.result import Evidence, Observation
from denote.tables import (
    JOB_TABLES,
    NEURONS_KEY,
    OF_ROW,
    SWEEP_TABLES,
    empty,
    joined_notes,
    read_table_of_many,
    remark,
    write_table,
)


@dataclass(frozen=True)
class Merged(Evidence):
    """The tables of a sweep, or of one job as if it were a sweep: those of ``tables.SWEEP_TABLES``."""

    def write(self, folder: Path) -> None:
        """Save as parquet."""
        for name, frame in self.tables.items():
            write_table(folder, name, frame)

    def write_added(self, folder: Path) -> None:
        """Save what a sweep adds to the tables of a job."""
        for name in SWEEP_TABLES.keys() - JOB_TABLES.keys():
            write_table(folder, name, self.tables[name])

    @classmethod
    def of(cls, observation: Observation) -> Merged:
        """The tables of one observation, with what a sweep adds."""
        return cls(_summarised(observation.tables, observation.rule, Analysis()))


def merge(jobs: Sequence[Path], rule: Rule, analysis: Analysis | None = None) -> Merged:
    """Merge the tables of job folders and decide again over all of them.

    A neuron that was searched by several jobs keeps, per family, the property with the best *fit* score; how far other
    searches agree is null where each job searched other attributes, since none of them made that choice. A cell that
    several jobs have is the same cell and is kept once; of an intervention the test beside most random ones is. An
    attribute's pairs at a layer all come from the job that its row of the scan comes from: jobs that differ in
    ``probe_seed`` may have scanned other rows (``equal_rows``), and the smallest p-values of several scans are no
    family of tests. Examples of a neuron stay where it denotes by the
    decisions over all jobs, and they show the property that it keeps; one that denotes by these alone has none, and
    its note says so. Of what jobs of several levels of evidence have in common the highest counts. Depth is tested as
    ``analysis`` planned; None: with nothing planned.
    """
    tables = {name: _distinct(name, _of_highest_level(name, _concat(jobs, name))) for name in JOB_TABLES}
    tables["pairs"] = tables["pairs"].join(
        tables["scan"], on=[*columns.SCAN_KEY, _JOB], how="semi", maintain_order="left"
    )
    tables = {name: frame.drop(_JOB, strict=False) for name, frame in tables.items()}
    decided = _with_examples(decide(tables, rule), tables["neurons"])
    decided["cells"] = cells_not_ablated(decided["cells"], tables["cells"], decided["interventions"])
    return Merged(_summarised(decided, rule, analysis or Analysis()))


def _with_examples(decided: Mapping[str, pl.DataFrame], before: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The tables with examples of the neurons that denote in the sweep, and a note where a job could not know it.

    Args:
        decided: The sweep's tables, decided.
        before: The same neurons as their jobs decided them.
    """
    neurons, key = decided["neurons"], [*NEURONS_KEY, "property"]
    shown = decided["examples"].join(
        neurons.filter("denotes"), on=key, how="semi", nulls_equal=True, maintain_order="left"
    )
    of_jobs = before.select(*key, provisional=pl.col("denotes").fill_null(value=False))
    noted = neurons.join(of_jobs, on=key, how="left", nulls_equal=True, maintain_order="left").with_columns(
        **joined_notes(OF_ROW, remark(Note.of("no_examples"), pl.col("denotes") & ~pl.col("provisional")))
    )
    return {**decided, "examples": shown, "neurons": noted.drop("provisional")}


def _summarised(tables: Mapping[str, pl.DataFrame], rule: Rule, analysis: Analysis) -> dict[str, pl.DataFrame]:
    """Decided tables, and what is made of all of them together."""
    depth = depth_analysis(tables["neurons"], tables["controls"], tables["layers"], analysis=analysis, rule=rule)
    return {
        **{name: empty(schema) for name, schema in SWEEP_TABLES.items()},
        **tables,
        **depth.tables,
        "properties": denoted(tables["neurons"]),
        "stability": stability(tables["neurons"], tables["controls"]),
        "first_decisive": first_decisive(tables["cells"], tables["layers"]),
        "seed_spread": seed_spread(tables["cells"]),
        "audit": audit(tables["cells"], tables["neurons"]),
        "use_tests": use_tests(tables["neurons"], tables["layers"]),
    }


def _concat(jobs: Sequence[Path], name: str) -> pl.DataFrame:
    return read_table_of_many(jobs, name, _JOB if name in ("scan", "pairs") else None)


_JOB = "job of the sweep"

_KEYS = {
    "cells": columns.CELLS_KEY,
    "scan": columns.SCAN_KEY,
    "pairs": (*columns.PAIRS_KEY, _JOB),
    "curves": columns.CURVES_KEY,
    "attribute_correlation": ("dataset", "attribute", "other"),
    "layers": columns.LAYERS_KEY,
    "on_rates": columns.ON_RATES_KEY,
    "examples": columns.EXAMPLES_KEY,
    "histograms": columns.HISTOGRAMS_KEY,
    "interventions": columns.INTERVENTIONS_KEY,
}


def _of_highest_level(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows without those that another job has with more evidence; of neurons, those that chose the same property."""
    if "evidence_level" not in frame.columns or frame["evidence_level"].drop_nulls().n_unique() < 2:
        return frame
    key = {"neurons": [*NEURONS_KEY, "property"], "controls": ["control", "draw", *_KEY_OF_CONTROLS]}.get(name)
    rank = pl.col("evidence_level").fill_null(STANDARD.name).replace_strict({n: i for i, n in enumerate(LEVELS)})
    return frame.filter(rank == rank.max().over(key or list(_KEYS[name])))


_KEY_OF_CONTROLS = tuple(dict.fromkeys((*columns.CELLS_KEY, *NEURONS_KEY)))


def _distinct(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Keep rows of jobs that overlap once; tables without a key have rows that are equal throughout."""
    if name == "neurons":
        return _distinct_neurons(frame)
    if name == "controls":
        return _distinct_controls(frame)
    if name == "interventions":
        return _distinct_interventions(frame)
    return frame.unique(_KEYS.get(name, pl.exclude("note_codes")), keep="first", maintain_order=True)


def _distinct_neurons(neurons: pl.DataFrame) -> pl.DataFrame:
    """Every neuron once; agreements with other searches stay where all jobs that searched it found the same."""
    found = pl.struct("property", "fit_balanced_accuracy", *AGREEMENT.values())
    apart = pl.col("searched apart")
    kept = best_per_key(neurons.with_columns((found.n_unique().over(NEURONS_KEY) > 1).alias("searched apart")))
    return kept.with_columns(
        *(pl.when(~apart).then(name).alias(name) for name in AGREEMENT.values()),
        **joined_notes(OF_ROW, remark(Note.of("searched_apart"), apart)),
    ).drop("searched apart")


def _distinct_interventions(rows: pl.DataFrame) -> pl.DataFrame:
    """What an intervention shows, once: of several jobs' the one beside most random ones, in whatever order they come.

    A job with more tests draws more random directions, and which neurons are matched depends on which denote in a job.
    """
    key = list(_KEYS["interventions"])
    places = rows.with_row_index("place").with_columns(pl.col("place").min().over(key))
    others = [name for name in rows.columns if name not in (*key, "n_random")]
    best = places.sort("n_random", *others, descending=[True] + [False] * len(others), nulls_last=True)
    return best.unique(key, keep="first", maintain_order=True).sort("place").drop("place")


def _distinct_controls(controls: pl.DataFrame) -> pl.DataFrame:
    """Replicates of jobs that overlap, once; of a neuron the property with the best *fit* score, as for real ones."""
    is_neuron = pl.col("neuron").is_not_null()
    cells = controls.filter(~is_neuron).unique(
        ["control", "draw", *columns.CELLS_KEY], keep="first", maintain_order=True
    )
    neurons = [
        best_per_key(part) for _, part in controls.filter(is_neuron).group_by("control", "draw", maintain_order=True)
    ]
    return pl.concat([cells, *neurons])
