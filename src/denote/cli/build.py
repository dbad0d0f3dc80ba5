"""Config to objects: the one boundary below which nothing knows Hydra, and the only place where targets are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from denote.cli import environment
from denote.cli.hydra_private import raw, unresolved
from denote.cli.targets import allowed_class, check_targets, instantiate, is_own
from denote.config.byte_units import byte_count
from denote.config.settings import check_level
from denote.config.trust import source_of
from denote.errors import ConfigError, first_line
from denote.runs.fingerprint import NO_ARGUMENTS, job_name

if TYPE_CHECKING:
    from torch import nn

    from denote.data.module import SamplesModule
    from denote.object_models.pretrained.source import Pretrained
    from denote.runs.job import Job, UserClasses


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dicts and lists, without Hydra's own node.

    Raises:
        ConfigError: for a value that is still ``???`` or an interpolation that leads nowhere.
    """
    standing = unresolved(config, {"hydra"})
    if _is_plain(standing):
        return standing

    def resolve() -> Any:
        values = {key: config[key] for key in config if key != "hydra"}
        alone = OmegaConf.create(values, flags={"allow_objects": False})
        return OmegaConf.to_container(alone, resolve=True, throw_on_missing=True)

    try:
        container = environment.resolved(resolve)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or str(error).rpartition(":")[2].strip()
        raise ConfigError(str(key), "has no value", f"give it one: {key}=VALUE") from error
    except OmegaConfBaseException as error:
        raise ConfigError(str(error.full_key or "config"), first_line(error)) from error
    if not isinstance(container, dict):
        raise ConfigError("config", "is not a mapping")
    return {str(key): value for key, value in container.items()}


def _is_plain(value: Any, texts: Sequence[str] = ("???",)) -> bool:
    """Return whether nothing in plain values is left to resolve, or to refuse."""
    if isinstance(value, dict):
        return all(_is_plain(inner, texts) for inner in value.values())
    if isinstance(value, list):
        return all(_is_plain(inner, texts) for inner in value)
    if isinstance(value, str):
        return "${" not in value and value not in texts
    return value is None or isinstance(value, (bool, int, float))


def _peek(root: DictConfig) -> dict[str, Any]:
    """Like `plain`, but for naming a job folder: a missing value is left as it is and reported by the job."""
    standing = unresolved(root, {"hydra", "sweep_name"})
    if _is_plain(standing, texts=()):
        return standing
    shaping = [key for key in root if key not in {"hydra", "sweep_name"}]
    copy = OmegaConf.create({key: raw(root, key) for key in shaping})
    container = OmegaConf.to_container(copy, resolve=True)
    return {str(key): value for key, value in container.items()} if isinstance(container, dict) else {}


_started: list[str] = []


def _sweep_name(*, _root_: DictConfig) -> str:
    """The experiment's name, else the date and time at which this process first asked."""
    from hydra.core.hydra_config import HydraConfig

    hydra = _root_.get("hydra") or (HydraConfig.get() if HydraConfig.initialized() else None)
    choices = hydra.runtime.choices if hydra is not None else {}
    experiment = choices.get("experiment")
    if experiment:
        return str(experiment).replace("/", "-")
    if not _started:
        from datetime import datetime

        _started.append(datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    return _started[0]


def _job_name(*, _root_: DictConfig) -> str:
    settings = _peek(_root_)
    check_level(settings)
    return job_name(settings)


def register_resolvers() -> None:
    """Teach OmegaConf the interpolations that ``conf/`` uses. Safe to call again, and needed in every process."""
    OmegaConf.register_new_resolver("denote.sweep_name", _sweep_name, replace=True)
    OmegaConf.register_new_resolver("denote.job_name", _job_name, replace=True)
    environment.register()


def data_module(config: Mapping[str, Any]) -> SamplesModule:
    """The dataset with its split, not yet loaded."""
    from denote.data.module import SamplesModule

    dataset, trainer = dict(config["dataset"]), config["trainer"]
    given = {
        "split": dict(config["split"]),
        "batch_size": trainer["batch_size"],
        "validation": trainer["validation_share"],
        "order_seed": config["seed"],
        "needs_object": not is_pretrained(config),
    }
    module: SamplesModule = instantiate(dataset, "dataset", SamplesModule, **given)
    module.source = source_of(dataset)
    module.trained_on = _trained_on(config, elsewhere=not module.needs_object)
    return module


def _trained_on(config: Mapping[str, Any], *, elsewhere: bool) -> str:
    """What ``architecture.trained_on`` says; of a network that is trained here there is nothing to say."""
    from denote.data.trained_on import OF_FILES, UNKNOWN

    said = config["architecture"].get("trained_on", UNKNOWN)
    if not elsewhere and "trained_on" in config["architecture"]:
        problem = "is about networks that were trained elsewhere; this one is trained on the object part"
        raise ConfigError("architecture.trained_on", problem, "leave it out")
    if not isinstance(said, str):
        raise ConfigError("architecture.trained_on", f"{said!r} came", OF_FILES)
    return said


def network_factory(config: Mapping[str, Any]) -> Callable[..., nn.Module]:
    """A function of input shape and number of classes that builds the architecture with fresh weights.

    Of inputs that are token ids or recorded it also takes, by name, what `denote.data.samples.known_of` says.
    """
    from torch import nn

    from denote.object_models.size_limits import bounded

    architecture = {key: value for key, value in config["architecture"].items() if key not in NO_ARGUMENTS}

    def build(input_shape: tuple[int, ...], n_classes: int, **known: Any) -> nn.Module:
        if known:
            _check_reads(architecture, known)
        with bounded():
            network: nn.Module = instantiate(
                architecture, "architecture", nn.Module, input_shape=input_shape, n_classes=n_classes, **known
            )
        return network

    return build


def _check_reads(architecture: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    import inspect

    from torch import nn

    found = allowed_class(str(architecture["_target_"]), "architecture._target_", (nn.Module,))
    if "layers" in known:
        problem = f"{found.__name__} reads inputs, and this dataset has recorded states"
        raise ConfigError("architecture", problem, "architecture=recorded")
    if "n_tokens" not in inspect.signature(found).parameters:
        problem = f"{found.__name__} reads numbers, and inputs of this dataset are token ids"
        raise ConfigError("architecture", problem, "architecture=transformer, or a class that takes n_tokens")


def is_pretrained(config: Mapping[str, Any]) -> bool:
    """Whether the architecture is a network that was trained elsewhere."""
    from torch import nn

    from denote.object_models.pretrained.source import Pretrained

    node = config["architecture"]
    check_targets(node, "architecture")
    found = allowed_class(str(node["_target_"]), "architecture._target_", (nn.Module, Pretrained))
    return issubclass(found, Pretrained)


def pretrained_factory(config: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Pretrained] | None:
    """A function of what the dataset offers that gives a network trained elsewhere; None where it is trained here."""
    if not is_pretrained(config):
        return None
    from torch import nn

    from denote.object_models.pretrained.source import Pretrained

    architecture = {key: value for key, value in config["architecture"].items() if key not in NO_ARGUMENTS}
    if (path := architecture.pop("class_path", None)) is not None:
        architecture["network_class"] = allowed_class(str(path), "architecture.class_path", (nn.Module,))

    def build(dataset: Mapping[str, Any]) -> Pretrained:
        source: Pretrained = instantiate(architecture, "architecture", Pretrained, dataset=dataset)
        return source

    return build


def user_classes(config: Mapping[str, Any]) -> UserClasses:
    """Attribute families, probes and controls of the user's own classes."""
    from denote.attributes.families import AttributeFamily
    from denote.evidence.user_controls import Control
    from denote.observers.observer import Probe
    from denote.runs.job import UserClasses

    def built(group: str, kind: type) -> dict[str, Any]:
        named = {name: option for name, option in config[group].items() if name != "where" and is_own(option)}
        return {name: instantiate(option, f"{group}.{name}", kind) for name, option in named.items()}

    return UserClasses(built("attribute", AttributeFamily), built("probe", Probe), built("control", Control))


def job(settings: Mapping[str, Any], sweep_folder: Path) -> Job:
    """Return everything that a job needs, as objects. Nothing is loaded or trained.

    Args:
        settings: The resolved config, as `plain` gives it, after `check`.
        sweep_folder: Where the sweep's runs are tracked.

    Raises:
        ConfigError: for anything that can be known to be wrong from the config alone.
    """
    from denote.reporting.tracking import Tracker
    from denote.runs.job import Job

    return Job(
        settings,
        data_module(settings),
        network_factory(settings),
        Tracker.of(settings, sweep_folder),
        byte_count(settings["memory_limit"]),
        pretrained_factory(settings),
        user_classes(settings),
    )
