"""Correct the p-values of interventions and say of every neuron and cell what they show (METHOD section 7)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.evidence.rule import CAUSAL, Rule
from denote.interventions.families import OF_PROPERTY, corrected, in_families
from denote.interventions.kinds import Erase
from denote.interventions.reasons import neurons_not_ablated, with_reasons
from denote.interventions.words import (
    ALL,
    AT_FLOOR,
    AUROC,
    BY_ERASURE,
    ELSEWHERE,
    ERASING,
    NEURON,
    NOT_SHOWN,
    OBSERVER,
    OF_CELL,
    OF_HEADLINE,
    OF_NEURON,
    PART,
    SCORE,
    TOGETHER,
    TOGETHER_ONLY,
    USED,
    WITH,
    WITHOUT,
    is_headline,
    others,
    untested,
    used,
)
from denote.numbers import proportion
from denote.tables import CELLS, NEURONS, NOTE, OF_ROW, Schema, joined_notes, says, without

ABLATION = {
    "effect": "ablation_effect",
    "effect_low": "ablation_low",
    "effect_high": "ablation_high",
    "random": "ablation_random",
    "p_value": "ablation_p",
    "q_value": "ablation_q",
}
"""Columns of the headline, and what they are called beside the score."""

Tables = Mapping[str, pl.DataFrame]


def decide_interventions(tables: Tables, rule: Rule) -> dict[str, pl.DataFrame]:
    """Correct over all denoting neurons and observers that were intervened on, and write what follows beside them.

    Args:
        tables: ``interventions``, and ``cells`` and ``neurons`` that are decided.
        rule: With the largest false discovery rate.

    Returns:
        The three tables, with ``ablation_*`` and ``causal_evidence``.
    """
    asked = not tables["interventions"].is_empty()
    cells, neurons = (_without_ablation(tables[name], with_notes=asked) for name in ("cells", "neurons"))
    rows = with_reasons(tables["interventions"], cells, neurons)
    rows = corrected(in_families(rows, cells, neurons, tables["layers"]), rule.q)
    headline = rows.filter(is_headline())
    rest = others(rows)
    of_neurons = [each.filter(pl.col("subject_kind") == NEURON) for each in (headline, rest)]
    with_neurons = _joined(neurons, of_neurons[0], of_neurons[1], OF_NEURON)
    together = _used_together(headline, rule)
    with_neurons = with_neurons.join(together, on=OF_NEURON, how="left", nulls_equal=True, maintain_order="left")
    neurons = _told(with_neurons, rule, pl.col("denotes").fill_null(value=False))
    of_cells = [
        each.filter(pl.col("subject_kind") == OBSERVER).rename({"property": "attribute"}) for each in (headline, rest)
    ]
    cells = _joined(cells, of_cells[0], of_cells[1], OF_CELL).with_columns(together=pl.lit(None, pl.Float64))
    cells = _with_erasures(_told(cells, rule, pl.lit(value=True)), rows, rule)
    return {
        "interventions": rows,
        "cells": _in_order(cells, CELLS),
        "neurons": _in_order(neurons_not_ablated(neurons, rows), NEURONS),
    }


def _in_order(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Rows with the columns of a table in its order, and others behind them."""
    return rows.select(*(name for name in schema if name in rows.columns), pl.exclude(*schema))


def _used_together(headline: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Neurons that add to what resampling all that denote the same costs: ``together``, where more than random."""
    groups = headline.filter((pl.col("subject_kind") == TOGETHER) & used(rule))
    parts = headline.filter((pl.col("subject_kind") == PART) & (pl.col("effect_low") > 0))
    key = [*OF_PROPERTY, "subject"]
    costs = _first(groups.select(*key, together="effect"), key)
    adding = parts.join(costs, on=key, how="inner", nulls_equal=True, maintain_order="left")
    return _first(adding.select(*OF_NEURON, "together"), OF_NEURON)


def _without_ablation(rows: pl.DataFrame, *, with_notes: bool) -> pl.DataFrame:
    """Rows as they were before an earlier decision; without interventions no note says anything of them."""
    rows = rows.drop(*ABLATION.values(), "causal_evidence", strict=False)
    return rows.with_columns(**joined_notes(without(OF_HEADLINE))) if with_notes else rows


def _joined(rows: pl.DataFrame, headline: pl.DataFrame, rest: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows with the headline of their intervention and its note, null where there is none.

    ``elsewhere`` is what the same costs on rows without the property, where it surely costs anything.
    """
    on_others = _first(rest.filter(pl.col("effect_low") > 0).select(*key, elsewhere="effect"), key)
    rows = rows.join(on_others, on=key, how="left", nulls_equal=True, maintain_order="left")
    named = {**ABLATION, **{name: f"{name}_of_headline" for name in NOTE}}
    chosen = headline.select(*key, *(pl.col(name).alias(column) for name, column in named.items()))
    joined = rows.join(_first(chosen, key), on=key, how="left", nulls_equal=True, maintain_order="left")
    text, codes = (pl.col(named[name]) for name in NOTE)
    return joined.with_columns(**joined_notes(OF_ROW, (text, codes))).drop(named[name] for name in NOTE)


def _first(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows with one per key; a subject has one, and which of several would stay must not be a matter of threads."""
    return rows.unique(key, keep="first", maintain_order=True)


def _told(rows: pl.DataFrame, rule: Rule, asked: pl.Expr) -> pl.DataFrame:
    """Rows with ``causal_evidence`` in words."""
    effect, random = (_signed(pl.col(name)) for name in ("ablation_effect", "ablation_random"))
    beside = pl.format(", random {}", random).fill_null("")
    on_others = pl.format(" ({} on the others)", _signed(pl.col("elsewhere"))).fill_null("")
    costs = pl.format("resampling costs {} of the score on its rows{}{}", effect, on_others, beside)
    is_used = used(rule, **ABLATION)
    word = (
        pl.when(is_used)
        .then(pl.lit(USED))
        .when(pl.col("together").is_not_null())
        .then(pl.lit(TOGETHER_ONLY))
        .otherwise(pl.lit(NOT_SHOWN))
    )
    few = pl.when(says(AT_FLOOR)).then(pl.lit(", none as much but too few for the correction")).otherwise(pl.lit(""))
    whole = pl.when(is_used.not_()).then(pl.format(", all of them {}", _signed(pl.col("together")))).fill_null("")
    tested = pl.when(pl.col("ablation_q").is_not_null()).then(pl.format("{}: {}{}{}", word, costs, whole, few))
    text = pl.coalesce(pl.format("{}: {}", untested(), costs), tested, pl.lit(CAUSAL))
    return rows.with_columns(causal_evidence=pl.when(asked).then(text)).drop("together", "elsewhere")


def _with_erasures(cells: pl.DataFrame, rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Cells that say, too, what erasing their attribute at their layer costs and whether it comes back.

    The direction that an observer reads is not the one in which rows with and without the attribute differ: the network
    may do without the first and not without the second.
    """
    key = ["object_model", "layer", "pooling", "attribute", "probe_seed"]
    told = _erased(rows, key, rule)
    joined = cells.join(_first(told, key), on=key, how="left", nulls_equal=True, maintain_order="left")
    ablated, costly = pl.col("causal_evidence"), pl.col("costly")
    not_shown = f"{NOT_SHOWN}: "
    alone = pl.when(costly).then(pl.lit(BY_ERASURE)).when(costly.is_not_null()).then(pl.lit(NOT_SHOWN)).otherwise("why")
    elsewhere = pl.format("{}: {}", pl.lit(ELSEWHERE), ablated.str.strip_prefix(not_shown))
    # A direction that surely costs something, and is not shown to cost more than random, is no evidence of another one.
    nothing = (pl.col("ablation_low") <= 0).fill_null(value=True)
    by_erasure = pl.format("{}: {}", pl.lit(BY_ERASURE), ablated.str.strip_prefix(not_shown))
    said = (
        pl.when(costly & ablated.str.starts_with(not_shown))
        .then(pl.when(nothing).then(elsewhere).otherwise(by_erasure))
        .otherwise(ablated)
    )
    both = (
        pl.when(ablated == CAUSAL)
        .then(pl.format("{}: {}", pl.coalesce(alone, pl.lit("erased")), "erased"))
        .otherwise(pl.format("{}; {}", said, "erased"))
    )
    return joined.with_columns(causal_evidence=pl.coalesce(both, "causal_evidence")).drop("erased", "costly", "why")


def _erased(rows: pl.DataFrame, key: list[str], rule: Rule) -> pl.DataFrame:
    """By cell ``erased``, what its erasure costs and where it comes back; ``costly``, whether more than random.

    The latter is null where that was not tested, and ``why`` says why.
    """
    rows = rows.filter(pl.col("intervention") == Erase.name).rename({"property": "attribute"})
    score = rows.filter(pl.col("measure") == SCORE)
    behind = rows.filter(pl.col("measure") == AUROC, pl.col("comes_back").is_not_null())
    back = behind.group_by(key, maintain_order=True).agg(back=pl.col("target").filter("comes_back").first(), n=pl.len())
    sides = [
        _first(score.filter(pl.col("rows") == name).select(*key, pl.col("effect").alias(name)), key)
        for name in (WITH, WITHOUT)
    ]
    told = score.filter(pl.col("rows") == ALL)
    for part in (*sides, back):
        told = told.join(part, on=key, how="left", nulls_equal=True, maintain_order="left")
    effect, random, on_its, on_others = (_signed(pl.col(name)) for name in ("effect", "random", WITH, WITHOUT))
    by_side = pl.format(" ({} on its rows, {} on the others)", on_its, on_others).fill_null("")
    beside = pl.format(", random {}", random).fill_null("")
    costs = pl.format(f"{ERASING} {{}} of the score{{}}{{}}", effect, by_side, beside)
    later = pl.when(pl.col("back").is_not_null()).then(pl.format("; it comes back at {}", "back"))
    never = pl.when(pl.col("n") > 0).then(pl.lit("; it does not come back")).otherwise(pl.lit(""))
    costly = pl.when(pl.col("q_value").is_not_null()).then(used(rule))
    return told.select(*key, erased=costs + later.otherwise(never), costly=costly, why=untested())


def _signed(value: pl.Expr) -> pl.Expr:
    """A difference of scores as people read it: two decimals and no zero in front."""
    return value.map_elements(proportion, return_dtype=pl.String)
