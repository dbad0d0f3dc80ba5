"""Lengths that come beside padded sequences: which positions are no padding."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from jaxtyping import Bool
from torch import Tensor

log = logging.getLogger(__name__)


def mask_of_lengths(tensors: Mapping[str, Tensor], *, tell: bool = False) -> Bool[Tensor, "row position"] | None:
    """Return which positions of the sequences are no padding, or None where no entry says so.

    Lengths are whole numbers, one per row, at least 1, under a name with ``len`` in it. The axis of positions of the
    main input is the one as long as the longest, else the first that is long enough.

    Args:
        tensors: A batch by name.
        tell: Whether to log what is done with the lengths.
    """
    sequences = next((each for each in tensors.values() if each.ndim > 1), None)
    if sequences is None:
        return None
    for name, lengths in tensors.items():
        if lengths.ndim != 1 or lengths.dtype.is_floating_point or lengths.dtype == torch.bool:
            continue
        longest, shortest = int(lengths.max()), int(lengths.min())
        sizes = list(sequences.shape[1:])
        fits = [n for n in sizes if n == longest] or [n for n in sizes if n >= longest]
        if "len" not in name.lower():
            if tell and shortest < longest and longest in sizes and shortest > 0:
                log.warning("inputs[%r] may be lengths of sequences: called 'lengths' it keeps padding out", name)
        elif shortest < 1 or not fits:
            if tell:
                log.warning(
                    "inputs[%r] holds %d to %d for inputs of shape %s: not used, so padding enters the states",
                    name, shortest, longest, tuple(sizes),
                )  # fmt: skip
        else:
            if tell:
                log.info("inputs[%r]: positions behind them are padding, of %d", name, fits[0])
            return torch.arange(fits[0])[None] < lengths[:, None]
    return None
