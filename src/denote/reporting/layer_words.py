"""Names of layers in sentences, where a number alone would read as a score or a count."""

from __future__ import annotations


def layer_words(name: str) -> str:
    """Return a layer's name as it stands in a sentence: ``hidden_1``; ``layer 0`` where the name is a number.

    Args:
        name: As in tables; modules of ``nn.Sequential`` are called ``0``, ``1``, ...
    """
    return f"layer {name}" if name.isdigit() else name
