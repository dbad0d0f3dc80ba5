"""A small dataset and two networks, one of units and one of maps."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from torch import nn

from denote.data.samples import Samples, TensorInputs
from denote.object_models.architectures.convnet import ConvNet
from denote.object_models.architectures.mlp import MLP
from denote.streams import torch_stream

N, SHAPE = 50, (1, 8, 8)


@pytest.fixture
def samples() -> Samples:
    """Gaussian images."""
    values = np.random.default_rng(0).normal(size=(N, *SHAPE)).astype(np.float32)
    targets = np.arange(N) % 3
    return Samples("noise", TensorInputs(values), targets, tuple("abc"), pl.DataFrame({"class": targets}), "class", "k")


@pytest.fixture
def rows() -> np.ndarray:
    """Every third row and a few neighbours, ascending."""
    return np.unique(np.r_[np.arange(0, N, 3), 1, 2, 49])


def initialised(network: nn.Module) -> nn.Module:
    """The network with weights from a named stream, and batch statistics unlike the default."""
    generator = torch_stream("states tests")
    for tensor in [*network.parameters(), *(b for b in network.buffers() if b.is_floating_point())]:
        tensor.data.normal_(generator=generator).mul_(0.3)
        if tensor.ndim == 1:
            tensor.data.abs_().add_(0.5)
    return network


@pytest.fixture
def mlp() -> nn.Module:
    """Three hidden blocks with batch normalisation, in training mode."""
    return initialised(MLP(SHAPE, 3, layers=3, width=7, normalisation="batch")).train()


@pytest.fixture
def convnet() -> nn.Module:
    """Two blocks of maps, hidden units, logits."""
    return initialised(ConvNet(SHAPE, 3, channels=(4, 6), hidden=(5,)))
