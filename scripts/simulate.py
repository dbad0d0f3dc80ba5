"""Whether the statistics do what they say: cases with a known answer, each number beside the goal set for it.

python scripts/simulate.py [--only coverage,families] [--draws N] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from simulations.arguments import parsed

CASES = {
    "coverage": "simulations.coverage",
    "families": "simulations.families",
    "erasure": "simulations.erasure",
    "groups": "simulations.groups",
    "grouped_neurons": "simulations.grouped_neurons",
    "jobs": "simulations.jobs",
    "leak": "simulations.leak",
    "noise_neurons": "simulations.noise_neurons",
    "mutation": "simulations.mutation",
}
"""Module of each case. Its ``run`` takes the number of draws, by default that of the full size."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases and print each when it is done.

    Returns:
        0 if every goal is met, 1 if one is missed, 2 for a mistake on the command line.
    """
    arguments = parsed(list(CASES), argv)
    # Only here, so that a mistake on the command line is told at once.
    from simulations import report
    from simulations.row import rows_of

    rows = []
    for case in arguments.only:
        run = import_module(CASES[case]).run
        found = rows_of(case, run() if arguments.draws is None else run(arguments.draws))
        report.shown(case, found)
        rows += found
        if arguments.json is not None:
            report.write(arguments.json, rows)
    return int(any(row.passed is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
