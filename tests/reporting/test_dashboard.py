"""What lands in W&B's own file: tables, a handful of keys, and the null check where runs are compared."""

import json
from pathlib import Path
from typing import Any

import pytest
import synthetic_tables as synthetic
from wandb_files import finished

from denote.evidence.rule import Rule
from denote.reporting.dashboard import depth_curves, log_job, log_sweep, summary
from denote.reporting.tracking import Tracker, settle


def offline(folder: Path, monkeypatch: pytest.MonkeyPatch, log: Any, tables: Any) -> tuple[dict[str, Any], set[str]]:
    """Summary and config, and the keys of the history, in the file of an offline run into which ``log`` wrote."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    with Tracker("wandb", folder, "t").run("sweep", "key", "a sweep", {"seed": 0}) as run:
        log(run, tables, {}, Rule())
    settle()
    (path,) = folder.rglob("*.wandb")
    found: dict[str, Any] = {}
    keys: set[str] = set()
    for record in finished(path):
        for item in (*record.summary.update, *record.config.update):
            found[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
        keys |= {item.key or item.nested_key[0] for item in record.history.item}
    return found, keys


def test_a_sweep_carries_its_null_check_its_tests_and_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = synthetic.all_tables(2, 4, 8) | {"null_check": synthetic.null_check_table(2, alarm=True)}
    found, keys = offline(tmp_path, monkeypatch, log_sweep, tables)
    assert found["null_check/cells/alarm"] is True
    assert found["null_check_alarm"] is True  # the config, by which the dashboard filters
    assert found["null_check/cells/n_with_hit"] == 7
    assert found["null_check/pairs/alarm"] is False
    assert found["null_check/pairs/n_replicates"] == 40
    assert found["tests/pairs/n"] == 2 * 4 * 6 * 30
    assert found["tests/pairs/expected_05"] == pytest.approx(0.05 * found["tests/pairs/n"])
    assert found["tests/neurons/subsets/hits"] == tables["neurons"].filter("denotes").height
    assert found["power/detectable_auroc/least"] == found["power/detectable_auroc/most"] == 0.58
    assert found["max_statistic/p_value/most"] == 0.005
    assert not summary(tables, Rule()).keys() & tables.keys()  # a number of a table's name would hide the table
    assert {"scan", "null_check", "seed_spread", "curves", "properties", "cells", "denoting_neurons"} <= keys
    assert any(key.endswith("rotated_share_denoting") for key in keys)
    assert len(keys) < 40
    assert found["depth/mnist/subsets/epoch 20/verdict"] == tables["depth_verdicts"]["verdict"].item()
    assert len(summary(tables, Rule())) < 50


def test_a_job_without_rows_logs_no_empty_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, keys = offline(tmp_path, monkeypatch, log_job, synthetic.empty_tables())
    assert found["n_denoting"] == 0
    assert not any(key.startswith(("null_check", "tests")) for key in found)
    assert keys <= {"_timestamp", "_runtime", "_step"}


def test_keys_do_not_grow_with_what_was_observed() -> None:
    small, large = synthetic.all_tables(1, 3, 8), synthetic.all_tables(3, 9, 32)
    assert summary(small, Rule()).keys() == summary(large, Rule()).keys()
    rows = depth_curves(large["cells"], large["neurons"])
    assert [row["depth"] for row in rows] == list(range(9))
    assert len({key for row in rows for key in row}) < 20
