"""One extraction in a process of its own, so that its peak memory is that of the extraction: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.extraction import CASES, made, ours
from benchmarks.processes import most_resident
from denote.states.listing import list_layers


def main(asked: dict[str, Any]) -> dict[str, int]:
    """Record a case.

    Args:
        asked: ``case`` and ``rows``.

    Returns:
        Bytes: ``baseline`` before the inputs are run, ``peak`` of the process.
    """
    rows = np.arange(asked["rows"])
    network, inputs = made(CASES[asked["case"]], len(rows))
    layers, baseline = list_layers(network, inputs[rows[:1]]), most_resident()
    with tempfile.TemporaryDirectory(prefix="denote-benchmark-") as folder:
        ours(network, inputs, rows, layers, Path(folder))
    return {"baseline": baseline, "peak": most_resident()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
