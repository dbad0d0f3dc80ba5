"""Tensors and arrays of any type of number as arrays that NumPy computes with."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

REGISTERED = 2
"""What `numpy.dtype.isbuiltin` says of a type that another library added, such as those of ml_dtypes."""

UNNAMED = "needed: real numbers; save bfloat16 and 8-bit floats, whose type such files do not keep, as float32"
"""The remedy where a file holds bytes without a type (``|V1``, ``|V2``)."""


def plain_array(values: Tensor | np.ndarray) -> Shaped[np.ndarray, "*shape"]:
    """Return the numbers in a type of NumPy's own.

    bfloat16, floats of 8 bits and quantised numbers become float32, which holds each of them exactly; other types stay.

    Args:
        values: Any shape, on any device, dense or sparse.

    Raises:
        TypeError: for masked numbers, and a type that cannot be read one number at a time, such as two floats of 4
            bits in a byte.
    """
    if isinstance(values, Tensor):
        return _plain_tensor(values)
    if isinstance(values, np.ma.MaskedArray):
        if hidden := int(np.ma.getmaskarray(values).sum()):
            raise TypeError(f"{hidden} numbers are masked")
        values = values.data
    return values.astype(np.float32) if values.dtype.isbuiltin == REGISTERED else values


def short_floats(values: Tensor) -> Tensor:
    """Return floats of 8 bits, for which PyTorch has hardly an operation, as float32; other tensors as they are."""
    return values.float() if values.is_floating_point() and values.itemsize == 1 else values


def _plain_tensor(tensor: Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64):
        try:
            tensor = tensor.float()
        except NotImplementedError as error:
            raise TypeError(f"numbers of type {tensor.dtype} cannot be read") from error
    return np.asarray(tensor.resolve_conj().resolve_neg())
