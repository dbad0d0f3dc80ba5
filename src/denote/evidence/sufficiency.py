"""How many neurons an attribute needs: the smallest size that keeps nearly all that the dense observer reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from denote.comparison import reaches
from denote.evidence.scores import PerAttribute

KEPT = 0.95
"""Share of the dense observer's AUROC above chance that is nearly all of it."""


def sufficient_sizes(
    sizes: Sequence[int], auroc: Float[np.ndarray, "size attribute"], dense_low: PerAttribute
) -> tuple[list[int | None], list[str | None]]:
    """The smallest size whose AUROC keeps `KEPT` of the dense observer's, counted from chance.

    AUROC_k - .5 >= .95 (AUROC_dense - .5). Counted from 0, nearly any observer would keep 95 % of a dense AUROC of .52:
    .494 would do. For the same reason there is no answer where the dense observer is not shown to read anything.

    Args:
        sizes: Numbers of neurons, increasing; the last one is the dense observer's.
        auroc: On *test*, in [0, 1]; NaN where there is no score.
        dense_low: Lower end of the dense observer's interval.

    Returns:
        Per attribute the size, or None with the reason; a remark where only the dense observer keeps so much.
    """
    dense = auroc[-1]
    with np.errstate(invalid="ignore"):
        keeps = reaches(auroc - 0.5, KEPT * (dense - 0.5))
    found: list[int | None] = []
    reasons: list[str | None] = []
    for score, low, enough in zip(dense, dense_low, keeps.T, strict=True):
        reason = _unanswered(score, low)
        size = None if reason else sizes[int(enough.argmax())]
        found.append(size)
        reasons.append("sufficient_k: no smaller size is enough" if size == sizes[-1] else reason)
    return found, reasons


def _unanswered(score: float, low: float) -> str | None:
    if np.isnan(score):
        return "sufficient_k: the dense observer has no score"
    if np.isnan(low):
        return "sufficient_k: the dense observer's AUROC has no interval"
    return None if low > 0.5 else "sufficient_k: the dense observer is not shown to beat chance (auroc_low <= .5)"
