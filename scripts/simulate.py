"""Whether the statistics do what they say: cases with a known answer, each number beside the goal set for it.

python scripts/simulate.py [--only coverage,families] [--draws N] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from simulations.arguments import parsed


class Case(NamedTuple):
    """A module whose ``run`` takes the number of draws and gives rows, or plain numbers with ``GOALS`` beside it."""

    module: str
    draws: int


CASES = {
    "bootstrap": Case("simulations.bootstrap", 500),
    "comparisons": Case("simulations.comparisons", 200),
    "coverage": Case("simulations.coverage", 2_000),
    "depth_laws": Case("simulations.depth_laws", 2_000),
    "depth_worlds": Case("simulations.depth_worlds", 200),
    "families": Case("simulations.families", 50),
    "erasure": Case("simulations.erasure", 5),
    "first_depth": Case("simulations.first_depth", 200),
    "groups": Case("simulations.groups", 500),
    "grouped_neurons": Case("simulations.grouped_neurons", 2_000),
    "jobs": Case("simulations.jobs", 200),
    "leak": Case("simulations.leak", 200),
    "noise_neurons": Case("simulations.noise_neurons", 200),
    "mutation": Case("simulations.mutation", 3),
    "noise": Case("simulations.noise", 200),
    "rough_refits": Case("simulations.rough_refits", 3),
    "planted": Case("simulations.planted", 200),
    "copies": Case("simulations.copies", 10),
    "cutoff": Case("simulations.cutoff", 50),
    "planted_truth": Case("simulations.planted_truth", 20),
    "near_misses": Case("simulations.near_misses", 20),
    "tanh_signs": Case("simulations.tanh_signs", 200),
}
"""Every case at its full size."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases and print each when it is done.

    Returns:
        0 if every goal is met, 1 if one is missed, 2 for a mistake on the command line.
    """
    arguments = parsed(list(CASES), argv)
    # Only here, so that a mistake on the command line is told at once.
    from simulations import report
    from simulations.row import NO_GOALS, rows_of

    rows = []
    for case in arguments.only:
        module, draws = import_module(CASES[case].module), arguments.draws or CASES[case].draws
        found = rows_of(case, module.run(draws), getattr(module, "GOALS", NO_GOALS))
        report.shown(case, found)
        rows += found
        if arguments.json is not None:
            report.write(arguments.json, rows)
    return int(any(row.passed is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
