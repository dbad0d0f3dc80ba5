"""Architectures of Hugging Face transformers, built small and at random: every layer is observed, or says why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from denote.data.batch import Batch, Named, call
from denote.states.capture import capturing
from denote.states.hooks import Place
from denote.states.layers import MODULES, OF, Layer
from denote.states.listing import listing

pytest.importorskip("transformers")

from hugging_face_zoo import FAMILIES, NAMES, batches, built


def observed(network: nn.Module, layers: list[Layer], batch: Batch) -> dict[str, Tensor]:
    with capturing(network, layers) as record:
        return record(batch)


def modules_called(network: nn.Module, batch: Batch) -> set[str]:
    called: set[str] = set()

    def see(name: str) -> Callable[..., None]:
        return lambda *_: called.add(name)

    modules = {name: module for name, module in network.named_modules() if name and "parametrizations" not in name}
    handles = [module.register_forward_hook(see(name)) for name, module in modules.items()]
    with torch.inference_mode():
        call(network.eval(), batch)
    for handle in handles:
        handle.remove()
    return called


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=lambda value: value)
def test_every_layer_is_observed_whatever_the_padding(kind: str, name: str) -> None:
    network = built(name, FAMILIES[kind][name])
    first, second = batches(kind)
    for of in OF:
        found = listing(network, first, of=of)
        layers = list(found.layers)
        states = observed(network, layers, first)
        others = observed(network, layers, second)
        assert list(states) == [layer.name for layer in layers]
        for layer in layers:
            assert states[layer.name].shape == (3, layer.n_neurons), layer
            assert states[layer.name].dtype == torch.float32
            assert states[layer.name].isfinite().all(), layer
            if isinstance(first, Named):
                assert torch.allclose(states[layer.name], others[layer.name], atol=1e-4), (of, layer)
            else:
                assert len(others[layer.name]) == 2
        if of == MODULES:
            said = {Place.of(place).module for place in (*states, *found.left_out)}
            assert modules_called(network, first) - said == set()
