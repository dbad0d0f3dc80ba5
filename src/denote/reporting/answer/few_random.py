"""Where too few random ones were drawn for what is tested, so that nothing could be shown whatever the network does."""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from denote.evidence.rule import Rule
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.words import DIRECTIONS
from denote.reporting.answer.contents import CAUTION, Doubt
from denote.tables import says

DRAWN = {
    Ablate.name: ("ablations", "directions"),
    Erase.name: ("erasures", "draws"),
    Steer.name: ("tests of steering", "directions"),
}
"""What is tested of a kind of intervention, and the setting that says how many random ones are drawn."""


def too_few_random(interventions: pl.DataFrame, rule: Rule) -> Iterator[Doubt]:
    """Say which tests have the smallest p-value that their random ones allow, and are not shown all the same.

    A p-value is at least 1 / (random ones + 1), and of m tests one alone is shown at m times its p-value.

    Args:
        interventions: Columns of ``tables.INTERVENTIONS``, decided.
        rule: With the largest false discovery rate.
    """
    at_floor = pl.col("p_value") * (pl.col("n_random") + 1) < 1 + 1e-9
    for kind, (tests, setting) in DRAWN.items():
        family = interventions.filter(pl.col("intervention") == kind).drop_nulls(["p_value", "q_value", "n_random"])
        stuck = family.filter(at_floor, pl.col("q_value") > rule.q)
        if kind == Ablate.name:  # neurons that are alike are as many as there are
            stuck = stuck.filter(says(*DIRECTIONS))
        if stuck.is_empty():
            continue
        most = int(stuck["n_random"].max())  # type: ignore[arg-type]
        enough = math.ceil(len(family) / rule.q - 1e-9) - 1
        yield Doubt(
            CAUTION,
            f"{len(stuck):,} of {len(family):,} {tests} exceed all of {most:,} random ones and are not shown: these "
            f"are too few for so many tests. intervention.{kind}.{setting}={enough} is enough for one alone.",
            "too few random ones",
        )
