"""Random streams with names: each draw has its own generator, whatever was drawn before; no global state is touched."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(name: str, *keys: int | str) -> int:
    """A 63-bit seed for the draw called ``name``, for example ``stream_seed("shuffled", probe_seed, 3)``."""
    text = "\x1f".join([name, *(str(key) for key in keys)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(name: str, *keys: int | str) -> np.random.Generator:
    """NumPy generator of the draw called ``name``."""
    return np.random.default_rng(stream_seed(name, *keys))


def torch_stream(name: str, *keys: int | str) -> torch.Generator:
    """Torch generator (on the CPU) of the draw called ``name``."""
    import torch  # here, so that who draws with NumPy need not wait for it

    return torch.Generator().manual_seed(stream_seed(name, *keys))


@contextmanager
def generators_kept() -> Iterator[None]:
    """Global generators of Python, NumPy and torch are afterwards as they were, whatever a user's code drew inside."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  (the one to be kept)
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
