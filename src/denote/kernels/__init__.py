"""Loops compiled by numba. Import a module of this room where it is called: numba takes a second to import."""

from __future__ import annotations

SEGMENT = 128
"""Sorted samples whose largest and smallest gain are kept, so that only segments with the best are gone over again."""
