"""Config files that name a class by the module that it was in go on working, and are told where it is."""

import importlib
import logging
from pathlib import Path

import pytest
from torch import nn

from denote.cli.targets import allowed_class
from denote.config.trust import _FORMER, present_path
from denote.data.module import SamplesModule
from denote.object_models.pretrained.source import Pretrained

CONF = Path(__file__).parents[1] / "conf"
KINDS = (SamplesModule, nn.Module, Pretrained)


@pytest.mark.parametrize("module", sorted(set(_FORMER.values())))
def test_a_former_path_leads_to_a_module_with_classes_to_build(module: str) -> None:
    held = vars(importlib.import_module(module)).values()
    assert any(isinstance(kind, type) and issubclass(kind, KINDS) and kind.__module__ == module for kind in held)


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("denote.data.table.TableModule", "denote.data.sources.table.TableModule"),
        ("denote.data.mnist.MNISTModule", "denote.data.sources.digits.MNISTModule"),
        ("denote.object_models.resnet.ResNet", "denote.object_models.architectures.convnet.ResNet"),
        ("denote.object_models.image_libraries.Timm", "denote.object_models.pretrained.checkpoint.Timm"),
    ],
)
def test_a_class_is_had_by_both_paths_and_the_former_warns(
    former: str, present: str, caplog: pytest.LogCaptureFixture
) -> None:
    present_path.cache_clear()
    with caplog.at_level(logging.WARNING, logger="denote.targets"):
        assert allowed_class(former, "architecture._target_", KINDS) is allowed_class(present, "key", KINDS)
    assert [record.getMessage() for record in caplog.records] == [f"{former} is deprecated: the class is now {present}"]


def test_our_own_options_name_no_former_path() -> None:
    named = [line for file in CONF.rglob("*.yaml") for line in file.read_text(encoding="utf-8").splitlines()]
    assert not [line for line in named if any(f" {former}." in line for former in _FORMER)]
