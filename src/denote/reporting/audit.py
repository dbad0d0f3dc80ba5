"""Attributes that a network keeps, loses and brings out, beside the raw input, for the report."""

from __future__ import annotations

import polars as pl

from denote.evidence.remarks import LESS, MORE, UNDECIDED
from denote.figures.curves import some, usual_probe
from denote.numbers import NULL, count, proportion
from denote.reporting.page import Column, Row, Sheet, between, network, note, probe, share, sheet, text, whole

MOST_NAMED = 6
NETWORK = ["dataset", "architecture", "trained", "epoch"]


def audited(table: pl.DataFrame) -> pl.DataFrame:
    """The rows that are told: those of the linear observer where there is one, of trained networks where there are any.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    rows = table.filter("trained") if table["trained"].any() else table
    return rows if rows.is_empty() else rows.filter(pl.col("probe") == usual_probe(rows["probe"]))


def audit_sentences(table: pl.DataFrame) -> list[str]:
    """Of every network which attributes its layers give less, and more, than the raw input does.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    told, sentences = audited(table), []
    for (dataset, architecture, _, epoch), own in told.group_by(NETWORK, maintain_order=True):
        at = f", epoch {epoch}" if epoch is not None and told["epoch"].n_unique() > 1 else ""
        known = own.filter(pl.col("verdict").is_not_null())
        missing = own.filter(pl.col("verdict").is_null()).unique("attribute", maintain_order=True)
        parts = [_of_verdict(known, verdict) for verdict in (LESS, MORE)]
        undecided = len(known.filter(pl.col("verdict") == UNDECIDED))
        by_chance = proportion(0.05 * len(known), 1)
        sentences.append(
            f"{dataset}, {architecture}{at}, {own['probe'][0]} observers beside the raw input: {'; '.join(parts)}; "
            f"undecided in {undecided} of {count(len(known), 'comparison')}, of which up to {by_chance} would be "
            "decided by chance."
        )
        if len(missing):
            why = [f"{row['attribute']} ({note(row)})" for row in missing.iter_rows(named=True)]
            sentences.append(f"{dataset}, {architecture}{at}: not compared: {some(why, MOST_NAMED)}.")
    return sentences


def _of_verdict(known: pl.DataFrame, verdict: str) -> str:
    """``less than the input: sex (hidden_3, logits)``."""
    found = known.filter(pl.col("verdict") == verdict).group_by("attribute", maintain_order=True).agg("layer")
    named = [f"{attribute} ({', '.join(layers)})" for attribute, layers in found.iter_rows()]
    return f"{verdict}: {some(named, MOST_NAMED) or 'none'}"


def audit_sheet(table: pl.DataFrame) -> Sheet:
    """One row per attribute and layer.

    Args:
        table: Columns of ``tables.AUDIT``.
    """
    rows = audited(table).join(_nearest(table), on=[*NETWORK, "attribute"], how="left", nulls_equal=True)
    order = rows["attribute"].unique(maintain_order=True).to_list()
    rows = rows.sort(*NETWORK, pl.col("attribute").cast(pl.Enum(order)), "depth", nulls_last=True, maintain_order=True)
    columns: list[Column] = [
        ("attribute", text("attribute")), ("label proportion", share("label_proportion")), ("of", _where),
        ("probe", probe), ("n test", whole("n_test")), ("models", whole("n_models")),
        ("raw input", share("input_auroc")),
        ("layer", text("layer")), ("AUROC", between("auroc")), ("untrained", share("untrained_auroc")),
        ("layer - input", between("input_gain")), ("verdict", text("verdict")), ("neurons", whole("n_denoting")),
        ("nearest input", _input), ("note", note),
    ]  # fmt: skip
    caption = (
        "Held-out AUROC of the same observer on every layer and on the raw input. layer - input: 95 % interval over "
        "test rows, drawn alike for both, and over object models; verdict: on which side of 0 it lies, uncorrected, so "
        "up to one in 20 by chance. What is read need not be used, and undecided is no evidence of absence. neurons: "
        "denote the attribute or its negation. nearest input: the one that tells it best on fit, and its AUROC."
    )
    return sheet("Beside the raw input", caption, columns, rows.iter_rows(named=True), "audit.parquet")


def _nearest(table: pl.DataFrame) -> pl.DataFrame:
    """The single input that goes with each attribute best, where single inputs were searched and have names."""
    named = table.filter(pl.col("input_name").is_not_null())
    return named.group_by(*NETWORK, "attribute").agg(
        nearest=pl.col("input_name").first(), nearest_auroc=pl.col("input_auroc").first()
    )


def _where(row: Row) -> str:
    return f"{row['dataset']}, {network(row)}"


def _input(row: Row) -> str:
    return NULL if row["nearest"] is None else f"{row['nearest']} ({proportion(row['nearest_auroc'])})"
