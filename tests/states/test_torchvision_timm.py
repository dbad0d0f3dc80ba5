"""Networks of torchvision and timm, small and at random: every layer is observed, or says why not."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from denote.data.batch import call
from denote.states.capture import capturing
from denote.states.hooks import Place
from denote.states.layers import MODULES, OF
from denote.states.listing import listing

SIDE = {"vit_b_16": 32, "vit_tiny_patch16_224": 224, "deit_tiny_patch16_224": 224, "mixer_s16_224": 224,
        "swin_t": 64}  # fmt: skip
TORCHVISION = (
    "resnet18", "vgg11", "alexnet", "squeezenet1_1", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x0_5",
    "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_t", "vit_b_16",
)  # fmt: skip
TIMM = (
    "resnet18", "mobilenetv3_small_050", "efficientnet_lite0", "convnext_atto", "vit_tiny_patch16_224",
    "deit_tiny_patch16_224", "mixer_s16_224", "regnetx_002", "ghostnet_050", "hardcorenas_a", "dla34", "poolformer_s12",
)  # fmt: skip


def importable(name: str) -> ModuleType:
    """The library; the tests are skipped where it is missing, or is built for another torch than there is."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as problem:
        pytest.skip(f"{name} cannot be imported: {problem}")


def called_by(network: nn.Module, batch: Tensor) -> set[str]:
    """Names of the modules that a forward pass calls."""
    called: set[str] = set()

    def see(name: str) -> Callable[..., None]:
        return lambda *_: called.add(name)

    handles = [module.register_forward_hook(see(name)) for name, module in network.named_modules() if name]
    call(network.eval(), batch)
    for handle in handles:
        handle.remove()
    return called


def check(network: nn.Module, side: int) -> None:
    draws = torch.Generator().manual_seed(0)
    batches = [torch.randn(n, 3, side, side, generator=draws) for n in (3, 2)]
    for of in OF:
        found = listing(network, batches[0], of=of)
        with capturing(network, found.layers) as record:
            for batch in batches:
                states = record(batch)
                assert {name: tuple(state.shape) for name, state in states.items()} == {
                    layer.name: (len(batch), layer.n_neurons) for layer in found.layers
                }
        if of == MODULES:
            said = {Place.of(name).module for name in (*states, *found.left_out)}
            with torch.inference_mode():
                assert called_by(network, batches[0]) - said == set()


@pytest.mark.parametrize("name", TORCHVISION)
def test_every_layer_of_torchvision(name: str) -> None:
    models = importable("torchvision.models")
    torch.manual_seed(0)
    options = {"image_size": 32} if name == "vit_b_16" else {}
    check(models.get_model(name, weights=None, **options), SIDE.get(name, 64))


@pytest.mark.parametrize("name", TIMM)
def test_every_layer_of_timm(name: str) -> None:
    timm = importable("timm")
    torch.manual_seed(0)
    check(timm.create_model(name, pretrained=False), SIDE.get(name, 64))
