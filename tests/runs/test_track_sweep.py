"""The runs of a sweep as a whole: their settings without cells, and no harm where they cannot be tracked."""

from pathlib import Path
from typing import Any

import pytest
import synthetic_tables as synthetic

from denote.reporting.tracking import Tracker
from denote.runs.merge import Merged
from denote.runs.outcome import Outcome
from denote.runs.track_sweep import settings_of, track

CONFIG: dict[str, Any] = {
    "attribute": {"odd": {}}, "probe": {}, "control": {}, "seed": 0, "evidence": {"level": "quick"},
    "logger": {"kinds": {"csv": True}}, "tags": [],
}  # fmt: skip
TABLES = synthetic.all_tables(2, 3, 8)


def test_a_sweep_without_probes_says_what_it_observed(tmp_path: Path) -> None:
    jobs = [(tmp_path, {"config": CONFIG})]
    with_cells = settings_of(Merged(TABLES), jobs)
    assert (with_cells["dataset"], with_cells["seed"]) == ("mnist", 0)
    assert settings_of(Merged({**TABLES, "cells": TABLES["cells"].clear()}), jobs) == with_cells
    assert with_cells["layer"] == "blocks.0,blocks.1,logits"


def test_what_cannot_be_tracked_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Tracker:
        raise OSError("the disk is full")

    monkeypatch.setattr(Tracker, "of", broken)
    track(Outcome(tmp_path / "t"), Merged(TABLES), [(tmp_path, {"config": CONFIG})], [], tmp_path)
    assert caplog.messages == ["sweep t cannot be tracked (OSError: the disk is full)"]
