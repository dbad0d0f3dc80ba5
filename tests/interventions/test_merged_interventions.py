"""Jobs that intervene on one network in different ways give, merged, what one job gives that does all of it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from planted_uses import Reads, planted
from polars.testing import assert_frame_equal

import denote
from denote.interventions.kinds import Ablate, Erase

KINDS = (Ablate(draws=2, directions=19, top=0), Erase(draws=19, attributes=1))
ORDER = ["layer", "intervention", "subject_kind", "subject", "probe", "kind", "measure", "rows", "target"]


@pytest.mark.parametrize("several", [[[KINDS[0]], [KINDS[1]]], [[], [*KINDS]]], ids=["apart", "none and both"])
def test_what_several_jobs_did_to_a_network_is_corrected_together(tmp_path: Path, several: list[list[Ablate]]) -> None:
    inputs, labels = planted(3, rows=300)
    network = Reads({0: 1.0})

    def observed(kinds: list[Ablate], folder: Path) -> None:
        result = denote.observe(
            network, inputs, {"label": labels}, interventions=kinds, trained_on="none", evidence="quick",
            progress="none",
        )  # fmt: skip
        result.save(folder)

    for index, kinds in enumerate(several):
        observed(kinds, tmp_path / "several" / f"job_{index}")
    observed([*KINDS], tmp_path / "one" / "job")
    merged, alone = (denote.merge(tmp_path / name).tables for name in ("several", "one"))
    for name in ("interventions", "cells", "neurons"):
        order = [column for column in (*ORDER, "attribute", "neuron") if column in alone[name].columns]
        assert_frame_equal(*(tables[name].sort(order, nulls_last=True) for tables in (merged, alone)))
    assert set(merged["interventions"]["intervention"]) == {"ablate", "erase"}
    assert merged["interventions"].filter(pl.col("q_value").is_not_null()).height
