"""Which settings shape a job's results: its fingerprint, its name, and what the jobs of a sweep must agree on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from denote.config.class_sources import USUAL_PATHS
from denote.config.given_files import check_size
from denote.config.keys import SCHEMA, digest, digest_unchanged
from denote.config.levels import as_standard
from denote.config.settings import Training, TrainingSettings, declared, in_key
from denote.config.trust import TARGET_KEYS, path_settings, source_of, stable_name
from denote.errors import ConfigError
from denote.files import slug

Config = Mapping[str, Any]

NOT_SHAPING = {
    *("analysis", "sweep_name", "store", "device", "memory_limit", "on_existing", "figures", "figure_formats"),
    *("figure_scale", "figure_style", "figure_networks", "paper_width"),
    *("report", "tags", "logger", "progress", "hydra", "sweep", "plan", "verbose"),
}
"""Top-level keys that say where and how a job runs, never what comes out."""

NOT_SHAPING_ARCHITECTURE = {"save_epochs"}
CHOOSING_WEIGHTS = {"trained", "epoch", "save_epochs"}
"""Keys of the architecture that choose among weights and are no arguments of the network's class."""

NO_ARGUMENTS = CHOOSING_WEIGHTS | {"trained_on"}
"""All keys of the architecture that are no arguments of the network's class: the last is about the rows."""


SOME_EXAMPLES = 3
"""What keys hold for any number of neurons whose inputs are listed, which shapes nothing else: the default before."""


def shaping(config: Config) -> dict[str, Any]:
    """The part of a resolved config that shapes results.

    Files are replaced by the digest of their content, and beside a class of the user's own stands that of its code.
    What the level of evidence sets is as at ``standard``: levels are one job, made with less or more of it.
    """
    kept = {key: value for key, value in as_standard(config).items() if key not in NOT_SHAPING}
    kept["trainer"] = training_settings(config)
    if not kept.get("intervention"):
        kept.pop("intervention", None)  # jobs without one are those of before there were any
    if isinstance(evidence := kept.get("evidence"), Mapping) and evidence.get("examples"):
        kept["evidence"] = {**evidence, "examples": SOME_EXAMPLES}
    architecture = config.get("architecture") or {}
    kept["architecture"] = {key: value for key, value in architecture.items() if key not in NOT_SHAPING_ARCHITECTURE}
    if is_initialisation(config):
        kept["architecture"] |= {"trained": False, "epoch": None}
    return {name: by_content(value) for name, value in kept.items()}


def shapes_no_result(key: str) -> bool:
    """Return whether a setting is in no job's fingerprint, so that jobs that differ in it alone are one job.

    Args:
        key: Its key as typed: ``logger``, ``store.path``.
    """
    group, *inner = re.split(r"[./@]", key.lstrip("+~"))
    name = inner[0] if inner else None
    if group == "trainer":
        return name is not None and name in declared(Training) and name not in declared(TrainingSettings)
    return group in NOT_SHAPING or (group == "architecture" and name in NOT_SHAPING_ARCHITECTURE)


def training_settings(config: Config) -> dict[str, Any]:
    """Return the settings of ``trainer`` that shape weights."""
    given = config.get("trainer") or {}
    return in_key({key: value for key, value in given.items() if key in declared(TrainingSettings)})


def is_initialisation(config: Config) -> bool:
    """Return whether a job observes a network before any training: ``trained=false`` or ``epoch=0``."""
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
    dataset, probes = class_name(config, "dataset").removesuffix("module"), "+".join(config.get("probe") or {})
    interventions = "+".join(config.get("intervention") or {})
    words = [dataset, network, attributes, probes, interventions, layer, f"seed={config.get('seed')}"]
    readable = slug("-".join(word for word in words if word), keep=".,=+-", join=True)
    return f"{readable[:120]}-{fingerprint(config)[:8]}"


def class_name(config: Config, group: str) -> str:
    """Return the name of the class that a group builds, in lower case: ``mlp``."""
    return str((config.get(group) or {}).get("_target_", group)).rpartition(".")[2].lower()


def agreement(config: Config) -> dict[str, Any]:
    """Settings that are neither part of the object model nor a key column: equal in all jobs of a sweep folder.

    Options of probes and interventions and single attributes are compared by name, so jobs may differ in *which* they
    use but not in what one name means: of a network that one job ablates and another erases the merge has both.
    """
    shaped = shaping(config)
    parts = {group: shaped.get(group) for group in ("evidence", "control", "intervention", "split", "probe")}
    parts["attribute"], parts["analysis"] = _by_name(shaped.get("attribute") or {}), config.get("analysis")
    # Depth counts the layers that are listed, and a neuron is what its axes are.
    parts["layer"] = {key: (config.get("layer") or {}).get(key) for key in ("of", "kind")}
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
    """Keys on which two jobs differ. A probe, attribute, intervention or network that only one has is none."""
    unlike = [key for key in {*ours, *theirs} if ours.get(key, _ABSENT) != theirs.get(key, _ABSENT)]
    if not unlike:
        return []
    in_both = set(map(_option, ours)) & set(map(_option, theirs))
    of_some = {"probe", "attribute", "intervention", TRAINED_ON}
    differing = [key for key in unlike if _option(key) in in_both or _option(key)[0] not in of_some]
    return [key.replace(SEPARATOR, ".") for key in sorted(differing)]


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


def by_content(value: Any, paths: Sequence[str] = ()) -> Any:
    """Return settings without what does not shape results: where files lie, and where a class of ours lies.

    A file stands as the digest of its content, and a class of the user's own has beside it the digest of its code.

    Args:
        value: The settings.
        paths: Those that name files, unless the settings name a class, which says it.
    """
    if isinstance(value, (list, tuple)):
        return [by_content(entry, paths) for entry in value]
    if not isinstance(value, Mapping):
        return value
    target = value.get("_target_")
    nested = paths
    if target is not None:
        paths, nested = ("trained_on", *path_settings(str(target))), USUAL_PATHS
    shaped = {str(key): _contents(inner) if key in paths else by_content(inner, nested) for key, inner in value.items()}
    named = {key: stable_name(str(value[key])) for key in TARGET_KEYS if value.get(key) is not None}
    return shaped | named | source_of(value)


def _contents(value: Any) -> Any:
    """Return the digests of files, one or several."""
    if isinstance(value, Mapping):
        return {str(name): _contents(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_contents(inner) for inner in value]
    return _content(value) if value and isinstance(value, str) else value


def _content(path: str) -> str:
    """Digest of a file or of all in a folder; the bare text where there is nothing (a mistake found later)."""
    place = Path(path).expanduser()
    try:
        if not place.is_dir():
            if not place.is_file():
                return path
            # To read it all would take for ever.
            check_size(place, place.stat().st_size, "a dataset or an architecture", ConfigError)
            return digest_unchanged([place])
    except OSError:  # no name that a file can have
        return path
    files = sorted(file for file in place.rglob("*") if file.is_file())
    for file in files:
        if file.suffix != ".npy":  # those are mapped, and may be larger than memory
            check_size(file, file.stat().st_size, "a dataset or an architecture", ConfigError)
    # Names from the folder on: a file counts as another one when it lies in another folder of it.
    return digest([[file.relative_to(place).as_posix() for file in files], digest_unchanged(files)])
