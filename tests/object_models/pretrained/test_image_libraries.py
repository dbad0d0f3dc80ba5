"""What timm and torchvision are asked for, with a library of our own in their place: weights, names, what is gone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from denote.errors import ConfigError, StoreError
from denote.object_models.pretrained.checkpoint import ImageLibrary, Timm, TorchVision


def library(monkeypatch: pytest.MonkeyPatch, fetches: bool = True) -> None:
    """A timm with one network."""

    def create_model(name: str, pretrained: bool = False, **arguments: Any) -> nn.Module:
        if pretrained and not fetches:
            raise OSError("no route to host")
        network = nn.Linear(2, arguments.get("num_classes", 3))
        if pretrained:
            nn.init.ones_(network.weight)
        return network

    module = ModuleType("timm")
    vars(module).update(list_models=lambda: ["resnet18"], list_pretrained=lambda: ["resnet18.a1"],
                        create_model=create_model)  # fmt: skip
    monkeypatch.setitem(sys.modules, "timm", module)


def test_weights_are_the_librarys_or_those_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library(monkeypatch)
    assert Timm({}, "resnet18").network.weight.eq(1).all()
    assert not Timm({}, "resnet18").fresh().weight.eq(1).all()
    save_file(nn.Linear(2, 5).state_dict(), tmp_path / "own.safetensors")
    own = Timm({}, "resnet18", str(tmp_path / "own.safetensors"), {"num_classes": 5})
    assert own.network(torch.zeros(1, 2)).shape == (1, 5)
    with pytest.raises(StoreError, match=r"bias has shape \(5,\) and Linear \(3,\)"):
        _ = Timm({}, "resnet18", str(tmp_path / "own.safetensors")).network


def test_without_a_network_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    library(monkeypatch, fetches=False)
    with pytest.raises(StoreError, match=r"no weights \(no route to host\); .*architecture\.path=FILE"):
        _ = Timm({}, "resnet18").network
    assert Timm({}, "resnet18").fresh() is not None


def test_a_name_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    library(monkeypatch)
    with pytest.raises(ConfigError, match="timm has no network 'resnet81'; did you mean 'resnet18'"):
        Timm({}, "resnet81").fresh()


@pytest.mark.parametrize("kind", [Timm, TorchVision])
def test_a_library_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, kind: type[ImageLibrary]
) -> None:
    monkeypatch.setitem(sys.modules, kind.library, None)
    with pytest.raises(ConfigError, match=rf"needs {kind.library}, .*pip install -e '\.\[vision\]'"):
        kind({}, "resnet18").fresh()
