"""Outputs are scored by the network's own task."""

import pytest
import torch

from denote.interventions.task_scores import FEW, cross_entropy


@pytest.mark.parametrize("n_classes", [2, FEW - 1, FEW])
def test_cross_entropy_is_that_of_torch(n_classes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = 5 * torch.randn(50, n_classes, generator=generator)
    targets = torch.randint(n_classes, (50,), generator=generator)
    wanted = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    assert torch.equal(cross_entropy(outputs, targets), wanted)
