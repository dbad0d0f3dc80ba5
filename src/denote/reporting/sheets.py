"""The main tables of the report: jobs, layers, cells and neurons, with their controls beside every score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from denote.attributes.family_words import family_name
from denote.evidence.rule import INAPPLICABLE, Rule, decisive_rule, denoting_rule
from denote.figures.curves import Curve, is_untested, one_size
from denote.notes import codes_in
from denote.numbers import NULL, count, decimals_of, proportion, seconds, small
from denote.observers.kinds import reads_state
from denote.reporting import sheet
from denote.reporting.answer.words import plain_property
from denote.reporting.jobs import Job, tally
from denote.reporting.sheet import NOTES, OF, PROBE, Column, Row, Sheet


def _rival(row: Row) -> str:
    return f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}" if row["rival"] else NULL


def jobs_sheet(jobs: Sequence[Job]) -> Sheet:
    """List jobs and how they ended, those without evidence first."""
    columns = [
        *sheet.text(name="job", status="status"),
        *sheet.columns(seconds, seconds="time"),
        *sheet.text("evidence", "reason", "attempts", "log"),
    ]
    rows = [vars(job) for job in sorted(jobs, key=lambda job: not job.failed)]
    return sheet.sheet("jobs", columns, rows, tally=tally(jobs))


def depth_sheet(curve: Curve, by_depth: pl.DataFrame) -> Sheet:
    """Label proportion by depth of one curve."""
    head = is_untested() & pl.lit(len(by_depth) > 1)
    rows = by_depth.with_columns(
        pl.when(head).then(pl.col("layer") + " (head: not tested)").otherwise("layer").alias("layer")
    ).sort("depth", nulls_last=True)
    columns = [
        *sheet.text("layer", "depth"),
        *sheet.whole(
            n_models="models", n_neurons="neurons", n_live="live", n_denoting="denoting", n_distinct="distinct"
        ),
        *sheet.share("share_denoting", untrained_share_denoting="untrained", rotated_share_denoting="rotated"),
        *sheet.between(bounds="label_proportion", label_proportion_mean="label proportion"),
        *sheet.between(bounds="folded", folded_mean="folded"),
        *sheet.share(rotated_folded_mean="rotated folded", majority_side_share="majority side"),
        *sheet.share(on_proportion_mean="on-proportion", unconditional_label_proportion_mean="unconditional"),
        NOTES,
    ]
    return sheet.sheet("depth", columns, rows, curve=curve.title)


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
        *sheet.text("attribute"),
        PROBE,
        ("where", lambda row: f"{row['layer']}, {sheet.network(row)}"),
        *sheet.text("seed"),
        *sheet.share("label_proportion"),
        *sheet.whole("n_test"),
        *sheet.between(decimals=decimals_of(best["auroc"]), auroc="AUROC"),
        *sheet.between("balanced_accuracy_interval", rule.decisive, balanced_accuracy="balanced accuracy"),
        *sheet.columns(partial(proportion, limit=rule.null), balanced_accuracy_low="bound"),
        ("accuracy / majority", lambda row: f"{proportion(row['accuracy'])} / {proportion(row['majority_accuracy'])}"),
        *sheet.share(control_auroc="shuffled"),
        *sheet.between(selectivity="selectivity"),
        *sheet.share(untrained_auroc="untrained", input_auroc="raw input"),
        ("rotated", _rotated),
        *sheet.share(**_of_some(best, random_subset_percentile="random subsets", control_task_auroc="control task")),
        *sheet.columns(partial(small, limit=rule.q), q_value="q"),
        *sheet.share(detectable_auroc="detectable AUROC", detectable_proportion="detectable proportion"),
        *sheet.yes("decisive"),
        *sheet.whole(**_of_some(best, sufficient_k="enough neurons")),
        *((title, _outside_band) for title in _of_some(best, n_outside_band="outside band").values()),
        NOTES,
    ]
    n_cells = count(len(one_size(cells).filter(reads_state())), "cell")
    return sheet.sheet("cells", columns, best, link=_cell_link, n_cells=n_cells, rule=decisive_rule(rule))


def _cell_link(row: Row) -> str:
    probe = row["probe"] if row["k"] is None else f"{row['probe']} k={row['k']}"
    return sheet.explorer_link("cell", *_place(row), row["attribute"], row["family"], probe)


def _place(row: Row) -> tuple[str | int | None, ...]:
    """Return what tells rows of one neuron or attribute apart: network, layer, pooling and the observers' seed."""
    return row["object_model"], row["layer"], row["pooling"], row["probe_seed"]


def _neuron_link(row: Row) -> str:
    return sheet.explorer_link("neuron", *_place(row), row["neuron"], row["family"])


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


def neurons_sheet(neurons: pl.DataFrame, rule: Rule) -> Sheet:
    """Denoting neurons, the surest first.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        rule: The rule that decided them.
    """
    found = surest(neurons)
    columns: list[Column] = [
        ("neuron", lambda row: f"{row['layer']}, {row['neuron_name'] or row['neuron']}"),
        OF,
        *sheet.text("seed"),
        ("family", lambda row: family_name(row["family"])),
        ("denotes", lambda row: plain_property(row["property"])),
        *sheet.share("label_proportion"),
        *sheet.between(bounds="balanced_accuracy_interval", balanced_accuracy="balanced accuracy"),
        *sheet.share(balanced_accuracy_low="bound"),
        *sheet.between(tpr="TPR", tnr="TNR"),
        *sheet.share("precision", on_proportion="on-proportion", majority_accuracy="majority"),
        *sheet.share(control_balanced_accuracy="shuffled"),
        *sheet.between(selectivity="selectivity"),
        *sheet.share(untrained_balanced_accuracy="untrained", input_balanced_accuracy="raw input"),
        *sheet.share("rotated_share"),
        ("rival", _rival),
        *sheet.share(detectable_balanced_accuracy="detectable"),
        *sheet.p_values(q_value="q"),
        NOTES,
    ]
    return sheet.sheet(
        "neurons",
        columns,
        found,
        link=_neuron_link,
        denoting=count(len(found), "row"),
        live=count(len(neurons.filter("live")), "live neuron"),
        rule=denoting_rule(rule),
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
        for column in (sheet.share if kind.is_float() else sheet.text)(key)
    ]
    return sheet.sheet("sensitivity", columns, sensitivity)


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
        *sheet.text("layer", "depth"),
        OF,
        *sheet.text("models", n_neurons="neurons"),
        *sheet.amount(n_live="live", participation_ratio="participation ratio"),
        *sheet.share("active_share"),
        *sheet.yes(sign_identified="sign means something", is_head="head"),
    ]
    key = ["dataset", "architecture", "trained", "epoch", "layer"]
    known = by_depth.filter(pl.col("property_entropy_mean").is_not_null())
    for family in known["family"].unique(maintain_order=True):
        entropy = known.filter(pl.col("family") == family).select(*key, pl.col("property_entropy_mean").alias(family))
        rows = rows.join(entropy, on=key, how="left", nulls_equal=True, maintain_order="left")
        columns += sheet.amount(**{family: f"entropy of {family} (bits)"})
    return sheet.sheet("layers", columns, rows)
