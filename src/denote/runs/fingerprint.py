"""Which settings shape a job's results: its fingerprint, its name, and what the jobs of a sweep must agree on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from denote.errors import ConfigError
from denote.files import slug
from denote.keys import SCHEMA, digest, digest_unchanged
from denote.trust import source_of

Config = Mapping[str, Any]

NOT_SHAPING = {"analysis", "sweep_name", "store", "device", "memory_limit", "on_existing", "tags", "logger", "hydra"}
"""Top-level keys that say where and how a job runs, never what comes out."""

NOT_SHAPING_TRAINER = {"progress", "extract_batch_size"}
NOT_SHAPING_ARCHITECTURE = {"save_epochs"}
CHOOSING_WEIGHTS = {"trained", "epoch", "save_epochs"}
"""Keys of the architecture that choose among weights and are no arguments of the network's class."""

NO_ARGUMENTS = CHOOSING_WEIGHTS | {"trained_on"}
"""All keys of the architecture that are no arguments of the network's class: the last is about the rows."""

PATH_KEYS = {"root", "path", "table", "name", "tokenizer", "trained_on"}
"""Keys that name files, or may do so: their content shapes a result, their place does not."""


def shaping(config: Config) -> dict[str, Any]:
    """The part of a resolved config that shapes results.

    Files are replaced by the digest of their content, and beside a class of the user's own stands that of its code.
    """
    kept = {key: value for key, value in config.items() if key not in NOT_SHAPING}
    for group, left_out in (("trainer", NOT_SHAPING_TRAINER), ("architecture", NOT_SHAPING_ARCHITECTURE)):
        kept[group] = {key: value for key, value in (kept.get(group) or {}).items() if key not in left_out}
    if is_initialisation(config):
        kept["architecture"] |= {"trained": False, "epoch": None}
    return {name: _by_content(value, name) for name, value in kept.items()}


def is_initialisation(config: Config) -> bool:
    """Whether a job observes a network before any training, in either spelling: ``trained=false`` or ``epoch=0``."""
    architecture = config.get("architecture") or {}
    return architecture.get("trained") is False or architecture.get("epoch") == 0


def training(config: Config) -> dict[str, Any]:
    """The part that shapes an object model's training: equal for two jobs that observe epochs of one training."""
    shaped = shaping(config)
    architecture = {key: value for key, value in shaped["architecture"].items() if key not in NO_ARGUMENTS}
    return {key: shaped.get(key) for key in ("dataset", "trainer", "seed", "split")} | {"architecture": architecture}


def fingerprint(config: Config) -> str:
    """Key of a job: equal for two configs that must give equal results."""
    return digest({"schema": SCHEMA, "config": shaping(config)})


def job_name(config: Config) -> str:
    """Folder name of a job, readable first, then eight digits of the fingerprint."""
    architecture = config.get("architecture") or {}
    network = class_name(config, "architecture")
    if "layers" in architecture and "width" in architecture:
        network += f"-{architecture['layers']}x{architecture['width']}"
    if architecture.get("name"):
        network += f"-{Path(str(architecture['name'])).name}"
    if is_initialisation(config):
        network += "-untrained"
    elif architecture.get("epoch") is not None:
        network += f"-epoch={architecture['epoch']}"
    attribute = config.get("attribute") or {}
    attributes = "where" if attribute.get("where") else "+".join(k for k in attribute if k != "where")
    layer = "layer=" + re.sub(r"[^\w.*-]+", ",", str((config.get("layer") or {}).get("select"))).strip(",")
    words = [
        class_name(config, "dataset").removesuffix("module"), network, attributes, "+".join(config.get("probe") or {}),
        layer, f"seed={config.get('seed')}",
    ]  # fmt: skip
    readable = slug("-".join(word for word in words if word), keep=".,=+-", join=True)
    return f"{readable[:120]}-{fingerprint(config)[:8]}"


def class_name(config: Config, group: str) -> str:
    """What a group builds, in lower case: ``mlp``."""
    return str((config.get(group) or {}).get("_target_", group)).rpartition(".")[2].lower()


def agreement(config: Config) -> dict[str, Any]:
    """Settings that are neither part of the object model nor a key column: equal in all jobs of a sweep folder.

    Probe options and single attributes are compared by name, so jobs may differ in *which* they use but not in what
    one name means.
    """
    shaped = shaping(config)
    attributes = _by_name(shaped.get("attribute") or {})
    parts = {
        "evidence": shaped.get("evidence"), "control": shaped.get("control"), "split": shaped.get("split"),
        "probe": shaped.get("probe"), "attribute": attributes, "analysis": config.get("analysis"),
        # Depth counts the layers that are listed, and a neuron is what its axes are.
        "layer": {key: (config.get("layer") or {}).get(key) for key in ("of", "kind")},
    }  # fmt: skip
    parts |= _trained_on(shaped["architecture"])
    flat = {}
    for name, value in parts.items():
        flat.update(_flatten(name, value))
    return flat


def _trained_on(architecture: Config) -> dict[str, Any]:
    """Which rows a network was trained on, by the network: one network cannot have two answers in a folder."""
    if "trained_on" not in architecture:
        return {}
    network = digest({key: value for key, value in architecture.items() if key not in NO_ARGUMENTS})
    return {TRAINED_ON: {network[:8]: architecture["trained_on"]}}


def _option(key: str) -> tuple[str, ...]:
    return tuple(key.split(SEPARATOR)[:2])


def _by_name(attribute: Config) -> dict[str, Any]:
    """What each attribute name means, whether it comes from an option or from ``attribute.where``."""
    where = attribute.get("where")
    if isinstance(where, str):
        where = {where: where}
    if where:
        return {name: {"kind": "where", "where": text} for name, text in where.items()}
    return {name: spec for name, spec in attribute.items() if isinstance(spec, Mapping)}


def disagreement(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Keys on which two jobs differ. A probe, attribute or network that only one has is no disagreement."""
    differing = []
    for key in sorted({*ours, *theirs}):
        if ours.get(key, _ABSENT) == theirs.get(key, _ABSENT):
            continue
        option = _option(key)
        in_both = all(any(_option(other) == option for other in keys) for keys in (ours, theirs))
        if in_both or option[0] not in {"probe", "attribute", TRAINED_ON}:
            differing.append(key.replace(SEPARATOR, "."))
    return differing


def check_plan(config: Config, record: Config, folder: Path) -> None:
    """Refuse another ``analysis.*`` than that under which a job finished: a plan cannot be made afterwards.

    Raises:
        ConfigError: naming the keys that differ.
    """
    made = record.get("analysis")
    ours, theirs = (_flatten("analysis", plan) for plan in (config.get("analysis"), made))
    if made is not None and (keys := disagreement(ours, theirs)):
        problem = f"{folder.name} is finished under another plan"
        raise ConfigError(", ".join(keys), problem, "allowed: equal values, another sweep_name, or on_existing=redo")


TRAINED_ON = "architecture.trained_on"

_ABSENT = object()
SEPARATOR = " / "
"""Between the levels of a key of an agreement: attribute names may hold dots."""


def _flatten(prefix: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {k: v for name, inner in value.items() for k, v in _flatten(f"{prefix}{SEPARATOR}{name}", inner).items()}
    return {prefix: value}


def _by_content(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {str(name): _by_content(inner, str(name)) for name, inner in value.items()} | source_of(value)
    if isinstance(value, (list, tuple)):
        return [_by_content(inner) for inner in value]
    if key in PATH_KEYS and value and isinstance(value, str):
        return _content(value)
    return value


def _content(path: str) -> str:
    """Digest of a file or of all in a folder; the bare text where there is nothing (a mistake found later)."""
    place = Path(path).expanduser()
    if not place.is_dir():
        return digest_unchanged([place]) if place.is_file() else path
    files = sorted(file for file in place.rglob("*") if file.is_file())
    # Names from the folder on: a file counts as another one when it lies in another folder of it.
    return digest([[file.relative_to(place).as_posix() for file in files], digest_unchanged(files)])
