"""What speaks against a comparison: its own limits first, then what speaks against either result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from denote.comparison.compare import Comparison, Contrast
from denote.comparison.compared import Compared
from denote.comparison.matching import unmatched
from denote.comparison.pairing import ROWS
from denote.numbers import count
from denote.reporting.answer.contents import ALARM, CAUTION, Doubt
from denote.reporting.answer.doubts import doubts_of
from denote.reporting.answer.networks import networks_of
from denote.reporting.answer.words import clean, listed
from denote.reporting.comparison.networks_told import shares_rows
from denote.reporting.page.machine_paths import without_machine

SHAPING = ("denote", "torch", "scikit-learn", "numpy", "scipy")
"""Packages whose versions may change numbers."""
LONGEST_KIND = 48
"""Letters of networks and their dataset."""


def comparison_doubts(comparison: Comparison) -> list[Doubt]:
    """Collect what speaks against a comparison, alarms first.

    Args:
        comparison: What was compared.
    """
    baseline, *others = comparison.results
    left_out = ((clean(each.name), without_machine(each.reason)) for each in comparison.left_out)
    own = [Doubt(CAUTION, f"Left out: {name} ({reason}).") for name, reason in left_out]
    own += [Doubt(CAUTION, text) for contrast in comparison.contrasts for text in _limits(contrast)]
    own += [Doubt(CAUTION, text) for other in others for text in _not_compared(comparison, other)]
    versions = [Doubt(CAUTION, text) for other in others for text in _versions(baseline, other)]
    told: dict[Doubt, list[str]] = {}
    for side in comparison.results:
        for doubt in doubts_of(side.tables, networks_of(side.tables)):
            told.setdefault(doubt, []).append(clean(side.shown))
    sides = [replace(doubt, text=f"{listed(names, 3)}: {doubt.text}") for doubt, names in told.items()]
    return sorted(dict.fromkeys([*own, *versions, *sides]), key=lambda doubt: doubt.level != ALARM)


def _limits(contrast: Contrast) -> Iterator[str]:
    if contrast.pairing.unit == ROWS:
        yield "Fewer than 3 networks on a side: intervals are over test rows, and say nothing of other networks."
    if not shares_rows(contrast):
        yield "Rows were split in another way (split), so that results are judged on other test rows."
    if contrast.pairing.left_out:
        left = count(contrast.pairing.left_out, "network")
        verb = "is" if contrast.pairing.left_out == 1 else "are"
        yield f"{left} without a partner ({contrast.pairing.partners}) {verb} left out."


def _not_compared(comparison: Comparison, other: Compared) -> Iterator[str]:
    """Name the datasets and networks that one of two results has alone."""
    pairs = [contrast.groups for contrast in comparison.contrasts if contrast.other is other]
    for place, (side, partner) in enumerate(((comparison.results[0], other), (other, comparison.results[0]))):
        if alone := unmatched(side, [groups[place] for groups in pairs]):
            kinds = listed([clean(kind, LONGEST_KIND) for kind in alone], 3)
            yield f"Not compared, for want of a counterpart in {clean(partner.shown)}: {kinds} of {clean(side.shown)}."


def _versions(baseline: Compared, other: Compared) -> Iterator[str]:
    """Say which packages had other versions."""
    pairs = {name: (baseline.versions.get(name), other.versions.get(name)) for name in SHAPING}
    differing = [f"{name} {one} -> {two}" for name, (one, two) in pairs.items() if one and two and one != two]
    if differing:
        yield f"{clean(other.shown)} was made with other versions: {listed(differing, 3)}."
