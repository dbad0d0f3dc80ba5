"""Which p-value may a control have and still count as denoting? Two readings of "the cutoff that the sweep realised".

A rotated or untrained neuron is no part of the sweep's family of tests, but has to be judged as if it were: else the
excess of real neurons over controls is an excess of leniency. So the truth is the control put into the family, by
itself, and Benjamini and Hochberg's procedure run again. Against it stand the largest p-value that the sweep rejected,
and the threshold q k / m at which the procedure stopped, with k rejections of m tests.

    python scripts/simulations/cutoff.py
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.intervals import balanced_accuracy_p_value
from denote.evidence.rule import Rule
from denote.numbers import ROUNDING
from denote.streams import stream

RULE = Rule()
SIZES = {"50 of 500 rows": (50, 450), "200 of 2,000 rows": (200, 1800)}
BORDER = 0.955
"""True balanced accuracy of borderline neurons and of all controls, which are drawn alike."""
CONTROLS = 300
FAMILIES = {
    "40 planted, 460 noise": {0.999: 40, 0.5: 460},
    "250 planted, 250 noise": {0.999: 250, 0.5: 250},
    "200 planted, 100 borderline, 200 noise": {0.999: 200, BORDER: 100, 0.5: 200},
    "100 borderline, 400 noise": {BORDER: 100, 0.5: 400},
    "500 noise": {0.5: 500},
}
"""Numbers of real neurons by true balanced accuracy."""

GOALS = {f"{size}, {family}: q k / m decides otherwise": (None, 0.01) for size in SIZES for family in FAMILIES}
"""The reading that denote uses is the truth for all but a hundredth of the controls."""


def run(seeds: int = 50) -> dict[str, float]:
    """Share of controls that pass the rule under either cutoff and in truth, and how many either decides otherwise."""
    return {
        f"{size}, {family}: {name}": value
        for size, rows in SIZES.items()
        for family, kinds in FAMILIES.items()
        for name, value in compared(rows, kinds, family, seeds).items()
    }


def compared(rows: tuple[int, int], kinds: dict[float, int], family: str, seeds: int) -> dict[str, float]:
    """The numbers of one kind of sweep, over all seeds."""
    passing = np.concatenate([_passing(rows, kinds, family, seed) for seed in range(seeds)], axis=1)
    largest, stopped, truth = passing
    return {
        "largest rejected p": largest.mean(),
        "q k / m": stopped.mean(),
        "truth": truth.mean(),
        "largest rejected p decides otherwise": (largest != truth).mean(),
        "q k / m decides otherwise": (stopped != truth).mean(),
    }


def _passing(rows: tuple[int, int], kinds: dict[float, int], family: str, seed: int) -> Bool[np.ndarray, "3 control"]:
    draws = stream("cutoff", str(rows), family, seed)
    real = np.concatenate([drawn(accuracy, rows, n, draws)[0] for accuracy, n in kinds.items()])
    p, decisive = drawn(BORDER, rows, CONTROLS, draws)
    rejected = benjamini_hochberg(real) <= RULE.q
    k, m = int(rejected.sum()), len(real)
    largest = real[rejected].max() if k else RULE.q / m
    truth = [benjamini_hochberg(np.append(real, own))[-1] <= RULE.q for own in p]
    return np.array([p <= largest, p <= RULE.q * max(k, 1) / m, truth]) & decisive


def drawn(
    accuracy: float, rows: tuple[int, int], n: int, draws: np.random.Generator
) -> tuple[Float[np.ndarray, " neuron"], Bool[np.ndarray, " neuron"]]:
    """p-values of neurons of that true balanced accuracy, on as often as it should be, and whether they reach .95."""
    n_positive, n_negative = rows
    error, p = 2 * (1 - accuracy), n_positive / sum(rows)
    tp = draws.binomial(n_positive, 1 - error * (1 - p), n)
    tn = draws.binomial(n_negative, 1 - error * p, n)
    decisive = (tp / n_positive + tn / n_negative) / 2 >= RULE.decisive - ROUNDING
    return balanced_accuracy_p_value(tp, n_positive, tn, n_negative, RULE.null), decisive


def main() -> None:
    """Print a table."""
    names = ("largest rejected p", "q k / m", "truth", "otherwise", "otherwise")
    print(f"{'':62}" + "".join(f"{name:>20}" for name in names))
    for size, rows in SIZES.items():
        for family, kinds in FAMILIES.items():
            numbers = compared(rows, kinds, family, seeds=50).values()
            print(f"{size + ', ' + family:62}" + "".join(f"{number:20.3f}" for number in numbers))


if __name__ == "__main__":
    main()
