"""Config to objects: the one boundary below which nothing knows Hydra, and the only place where targets are built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from denote.denotation.analysis import LEAST_LAYERS
from denote.errors import ConfigError, DenoteError, one_of
from denote.observers.kinds import KINDS
from denote.runs.fingerprint import CHOOSING_WEIGHTS, job_name

if TYPE_CHECKING:
    from torch import nn

    from denote.data.module import SamplesModule
    from denote.object_models.pretrained import Pretrained
    from denote.runs.job import Job

TRUSTED_PACKAGES = ("denote", "torch", "pytorch_lightning")
"""Packages a ``_target_`` may name; what it names must still be a class of an allowed kind."""

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)?\s*$")
_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dicts and lists, without Hydra's own node.

    Raises:
        ConfigError: for a value that is still ``???`` or an interpolation that leads nowhere.
    """
    try:
        values = {key: config[key] for key in config if key != "hydra"}
        container = OmegaConf.to_container(
            OmegaConf.create(values, flags={"allow_objects": False}), resolve=True, throw_on_missing=True
        )
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or str(error).rpartition(":")[2].strip()
        raise ConfigError(str(key), "has no value", f"give it one: {key}=VALUE") from error
    except OmegaConfBaseException as error:
        raise ConfigError(str(error.full_key or "config"), str(error).splitlines()[0]) from error
    if not isinstance(container, dict):
        raise ConfigError("config", "is not a mapping")
    return {str(key): value for key, value in container.items()}


def _peek(root: DictConfig) -> dict[str, Any]:
    """Like `plain`, but for naming a job folder: a missing value is left as it is and reported by the job."""
    shaping = [key for key in root if key not in {"hydra", "sweep_name"}]
    copy = OmegaConf.create({key: root._get_node(key) for key in shaping})
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
    return job_name(_peek(_root_))


def register_resolvers() -> None:
    """Teach OmegaConf the interpolations that ``conf/`` uses. Safe to call again, and needed in every process."""
    OmegaConf.register_new_resolver("denote.sweep_name", _sweep_name, replace=True)
    OmegaConf.register_new_resolver("denote.job_name", _job_name, replace=True)


def byte_count(text: str | int, key: str = "memory_limit") -> int:
    """Bytes from ``2147483648`` or ``2GiB``."""
    match = _SIZE.match(str(text))
    if match is None:
        raise ConfigError(key, f"{text!r} is no size", "allowed: bytes, or a number with KiB, MiB, GiB or TiB")
    return int(float(match[1]) * _UNITS[match[2]])


def check(config: Mapping[str, Any]) -> None:
    """Find what can be known to be wrong from the config alone, before any job starts.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    _check_known(config)
    _check_no_targets(config)
    _number(config, "seed", whole=True)
    _number(config, "probe_seed", whole=True)
    _number(config, "evidence.decisive", low=0.5, high=1)
    _number(config, "evidence.null", low=0.5, high=float(config["evidence"]["decisive"]), below=True)
    _number(config, "evidence.q", low=0, high=1, above=True, below=True)
    _number(config, "evidence.min_rows", low=1, whole=True)
    _number(config, "evidence.on_tolerance", low=0, high=1)
    if config["evidence"].get("thresholds") != "all":
        _number(config, "evidence.thresholds", low=2, whole=True, or_else="all")
    _number(config, "evidence.permutations", low=0, whole=True)
    _number(config, "evidence.bootstraps", low=2, whole=True)
    _number(config, "evidence.examples", low=0, whole=True)
    for key in ("randomisation", "stability", "curves"):
        _choice(config, f"evidence.{key}", (True, False))
    _check_resampling(config["evidence"])
    _check_analysis(config)
    for part in ("object", "fit", "test"):
        _number(config, f"split.fractions.{part}", low=0, high=1, above=True, below=True)
    _number(config, "trainer.batch_size", low=1, whole=True)
    _number(config, "trainer.extract_batch_size", low=1, whole=True)
    _choice(config, "on_existing", ("skip", "redo", "fail"))
    _choice(config, "store.extract", ("all", "asked"))
    _choice(config, "layer.pooling", ("mean", "max", "flatten", "centre", "first", "last", "cls"))
    _choice(config, "layer.of", ("blocks", "leaves", "modules"))
    _choice(config, "logger.kind", ("wandb", "none"))
    if byte_count(config["memory_limit"]) < 1:
        raise ConfigError("memory_limit", f"{config['memory_limit']!r} leaves nothing", "allowed: 1 byte or more")
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(config["device"])):
        raise ConfigError("device", f"{config['device']!r} is unknown", "allowed: auto, cpu, cuda, cuda:N")
    if not isinstance(config["tags"], list):
        raise ConfigError("tags", f"{config['tags']!r} is no list", "allowed: tags=[first,second]")
    _check_layer(config["layer"].get("select"))
    if not config["attribute"].get("where") and not [k for k in config["attribute"] if k != "where"]:
        raise ConfigError("attribute", "names no attribute", "choose an option: attribute=classes, or attribute.where")
    _check_columns(config["attribute"])
    _check_options(config, "probe", KINDS)
    _check_controls(config["control"])
    if config["architecture"].get("epoch") is not None:
        _number(config, "architecture.epoch", low=0, whole=True)
    for name in ("dataset", "architecture"):
        _check_targets(config[name], name)


KEYS = (
    "attribute", "probe", "control", "seed", "probe_seed", "split", "evidence", "analysis", "sweep_name", "store",
    "device", "memory_limit", "on_existing", "tags", "dataset", "architecture", "layer", "trainer", "logger",
)  # fmt: skip
"""Top-level keys of the configuration."""


def _check_known(config: Mapping[str, Any]) -> None:
    for key in config:
        if key not in KEYS:
            raise ConfigError(key, "there is no such key", one_of(key, KEYS))
    for group in GROUP_KEYS:
        for key in config[group]:
            if key not in GROUP_KEYS[group]:
                raise ConfigError(f"{group}.{key}", "there is no such key", one_of(key, GROUP_KEYS[group]))


GROUP_KEYS = {
    "split": ("seed", "group", "column", "fractions"),
    "evidence": (
        "decisive",
        "null",
        "q",
        "min_rows",
        "on_tolerance",
        "thresholds",
        "permutations",
        "bootstraps",
        "rivals",
        "randomisation",
        "stability",
        "curves",
        "equal_rows",
        "examples",
    ),
    "analysis": ("family", "layers", "equivalence", "level"),
    "store": ("path", "extract"),
    "layer": ("select", "pooling", "of"),
}


FAMILIES = ("subsets", "classes", "columns", "quantiles", "formulas", "named")
"""What the kinds of attributes call their families; those of ``attribute.where`` are ``named``."""

CONTROLS = {
    "shuffled": {"draws", "neuron_draws"}, "rotated": {"rotations"}, "untrained": {"twins"}, "raw_input": {"enabled"},
    "random_subset": {"subsets"}, "control_task": {"column", "draws"},
}  # fmt: skip


def _check_controls(control: Mapping[str, Any]) -> None:
    for name, settings in control.items():
        if name not in CONTROLS:
            raise ConfigError(f"control.{name}", "no such control", one_of(name, CONTROLS))
        for key in settings or {}:
            if key not in CONTROLS[name]:
                raise ConfigError(f"control.{name}.{key}", "no such key", one_of(key, sorted(CONTROLS[name])))
    if "control_task" in control and (control["control_task"] or {}).get("column") is None:
        key = "control.control_task.column"
        raise ConfigError(key, "is missing", f"name a column whose values recur, such as an id: {key}=NAME")
    for group, settings in CONTROLS.items():
        for name in settings - {"enabled", "column"} if group in control else ():
            _number({"control": control}, f"control.{group}.{name}", low=1, whole=True)


def _check_columns(attribute: Mapping[str, Any]) -> None:
    for name, option in attribute.items():
        if not attribute.get("where") and isinstance(option, Mapping) and option.get("names") == []:
            hint = "allowed: all, or a list of columns; experiment=audit takes those of dataset.attributes=[NAME,NAME]"
            raise ConfigError(f"attribute.{name}.names", "names no column", hint)


def _check_analysis(config: Mapping[str, Any]) -> None:
    family, layers = (config["analysis"].get(key) for key in ("family", "layers"))
    known = list(dict.fromkeys([*FAMILIES, *(name for name in config["attribute"] if name != "where")]))
    if family is not None and family not in known:
        raise ConfigError("analysis.family", f"there is no family {family!r}", f"{one_of(str(family), known)}, or null")
    depths = isinstance(layers, list) and all(type(depth) is int and depth >= 0 for depth in layers)
    if layers is not None and (not depths or len(set(layers)) < LEAST_LAYERS):
        allowed = f"allowed: a list of {LEAST_LAYERS} depths or more, from 0, or null"
        raise ConfigError("analysis.layers", f"{layers!r} came", allowed)
    _number(config, "analysis.equivalence", low=0, high=0.5, above=True)
    _number(config, "analysis.level", low=0, high=1, above=True, below=True)


def _check_resampling(evidence: Mapping[str, Any]) -> None:
    rows, rivals = evidence.get("equal_rows"), evidence.get("rivals")
    if isinstance(rows, str) and rows != "auto":
        least = evidence["min_rows"]
        raise ConfigError("evidence.equal_rows", f"{rows!r} came", f"allowed: auto, null, or an integer >= {least}")
    if rows not in (None, "auto"):
        _number({"evidence": evidence}, "evidence.equal_rows", low=evidence["min_rows"], whole=True)
    if rivals != "all" and not (isinstance(rivals, list) and all(isinstance(name, str) for name in rivals)):
        raise ConfigError("evidence.rivals", f"{rivals!r} came", "allowed: all, or a list of columns")


def _check_options(config: Mapping[str, Any], group: str, kinds: tuple[str, ...]) -> None:
    options = config[group]
    if not options:
        raise ConfigError(group, "names no option", f"choose at least one: {group}={kinds[0]}")
    for name, settings in options.items():
        kind = settings.get("kind") if isinstance(settings, Mapping) else None
        if kind not in kinds:
            raise ConfigError(f"{group}.{name}.kind", f"{kind!r} is unknown", one_of(kind, kinds))
        if kind != name:  # tables tell observers apart by their kind
            raise ConfigError(f"{group}.{name}", f"is of kind {kind!r}", f"allowed: {group}.{kind}, one of each kind")


def _check_layer(select: Any) -> None:
    wanted = select if isinstance(select, list) else [select]
    bad = [item for item in wanted if isinstance(item, bool) or not isinstance(item, (int, str))]
    if bad or not wanted:
        raise ConfigError(
            "layer.select", f"{select!r} selects nothing",
            "allowed: a depth, a name or glob, a list of those, all, first, middle, last, state",
        )  # fmt: skip


def _lookup(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise ConfigError(key, "is missing")
        value = value[name]
    return value


def _number(
    config: Mapping[str, Any], key: str, low: float | None = None, high: float | None = None,
    *, whole: bool = False, above: bool = False, below: bool = False, or_else: str | None = None,
) -> None:  # fmt: skip
    value = _lookup(config, key)
    kinds = int if whole else (int, float)
    span = f"{'a whole number' if whole else 'a number'}"
    if low is not None:
        span += f" {'above' if above else 'of at least'} {low}"
    if high is not None:
        span += f"{' and' if low is not None else ''} {'below' if below else 'at most'} {high}"
    if or_else is not None:
        span += f", or {or_else}"
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    fits = fits and (low is None or value > low or (value == low and not above))
    fits = fits and (high is None or value < high or (value == high and not below))
    if not fits:
        raise ConfigError(key, f"{value!r} is not possible", f"allowed: {span}")


def _choice(config: Mapping[str, Any], key: str, allowed: tuple[object, ...]) -> None:
    value = _lookup(config, key)
    if value not in allowed:
        raise ConfigError(key, f"{value!r} is unknown", one_of(value, allowed))


TARGET_KEYS = ("_target_", "class_path")
"""Keys that name a class: what is built, and the network's class that a checkpoint fills."""


def _targets(node: Any, where: str) -> Iterator[tuple[str, str, str]]:
    """Place, key and value of everything in a config that names a class."""
    if isinstance(node, Mapping):
        for key in TARGET_KEYS:
            if node.get(key) is not None:
                yield where, key, str(node[key])
        for key, value in node.items():
            yield from _targets(value, f"{where}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _targets(value, f"{where}[{index}]")


def _check_targets(node: Any, where: str) -> None:
    """Allow classes at the top of the group only, and of trusted packages."""
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigError(f"{where}._target_", "is missing", "name the class to build")
    for place, key, target in _targets(node, where):
        if place != where:
            raise ConfigError(f"{place}.{key}", f"{target!r} is refused", f"allowed: one target, {where}.{key}")
        if target.split(".")[0] not in TRUSTED_PACKAGES:
            allowed = f"allowed: classes of {', '.join(TRUSTED_PACKAGES)}"
            raise ConfigError(f"{place}.{key}", f"{target!r} is not trusted", allowed)


def _check_no_targets(config: Mapping[str, Any]) -> None:
    for group, node in config.items():
        if group not in ("dataset", "architecture"):
            for place, key, target in _targets(node, group):
                raise ConfigError(f"{place}.{key}", f"{target!r} is refused", "only dataset and architecture have one")


def _allowed_class(target: str, where: str, kinds: tuple[type, ...]) -> type:
    """The class a target names, which must derive from one of ``kinds``: a prefix alone would let functions through.

    ``where`` is the key that holds the target.
    """
    import importlib

    module_name, _, class_name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(where, f"{target!r} cannot be found ({error})") from error
    if not (isinstance(found, type) and issubclass(found, kinds)):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ConfigError(where, f"{target!r} is refused", f"allowed: a class derived from {names}")
    return found


def _instantiate(node: Mapping[str, Any], where: str, kinds: tuple[type, ...], **given: Any) -> Any:
    """Build what ``_target_`` names, if it is a class of an allowed kind.

    The class is called directly and not by Hydra's ``instantiate``, which would also build every ``_target_`` nested in
    the arguments.
    """
    _check_targets(node, where)
    found = _allowed_class(str(node["_target_"]), f"{where}._target_", kinds)
    arguments = {key: value for key, value in node.items() if key != "_target_"}
    try:
        return found(**arguments, **given)
    except DenoteError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(where, _first_line(error), f"allowed: the arguments of {node['_target_']}") from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def data_module(config: Mapping[str, Any]) -> SamplesModule:
    """The dataset with its split, not yet loaded."""
    from denote.data.module import SamplesModule

    dataset = dict(config["dataset"])
    module = _instantiate(
        dataset, "dataset", (SamplesModule,), split=dict(config["split"]), batch_size=config["trainer"]["batch_size"],
        validation=config["trainer"]["validation_share"], order_seed=config["seed"],
        needs_object=not is_pretrained(config),
    )  # fmt: skip
    assert isinstance(module, SamplesModule)  # noqa: S101  (for the type checker; `_instantiate` refused all others)
    return module


def network_factory(config: Mapping[str, Any]) -> Callable[..., nn.Module]:
    """A function of input shape and number of classes that builds the architecture with fresh weights.

    Of inputs that are token ids it also takes, by name, what `denote.data.samples.of_tokens` says.
    """
    from torch import nn

    architecture = {key: value for key, value in config["architecture"].items() if key not in CHOOSING_WEIGHTS}

    def build(input_shape: tuple[int, ...], n_classes: int, **tokens: Any) -> nn.Module:
        if tokens:
            _check_reads_tokens(architecture)
        network: nn.Module = _instantiate(
            architecture, "architecture", (nn.Module,), input_shape=input_shape, n_classes=n_classes, **tokens
        )
        return network

    return build


def _check_reads_tokens(architecture: Mapping[str, Any]) -> None:
    import inspect

    from torch import nn

    found = _allowed_class(str(architecture["_target_"]), "architecture._target_", (nn.Module,))
    if "n_tokens" not in inspect.signature(found).parameters:
        problem = f"{found.__name__} reads numbers, and inputs of this dataset are token ids"
        raise ConfigError("architecture", problem, "architecture=transformer, or a class that takes n_tokens")


def is_pretrained(config: Mapping[str, Any]) -> bool:
    """Whether the architecture is a network that was trained elsewhere."""
    from torch import nn

    from denote.object_models.pretrained import Pretrained

    node = config["architecture"]
    _check_targets(node, "architecture")
    found = _allowed_class(str(node["_target_"]), "architecture._target_", (nn.Module, Pretrained))
    return issubclass(found, Pretrained)


def pretrained_factory(config: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Pretrained] | None:
    """A function of what the dataset offers that gives a network trained elsewhere; None where it is trained here."""
    if not is_pretrained(config):
        return None
    from torch import nn

    from denote.object_models.pretrained import Pretrained

    architecture = {key: value for key, value in config["architecture"].items() if key not in CHOOSING_WEIGHTS}
    if (path := architecture.pop("class_path", None)) is not None:
        architecture["network_class"] = _allowed_class(str(path), "architecture.class_path", (nn.Module,))

    def build(dataset: Mapping[str, Any]) -> Pretrained:
        source: Pretrained = _instantiate(architecture, "architecture", (Pretrained,), dataset=dataset)
        return source

    return build


def job(settings: Mapping[str, Any], sweep_folder: Path) -> Job:
    """Everything a job needs, as objects. Loads no data and trains nothing.

    Args:
        settings: The resolved config, as `plain` gives it.
        sweep_folder: Where the sweep's runs are tracked.

    Raises:
        ConfigError: for anything that can be known to be wrong from the config alone.
    """
    check(settings)
    from denote.reporting.tracking import Tracker
    from denote.runs.job import Job

    tracker = Tracker.of(settings, sweep_folder)
    return Job(
        settings, data_module(settings), network_factory(settings), tracker, byte_count(settings["memory_limit"]),
        pretrained_factory(settings),
    )  # fmt: skip
