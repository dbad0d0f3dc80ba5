"""How scores are compared with limits: in one way, everywhere."""

from __future__ import annotations

from typing import Any

ROUNDING = 1e-12
"""Slack of every comparison of a score with a limit, so that (.96 + .94) / 2 reaches .95 in floating point too."""


def reaches(score: Any, least: Any) -> Any:
    """Return whether scores are at least ``least``, up to `ROUNDING`; for numbers, arrays and expressions alike."""
    return score >= least - ROUNDING


def within(distance: Any, most: Any) -> Any:
    """Return whether distances are at most ``most``, up to `ROUNDING`; for numbers, arrays and expressions alike."""
    return distance <= most + ROUNDING
