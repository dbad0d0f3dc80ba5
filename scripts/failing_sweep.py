"""A sweep of 24 jobs in which one raises and one calls sys.exit: 22 finish, two are named, the exit code is 1.

Run it in an empty folder: python scripts/failing_sweep.py [--healthy] [overrides]. With --healthy no job fails.
"""

from __future__ import annotations

import sys

from denote.cli import commands as cli
from denote.observation import Observation
from denote.runs.job import Job, Prepared

SWEEP = ["-m", "layer.select=0,1,2", "attribute=odd,prime,loop,at_least_5", "seed=0,1"]

run = Job.run


def sabotaged(job: Job, prepared: Prepared | None = None) -> Observation:
    """The job itself, but for two of the combinations."""
    place = (job.config["layer"]["select"], job.config["seed"], *(k for k in job.config["attribute"] if k != "where"))
    if place == (1, 0, "prime"):
        raise RuntimeError("made to raise")
    if place == (2, 1, "loop"):
        sys.exit(3)
    return run(job, prepared)


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--healthy"]
    if len(arguments) == len(sys.argv[1:]):
        Job.run = sabotaged  # type: ignore[method-assign]  # the point of this script
    sys.exit(cli._command("denote", [*SWEEP, "sweep_name=failing_sweep", *arguments]))
