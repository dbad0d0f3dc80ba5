"""Outputs are scored by the network's own task."""

import numpy as np
import pytest
import torch

from denote.data.samples import CLASSES, NUMERIC
from denote.interventions.task_scores import FEW, cross_entropy, own_scores
from denote.notes import codes_of

INFINITE = float("-inf")


@pytest.mark.parametrize("n_classes", [2, FEW - 1, FEW])
def test_cross_entropy_is_that_of_torch(n_classes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = 5 * torch.randn(50, n_classes, generator=generator)
    targets = torch.randint(n_classes, (50,), generator=generator)
    wanted = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    assert torch.equal(cross_entropy(outputs, targets), wanted)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("outputs", "task"),
    [
        (normal(200, 4), CLASSES),
        (normal(200, 4) + torch.tensor([50.0, 0, 0, 0]), NUMERIC),  # the first is always the largest
        (normal(200, 4) + torch.tensor([50.0, 50, 0, 0]), NUMERIC),  # one of two is
        (normal(200, 3, 4), NUMERIC),  # a sequence of scores
        (normal(200, 1), NUMERIC),
        (normal(200), NUMERIC),
    ],
)
def test_outputs_are_scores_of_classes_where_each_is_the_largest_of_enough_rows(
    outputs: torch.Tensor, task: str
) -> None:
    scores, remark = own_scores(outputs, least=25)
    assert scores.task == task
    assert codes_of([remark]) == [{CLASSES: "own_predictions", NUMERIC: "own_outputs"}[task]]
    assert scores.reason(outputs) is None
    assert (scores.of(outputs, slice(None)).score == 1).all()
    assert own_scores(outputs, least=201)[0].task == NUMERIC


def test_other_outputs_lose_the_share_of_their_variance_that_is_changed() -> None:
    outputs, moved = normal(200, 3, 4) * torch.tensor([1.0, 2, 3, 0]) + 7, normal(200, 3, 4)
    rows = slice(50, 150)
    given = own_scores(outputs, least=25)[0].of(outputs[rows] + moved[rows], rows)
    flat, change = outputs.numpy().reshape(200, 12), moved.numpy().reshape(200, 12)[rows]
    assert np.allclose(given.score, 1 - (change**2).sum(1) / flat.var(0).sum(), atol=1e-5)
    assert np.allclose(given.loss, (change**2).mean(1), atol=1e-5)


def test_outputs_that_a_network_masks_have_no_part_in_the_score() -> None:
    outputs, moved = normal(200, 3, 4), normal(200, 3, 4)
    scores = own_scores(outputs, least=25)[0].of(outputs + moved, slice(None)).score
    masked = torch.cat([outputs, torch.full((200, 3, 1), INFINITE)], 2)
    changed = torch.cat([outputs + moved, torch.full((200, 3, 1), INFINITE)], 2)
    assert np.allclose(own_scores(masked, least=25)[0].of(changed, slice(None)).score, scores, atol=1e-5)
