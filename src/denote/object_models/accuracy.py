"""How well an object model does its own task on rows it was not trained on, and whether that is more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int
from scipy.stats import binomtest
from torch import nn

if TYPE_CHECKING:
    from denote.data.module import SamplesModule

CHANCE_LEVEL = 0.05
"""One-sided level at which a model must beat the most frequent class not to be flagged."""


def held_out_accuracy(
    model: nn.Module, data_module: SamplesModule, rows: Int[np.ndarray, " row"], batch_size: int = 1024
) -> float:
    """Share of ``rows`` whose learned class the model gets right, in [0, 1]; its mode is left as it was.

    Raises:
        ValueError: if there are no rows.
    """
    if len(rows) == 0:
        raise ValueError("accuracy of no rows")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training, n_right = model.training, 0
    model.eval()
    try:
        with torch.inference_mode():
            for inputs, batch in data_module.batches(rows, batch_size):
                predicted = model(inputs.to(device)).argmax(dim=1).cpu().numpy()
                n_right += int((predicted == data_module.learned.targets[batch]).sum())
    finally:
        model.train(was_training)
    return n_right / len(rows)


def accuracy_note(accuracy: float, n: int, majority_share: float) -> str | None:
    """Say so if a model is at chance: an exact binomial test does not put it above the most frequent class.

    Args:
        accuracy: Its held-out accuracy, in [0, 1].
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    p_value = binomtest(round(accuracy * n), n, majority_share, alternative="greater").pvalue
    if p_value <= CHANCE_LEVEL:
        return None
    return f"object model at chance: accuracy {accuracy:.3f} on {n} rows, most frequent class {majority_share:.3f}"


def shuffled_note(n: int, majority_share: float) -> str:
    """What the accuracy of a model that was taught shuffled targets means: it can only be at chance on other rows.

    Args:
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    chance = f"most frequent of them {majority_share:.3f}"
    return f"object model was taught shuffled targets: accuracy is against the true classes of {n} rows, {chance}"
