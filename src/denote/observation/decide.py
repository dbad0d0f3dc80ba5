"""What can only be said once all tests of a family are there: the same for a job and for a merged sweep."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.denotation.rule import decide_neurons, decide_replicates, realised_cutoffs
from denote.evidence.cells import decide_cells
from denote.evidence.rule import Rule

Tables = Mapping[str, pl.DataFrame]


def decide(tables: Tables, rule: Rule) -> dict[str, pl.DataFrame]:
    """Correct over everything that is given and apply the rule (METHOD section 3).

    Args:
        tables: Those of ``tables.JOB_TABLES``, each row once.
        rule: Thresholds of the rule.

    Returns:
        The same tables with what follows from the corrections written anew.
    """
    cells, neurons = decide_cells(tables["cells"], rule), decide_neurons(tables["neurons"], rule)
    controls = decide_replicates(tables["controls"], realised_cutoffs(neurons, rule), rule)
    return {**tables, "cells": cells, "neurons": neurons, "controls": controls}
