"""Declarations and YAML say the same; boundary values get the same answer on the command line and in Python."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra

import denote
from denote.cli import build
from denote.cli.checks import check
from denote.config.paper_settings import PaperSettings
from denote.config.settings import (
    Evidence,
    LayerChoice,
    Logging,
    Settings,
    Training,
    Value,
    Weights,
    check_group,
    check_values,
    declared,
)
from denote.errors import ConfigError
from denote.evidence.controls import built_in_controls, chosen_controls
from denote.evidence.rule import Rule
from denote.observation import Controls, ObservationSettings
from denote.observers.probes import PROBES, probe_from

NAN, INF = float("nan"), float("inf")
Values = dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]
"""By setting the values that are allowed, and those that are not."""

RULE: Values = {
    "decisive": ((0.91, 1, 1.0), (0.5, 0.9, 1.01, NAN, "x", True, None)),
    "null": ((0.5, 0.94), (0.49, 0.95, 0.96, NAN, None, False)),
    "q": ((1e-9, 0.999), (0, 1, -0.1, INF, "0.05")),
    "min_rows": ((1, 25), (0, 2.5, 2**63, "25", True)),
    "on_tolerance": ((0, 1, 0.25), (-1e-9, 1.5, None)),
}
SETTINGS: Values = {
    "thresholds": ((2, "all"), (1, 0, "some", 64.0, None, True)),
    "permutations": ((0, 1), (-1, 2**63, 1.5, None, False)),
    "bootstraps": ((0, 2), (-1, 1, True, False, "0", 2.0)),
    "examples": ((0, 1), (-1, "3", True)),
    "equal_rows": ((None, "auto", 25), (24, 0, "all", "null", True, 30.5)),
    "randomisation": ((True, False), ("yes", 1, 0, None)),
    "stability": ((True, False), ("yes", 1, 0, None)),
    "curves": ((True, False), (0, "true")),
}
CONTROLS = {
    "shuffled.draws": "shuffles", "shuffled.neuron_draws": "neuron_shuffles", "rotated.rotations": "rotations",
    "untrained.twins": "twins", "random_subset.subsets": "subsets", "control_task.draws": "tasks",
}  # fmt: skip
COUNTS: Values = {"": ((1, 7), (-1, 2.0, True, "3", None))}


def cases(table: Values) -> list[tuple[str, Any, bool]]:
    return [
        (name, value, allowed)
        for name, values in table.items()
        for allowed, those in zip((True, False), values, strict=True) for value in those
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    build.register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        return build.plain(compose("config"))


def on_the_command_line(config: dict[str, Any], key: str, value: Any) -> bool:
    given = deepcopy(config)
    place = given
    *groups, name = key.split(".")
    for group in groups:
        place = place.setdefault(group, {})
    place[name] = value
    try:
        check(given)
    except ConfigError:
        return False
    return True


def in_python(**given: Any) -> bool:
    """Whether `observe` comes to ask for a model."""
    with pytest.raises(ConfigError) as raised:
        denote.observe(**given)
    return "takes a model or states" in str(raised.value)


@pytest.mark.parametrize(("name", "value", "allowed"), cases(RULE))
def test_the_rule(shipped: dict[str, Any], name: str, value: Any, allowed: bool) -> None:
    assert on_the_command_line(shipped, f"evidence.{name}", value) == allowed
    assert in_python(rule=Rule(**{name: value})) == allowed


@pytest.mark.parametrize(("name", "value", "allowed"), cases(SETTINGS))
def test_settings(shipped: dict[str, Any], name: str, value: Any, allowed: bool) -> None:
    assert on_the_command_line(shipped, f"evidence.{name}", value) == allowed
    assert in_python(**{name: value}) == allowed


@pytest.mark.parametrize(("value", "allowed"), [case[1:] for case in cases(COUNTS)])
@pytest.mark.parametrize("key", CONTROLS)
def test_numbers_of_controls(shipped: dict[str, Any], key: str, value: Any, allowed: bool) -> None:
    config = deepcopy(shipped)
    config["control"]["control_task"] = {"column": "id"}
    assert on_the_command_line(config, f"control.{key}", value) == allowed
    assert in_python(controls=Controls(**{CONTROLS[key]: value})) == allowed


@pytest.mark.parametrize("key", CONTROLS)
def test_none_of_a_control_is_asked_for_by_leaving_it_out(shipped: dict[str, Any], key: str) -> None:
    """In Python by 0; on the command line by not naming it, but for one of the two numbers of shuffled labels."""
    config = deepcopy(shipped)
    config["control"]["control_task"] = {"column": "id"}
    assert on_the_command_line(config, f"control.{key}", 0) == key.startswith("shuffled")
    assert in_python(controls=Controls(**{CONTROLS[key]: 0}))
    group = key.split(".")[0]
    unnamed = chosen_controls({name: {} for name in config["control"] if name != group})
    assert [control.name for control in unnamed if control.name == group] == []
    both = {"shuffled": {"draws": 0, "neuron_draws": 0}}
    assert not on_the_command_line(config, "control", both)


@pytest.mark.parametrize(
    ("key", "argument", "value", "allowed"),
    [
        ("probe_seed", "seed", -1, True), ("probe_seed", "seed", 0, True), ("probe_seed", "seed", 0.5, False),
        ("probe_seed", "seed", None, False), ("probe_seed", "seed", 2**64, False), ("probe_seed", "seed", True, False),
        ("memory_limit", "memory_limit", 0, False), ("memory_limit", "memory_limit", 1, True),
        ("memory_limit", "memory_limit", "2GiB", True), ("memory_limit", "memory_limit", "2 GB", False),
        ("memory_limit", "memory_limit", -1, False), ("memory_limit", "memory_limit", True, False),
        ("trainer.extract_batch_size", "batch_size", 0, False), ("trainer.extract_batch_size", "batch_size", 1, True),
        ("trainer.extract_batch_size", "batch_size", 1.5, False),
        ("control.raw_input.enabled", "controls", True, True), ("control.raw_input.enabled", "controls", "no", False),
        ("probe.linear.l2", "probe", 0, False), ("probe.linear.l2", "probe", 1.0, True),
        ("probe.linear.l2", "probe", [], False), ("probe.linear.l2", "probe", -1, False),
    ],
)  # fmt: skip
def test_the_others(shipped: dict[str, Any], key: str, argument: str, value: Any, allowed: bool) -> None:
    config = deepcopy(shipped)
    given: Any = value
    if argument == "controls":
        given = Controls(raw_input=value)
    if argument == "probe":
        given = {"linear": {"l2": value}}
    if argument != "probe":  # a probe's settings are looked at when it is made, by the same function
        assert on_the_command_line(config, key, value) == allowed
    assert in_python(**{argument: given}) == allowed


def test_a_rule_is_named_as_it_was_given() -> None:
    with pytest.raises(ConfigError, match=r"rule\.decisive: 2 is not possible"):
        denote.observe(rule=Rule(decisive=2))
    with pytest.raises(ConfigError, match=r"observe\(bootstraps=\.\.\.\): 1 is not possible.*of at least 2.*, or 0"):
        denote.observe(bootstraps=1)


SHIPPED_OPTIONS = sorted((Path(__file__).parents[1] / "conf").glob("*/*.yaml"))
GROUPS = {"layer": LayerChoice, "trainer": Training, "logger": Logging}
"""Groups of one option that are declared as a whole."""


def keys_of(given: dict[str, Any], prefix: str = "") -> set[str]:
    return {
        key
        for name, value in given.items()
        for key in (keys_of(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"})
    }


def declared_keys(group: type, prefix: str = "") -> set[str]:
    return {
        key
        for name, value in declared(group).items()
        for key in (declared_keys(value, f"{prefix}{name}.") if isinstance(value, type) else {f"{prefix}{name}"})
    }


def in_yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_main_file_holds_what_is_declared() -> None:
    """With a default that passes, for every key but those of groups, whose options hold theirs."""
    main = in_yaml(SHIPPED_OPTIONS[0].parents[1] / "config.yaml")
    own = {name: value for name, value in main.items() if name not in ("defaults", "hydra")}
    of_groups = {"dataset", "architecture", "evidence", *GROUPS}
    assert set(own) == set(declared(Settings)) - of_groups
    for name in ("split", "analysis", "store"):
        assert keys_of(own[name]) == declared_keys(declared(Settings)[name])
        check_group(declared(Settings)[name], own[name], name)
    check_values(Settings, {name: value for name, value in own.items() if name != "sweep_name"}, str)


def test_standard_evidence_holds_what_is_declared() -> None:
    standard = in_yaml(SHIPPED_OPTIONS[0].parents[1] / "evidence" / "standard.yaml")
    assert set(standard) == set(declared(Evidence))
    check_group(Evidence, standard, "evidence")


@pytest.mark.parametrize("group", GROUPS)
def test_options_of_a_group_hold_what_is_declared(group: str) -> None:
    options = [in_yaml(path) for path in SHIPPED_OPTIONS if path.parent.name == group]
    assert set().union(*options) == set(declared(GROUPS[group]))
    for option in options:
        check_group(GROUPS[group], option, group)


@pytest.mark.parametrize(
    ("group", "table"),
    [
        ("probe", {name: declared(probe) for name, probe in PROBES.items()}),
        ("control", {name: declared(kind) for name, kind in built_in_controls().items()}),
    ],
)
def test_probes_and_controls_hold_what_is_declared(group: str, table: Mapping[str, Mapping[str, Value]]) -> None:
    options = {path.stem: in_yaml(path) for path in SHIPPED_OPTIONS if path.parent.name == group}
    assert set(options) == set(table)
    for name, option in options.items():
        given = {key: value for key, value in option.items() if key != "kind"}
        assert set(given) == set(table[name])
        for key, value in given.items():
            table[name][key].check(value, f"{group}.{name}.{key}")


def test_python_has_the_defaults_of_the_yaml(shipped: dict[str, Any]) -> None:
    """What `observe` and its classes take by default, and the probes; of a probe one number in YAML may be a list."""
    evidence = shipped["evidence"]
    for group in (Rule, ObservationSettings):
        defaults = {field.name: field.default for field in fields(group) if field.name in evidence}
        assert defaults == {name: evidence[name] for name in defaults}
    assert chosen_controls(shipped["control"]) == tuple(Controls())
    assert shipped["paper_width"] == PaperSettings().width
    for path in SHIPPED_OPTIONS:
        if path.parent.name == "probe":
            option = in_yaml(path)
            assert probe_from(option.pop("kind"), option) == probe_from(path.stem, {})


@pytest.mark.parametrize("option", ["dataset", "architecture"])
def test_options_of_classes_hold_their_arguments(option: str) -> None:
    """Every key of a YAML is an argument of its class, or one of those that say which weights are observed."""
    for path in SHIPPED_OPTIONS:
        given = in_yaml(path).get(option, in_yaml(path)) if path.parent.name == option else {}
        if "_target_" not in given:
            continue
        module, _, name = given.pop("_target_").rpartition(".")
        made = getattr(importlib.import_module(module), name)
        arguments = {
            argument for base in made.__mro__ if "__init__" in vars(base) for argument in signature(base).parameters
        }
        extra = {*declared(Weights), "trained_on", "class_path"} if option == "architecture" else set()
        assert set(given) - arguments - extra == set(), path
