"""The searches of neurons under shuffled labels are kept in ``controls``, and nothing that reads it is confused."""

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from torch import nn

import denote
from denote.api.results import ObservationResult
from denote.denotation.depth.by_model import label_proportion_by_model
from denote.denotation.judging.search_stability import stability
from denote.evidence.corrections import null_check_cells
from denote.observation import Controls


@pytest.fixture(scope="module")
def seen() -> ObservationResult:
    torch.manual_seed(0)
    inputs = torch.randn(600, 8)
    classes = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0)
    controls = Controls(shuffles=4, neuron_shuffles=3, rotations=2, twins=0, raw_input=False)
    model = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 4))
    return denote.observe(model, inputs, classes=classes, controls=controls, permutations=20, bootstraps=0)


def test_every_draw_of_every_neuron_is_kept_and_gives_the_column(seen: ObservationResult) -> None:
    kept = seen.controls.filter(pl.col("control") == "shuffled", pl.col("neuron").is_not_null())
    key = ["layer", "family", "neuron"]
    assert kept.group_by(key).len()["len"].unique().to_list() == [3]
    assert kept.select(key).unique().height == seen.neurons.height
    assert kept["draw"].unique().sort().to_list() == [0, 1, 2]
    mean = kept.group_by(key).agg(mean=pl.col("balanced_accuracy").mean())
    both = seen.neurons.join(mean, on=key).drop_nulls("control_balanced_accuracy")
    assert both.height
    np.testing.assert_allclose(both["mean"].to_numpy(), both["control_balanced_accuracy"].to_numpy())
    assert not kept["denotes"].fill_null(value=False).any()
    assert kept["object_model"].unique().to_list() == [seen.object_model]


def test_nothing_else_that_reads_the_controls_changes(seen: ObservationResult) -> None:
    is_kept = (pl.col("control") == "shuffled") & pl.col("neuron").is_not_null()
    without = seen.controls.filter(is_kept.not_())
    assert len(without) < len(seen.controls)
    for read in (
        lambda controls: label_proportion_by_model(seen.neurons, controls, seen.tables["layers"]),
        lambda controls: stability(seen.neurons, controls),
        null_check_cells,
    ):
        assert_frame_equal(read(seen.controls), read(without))
    assert null_check_cells(seen.controls)["n_replicates"].item() == 4
