"""Import paths of classes that moved: config files that name the former ones work for one more release."""

from __future__ import annotations

import logging
from functools import cache

log = logging.getLogger(__name__)

_SOURCES, _ARCHITECTURES = "denote.data.sources", "denote.object_models.architectures"
_PRETRAINED = "denote.object_models.pretrained"
_FORMER = {
    "denote.data.arrays": f"{_SOURCES}.arrays",
    "denote.data.conllu": f"{_SOURCES}.conllu",
    "denote.data.digits": f"{_SOURCES}.digits",
    "denote.data.huggingface": f"{_SOURCES}.huggingface",
    "denote.data.images": f"{_SOURCES}.images",
    "denote.data.mnist": f"{_SOURCES}.digits",
    "denote.data.planted": f"{_SOURCES}.planted",
    "denote.data.recorded": f"{_SOURCES}.recorded_states",
    "denote.data.shapes": f"{_SOURCES}.shapes",
    "denote.data.table": f"{_SOURCES}.table",
    "denote.object_models.checkpoint": f"{_PRETRAINED}.checkpoint",
    "denote.object_models.convnet": f"{_ARCHITECTURES}.convnet",
    "denote.object_models.hugging_face": f"{_PRETRAINED}.hugging_face",
    "denote.object_models.image_libraries": f"{_PRETRAINED}.checkpoint",
    "denote.object_models.mlp": f"{_ARCHITECTURES}.mlp",
    "denote.object_models.planted": f"{_ARCHITECTURES}.planted_network",
    "denote.object_models.recorded": f"{_PRETRAINED}.source",
    "denote.object_models.resnet": f"{_ARCHITECTURES}.convnet",
    "denote.object_models.transformer": f"{_ARCHITECTURES}.transformer",
    "denote.object_models.vit": f"{_ARCHITECTURES}.vit",
}
"""Modules of datasets and architectures as older config files name them, and where they are now."""


def moved(target: str) -> str:
    """Return the import path that a class has now."""
    module_name, _, class_name = target.rpartition(".")
    return f"{_FORMER[module_name]}.{class_name}" if module_name in _FORMER else target


@cache
def present_path(target: str) -> str:
    """Return the import path that a class has now, and warn once if the one given is a former one."""
    present = moved(target)
    if present != target:
        log.warning("%s is deprecated: the class is now %s", target, present)
    return present
