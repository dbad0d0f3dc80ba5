"""The main tables of the report: jobs, layers, cells and neurons, with their controls beside every score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from denote.evidence.remarks import INAPPLICABLE
from denote.evidence.rule import Rule
from denote.figures.curves import Curve, is_untested
from denote.figures.profiles import one_size
from denote.notes import codes_in
from denote.numbers import NULL, count, proportion, seconds, small
from denote.observers.kinds import reads_state
from denote.reporting.page import (
    Column,
    Row,
    Sheet,
    amount,
    between,
    network,
    note,
    probe,
    share,
    sheet,
    text,
    whole,
    yes,
)

FINISHED, SKIPPED, OLDER = "finished", "skipped", "older"


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        name: Its folder's name.
        status: ``finished``, ``skipped`` (its evidence was there), ``failed``, ``interrupted``, ``unfinished``, or
            ``older`` (finished under another schema than the jobs it lies beside, and left out of what is merged).
        reason: Why it did not finish, in one line.
        seconds: How long it ran.
    """

    name: str
    status: str
    reason: str = ""
    seconds: float | None = None

    @property
    def failed(self) -> bool:
        """True where the job left no evidence."""
        return self.status not in (FINISHED, SKIPPED, OLDER)

    @property
    def counts(self) -> bool:
        """True where the job's evidence is merged."""
        return self.status in (FINISHED, SKIPPED)


def tally(jobs: Sequence[Job]) -> str:
    """``24 jobs: 22 finished, 2 failed``."""
    counts = Counter(job.status for job in jobs)
    kinds = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    return f"{len(jobs)} job{'s' * (len(jobs) != 1)}: {kinds or 'none'}"


def _where_known(frame: pl.DataFrame, key: str, column: Column) -> list[Column]:
    """A column that few observers have, only where one of these rows has it."""
    return [column] if frame[key].is_not_null().any() else []


def _rival(row: Row) -> str:
    return f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}" if row["rival"] else NULL


def jobs_sheet(jobs: Sequence[Job]) -> Sheet:
    """List jobs and how they ended, those without evidence first."""
    columns: list[Column] = [
        ("job", text("name")),
        ("status", text("status")),
        ("time", lambda row: seconds(row["seconds"])),
        ("reason", text("reason")),
    ]
    rows = [vars(job) for job in sorted(jobs, key=lambda job: not job.failed)]
    return sheet("Jobs", f"{tally(jobs)}.", columns, rows, "status.json")


def depth_sheet(curve: Curve, by_depth: pl.DataFrame) -> Sheet:
    """Label proportion by depth of one curve."""
    head = is_untested() & pl.lit(len(by_depth) > 1)
    rows = by_depth.with_columns(
        pl.when(head).then(pl.col("layer") + " (head: not tested)").otherwise("layer").alias("layer")
    ).sort("depth", nulls_last=True)
    columns: list[Column] = [
        ("layer", text("layer")),
        ("depth", text("depth")),
        ("models", whole("n_models")),
        ("neurons", whole("n_neurons")),
        ("live", whole("n_live")),
        ("denoting", whole("n_denoting")),
        ("distinct", whole("n_distinct")),
        ("share denoting", share("share_denoting")),
        ("untrained", share("untrained_share_denoting")),
        ("rotated", share("rotated_share_denoting")),
        ("label proportion", between("label_proportion_mean", "label_proportion")),
        ("folded", between("folded_mean", "folded")),
        ("rotated folded", share("rotated_folded_mean")),
        ("majority side", share("majority_side_share")),
        ("on-proportion", share("on_proportion_mean")),
        ("unconditional", share("unconditional_label_proportion_mean")),
        ("note", note),
    ]
    caption = (
        "Means and 95 % t-intervals over object models. on-proportion: all live neurons, denoting or not; "
        "unconditional: the best property of every live neuron; null: undefined, the note says why."
    )
    return sheet(curve.title, caption, columns, rows.iter_rows(named=True))


def best_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """Of every attribute and probe the layer and object model with the highest lower bound; majority has none."""
    scored = one_size(cells).filter(reads_state())
    return scored.sort("balanced_accuracy_low", "auroc", descending=True, nulls_last=True).unique(
        ["dataset", "architecture", "trained", "epoch", "attribute", "probe"], keep="first", maintain_order=True
    )


def cells_sheet(cells: pl.DataFrame, rule: Rule) -> Sheet:
    """The best cells, with their controls.

    Args:
        cells: Columns of ``tables.CELLS``.
        rule: The rule that decided them; no number looks as if it reached a threshold that it does not.
    """
    best = best_cells(cells)
    columns: list[Column] = [
        ("attribute", text("attribute")),
        ("probe", probe),
        ("where", lambda row: f"{row['layer']}, {network(row)}"),
        ("seed", text("seed")),
        ("label proportion", share("label_proportion")),
        ("n test", whole("n_test")),
        ("AUROC", between("auroc")),
        ("balanced accuracy", between("balanced_accuracy", "balanced_accuracy_interval", rule.decisive)),
        ("bound", share("balanced_accuracy_low", limit=rule.null)),
        ("accuracy / majority", lambda row: f"{proportion(row['accuracy'])} / {proportion(row['majority_accuracy'])}"),
        ("shuffled", share("control_auroc")),
        ("selectivity", between("selectivity")),
        ("untrained", share("untrained_auroc")),
        ("raw input", share("input_auroc")),
        ("rotated", _rotated),
        *_where_known(best, "random_subset_percentile", ("random subsets", share("random_subset_percentile"))),
        *_where_known(best, "control_task_auroc", ("control task", share("control_task_auroc"))),
        ("q", lambda row: small(row["q_value"], rule.q)),
        ("detectable AUROC", share("detectable_auroc")),
        ("detectable proportion", share("detectable_proportion")),
        ("decisive", yes("decisive")),
        *_where_known(best, "sufficient_k", ("enough neurons", whole("sufficient_k"))),
        *_where_known(best, "n_outside_band", ("outside band", _outside_band)),
        ("note", note),
    ]
    n_cells = count(len(one_size(cells).filter(reads_state())), "cell")
    caption = (
        f"The best layer and object model for each attribute and probe, of {n_cells}, chosen by the score it shows: "
        "read it as where to look; the heat map shows every layer. bound: one-sided 95 %. shuffled, untrained, raw "
        "input and rotated are AUROCs of the same observer on shuffled labels, on the untrained network, on the input "
        "and on random directions. detectable: what a cell with these rows would have shown with power .8."
    )
    return sheet("Best cells", caption, columns, best.iter_rows(named=True), "cells.parquet")


def _rotated(row: Row) -> str:
    """The AUROC on rotated states, which is no control of a probe that reads every neuron."""
    return INAPPLICABLE if "rotated_alike" in codes_in(row) else proportion(row["rotated_auroc"])


def _outside_band(row: Row) -> str:
    """Neurons whose weight no shuffled-label observer reaches."""
    if row["n_outside_band"] is None:
        return NULL
    return f"{count(row['n_outside_band'])} of {count(row['n_neurons'])} (+-{proportion(row['relevance_band'], 3)})"


def surest(neurons: pl.DataFrame) -> pl.DataFrame:
    """The neurons that denote, the surest first."""
    return neurons.filter("denotes").sort(
        "q_value", "balanced_accuracy", descending=[False, True], nulls_last=True, maintain_order=True
    )


def neurons_sheet(neurons: pl.DataFrame) -> Sheet:
    """Denoting neurons, the surest first."""
    found = surest(neurons)
    columns: list[Column] = [
        ("neuron", lambda row: f"{row['layer']}, {row['neuron_name'] or row['neuron']}"),
        ("of", network),
        ("seed", text("seed")),
        ("family", text("family")),
        ("denotes", text("property")),
        ("label proportion", share("label_proportion")),
        ("balanced accuracy", between("balanced_accuracy", "balanced_accuracy_interval")),
        ("bound", share("balanced_accuracy_low")),
        ("TPR", between("tpr")),
        ("TNR", between("tnr")),
        ("precision", share("precision")),
        ("on-proportion", share("on_proportion")),
        ("majority", share("majority_accuracy")),
        ("shuffled", share("control_balanced_accuracy")),
        ("selectivity", between("selectivity")),
        ("untrained", share("untrained_balanced_accuracy")),
        ("raw input", share("input_balanced_accuracy")),
        ("rotated share", share("rotated_share")),
        ("rival", _rival),
        ("detectable", share("detectable_balanced_accuracy")),
        ("q", lambda row: small(row["q_value"])),
        ("note", note),
    ]
    caption = (
        f"{count(len(found), 'row')} of {count(len(neurons.filter('live')), 'live neuron')} (once per family); "
        "the others abstain. Every number is of held-out test rows. bound: one-sided 95 %. rotated share: of random "
        "directions of that layer, how many denote. rival: the best threshold of a simple column on the same rows. "
        "detectable: the balanced accuracy that would have passed with power .8."
    )
    return sheet("Denoting neurons", caption, columns, found.iter_rows(named=True), "neurons.parquet")


def where_some_denote(sensitivity: pl.DataFrame) -> pl.DataFrame:
    """The families in which some rule lets a neuron denote; of the others every row would say 0.

    Args:
        sensitivity: From :func:`denote.denotation.judging.decisions.sensitivity_table`.
    """
    if sensitivity.is_empty():
        return sensitivity
    return sensitivity.filter(pl.col("n_denoting").max().over("family") > 0)


def sensitivity_sheet(sensitivity: pl.DataFrame) -> Sheet:
    """Count neurons that denote over a grid of rules, column by column.

    Args:
        sensitivity: From :func:`denote.denotation.judging.decisions.sensitivity_table`.
    """

    def write(key: str, kind: pl.DataType) -> Callable[[Row], str]:
        return share(key) if kind.is_float() else text(key)

    columns = [(key.replace("_", " "), write(key, kind)) for key, kind in sensitivity.schema.items()]
    caption = "How many neurons would denote under other rules; the rule in force is the one in the configuration."
    return sheet("Other rules", caption, columns, sensitivity.iter_rows(named=True))


CURVE = ["dataset", "architecture", "trained", "epoch", "layer", "depth", "pooling"]


def layers_sheet(layers: pl.DataFrame, by_depth: pl.DataFrame) -> Sheet:
    """Means over object models of every layer.

    Args:
        layers: Columns of ``tables.LAYERS``.
        by_depth: Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``, for the entropy of what is denoted.
    """
    means = pl.col("n_live", "participation_ratio", "active_share").mean()
    flags = pl.col("sign_identified", "is_head").first()
    rows = layers.group_by(CURVE, maintain_order=True).agg(
        pl.n_unique("object_model").alias("models"), pl.col("n_neurons").first(), means, flags
    )
    columns: list[Column] = [
        ("layer", text("layer")), ("depth", text("depth")), ("of", network), ("models", text("models")),
        ("neurons", text("n_neurons")), ("live", amount("n_live")),
        ("participation ratio", amount("participation_ratio")), ("active share", share("active_share")),
        ("sign means something", yes("sign_identified")), ("head", yes("is_head")),
    ]  # fmt: skip
    key = ["dataset", "architecture", "trained", "epoch", "layer"]
    known = by_depth.filter(pl.col("property_entropy_mean").is_not_null())
    for family in known["family"].unique(maintain_order=True):
        entropy = known.filter(pl.col("family") == family).select(*key, pl.col("property_entropy_mean").alias(family))
        rows = rows.join(entropy, on=key, how="left", nulls_equal=True, maintain_order="left")
        columns.append((f"entropy of {family} (bits)", amount(family)))
    caption = (
        "Means over object models. live: neurons that vary on fit. participation ratio: how many directions the state "
        "spreads over, at most the live neurons. active share: test rows above 0, mean over live neurons. entropy: of "
        "the properties that denoting neurons have. Where a sign means nothing only folded label proportions do."
    )
    return sheet("Layers", caption, columns, rows.iter_rows(named=True), "layers.parquet")
