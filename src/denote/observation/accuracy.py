"""How well a network from outside tells the classes, where its recorded outputs are scores of these classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denote.data.parts import Parts
from denote.data.samples import Samples
from denote.object_models.task import accuracy_note
from denote.states.state import LayerState


def recorded_accuracy(
    states: Sequence[LayerState], samples: Samples, parts: Parts
) -> tuple[float, str | None] | tuple[None, None]:
    """Return the share of *test* rows whose largest output is their class, and a remark where that is chance.

    Nothing is run again: the outputs are the state of the network's last layer, where it is among those recorded.

    Args:
        states: Of the layers that are observed.
        samples: With the class of every row.
        parts: Which rows are *test*.

    Returns:
        The accuracy, in [0, 1]. None unless the classes are 0 to k - 1 and the network gives k numbers a row: outputs
        are told from each other by their place alone.
    """
    names = samples.classes
    outputs = next((state for state in states if state.layer.is_head), None)
    are_places = len(names) > 1 and names == tuple(map(str, range(len(names))))
    if outputs is None or not are_places or outputs.layer.shape != (len(names),):
        return None, None
    classes = samples.targets[parts.test]
    accuracy = float((outputs.at(parts.test).argmax(axis=1) == classes).mean())
    return accuracy, accuracy_note(accuracy, len(classes), np.bincount(classes).max() / len(classes))
