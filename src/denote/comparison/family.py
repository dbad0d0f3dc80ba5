"""A family of tests: differences between two results, whose p-values are corrected together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from denote.comparison.differences import Differences, PerTest, over_networks, over_pairs, pair_differences
from denote.comparison.pairing import NETWORKS, PAIRS, Pairing
from denote.comparison.sign_flips import LEAST_PAIRS, sign_flip_p_values
from denote.evidence.corrections import benjamini_hochberg
from denote.notes import Note
from denote.numbers import Estimate

LEVEL = 0.05
"""Corrected p-value up to which a difference is called one."""
TESTS = {PAIRS: "paired t", NETWORKS: "Welch's t"}
SIGN_FLIPS, OVER_ROWS = "sign flips", "interval over rows"
STEP_DOWN, FALSE_DISCOVERY = "largest of all (Westfall and Young)", "Benjamini and Hochberg"

Row = dict[str, Any]
Numbers = Float[np.ndarray, "network test"]


@dataclass(frozen=True)
class Family:
    """Differences that are tested together.

    Attributes:
        differences: With their intervals.
        p_value: Of every difference by itself; nan where there is no test.
        corrected: The same, corrected over all of them.
        test: Names the test.
        correction: Names the correction.
    """

    differences: Differences
    p_value: PerTest
    corrected: PerTest
    test: str
    correction: str

    @classmethod
    def of(cls, differences: Differences, test: str, shown: Collection[int] = ()) -> Family:
        """Correct the p-values of differences by Benjamini and Hochberg.

        Args:
            differences: What is tested.
            test: Names the test.
            shown: Places of those that are only shown.
        """
        p = differences.p_value.copy()
        p[list(shown)] = np.nan
        return cls(differences, p, benjamini_hochberg(p), test, FALSE_DISCOVERY)

    @classmethod
    def of_means(cls, pairing: Pairing, baseline: Numbers, other: Numbers) -> Family:
        """Test means of networks: six pairs or more by sign flips, others by t.

        Args:
            pairing: With networks as its unit, paired or not.
            baseline: Numbers of its networks.
            other: Those of the other networks.
        """
        found = compared(pairing, baseline, other)
        if pairing.unit != PAIRS or pairing.numbers[0] < LEAST_PAIRS:
            return cls.of(found, TESTS[pairing.unit])
        return cls(found, *sign_flip_p_values(pair_differences(baseline, other)), SIGN_FLIPS, STEP_DOWN)

    def columns(self, place: int) -> Row:
        """Return one difference with its interval and its test; without a p-value only that there was none."""
        found, p, corrected = self.differences, self.p_value[place], self.corrected[place]
        ends = (float(getattr(found, name)[place]) for name in ("value", "low", "high"))
        row: Row = Estimate(*ends).columns("difference")
        if not np.isfinite(p):
            return row | {"differs": None}
        return row | {
            "p_value": float(p), "p_corrected": float(corrected), "differs": bool(corrected <= LEVEL),
            "test": self.test, "correction": self.correction, "n_tests": int(np.isfinite(self.p_value).sum()),
        }  # fmt: skip

    def why_untested(self, place: int) -> Note | None:
        """Say why a difference has no p-value: every network differs alike, or too little is known of both."""
        value, low = self.differences.value[place], self.differences.low[place]
        if np.isfinite(self.p_value[place]):
            return None
        if np.isfinite(low):
            return Note.of("no_spread")
        is_over_rows = self.test == OVER_ROWS and np.isfinite(value)
        return Note.of("no_interval_compared" if is_over_rows else "too_few_with_score")


def compared(pairing: Pairing, baseline: Numbers, other: Numbers, most: float | PerTest = 1.0) -> Differences:
    """Compare networks, or pairs of them, by what the pairing allows.

    Args:
        pairing: With networks as its unit, paired or not.
        baseline: Numbers of its networks.
        other: Those of the other networks.
        most: The largest possible difference, beyond which no interval reaches.
    """
    return (over_pairs if pairing.unit == PAIRS else over_networks)(baseline, other).within(most)
