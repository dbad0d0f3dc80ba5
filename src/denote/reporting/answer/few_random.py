"""Where too few random ones were drawn for so many tests, so that one alone could not be shown."""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from denote.evidence.rule import Rule
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.words import AT_FLOOR, MORE_RANDOM
from denote.reporting.answer.contents import CAUTION, Doubt
from denote.tables import says

TESTS = {Ablate.name: "ablations", Erase.name: "erasures", Steer.name: "tests of steering"}
"""What is tested of a kind of intervention."""


def too_few_random(interventions: pl.DataFrame, rule: Rule) -> Iterator[Doubt]:
    """Say which tests exceed all of their random ones and are not shown all the same, and how many are enough.

    A p-value is at least 1 / (random ones + 1), and of m tests one alone is shown at m times its p-value.

    Args:
        interventions: Columns of ``tables.INTERVENTIONS``, decided.
        rule: With the largest false discovery rate.
    """
    for kind, tests in TESTS.items():
        own = interventions.filter(pl.col("intervention") == kind)
        family, stuck = own.drop_nulls(["p_value", "q_value", "n_random"]), own.filter(says(AT_FLOOR))
        if stuck.is_empty():
            continue
        most = int(stuck["n_random"].max())  # type: ignore[arg-type]
        enough = math.ceil(len(family) / rule.q - 1e-9) - 1
        yield Doubt(
            CAUTION,
            f"{len(stuck):,} of {len(family):,} {tests} exceed all of {most:,} random ones and are not shown: these "
            f"are too few for so many tests. intervention.{kind}.{MORE_RANDOM[kind]}={enough} is enough for one alone.",
            "too few random ones",
        )
