"""A network that cannot be run on what the dataset gives is a mistake in one line, before and during the recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import Command
from torch import nn

from denote.data.batch import Batch
from denote.errors import LayerError
from denote.states.capture import capturing
from denote.states.listing import list_layers

CODE = """
from torch import nn


class Other(nn.Sequential):
    def __init__(self, input_shape, n_classes):
        super().__init__(nn.Flatten(), nn.Linear(7, n_classes))
"""
YAML = "_target_: other.Other\ntrained: true\nepoch: null\nsave_epochs: []\n"


def test_an_architecture_that_does_not_take_the_inputs(denote: Command, tmp_path: Path) -> None:
    (tmp_path / "mine" / "conf" / "architecture").mkdir(parents=True)
    (tmp_path / "mine" / "other.py").write_text(CODE)
    (tmp_path / "mine" / "conf" / "architecture" / "other.yaml").write_text(YAML)
    own = ["--config-dir", str(tmp_path / "mine" / "conf"), f"code_dir={tmp_path / 'mine'}", "architecture=other"]
    for flags in ([], ["--layers"]):
        done = denote(*flags, *own, "logger=none")
        assert done.code == 2
        assert done.err.startswith("architecture: cannot be run on the inputs: RuntimeError: mat1 and mat2")
        assert len(done.err.strip().splitlines()) == 1


class Short(nn.Module):
    """Refuses batches of more than three samples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 3:
            raise ValueError("three at most\nand more lines")
        out: torch.Tensor = self.layer(x)
        return out


def test_a_batch_that_fails_is_told_with_what_the_network_says() -> None:
    batch: Batch = torch.from_numpy(np.ones((4, 4), dtype=np.float32))
    network = Short()
    with (
        pytest.raises(LayerError, match=r"network: fails on a batch of 4 samples: ValueError: three at most; inputs"),
        capturing(network, list_layers(network, batch)) as record,
    ):
        record(batch)
