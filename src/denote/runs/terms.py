"""Terms on which a job may join a sweep's folder: those of the jobs that are in it, on disk or planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from denote.config.keys import digest
from denote.runs.fingerprint import disagreement

Agreement = Mapping[str, Any]
"""See `denote.runs.fingerprint.agreement`."""


class Terms:
    """Agreements of the jobs of one folder; the first job sets the terms.

    A job is compared with few unions of agreements instead of with every job, so that a sweep of 10,000 jobs takes
    10,000 comparisons. Jobs that agree with one another have the same keys but for options that only one of them has;
    so whoever agrees with their union agrees with each of them.
    """

    def __init__(self) -> None:
        self._of: dict[Path, str] = {}
        self._agreements: dict[str, Agreement] = {}
        self._first_with: dict[str, Path] = {}
        self._unions: list[dict[str, Any]] = []

    def add(self, folder: Path, agreement: Agreement) -> None:
        """Take a job's agreement into the terms.

        Args:
            folder: The job's folder.
            agreement: Its agreement.
        """
        key = digest(agreement)
        self._of[folder] = key
        if key in self._agreements:
            return
        self._agreements[key], self._first_with[key] = agreement, folder
        union = next((each for each in self._unions if not disagreement(agreement, each)), None)
        if union is None:
            self._unions.append(dict(agreement))
        else:
            union.update(agreement)

    def differing(self, folder: Path, agreement: Agreement) -> list[str]:
        """Return the keys on which a job differs from the first job that it does not agree with.

        Args:
            folder: The job's folder; an earlier agreement of this job does not count.
            agreement: The job's agreement.
        """
        if not any(disagreement(agreement, union) for union in self._unions):
            return []
        for key, other in self._agreements.items():
            if self._is_of_others(key, folder) and (keys := disagreement(agreement, other)):
                return keys
        return []

    def _is_of_others(self, key: str, folder: Path) -> bool:
        """Return whether a job in another folder has this agreement."""
        if self._of.get(folder) != key or self._first_with[key] != folder:
            return True
        return any(of == key for other, of in self._of.items() if other != folder)
