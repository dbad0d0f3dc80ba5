"""What the analysis of depth says of two results: verdicts and interpretations side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from denote.comparison.compared import Compared
from denote.comparison.matching import Groups
from denote.comparison.neurons import families_in
from denote.denotation.depth import plan
from denote.denotation.network_groups import NetworkGroup
from denote.notes import Note

VERDICT, PART = "verdict", "depth_part"
"""Scopes of the table."""
PARTS = (plan.RAW, plan.POLARITY, plan.ANY_BASIS, plan.OWN)

Row = dict[str, Any]


def verdict_rows(sides: tuple[Compared, Compared], groups: Groups) -> Iterator[Row]:
    """Return of every family both verdicts with their p-values, and what the change from first to last is made of.

    Verdicts are not compared by a test: that one is passed and another is not says nothing of their difference. The
    curves are (`denote.comparison.neurons.curve_rows`).

    Args:
        sides: The results.
        groups: Their networks. A verdict is one of all architectures of a dataset; where a result has several, the
            row's note says so.
    """
    pooled = [side.shown for side, group in zip(sides, groups, strict=True) if is_pooled(side, group)]
    note = Note.of("verdict_of_all_architectures", results=" and ".join(pooled)) if pooled else None
    for family in families_in(groups):
        told = [_verdict(group, family) for group in groups]
        yield {
            "scope": VERDICT, "quantity": "p_holm", "family": family,
            "baseline_text": told[0][0], "other_text": told[1][0],
            "baseline_value": told[0][1], "other_value": told[1][1], "note": note,
        }  # fmt: skip
        parts = [_parts(group, family) for group in groups]
        for part in PARTS:
            ours, others = (side.get(part) for side in parts)
            if ours or others:
                yield {"scope": PART, "quantity": plan.CHANGE, "family": family, "name": part,
                       **_estimate("baseline", ours), **_estimate("other", others)}  # fmt: skip


def is_pooled(side: Compared, group: NetworkGroup) -> bool:
    """Return whether verdicts on a group are those of all architectures of its dataset, of which there are several.

    Args:
        side: A result.
        group: Networks of it.
    """
    alike = [(each.dataset, each.trained, each.epoch) for each in side.groups]
    return alike.count((group.dataset, group.trained, group.epoch)) > 1


def _verdict(group: NetworkGroup, family: str) -> tuple[str | None, float | None]:
    rows = group.tables["depth_verdicts"].filter(pl.col("family") == family)
    return rows.select("verdict", "p_holm").row(0) if len(rows) else (None, None)


def _parts(group: NetworkGroup, family: str) -> dict[str, Row]:
    rows = group.tables["depth_parts"].filter(pl.col("family") == family, pl.col("shape") == plan.CHANGE)
    return {row["part"]: row for row in rows.iter_rows(named=True)}


def _estimate(side: str, row: Row | None) -> Row:
    if row is None:
        return {}
    return {f"{side}_value": row["value"], f"{side}_low": row["value_low"], f"{side}_high": row["value_high"]}
