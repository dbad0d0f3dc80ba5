"""The tables of a paper: layers, observers, neurons that denote, tests of depth and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import polars as pl

from denote.attributes.family_words import family_name
from denote.config.paper_settings import ALL, LAST
from denote.denotation.depth import plan
from denote.evidence.rule import Rule, rule_in_full
from denote.figures.curves import Curve, curves, something_denotes
from denote.numbers import NULL, count, proportion
from denote.reporting import sheet
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.answer.words import plain_property
from denote.reporting.depth_course import test_columns
from denote.reporting.paper.depth_methods import told_of
from denote.reporting.paper.observer_tables import observer_tables
from denote.reporting.paper.table import PaperTable, over_some, paper_table
from denote.reporting.sheet import Column, Row
from denote.reporting.sheets import surest

Tables = Mapping[str, pl.DataFrame]


def paper_tables(tables: Tables, rule: Rule, epochs: str = LAST) -> Iterator[PaperTable]:
    """Yield the tables that a result has rows for.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        rule: The rule that decided them.
        epochs: Of which epochs layers, tests and verdicts are told: one of ``paper_settings.EPOCHS``. Observers and
            neurons are those of the last.
    """
    by_depth = tables["label_proportion_by_depth"]
    for curve in curves_on_paper(by_depth, epochs):
        yield layers_table(curve, curve.of(by_depth))
    found = networks_of(tables)
    for networks in found:
        yield from observer_tables(networks, rule)
    neurons = [networks.tables["neurons"] for networks in found]
    if any(rows["denotes"].any() for rows in neurons):
        yield neurons_table(pl.concat(neurons), rule)
    yield from depth_tables(tables, found if epochs == LAST else None)


def curves_on_paper(by_depth: pl.DataFrame, epochs: str) -> list[Curve]:
    """Return the curves that a paper shows: of trained networks where there are any, at their last epoch or at all.

    Args:
        by_depth: Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``.
        epochs: One of ``paper_settings.EPOCHS``.
    """
    found = [curve for curve in curves(by_depth) if something_denotes(curve.of(by_depth))]
    found = [curve for curve in found if curve.trained] or found
    if epochs == ALL:
        return found
    last: dict[tuple[object, ...], Curve] = {}
    for curve in found:
        key = (curve.dataset, curve.architecture, curve.trained, curve.family)
        other = last.get(key, curve)
        later = other.epoch is not None and (curve.epoch is None or curve.epoch > other.epoch)
        last[key] = curve if later else other
    return list(last.values())


def layers_table(curve: Curve, rows: pl.DataFrame) -> PaperTable:
    """Return how many neurons denote at every layer, and the label proportion of what they denote.

    Args:
        curve: Which curve.
        rows: Its rows of ``label_proportion_by_depth``.
    """
    shares = {"share_denoting_mean": "share", "rotated_share_denoting": "random directions"}
    columns: list[Column] = [
        *sheet.text("depth", "layer"),
        *sheet.whole(n_models="networks", n_neurons="neurons", n_live="live", n_denoting="denoting"),
        *sheet.between("share_denoting", share_denoting_mean=shares["share_denoting_mean"]),
        *_of_some(rows, "rotated_share", rotated_share_denoting=shares["rotated_share_denoting"]),
        *_of_some(rows, "untrained_share", untrained_share_denoting="untrained"),
        *sheet.between("label_proportion", label_proportion_mean="label proportion"),
        *sheet.between("folded", folded_mean="folded"),
        *_of_some(rows, "rotated_folded", rotated_folded_mean="folded, random directions"),
    ]
    ordered = rows.with_columns(share_denoting_mean=pl.coalesce("share_denoting_mean", "share_denoting"))
    return paper_table(
        "paper_layers",
        f"layers-{curve.slug}",
        columns,
        ordered.sort("depth", "layer", nulls_last=True),
        file="label_proportion_by_depth.parquet",
        stacked=True,
        remark=_with_value,
        curve=curve.title,
        over=over(rows["n_models"]),
        controls=_controls([title for title, _ in columns]),
    )


def _controls(titles: Sequence[str]) -> str:
    """Explain the columns of controls that are there."""
    made = [name for name in ("random directions", "untrained") if name in titles]
    return (
        f"; {' and '.join(made)}: the same of {'these controls' if len(made) > 1 else 'this control'}" if made else ""
    )


_COUNTS = {
    "label proportion": "n_models_with_value",
    "folded": "n_models_with_value",
    "folded, random directions": "rotated_n_models_with_value",
}
"""By title of a mean the column that says how many networks have a value."""


def _with_value(title: str, row: Row) -> str:
    """Say how many networks a mean is over, where it is not all of them."""
    n = row[_COUNTS[title]] if title in _COUNTS else None
    return "" if n is None or n == row["n_models"] else over_some(n, row["n_models"])


def over(n_models: pl.Series) -> str:
    """Say what intervals are over."""
    several = (n_models.drop_nulls() > 1).any()
    return "means and 95 % t-intervals over networks" if several else "one network, so no interval over networks"


def _of_some(rows: pl.DataFrame, bounds: str, **titles: str) -> list[Column]:
    """Return columns with intervals, without those that no row has: their control was not made."""
    known = {key: title for key, title in titles.items() if rows[key].is_not_null().any()}
    return sheet.between(bounds, None, 2, **known)


def neurons_table(neurons: pl.DataFrame, rule: Rule) -> PaperTable:
    """Return the neurons that denote, the surest first.

    Args:
        neurons: Columns of ``tables.NEURONS``, of every network at one epoch; at least one denotes.
        rule: The rule that decided them.
    """
    found = surest(neurons)
    columns: list[Column] = [
        *_differing(found, "dataset", "architecture"),
        *sheet.text("layer", "neuron"),
        *_differing(found, "pooling", "seed"),
        *([("family", lambda row: family_name(row["family"]))] if found["family"].n_unique() > 1 else []),
        ("denotes", lambda row: plain_property(row["property"])),
        *sheet.share(label_proportion="p"),
        *sheet.between("balanced_accuracy_interval", rule.decisive, balanced_accuracy="balanced accuracy"),
        *sheet.between(tpr="TPR", tnr="TNR"),
        *([("rival", _rival)] if found["rival"].is_not_null().any() else []),
        *sheet.p_values(q_value="q"),
    ]
    return paper_table(
        "paper_neurons",
        "neurons",
        columns,
        found,
        file="neurons.parquet",
        stacked=True,
        denoting=count(len(found), "row"),
        live=count(len(neurons.filter("live")), "live neuron"),
        whose="" if neurons["trained"].fill_null(value=True).any() else " of untrained networks",
        rule=rule_in_full(rule)[1],
    )


def _rival(row: Row) -> str:
    return NULL if row["rival"] is None else f"{row['rival']}: {proportion(row['rival_balanced_accuracy'])}"


def _differing(rows: pl.DataFrame, *keys: str) -> list[Column]:
    """Return the columns in which rows differ."""
    return sheet.text(*(key for key in keys if rows[key].n_unique() > 1))


def depth_tables(tables: Tables, found: Sequence[Networks] | None) -> Iterator[PaperTable]:
    """Yield the tests of depth, and the verdicts that rest on them.

    Args:
        tables: With ``depth_tests`` and ``depth_verdicts``.
        found: The networks at whose epochs tests are told; None: at all epochs.
    """
    made = pl.any_horizontal(pl.col("p_value", "effect", "statistic").is_not_null())
    tests = told_of(tables["depth_tests"], found).filter(made)
    if len(tests):
        yield paper_table("paper_tests", "depth_tests", _telling(tests), tests, file="depth_tests.parquet")
    verdicts = told_of(tables["depth_verdicts"], found)
    if len(verdicts):
        columns: list[Column] = [
            *([("epoch", _epoch)] if verdicts["epoch"].n_unique() > 1 else []),
            *sheet.text("dataset"),
            ("family", lambda row: family_name(row["family"])),
            *sheet.text("verdict"),
            *sheet.whole(n_models="networks"),
            *sheet.p_values(p_value="primary p", p_holm="Holm"),
            *sheet.yes("planned"),
        ]
        needed = str(plan.LEAST_MODELS)
        yield paper_table(
            "paper_verdicts", "depth_verdicts", columns, verdicts, file="depth_verdicts.parquet", needed=needed
        )


def _epoch(row: Row) -> str:
    """Write the epoch; a network that was not taken at a chosen one is taken at its best."""
    return "best" if row["epoch"] is None else str(row["epoch"])


def _telling(tests: pl.DataFrame) -> Sequence[Column]:
    several = tests.select("dataset", "epoch", "architecture").n_unique() > 1
    columns = [column for column in test_columns() if column[0] != "of" or several]
    return [(title, partial(_p, write) if title in ("p", "Holm") else write) for title, write in columns]


def _p(write: Callable[[Row], str], row: Row) -> str:
    """Write a p-value; a test of equivalence rests on intervals and has none."""
    return "none" if row["test"] == plan.EQUIVALENCE else write(row)
