"""What can only be said once all tests of a family are there: the same for a job and for a merged sweep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from denote.denotation.judging import decisions
from denote.evidence.cells import decide_cells
from denote.evidence.corrections import null_check_cells, realised_threshold
from denote.evidence.pair_scan import add_attributes_carried, add_carrying, decide_pairs
from denote.evidence.power import detectable_auroc, detectable_proportion
from denote.evidence.rule import Rule
from denote.interventions.deciding import decide_interventions

Tables = Mapping[str, pl.DataFrame]

ROUNDING = 1e-9
"""Within which two shares of rows are the same."""


def decide(tables: Tables, rule: Rule) -> dict[str, pl.DataFrame]:
    """Correct over everything that is given and apply the rule (METHOD section 3).

    Args:
        tables: Those of ``tables.JOB_TABLES``, each row once.
        rule: Thresholds of the rule.

    Returns:
        The same tables with what follows from the corrections written anew.
    """
    pairs, scan = decide_pairs(tables["pairs"], tables["scan"], rule.q)
    cells = add_carrying(with_detectable(decide_cells(tables["cells"], rule), rule), scan)
    neurons, controls = decisions.decide(tables["neurons"], tables["controls"], rule)
    neurons = add_attributes_carried(neurons, pairs, scan)
    of_pairs = tables["null_check"].filter(pl.col("scan") == "pairs")
    return {
        **tables,
        **decide_interventions({**tables, "cells": cells, "neurons": neurons}, rule),
        "controls": controls,
        "scan": scan,
        "pairs": pairs,
        "null_check": pl.concat([null_check_cells(controls, rule.q), of_pairs]),
    }


def with_detectable(cells: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Fill what each cell's rows could have shown with probability .8.

    Args:
        cells: Decided; the cutoff is the p-value at which the correction stopped.
        rule: Thresholds of the rule.

    Returns:
        The cells with ``detectable_auroc`` and ``detectable_proportion``, null where nothing was tested. The latter is
        null too where the rows do not have the label proportion of *test*, since they were drawn in equal numbers.
    """
    positive, n_test = cells["n_positive_test"].to_numpy(), cells["n_test"].to_numpy()
    cutoff = realised_threshold(cells["q_value"].fill_null(np.nan).to_numpy(), rule.q)
    auroc = detectable_auroc(positive, n_test - positive, cutoff)
    rows = cells.select("n_fit", "n_test").unique()
    proportion = rows.with_columns(
        detectable_proportion=pl.Series(detectable_proportion(rows["n_fit"], rows["n_test"], rule), dtype=pl.Float64)
    )
    filled = cells.drop("detectable_proportion").join(
        proportion, on=["n_fit", "n_test"], how="left", nulls_equal=True, maintain_order="left"
    )
    filled = filled.with_columns(pl.Series("detectable_auroc", auroc, dtype=pl.Float64))
    tested = pl.when(pl.col("p_value").is_not_null())
    known = [tested.then(pl.col(name)).fill_nan(None) for name in ("detectable_auroc", "detectable_proportion")]
    drawn = (pl.col("label_proportion") - pl.col("n_positive_test") / pl.col("n_test")).abs() > ROUNDING
    of_all = pl.when(drawn.fill_null(value=False).not_()).then("detectable_proportion")
    return filled.with_columns(known).with_columns(of_all).select(cells.columns)
