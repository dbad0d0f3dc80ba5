"""Words of the table of interventions, and what the columns beside a score say in them; this module loads no torch."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.evidence.rule import Rule
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.tables import NEURONS_KEY, says

NEURON, OBSERVER, TOP, TOGETHER = "neuron", "observer", "top neurons", "neurons"
"""Kinds of subjects: a neuron that denotes, an observer, its most relevant neurons, all that denote one property."""

ATTRIBUTE = "attribute"
"""The kind of subject that is erased."""

PART, ANY = "one of neurons", "any neuron"
"""What one of several neurons adds to the others, and any neuron, denoting or not."""

SCORE, LOSS, AUROC, READING, OUTPUT = "score", "loss", "auroc", "reading", "output"
"""Measures: of the network's task, of an observer after an erasure, of an observer behind a steered layer, and of one
output there."""

SLOPE = "slope"
"""How the kind of a row on how steeply a measure answers ends."""

ZERO, MEAN, OTHER_MEAN, RESAMPLE = "zero", "mean", "mean of other", "resample"
"""Kinds of ablation; the last is the headline (METHOD section 7)."""

WITH, WITHOUT, ALL = "with", "without", "all"
"""Test rows that have the property, that lack it, and all."""

USED, TOGETHER_ONLY, NOT_SHOWN = "used", "used only together with others that denote the same", "not shown to be used"
"""First words of ``causal_evidence`` where an ablation was tested."""

ELSEWHERE, BY_ERASURE = "used, but not along the direction that is read", "used, as its erasure shows"
"""First words where erasing an attribute costs more than random, and what reads it is not shown to be used, or not
ablated."""

VERDICTS = (USED, TOGETHER_ONLY, ELSEWHERE, BY_ERASURE, NOT_SHOWN)
"""All that is said where something was tested."""

UNTESTED: Mapping[str, str] = {
    "output_unit": "not tested, as it is an output of the network",
    "unread_layer": "not used: no output depends on the layer",
    "narrow_layer": "not testable beside random directions, as the layer has too few neurons",
    "few_ablation_rows": "not tested, as too few test rows have the property",
    "not_decided": "not tested, as it does not pass the rule over all that is decided together",
}
"""How ``causal_evidence`` begins where an ablation was made and not tested, by the code of the note that says why."""

ERASING = "erasing it costs"
"""Begins what ``causal_evidence`` of a cell says of the erasure of its attribute."""

MATCHED, DIRECTIONS = ("matched_neurons",), ("random_directions", "few_matched_neurons", "neurons_and_directions")
"""Codes of notes that say what an ablation was compared with: neurons that are alike, or directions of equal norm."""

OF_CELL = ["object_model", "layer", "pooling", "attribute", "probe", "k", "probe_seed"]
OF_NEURON = [*NEURONS_KEY, "property"]
"""What an ablated observer and neuron are found by in the tables of cells and neurons."""

AT_FLOOR = "at_floor"
"""Code of the note that no random one has as large an effect, and that they were too few for the correction."""

MORE_RANDOM = {Ablate.name: "directions", Erase.name: "draws", Steer.name: "directions"}
"""Setting of an intervention by which more random ones are drawn."""

OWN_PREDICTIONS, OWN_OUTPUTS = "own_predictions", "own_outputs"
"""Codes of notes that an effect is of the class that the network itself predicts, and of how far its outputs move."""

OF_HEADLINE = (
    *MATCHED,
    *DIRECTIONS,
    OWN_PREDICTIONS,
    OWN_OUTPUTS,
    *UNTESTED,
    "moves_no_output",
    AT_FLOOR,
    "no_task_outputs",
    "not_ablated",
    "observer_not_ablated",
)
"""Codes of notes that a neuron or cell has from the headline of its ablation."""


def verdict() -> pl.Expr:
    """Return of decided cells or neurons one of `VERDICTS`; null where no ablation and no erasure was tested."""
    words = pl.col("causal_evidence").str.split(": ").list.first()
    return pl.when(words.is_in(VERDICTS)).then(words)


def untested() -> pl.Expr:
    """Return of rows with notes why an ablation that was made is no test; null where it is one, or was not made."""
    return pl.coalesce(pl.when(says(code)).then(pl.lit(why)) for code, why in UNTESTED.items())


def erasure() -> pl.Expr:
    """Return what ``causal_evidence`` of decided cells says of an erasure; null where the attribute was not erased."""
    after = pl.col("causal_evidence").str.split(ERASING).list.get(1, null_on_oob=True)
    return pl.format(f"{ERASING}{{}}", after)


def used(rule: Rule, **columns: str) -> pl.Expr:
    """Return whether an intervention costs more than random ones, after correction, and surely costs anything.

    A p-value is of one resampling of 200 rows at most, an interval of the mean over all of them.

    Args:
        rule: With the largest false discovery rate.
        **columns: What ``effect``, ``effect_low``, ``random`` and ``q_value`` are called.
    """
    effect, low, random, q_value = (
        pl.col(columns.get(name, name)) for name in ("effect", "effect_low", "random", "q_value")
    )
    return ((q_value <= rule.q) & (effect > random) & (low > 0)).fill_null(value=False)


def is_headline() -> pl.Expr:
    """Whether a row says what resampling costs on rows with the property: of a subject, or of one of several."""
    of_score = (pl.col("kind") == RESAMPLE) & (pl.col("measure") == SCORE) & (pl.col("rows") == WITH)
    return (pl.col("intervention") == Ablate.name) & of_score


def resampled(interventions: pl.DataFrame) -> pl.DataFrame:
    """Return one row per ablated subject, tested or not: what resampling it costs on its rows.

    Args:
        interventions: Columns of ``tables.INTERVENTIONS``.
    """
    return interventions.filter(is_headline(), pl.col("subject_kind").is_in([NEURON, OBSERVER, TOP, TOGETHER]))


def others(interventions: pl.DataFrame) -> pl.DataFrame:
    """Return the rows on what the same resampling costs on test rows without the property."""
    of_score = (pl.col("kind") == RESAMPLE) & (pl.col("measure") == SCORE) & (pl.col("rows") == WITHOUT)
    return interventions.filter((pl.col("intervention") == Ablate.name) & of_score)
