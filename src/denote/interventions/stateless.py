"""Tell networks that may run in several threads at once."""

from __future__ import annotations

import torch
from torch import nn

STATELESS = ("torch.nn.modules.", "denote.object_models.architectures.")
"""Modules of Python whose networks write nothing down while they run, in eval mode."""


def is_stateless(network: nn.Module) -> bool:
    """Return whether passes of a network through several threads cannot touch each other.

    A user's own forward may keep something from one line to the next, in itself or anywhere, and hooks may do anything;
    what a user has set for one thread alone, such as autocast, does not hold in another.

    Args:
        network: Any module, before hooks of our own are on it.
    """
    if torch.is_autocast_enabled("cpu") or torch._C._len_torch_function_stack():
        return False
    return all(_is_stateless(module) for module in network.modules())


def _is_stateless(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks)
    return type(module).__module__.startswith(STATELESS) and not any(hooks) and "forward" not in vars(module)
