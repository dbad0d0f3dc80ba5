"""The plan of the depth analysis (`analysis.*`), fixed before a sweep runs, and the words of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from denote.notes import Note

LEAST_LAYERS = 3
"""Layers that a test of depth needs."""
LEAST_MODELS = 6
"""Object models of one architecture that a verdict needs: with 5 the smallest p of the test is .06."""
LEAST_DESCRIBED = 3
"""Object models below which an interpretation has no use; with 3 to 5 it is a description."""
LEAST_NEURONS = 5
"""Denoting neurons, and denoting directions over all draws, below which a layer of a model has no value."""
LEAST_DISTINCT = 3
"""Distinct denoted properties, complements counted once, below which a layer of a model has no value."""

GAP = f"fewer than {LEAST_NEURONS} denoting neurons or {LEAST_DISTINCT} distinct properties"
"""Why a layer of a model has no label proportion."""

FEW_OF_CONTROL = {
    "rotated": Note.of("few_controls_denote", control="rotated", gap=f"fewer than {LEAST_NEURONS} denoting directions"),
    "untrained": Note.of("few_controls_denote", control="untrained", gap=GAP),
}
"""Why a control of a layer that was run has no label proportion."""


@dataclass(frozen=True)
class Analysis:
    """The plan of the depth analysis.

    Attributes:
        family: The family whose tests are planned; None: those of every family are exploratory.
        layers: Depths that are tested, where enough networks have a value; None: all before the logits.
        equivalence: Largest difference between two layers that counts as no change, in units of label proportion,
            above 0.
        level: Chance of a false positive, in (0, 1).
    """

    family: str | None = None
    layers: tuple[int, ...] | None = None
    equivalence: float = 0.05
    level: float = 0.05


def analysis_of(config: Mapping[str, Any]) -> Analysis:
    """Return the plan in a job's ``analysis.*``; the default one where a config has none."""
    planned = config.get("analysis") or {}
    layers = planned.get("layers")
    return Analysis(
        planned.get("family"),
        None if layers is None else tuple(layers),
        float(planned.get("equivalence", Analysis.equivalence)),
        float(planned.get("level", Analysis.level)),
    )


def models_needed(n_models: int) -> int:
    """Return how many of an architecture's object models must have a value at a layer for it to be compared.

    A verdict needs ``LEAST_MODELS``. Fewer networks are described, at the layers where ``LEAST_DESCRIBED`` of them, or
    all, have a value.

    Args:
        n_models: Object models of the architecture.
    """
    return LEAST_MODELS if n_models >= LEAST_MODELS else min(LEAST_DESCRIBED, n_models)


def too_few_networks(n_models: int, where: str = "this sweep has") -> str:
    """Say that there can be no verdict on depth."""
    return f"a verdict on depth needs {LEAST_MODELS} networks or more of one architecture; {where} {n_models}"


QUESTION = ["dataset", "trained", "epoch", "family"]
"""A verdict is given for each."""

SIGN_FLIP, TREND, EQUIVALENCE = "sign_flip", "trend", "equivalence"
PRIMARY, SECONDARY, EXPLORATORY, DESCRIPTIVE = "primary", "secondary", "exploratory", "descriptive"

FOLDED, UNFOLDED, ROTATED_FOLDED = "folded", "label_proportion", "rotated_folded"
BEYOND = "folded - rotated_folded"
SHARE = "share_denoting - rotated_share_denoting"

RAW, POLARITY, ANY_BASIS, OWN = "raw", "polarity", "any basis", "own"
LEVEL, CHANGE, BOW = "level", "change", "bow"

BEYOND_BASIS = "depends on depth beyond polarity and basis"
ANY_BASIS_SHOWS = "through the distribution that any basis shows"
POLARITY_ONLY = "through polarity only"
NO_CHANGE = "no change of folded larger than {} between any two layers"
NOT_SHOWN = "not shown"
NOT_EXCLUDED = "not shown; changes up to {} are not excluded"
TOO_FEW = "none: too few networks"
NOT_TESTED = "none: not tested"
WITHOUT_DIRECTIONS = "none: not tested without the rotated control"
NO_VERDICT = {
    TOO_FEW: "no verdict, too few networks",
    NOT_TESTED: "no verdict, not tested",
    WITHOUT_DIRECTIONS: "no verdict, not tested without the rotated control",
}
"""How sentences say that there is no verdict."""


def verdict_words(verdict: str) -> str:
    """Return a verdict as sentences say it.

    Args:
        verdict: As in ``depth_verdicts``.
    """
    return NO_VERDICT.get(verdict, verdict)
