"""What the report of a job or sweep shows: no part of a result's key, as figures are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

REPORT = "report"
"""The key of the settings in a config, and of what a job's folder holds for its report in a record."""


@dataclass(frozen=True)
class ReportSettings:
    """``report``.

    Attributes:
        inputs: Whether anything of the user's rows is stored in a job's folder and shown.
        per_job: Whether jobs of a sweep write a report of their own; a single job always does.
    """

    inputs: bool = True
    per_job: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ReportSettings:
        """Read the settings of a resolved config; a config of before has none."""
        asked = config.get(REPORT) or {}
        return cls(bool(asked.get("inputs", True)), bool(asked.get("per_job", False)))

    def is_met(self, record: Mapping[str, Any]) -> bool:
        """Return whether a finished job holds of its inputs what is asked, no less and no more.

        Args:
            record: Of the job; one of before holds what was shown then.
        """
        held = (record.get(REPORT) or {}).get("inputs", True)
        return bool(held) == self.inputs

    def as_held(self) -> dict[str, Any]:
        """Return what a record says of a job whose folder holds what is asked."""
        return {"inputs": asdict(self)["inputs"]}
