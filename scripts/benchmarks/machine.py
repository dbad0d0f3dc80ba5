"""The machine that numbers come from."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from benchmarks.processes import cores

INSTRUCTIONS = ("avx512f", "avx2", "avx", "sse4_2", "asimd")
"""Vector instruction sets, the widest first, by the names of ``/proc/cpuinfo``."""


def processor() -> dict[str, Any]:
    """Name, widest vector instructions and usable cores of the processor; None for what the system does not tell."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    has = set((told.get("flags") or told.get("Features") or "").split())
    return {
        "system": platform.platform(),
        "processor": told.get("model name") or platform.machine(),
        "instructions": next((name for name in INSTRUCTIONS if name in has), None),
        "cpus": cores(),
        "python": platform.python_version(),
    }
