"""What people see of a job and of a sweep: figures, report, terminal, W&B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from denote.observation import Observation

def draw_job(observation: Observation, folder: Path) -> dict[str, Path]:
    return {}
