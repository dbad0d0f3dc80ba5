"""Leave the weights of a network as they are, bit for bit, where a forward pass writes to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from denote.errors import LayerError


@contextmanager
def weights_kept(network: nn.Module) -> Iterator[None]:
    """Put back the weights of modules that renormalise them in a forward pass, and refuse what writes to others.

    An embedding with ``max_norm`` scales the rows that it looks up, in place and in eval mode too. Modules of that
    setting are few, so that copies of their weights are held; any other weight is watched by torch's count of writes.

    Args:
        network: Any module.

    Raises:
        LayerError: naming a weight that was written to, of which there is no copy.
    """
    kept = [
        (weight, weight.detach().clone())
        for module in network.modules()
        if getattr(module, "max_norm", None) is not None
        for weight in module.parameters(recurse=False)
    ]
    is_kept = {id(weight) for weight, _ in kept}
    watched = [
        (name, weight, weight._version)
        for name, weight in network.named_parameters()
        if id(weight) not in is_kept and not weight.is_inference()
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, before in kept:
                if not torch.equal(weight, before):
                    weight.copy_(before)
    for name, weight, version in watched:
        if weight._version != version:
            problem = f"a forward pass writes to its weight {name}, so that the network would not stay as it is"
            raise LayerError("network", problem, "networks that leave their weights alone in eval mode")
