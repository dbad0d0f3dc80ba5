"""Jobs that intervene on one network in different ways give, merged, what one job gives that does all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from planted_uses import Reads, planted
from polars.testing import assert_frame_equal

import denote
from denote.interventions.kinds import Ablate, Erase
from denote.interventions.words import ANY
from denote.observation.result import Observation

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


@pytest.fixture(scope="module")
def ablated() -> Observation:
    inputs, labels = planted(3, rows=300)
    return denote.observe(
        Reads({0: 1.0}), inputs, {"label": labels}, interventions=Ablate(draws=2, directions=19, top=0),
        trained_on="none", evidence="quick", seed=3, progress="none",
    )  # fmt: skip


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_jobs_with_one_subject_the_test_beside_more_random_ones_counts(
    ablated: Observation, first: int, tmp_path: Path
) -> None:
    rows = ablated.tables["interventions"]
    is_test = pl.col("p_value").is_not_null()
    more = rows.with_columns(n_random=pl.col("n_random") * 9, p_value=pl.when(is_test).then(0.0005))
    jobs = [ablated, replace(ablated, tables=ablated.tables | {"interventions": more})]
    for index, job in enumerate([jobs[first], jobs[1 - first]]):
        job.save(tmp_path / f"job_{index}")
    merged = denote.merge(tmp_path).tables["interventions"]
    assert merged["n_random"].equals(more["n_random"])
    assert merged["p_value"].equals(more["p_value"])
    assert merged["effect"].equals(rows["effect"])


def test_every_row_names_the_seed_of_its_draws(ablated: Observation) -> None:
    rows = ablated.tables["interventions"]
    assert set(rows["probe_seed"]) == {3}
    assert rows.filter(pl.col("subject_kind") == ANY).height
