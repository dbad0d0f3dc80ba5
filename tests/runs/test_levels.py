"""Levels of evidence are one job: equal names and folders, upgraded in place, never taken for one another."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra

from denote.cli import build
from denote.cli.checks import check
from denote.config.levels import FULL, LEVELS, QUICK, STANDARD, holds, level_of
from denote.errors import ConfigError
from denote.runs.fingerprint import agreement, fingerprint, job_name


@cache
def _composed(*overrides: str) -> dict[str, Any]:
    build.register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        config = build.plain(compose("config", list(overrides)))
    check(config)
    return config


@pytest.mark.parametrize("level", LEVELS.values(), ids=list(LEVELS))
def test_the_yaml_of_a_level_says_what_its_table_says(level: Any) -> None:
    config = _composed(f"evidence={level.name}")
    assert level_of(config) is level
    assert config["control"] == level.control
    assert {name: config["evidence"][name] for name in level.evidence} == level.evidence


def test_levels_differ_in_what_their_tables_hold_alone() -> None:
    (quick, standard, full) = (_composed(f"evidence={name}")["evidence"] for name in LEVELS)
    differing = {name for name in standard if len({str(each[name]) for each in (quick, standard, full)}) > 1}
    assert differing - {"level"} <= set(STANDARD.evidence)
    assert _composed()["evidence"] == standard


@pytest.mark.parametrize(
    "others",
    [
        (), ("debug=fast",), ("control=[shuffled]",), ("control=[shuffled]", "control.shuffled.draws=7"),
        ("evidence.q=0.1",), ("evidence.permutations=50",), ("experiment=null_worlds",), ("experiment=planted",),
        ("experiment=tagger", "dataset.path=x"), ("experiment=demo",),
    ],
)  # fmt: skip
def test_levels_are_one_job(others: tuple[str, ...]) -> None:
    """Whatever else is set, by an experiment or typed."""
    configs = [_composed(f"evidence={name}", *others) for name in LEVELS]
    assert len({fingerprint(config) for config in configs}) == 1
    assert len({job_name(config) for config in configs}) == 1
    assert len({json.dumps(agreement(config), sort_keys=True, default=str) for config in configs}) == 1


@pytest.mark.parametrize("level", [QUICK, FULL])
def test_a_job_without_a_level_is_one_of_standard(level: Any) -> None:
    older = {**_composed(), "evidence": {k: v for k, v in _composed()["evidence"].items() if k != "level"}}
    assert fingerprint(older) == fingerprint(_composed(f"evidence={level.name}"))
    assert level_of(older) is STANDARD


@pytest.mark.parametrize("override", ["evidence.permutations=50", "evidence.stability=false", "evidence.decisive=0.97"])
@pytest.mark.parametrize("level", list(LEVELS))
def test_what_somebody_sets_stays_theirs(level: str, override: str) -> None:
    config, key = _composed(f"evidence={level}", override), override.partition("=")[0].rpartition(".")[2]
    assert str(config["evidence"][key]).lower() == override.partition("=")[2]
    assert fingerprint(config) != fingerprint(_composed())
    assert fingerprint(config) == fingerprint(_composed(override))


def test_controls_that_are_typed_run_at_every_level() -> None:
    for level in LEVELS:
        assert _composed(f"evidence={level}", "control=[shuffled]")["control"] == {
            "shuffled": STANDARD.control["shuffled"]
        }


@pytest.mark.parametrize("key", ["permutations", "stability", "randomisation"])
def test_null_is_for_levels_that_leave_it_out(key: str) -> None:
    _composed("evidence=quick", f"evidence.{key}=null")
    with pytest.raises(ConfigError, match=f"evidence.{key}.*null at evidence=quick, which leaves it out"):
        _composed(f"evidence.{key}=null")
    with pytest.raises(ConfigError, match=r"evidence.level"):
        _composed("evidence.level=quack")


def test_levels_are_in_order() -> None:
    quick, standard, full = (_composed(f"evidence={name}") for name in LEVELS)
    assert holds(standard, quick)
    assert holds(full, full)
    assert holds(full, standard)
    assert not holds(quick, standard)
    assert not holds(standard, full)


@pytest.mark.parametrize(
    ("level", "more"),
    [
        ("quick", "evidence.permutations=200"), ("quick", "evidence.randomisation=true"),
        ("quick", "evidence.stability=true"), ("quick", "control=[shuffled,rotated,untrained,raw_input]"),
        ("full", "control.random_subset.subsets=30"),
    ],
)  # fmt: skip
def test_what_somebody_adds_to_a_level_is_not_there_yet(level: str, more: str) -> None:
    """As it is in a higher level, too: then it is the same job, which has to be made with it."""
    plain, added = _composed(f"evidence={level}"), _composed(f"evidence={level}", more)
    assert fingerprint(plain) == fingerprint(added)
    assert not holds(plain, added)
    assert holds(added, plain)


@pytest.mark.parametrize("more", ["evidence.curves=true", "evidence.permutations=1000", "control.shuffled.draws=100"])
def test_what_full_adds_may_be_typed_before(more: str) -> None:
    plain, added, full = _composed(), _composed(more), _composed("evidence=full")
    assert len({fingerprint(config) for config in (plain, added, full)}) == 1
    assert not holds(plain, added)
    assert not holds(added, full)
    assert holds(full, added)


@pytest.mark.parametrize("less", ["evidence.curves=false", "evidence.permutations=200", "control.shuffled.draws=20"])
def test_a_level_with_less_of_it_is_not_that_level(less: str) -> None:
    assert not holds(_composed("evidence=full", less), _composed("evidence=full"))


def test_tables_say_their_level(tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    pl.DataFrame({"attribute": ["odd"]}).write_parquet(path)
    from denote.tables import read_table

    assert read_table(tmp_path, "cells")["evidence_level"].to_list() == [None]
