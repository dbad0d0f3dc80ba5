"""Keys of results: a digest of everything that shaped them and of nothing that did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

# `denote --cfg job` needs keys and should not wait for NumPy.
if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

KEY_LENGTH = 16
"""Hex digits of a key: 64 bits, so a million results collide with probability below 1e-7."""

SCHEMA = 7
"""Raised by hand when a change of the code changes stored results for the same settings."""


def digest(value: Any) -> str:
    """Key of a JSON-like value (mappings in any order, sequences, numbers, strings, None).

    Raises:
        TypeError: if the value holds anything JSON cannot say, since its text might not be stable.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def digest_array(array: np.ndarray) -> str:
    """Key of an array's type, shape and bytes."""
    import numpy as np

    contiguous = np.ascontiguousarray(array)
    sha = hashlib.sha256(f"{contiguous.dtype.str}{contiguous.shape}".encode())
    sha.update(contiguous.data.cast("B") if contiguous.size else b"")
    return sha.hexdigest()[:KEY_LENGTH]


def digest_unchanged(paths: Iterable[Path]) -> str:
    """As `digest_files`, reading files that do not change once per process, however many jobs ask."""
    return _digest_seen(tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=64)
def _digest_seen(files: tuple[tuple[str, int, int], ...]) -> str:
    return digest_files(Path(name) for name, _, _ in files)


def digest_tensor(tensor: Tensor) -> str:
    """Key of a tensor's type, shape and numbers, wherever it is; half precision, quantised and sparse ones too."""
    import torch

    plain = tensor.detach().cpu()
    kind = f"{plain.dtype}{tuple(plain.shape)}"
    if plain.layout is not torch.strided:  # never made dense: the graph of many nodes would not fit
        entries = plain.to_sparse_coo().coalesce()
        return digest([f"{kind}{plain.layout}", digest_tensor(entries.indices()), digest_tensor(entries.values())])
    plain = plain.dequantize() if plain.is_quantized else plain
    # As bytes: NumPy knows no bfloat16.
    return digest([kind, digest_array(plain.contiguous().flatten().view(torch.uint8).numpy())])


def digest_files(paths: Iterable[Path]) -> str:
    """Key of files' names (without their folders) and contents, so that moving a dataset changes nothing."""
    sha = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.name):
        sha.update(path.name.encode())
        with path.open("rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()[:KEY_LENGTH]
