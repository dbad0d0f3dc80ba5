"""The main tables of the report: jobs, layers, cells and neurons, with their controls beside every score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from denote.evidence.rule import INAPPLICABLE, Rule
from denote.figures.curves import Curve, is_untested, one_size
from denote.notes import codes_in
from denote.numbers import NULL, count, proportion, seconds, small
from denote.observers.kinds import reads_state
from denote.reporting import page
from denote.reporting.jobs import Job, tally
from denote.reporting.page import NOTES, OF, PROBE, Column, Row, Sheet


def _rival(row: Row) -> str:
    return f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}" if row["rival"] else NULL


def jobs_sheet(jobs: Sequence[Job]) -> Sheet:
    """List jobs and how they ended, those without evidence first."""
    columns = [
        *page.text(name="job", status="status"),
        *page.columns(seconds, seconds="time"),
        *page.text("evidence", "reason", "attempts", "log"),
    ]
    rows = [vars(job) for job in sorted(jobs, key=lambda job: not job.failed)]
    return page.sheet("jobs", columns, rows, tally=tally(jobs))


def depth_sheet(curve: Curve, by_depth: pl.DataFrame) -> Sheet:
    """Label proportion by depth of one curve."""
    head = is_untested() & pl.lit(len(by_depth) > 1)
    rows = by_depth.with_columns(
        pl.when(head).then(pl.col("layer") + " (head: not tested)").otherwise("layer").alias("layer")
    ).sort("depth", nulls_last=True)
    columns = [
        *page.text("layer", "depth"),
        *page.whole(
            n_models="models", n_neurons="neurons", n_live="live", n_denoting="denoting", n_distinct="distinct"
        ),
        *page.share("share_denoting", untrained_share_denoting="untrained", rotated_share_denoting="rotated"),
        *page.between(bounds="label_proportion", label_proportion_mean="label proportion"),
        *page.between(bounds="folded", folded_mean="folded"),
        *page.share(rotated_folded_mean="rotated folded", majority_side_share="majority side"),
        *page.share(on_proportion_mean="on-proportion", unconditional_label_proportion_mean="unconditional"),
        NOTES,
    ]
    return page.sheet("depth", columns, rows, curve=curve.title)


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
        *page.text("attribute"),
        PROBE,
        ("where", lambda row: f"{row['layer']}, {page.network(row)}"),
        *page.text("seed"),
        *page.share("label_proportion"),
        *page.whole("n_test"),
        *page.between(auroc="AUROC"),
        *page.between("balanced_accuracy_interval", rule.decisive, balanced_accuracy="balanced accuracy"),
        *page.columns(partial(proportion, limit=rule.null), balanced_accuracy_low="bound"),
        ("accuracy / majority", lambda row: f"{proportion(row['accuracy'])} / {proportion(row['majority_accuracy'])}"),
        *page.share(control_auroc="shuffled"),
        *page.between(selectivity="selectivity"),
        *page.share(untrained_auroc="untrained", input_auroc="raw input"),
        ("rotated", _rotated),
        *page.share(**_of_some(best, random_subset_percentile="random subsets", control_task_auroc="control task")),
        *page.columns(partial(small, limit=rule.q), q_value="q"),
        *page.share(detectable_auroc="detectable AUROC", detectable_proportion="detectable proportion"),
        *page.yes("decisive"),
        *page.whole(**_of_some(best, sufficient_k="enough neurons")),
        *((title, _outside_band) for title in _of_some(best, n_outside_band="outside band").values()),
        NOTES,
    ]
    n_cells = count(len(one_size(cells).filter(reads_state())), "cell")
    return page.sheet("cells", columns, best, n_cells=n_cells)


def _of_some(rows: pl.DataFrame, **titles: str) -> dict[str, str]:
    """Return the columns, with their titles, that any of the rows has; few observers have them."""
    return {key: title for key, title in titles.items() if rows[key].is_not_null().any()}


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
        OF,
        *page.text("seed", "family", property="denotes"),
        *page.share("label_proportion"),
        *page.between(bounds="balanced_accuracy_interval", balanced_accuracy="balanced accuracy"),
        *page.share(balanced_accuracy_low="bound"),
        *page.between(tpr="TPR", tnr="TNR"),
        *page.share("precision", on_proportion="on-proportion", majority_accuracy="majority"),
        *page.share(control_balanced_accuracy="shuffled"),
        *page.between(selectivity="selectivity"),
        *page.share(untrained_balanced_accuracy="untrained", input_balanced_accuracy="raw input"),
        *page.share("rotated_share"),
        ("rival", _rival),
        *page.share(detectable_balanced_accuracy="detectable"),
        *page.p_values(q_value="q"),
        NOTES,
    ]
    return page.sheet(
        "neurons",
        columns,
        found,
        denoting=count(len(found), "row"),
        live=count(len(neurons.filter("live")), "live neuron"),
    )


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
    columns = [
        column
        for key, kind in sensitivity.schema.items()
        for column in (page.share if kind.is_float() else page.text)(key)
    ]
    return page.sheet("sensitivity", columns, sensitivity)


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
    columns = [
        *page.text("layer", "depth"),
        OF,
        *page.text("models", n_neurons="neurons"),
        *page.amount(n_live="live", participation_ratio="participation ratio"),
        *page.share("active_share"),
        *page.yes(sign_identified="sign means something", is_head="head"),
    ]
    key = ["dataset", "architecture", "trained", "epoch", "layer"]
    known = by_depth.filter(pl.col("property_entropy_mean").is_not_null())
    for family in known["family"].unique(maintain_order=True):
        entropy = known.filter(pl.col("family") == family).select(*key, pl.col("property_entropy_mean").alias(family))
        rows = rows.join(entropy, on=key, how="left", nulls_equal=True, maintain_order="left")
        columns += page.amount(**{family: f"entropy of {family} (bits)"})
    return page.sheet("layers", columns, rows)
