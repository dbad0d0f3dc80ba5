"""One fit of a state on disk in a process of its own, so that its peak memory is that of the fit: JSON in, JSON out.

It imports nothing that the fit does not need.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from denote.errors import ConfigError, DenoteError
from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe, rank_neurons
from denote.observers.reading import Resources
from denote.states.state import StoredState


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Fit what is asked for with the memory that the limit leaves.

    Args:
        asked: ``fit`` (linear, ranks or thresholds), ``values`` and ``labels`` (files), ``limit`` (bytes).

    Returns:
        Seconds and bytes: ``baseline`` after the imports, ``allowed`` to the fit, ``peak`` of the process.
    """
    baseline = _now()
    values, labels = np.load(asked["values"], mmap_mode="r"), np.load(asked["labels"])
    state = StoredState(values, np.arange(len(values)))
    allowed = asked["limit"] - _now()
    if allowed <= 0:
        raise ConfigError("--memory-limit", f"{asked['limit']} bytes", f"the imports and labels alone take {_now()}")
    resources = Resources(memory=allowed)
    start = perf_counter()
    if asked["fit"] == "linear":
        LinearProbe().fit(state, labels, resources=resources)
    elif asked["fit"] == "thresholds":
        NeuronProbe().fit(state, labels, resources=resources)
    else:
        rank_neurons(state, labels, resources=resources)
    seconds = perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": seconds, "baseline": baseline, "allowed": allowed, "ru_maxrss": most,
            # ru_maxrss may be that of the process that started this one; the high-water mark never is.
            "peak": _status("VmHWM") or most, "vm_hwm": _status("VmHWM")}  # fmt: skip


def _now() -> int:
    """Resident bytes, or the most so far where the system does not tell."""
    return _status("VmRSS") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def _status(key: str) -> int | None:
    """Bytes of a line of Linux's process status."""
    file = Path("/proc/self/status")
    lines = file.read_text(encoding="ascii", errors="replace").splitlines() if file.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), None)


if __name__ == "__main__":
    try:
        print(json.dumps(main(json.loads(sys.argv[1]))))
    except DenoteError as error:
        sys.exit(str(error))
