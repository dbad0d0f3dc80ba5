"""The settings of a config: one declaration per group, read by the command line and by Python alike.

A group is a typed mapping (or dataclass) whose keys are annotated with the `Value` that they may have; defaults stand
in ``conf/`` only. No pydantic, which would make ``denote --cfg job`` a third slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from numbers import Integral, Real
from typing import Annotated, Any, TypedDict, get_type_hints

from denote.config.byte_units import LARGEST, SIZES, is_size
from denote.config.figure_settings import ALL, BY_LAYER, DARK, FORMATS, LIGHT, NONE, SHARED, SWEEP
from denote.config.levels import LEVELS
from denote.config.paper_settings import NARROWEST, WIDEST
from denote.errors import ConfigError, one_of
from denote.files import is_folder_name
from denote.progress.surfaces import MODES

LONGEST_TAG = 64
"""Characters that W&B takes in a tag."""


@dataclass(frozen=True)
class Value:
    """The values that a setting may have.

    Attributes:
        allowed: The values in words.
        fits: Tells whether a value may be given.
        choices: All values where they can be listed, so that a mistake is answered with the nearest.
    """

    allowed: str
    fits: Callable[[Any], bool]
    choices: tuple[Any, ...] = ()

    def check(self, value: Any, key: str) -> None:
        """Refuse a value that may not be given.

        Args:
            value: What came.
            key: How whoever gave it knows the setting.

        Raises:
            ConfigError: naming the key, what came and what is allowed.
        """
        if self.fits(value):
            return
        of_python = "(" in key  # `observe(seed=...)`
        came = "null" if value is None and not of_python else repr(value)
        if self.choices:
            raise ConfigError(key, f"{came} is unknown", one_of("" if value is None else value, self.choices))
        raise ConfigError(key, f"{came} is not possible", f"allowed: {self.allowed}")


class Tags(Value):
    """A list of texts that W&B takes as tags."""

    def check(self, value: Any, key: str) -> None:
        """Refuse what is no list of texts, and a tag that is empty or too long."""
        super().check(value, key)
        for tag in map(str, value):
            if not 1 <= len(tag) <= LONGEST_TAG:
                raise ConfigError(key, f"a tag of {len(tag)} characters", f"allowed: 1 to {LONGEST_TAG}")


def number(
    low: float | None = None, high: float | None = None, *, whole: bool = False, open_at: str = "", or_else: Any = ()
) -> Value:
    """Declare a range of numbers. True and False are no numbers, and infinity and NaN are in no range.

    Args:
        low: Least value.
        high: Largest value.
        whole: True for whole numbers only.
        open_at: ``low``, ``high`` or ``low high``: the ends that are excluded.
        or_else: Further values, such as ``all``.
    """
    above, below, size = "low" in open_at, "high" in open_at, LARGEST if whole else float("inf")
    least, most = (-size if low is None else low), (size if high is None else high)

    def fits(value: Any) -> bool:
        if any(type(value) is type(other) and value == other for other in or_else):
            return True
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            return False
        given: Any = value
        outside = not -size <= given < size or (given <= least if above else given < least)
        return not (outside or (given >= most if below else given > most))

    span = [
        "a whole number" if whole else "a number",
        "" if low is None else f"{'above' if above else 'of at least'} {low}",
        "and" if low is not None and high is not None else "",
        "" if high is None else f"{'below' if below else 'at most'} {high}",
    ]
    others = ["null" if other is None else str(other) for other in or_else]
    return Value(", or ".join([" ".join(word for word in span if word), *others]), fits)


def choice(*values: Any) -> Value:
    """Declare one of a few values."""
    return Value("", lambda value: any(type(value) is type(other) and value == other for other in values), values)


def text(allowed: str, pattern: str = ".*", *, or_null: bool = False) -> Value:
    """Declare a text that matches a pattern; a plain number is a text too, as YAML reads 3 as one."""

    def fits(value: Any) -> bool:
        if value is None:
            return or_null
        is_text = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return is_text and re.fullmatch(pattern, str(value), re.DOTALL) is not None

    return Value(f"{allowed}, or null" if or_null else allowed, fits)


def listed(allowed: str, item: Value, *, least: int = 0, order: str = "", or_else: Sequence[Any] = ()) -> Value:
    """Declare a list.

    Args:
        allowed: The lists in words.
        item: What each entry may be.
        least: Least number of entries.
        order: ``increasing`` or ``distinct``, where entries may not be as they like.
        or_else: What may stand in the place of a list.
    """

    def fits(value: Any) -> bool:
        if not isinstance(value, (list, tuple)):
            return value in or_else
        if len(value) < least or not all(map(item.fits, value)):
            return False
        in_order = all(low < high for low, high in pairwise(value)) if order == "increasing" else True
        return in_order and (order != "distinct" or len(set(value)) == len(value))

    return Value(allowed, fits)


def either(allowed: str, *values: Value) -> Value:
    """Declare a value that fits one of several declarations."""
    return Value(allowed, lambda value: any(other.fits(value) for other in values))


BYTES = Value(SIZES, is_size)
MOST = 10**6
"""Draws, permutations, epochs: more would be a slip of the keyboard."""
WHOLE = number(whole=True)
COUNT = number(0, MOST, whole=True)
AT_LEAST_ONE = number(1, 1000 * MOST, whole=True)
SOME = number(1, MOST, whole=True)
SHARE = number(0, 1, open_at="low high")
POSITIVE = number(0, open_at="low")
SWITCH = Value("true or false", lambda value: isinstance(value, bool))
NAME = text("a name")
FOLDER = Value(
    "a name of one folder: at most 200 bytes, none of / \\ : * ? \" ' < > |, no . or ~ first, no . last",
    lambda value: type(value) in (str, int, float) and is_folder_name(str(value)),
)
ANY_TEXT = text("a text")
TAGS = Tags("tags=[first,second]", listed("", ANY_TEXT).fits)
COLUMN = text("a column", or_null=True)
PROGRESS = choice(*MODES)
OPTIONS = Value("options by name", lambda value: isinstance(value, Mapping))

Whole = Annotated[int, WHOLE]
Count = Annotated[int, COUNT]
AtLeastOne = Annotated[int, AT_LEAST_ONE]
Share = Annotated[float, SHARE]
Switch = Annotated[bool, SWITCH]
Positive = Annotated[float, POSITIVE]
Column = Annotated[str | None, COLUMN]
Options = Annotated[Mapping[str, Any], OPTIONS]
"""A group whose options have keys of their own, which the classes that they name or their kinds declare."""


class Fractions(TypedDict):
    """``split.fractions``."""

    object: Share
    fit: Share
    test: Share


class Split(TypedDict):
    """``split``."""

    seed: Whole
    group: Column
    column: Column
    fractions: Fractions


def _below_decisive(given: Mapping[str, Any]) -> Value:
    return number(0.5, float(given["decisive"]), open_at="high")


def _enough_rows(given: Mapping[str, Any]) -> Value:
    return number(given["min_rows"], whole=True, or_else=("auto", None))


def _or_left_out(name: str, declaration: Value) -> Callable[[Mapping[str, Any]], Value]:
    """Allow null besides where the level leaves a setting out, and nowhere else."""
    without = " or ".join(f"evidence={level.name}" for level in LEVELS.values() if level.evidence[name] is None)

    def declare(given: Mapping[str, Any]) -> Value:
        level = LEVELS.get(given.get("level", ""))
        return either(
            f"{declaration.allowed}; null at {without}, which leaves it out",
            declaration,
            Value("", lambda value: value is None and level is not None and level.evidence[name] is None),
        )

    return declare


class Evidence(TypedDict):
    """``evidence``; a function declares what depends on other settings of the group."""

    level: Annotated[str, choice(*LEVELS)]
    decisive: Annotated[float, number(0.5, 1)]
    null: Annotated[float, _below_decisive]
    q: Share
    min_rows: AtLeastOne
    on_tolerance: Annotated[float, number(0, 1)]
    thresholds: Annotated[int | str, number(2, whole=True, or_else=("all",))]
    permutations: Annotated[int | None, _or_left_out("permutations", COUNT)]
    bootstraps: Annotated[int, number(2, MOST, whole=True, or_else=(0,))]
    examples: Count
    rivals: Annotated[str | list[str], listed("all, or a list of columns", NAME, or_else=("all",))]
    randomisation: Annotated[bool | None, _or_left_out("randomisation", SWITCH)]
    stability: Annotated[bool | None, _or_left_out("stability", SWITCH)]
    curves: Switch
    equal_rows: Annotated[int | str | None, _enough_rows]


def check_level(config: Mapping[str, Any]) -> None:
    """Refuse a level of evidence that there is not, which even the name of a job's folder depends on.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    evidence = config.get("evidence")
    if isinstance(evidence, Mapping) and "level" in evidence:
        declared(Evidence)["level"].check(evidence["level"], "evidence.level")


class Analysis(TypedDict):
    """``analysis``."""

    family: Annotated[str | None, Value("a family, or null", lambda value: True)]
    layers: Annotated[list[int] | None, listed("a list of depths, from 0, or null", COUNT, or_else=(None,))]
    equivalence: Annotated[float, number(0, 0.5, open_at="low")]
    level: Share


class Sweep(TypedDict):
    """``sweep``: how the jobs of a sweep are run."""

    on_error: Annotated[str, choice("continue", "stop")]
    retries: Count
    job_timeout: Annotated[float | None, number(0, open_at="low", or_else=(None,))]
    isolate: Switch


class Report(TypedDict):
    """``report``: what is shown; part of no result's key."""

    inputs: Switch
    per_job: Switch


class Store(TypedDict):
    """``store``."""

    path: Annotated[str, ANY_TEXT]
    extract: Annotated[str, choice("all", "asked")]


_DEPTH_OR_NAME = either("", WHOLE, Value("", lambda value: isinstance(value, str)))


class LayerChoice(TypedDict):
    """``layer``."""

    select: Annotated[
        int | str | list[int | str],
        either(
            "a depth, a name or glob, a list of those, all, first, middle, last, state",
            _DEPTH_OR_NAME,
            listed("", _DEPTH_OR_NAME, least=1),
        ),
    ]
    pooling: Annotated[str, choice("mean", "max", "flatten", "centre", "first", "last", "cls")]
    of: Annotated[str, choice("blocks", "leaves", "modules")]
    kind: Annotated[
        str | Mapping[str, str] | None,
        either("how axes lie, the same by name of a layer, or null", text("", or_null=True), OPTIONS),
    ]


@dataclass(frozen=True)
class TrainingSettings:
    """What shapes the weights of an object model; all of it enters the training's key.

    Attributes:
        max_epochs: Most passes over the training rows.
        batch_size: Rows per step.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        lr: Learning rate.
        weight_decay: Pull of the weights towards 0.
        patience: Epochs without a lower validation loss after which training stops; None trains all epochs.
        validation_share: Share of the *object* part that early stopping looks at.
        threads: Threads of a training on the CPU. Their number decides in which order sums are made, so it is a setting
            and not that of the machine: equal settings give equal weights on any.
        devices: Processes that share every batch, each on its own device. Gradients are then summed in another order,
            and each draws its own dropout and takes batch statistics of its own share. 1 enters no key: keys are as
            they were when one device was all there was.
    """

    max_epochs: AtLeastOne
    batch_size: AtLeastOne
    optimizer: Annotated[str, choice("adam", "adamw", "sgd")]
    lr: Annotated[float, POSITIVE]
    weight_decay: Annotated[float, number(0)]
    patience: Annotated[int | None, number(1, whole=True, or_else=(None,))]
    validation_share: Share
    threads: AtLeastOne = 1
    devices: AtLeastOne = 1


def in_key(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of a training that enter its key."""
    return {key: value for key, value in training.items() if key != "devices" or value != 1}


STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true")
"""How devices train together, by Lightning's names; ``auto`` is ``ddp``."""


@dataclass(frozen=True)
class Training(TrainingSettings):
    """``trainer``: what shapes the weights, and what does not."""

    strategy: Annotated[str | None, choice(*STRATEGIES, None)] = "auto"
    progress: Switch = True
    extract_batch_size: AtLeastOne = 1024


TRACKERS = ("wandb", "csv", "tensorboard", "mlflow", "trackio")
"""Where runs can be tracked."""


class Kinds(TypedDict, total=False):
    """``logger.kinds``: where runs are tracked."""

    wandb: Switch
    csv: Switch
    tensorboard: Switch
    mlflow: Switch
    trackio: Switch


class _Tracked(TypedDict):
    kinds: Kinds


class Logging(_Tracked, total=False):
    """``logger``; what is not tracked has no project."""

    project: Annotated[str | None, text("1 to 128 characters without / \\ # ? % :", r"[^/\\#?%:]{1,128}", or_null=True)]
    entity: Annotated[str | None, text("1 to 128 characters", ".{1,128}", or_null=True)]
    group: Annotated[str | None, text("1 to 128 characters", ".{1,128}", or_null=True)]
    per_job: Switch
    artifacts: Switch
    limit: Annotated[float, number(0)]


class Weights(TypedDict):
    """Keys that every ``architecture`` has besides the arguments of its class: which weights are observed."""

    trained: Switch
    epoch: Annotated[int | None, number(0, whole=True, or_else=(None,))]
    save_epochs: Annotated[list[int], listed("a list of epochs", COUNT)]


class Settings(TypedDict):
    """A whole config."""

    attribute: Options
    probe: Options
    control: Options
    intervention: Options
    seed: Whole
    probe_seed: Whole
    split: Split
    evidence: Evidence
    analysis: Analysis
    sweep_name: Annotated[str, FOLDER]
    sweep: Sweep
    plan: Switch
    store: Store
    device: Annotated[str, text("auto, cpu, cuda, cuda:N", r"auto|cpu|cuda(:\d+)?")]
    memory_limit: Annotated[str | int, BYTES]
    on_existing: Annotated[str, choice("skip", "redo", "fail")]
    verbose: Switch
    progress: Annotated[str, PROGRESS]
    report: Report
    figures: Annotated[str, choice(SWEEP, ALL, NONE)]
    figure_formats: Annotated[
        list[str], listed(f"a list of {', '.join(FORMATS)}", choice(*FORMATS), least=1, order="distinct")
    ]
    figure_scale: Annotated[str, choice(BY_LAYER, SHARED)]
    figure_style: Annotated[str, choice(LIGHT, DARK)]
    figure_networks: Annotated[int, AT_LEAST_ONE]
    paper_width: Annotated[float, number(NARROWEST, WIDEST)]
    tags: Annotated[list[str], TAGS]
    dataset: Options
    architecture: Options
    layer: LayerChoice
    trainer: Training
    logger: Logging


STRENGTHS = either(
    "a number above 0, or a list of different ones", POSITIVE, listed("", POSITIVE, least=1, order="distinct")
)
INCREASING = listed("a list of increasing whole numbers of at least 1", AT_LEAST_ONE, least=1, order="increasing")


@cache
def declared(group: type) -> dict[str, Any]:
    """Return what a group declares, by key: a `Value`, a function of the group's values that gives one, or a group."""
    hints = get_type_hints(group, include_extras=True)
    names = [field.name for field in fields(group)] if is_dataclass(group) else list(hints)
    return {name: getattr(hints[name], "__metadata__", (hints[name],))[0] for name in names}


def check_group(group: type, given: Mapping[str, Any], where: str = "") -> None:
    """Refuse a mapping whose keys or values are not those that a group declares.

    Args:
        group: The declaration.
        given: Settings by key.
        where: The key of the mapping; empty for a whole config.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    prefix = f"{where}." if where else ""
    check_keys(given, declared(group), prefix)
    for name in declared(group):
        if name not in given and name in getattr(group, "__required_keys__", declared(group)):
            raise ConfigError(prefix + name, "is missing")
    check_values(group, given, lambda name: prefix + name)


def check_keys(given: Mapping[str, Any], names: Mapping[str, Any], prefix: str) -> None:
    """Refuse a key that is not declared, and name the nearest."""
    for key in given:
        if key not in names:
            nearest = one_of(key, names) if names else "this one has none"
            raise ConfigError(f"{prefix}{key}", "there is no such key", nearest)


def check_values(group: type, given: Mapping[str, Any], key_of: Callable[[str], str]) -> None:
    """Refuse values that a group does not allow; what is not given is not looked at.

    Args:
        group: The declaration.
        given: Settings by key; one that depends on another needs that beside it.
        key_of: How whoever gave a setting knows it.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    for name, declaration in declared(group).items():
        if name not in given:
            continue
        value, key = given[name], key_of(name)
        if isinstance(declaration, type):
            OPTIONS.check(value, key)
            check_group(declaration, value, key)
        else:
            (declaration if isinstance(declaration, Value) else declaration(given)).check(value, key)
