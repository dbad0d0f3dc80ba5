"""Weights on disk: safetensors, written whole or not at all, read only if they fit."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from denote.config.keys import digest, digest_tensor
from denote.errors import StoreError
from denote.files import atomic_write

BEST = "model.safetensors"
"""File of the weights with the lowest validation loss."""


def epoch_file(epoch: int) -> str:
    """Return the name of the file with the weights after ``epoch`` passes."""
    return f"epoch={epoch:03d}.safetensors"


def best_file(epoch: int | None) -> str:
    """Return the name of the best weights while the training goes on; None: a pattern for all epochs."""
    return f"best={'*' if epoch is None else f'{epoch:03d}'}.safetensors"


def write_weights(network: nn.Module, path: Path) -> None:
    """Write a network's parameters and buffers; shared tensors are written once.

    Args:
        network: The module.
        path: The safetensors file.
    """
    with atomic_write(path) as temporary:
        save_model(network, str(temporary))


def read_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with the weights in a file.

    Args:
        network: The module that is filled.
        path: The safetensors file.

    Raises:
        StoreError: if the file cannot be read or is that of another network.
    """
    try:
        load_model(network, str(path), strict=True, device="cpu")
    except (OSError, SafetensorError, RuntimeError) as error:
        problem = "does not fit the network" if isinstance(error, RuntimeError) else "cannot be read"
        raise StoreError(str(path), f"{problem} ({error})", "remove its folder to train again") from error


def digest_weights(network: nn.Module) -> str:
    """Return the key of a network's parameters and buffers: their names, types, shapes and values."""
    return digest({name: digest_tensor(tensor) for name, tensor in network.state_dict().items()})
