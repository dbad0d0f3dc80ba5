"""Observing cells in tests, with what they are held against given by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.data.parts import Groups, Halves
from denote.evidence import cells, pair_scan
from denote.evidence import reading_curves as curves
from denote.evidence.audit import InputReading
from denote.evidence.cells import BySize, CellControls, CellEvidence, OtherStates
from denote.evidence.control import ControlSamples
from denote.evidence.controls.rotated import Rotated
from denote.evidence.controls.shuffled import ShuffledDraws
from denote.evidence.controls.untrained import Untrained
from denote.evidence.corrections import REACH, ScanSettings
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import LabelDraws
from denote.evidence.pair_scan import LayerScan
from denote.evidence.rule import Rule
from denote.observers.observer import Probe
from denote.observers.reading import UNBOUNDED, Resources, State


def observe_cells(
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    rule: Rule,
    probe_seed: int = 0,
    *,
    shuffles: int = 20,
    bootstraps: int = 500,
    label_controls: Sequence[LabelDraws] = (),
    untrained: Sequence[Halves[State]] = (),
    rotated: Sequence[Halves[State]] = (),
    raw_input: InputReading | None = None,
    missing: Mapping[str, str] | None = None,
    groups: Halves[Groups] | None = None,
    resources: Resources = UNBOUNDED,
) -> CellEvidence:
    """Observe the cells of one layer and probe."""
    data = FitTestData(state, labels, groups, probe_seed, resources)
    draws = [
        *([ShuffledDraws(ControlSamples(labels, groups, probe_seed=probe_seed), shuffles)] if shuffles else []),
        *label_controls,
    ]
    others = [OtherStates(kind, states) for kind, states in ((Untrained, untrained), (Rotated, rotated)) if states]
    controls = CellControls(draws, [*others, *([raw_input] if raw_input else [])], missing or {})
    return cells.observe_cells(data, probe, rule, controls, bootstraps)


def held_out_auroc(probe: Probe, state: Halves[State], labels: Halves[Labels]) -> BySize:
    """Score a probe on *test* after a fit on *fit*."""
    return cells.held_out_auroc(probe, FitTestData(state, labels))


def reading_curves(
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    probe_seed: int = 0,
    *,
    groups: Halves[Groups] | None = None,
    resources: Resources = UNBOUNDED,
) -> pl.DataFrame:
    """Measure the reading curves of one layer and probe."""
    return curves.reading_curves(FitTestData(state, labels, groups, probe_seed, resources), probe)


def scan_layer(
    state: State,
    labels: Labels,
    live: np.ndarray,
    place: Mapping[str, Any],
    q: float = 0.05,
    *,
    key: str = "",
    draws: int = 200,
    groups: Groups | None = None,
    resources: Resources = UNBOUNDED,
    reach: float = REACH,
) -> LayerScan:
    """Scan rows that stand for *test*; no other part is looked at."""
    both = None if groups is None else Halves(groups[:0], groups)
    data = FitTestData(Halves(state[:0], state), Halves(labels, labels), both, resources=resources)
    return pair_scan.scan_layer(data, live, place, ScanSettings(key, q, draws, reach))
