"""Tell networks that may run in several threads at once."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

STATELESS = ("torch.nn.modules.", "denote.object_models.architectures.")
"""Modules of Python whose networks write nothing down while they run, in eval mode."""

FUNCTIONS = ("torch", "torch.nn.functional", "torch._C._nn")
"""Modules of Python whose functions may be attributes of a network's modules, as activations are."""


def is_stateless(network: nn.Module) -> bool:
    """Return whether passes of a network through several threads cannot touch each other.

    A user's own code may keep something from one line to the next, in itself or anywhere: in a forward, a hook, an
    activation, a class of tensors. What a user has set for one thread alone, such as autocast, does not hold in
    another, and compiled code is that of one thread. In doubt the answer is no.

    Args:
        network: Any module, before hooks of our own are on it.
    """
    if torch.is_autocast_enabled("cpu") or torch._C._len_torch_function_stack() or _has_any_global_hook():
        return False
    return all(_is_known(module) and _runs_as_written(module) for module in network.modules())


def _is_known(module: nn.Module) -> bool:
    """Whether a module is of a class of torch or of ours, itself and not by a name that it gave itself."""
    kind = type(module)
    where = kind.__module__
    is_itself = where.startswith(STATELESS) and getattr(sys.modules.get(where), kind.__name__, None) is kind
    return is_itself and kind.forward.__module__.startswith(STATELESS)


def _runs_as_written(module: nn.Module) -> bool:
    """Whether nothing was added to a module that runs with it, and its forward pass writes to no weights."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    own = vars(module)
    if any(hooks) or "forward" in own or module._compiled_call_impl is not None or own.get("max_norm") is not None:
        return False
    if not all(_is_of_torch(value) for value in own.values() if callable(value)):
        return False
    tensors = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    return all(type(tensor) in (Tensor, nn.Parameter) for tensor in tensors)


def _is_of_torch(value: Any) -> bool:
    return getattr(value, "__module__", None) in FUNCTIONS
