"""Upkeep of a store: it knows what is used, finds all damage, and removes nothing that is in use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from denote.config.keys import SCHEMA
from denote.digests import digests_of, write_sealed
from denote.errors import StoreError
from denote.locks import locked
from denote.runs.record import LOCK
from denote.runs.store_survey import survey
from denote.runs.upkeep import FRESH, damage_in, plan_removal, records_to_verify, remove, unrecorded


def network(root: Path, key: str, schema: int = SCHEMA) -> Path:
    folder = root / "models" / key
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights of " + key.encode())
    spec = {"schema": schema, "seed": 0, "architecture": {"_target_": "denote.MLP"}}
    write_sealed(
        folder / "model.json", {"spec": spec, "history": [1], "files": digests_of(folder, ["model.safetensors"])}
    )
    return folder


def states(root: Path, key: str, schema: int = SCHEMA) -> Path:
    folder = root / "states" / key
    (folder / "none").mkdir(parents=True)
    (folder / "none" / "hidden_1.npy").write_bytes(b"states of " + key.encode())
    origin = {"schema": schema, "n_rows": 4, "model_key": "m"}
    files = digests_of(folder, ["none/hidden_1.npy"])
    write_sealed(folder / "manifest.json", {"origin": origin, "layers": {"none/hidden_1.npy": {}}, "files": files})
    return folder


@pytest.fixture
def multirun(tmp_path: Path) -> Path:
    """A sweep of one finished job that used one network and one recording of two."""
    multirun = tmp_path / "multirun"
    for key in ("used", "spare"):
        network(multirun / ".store", key)
        states(multirun / ".store", key)
    job = multirun / "demo" / "job-1"
    job.mkdir(parents=True)
    (job / "cells.parquet").write_bytes(b"cells")
    stored = ["models/used", "states/used"]
    write_sealed(
        job / "run.json", {"status": "finished", "stored": stored, "files": digests_of(job, ["cells.parquet"])}
    )
    return multirun


def names(multirun: Path, **options: object) -> list[str]:
    """What would be removed, by its path in the multirun folder."""
    plan = plan_removal(survey(multirun / ".store", multirun), **options)  # type: ignore[arg-type]
    return [removal.path.relative_to(multirun).as_posix() for removal in plan.removals]


def test_the_survey_knows_what_uses_what(multirun: Path) -> None:
    found = survey(multirun / ".store", multirun)
    assert {f"{each.kind} {each.folder.name}": each.jobs for each in found.stored} == {
        "network used": ("demo/job-1",),
        "network spare": (),
        "states used": ("demo/job-1",),
        "states spare": (),
    }
    assert all(each.n_bytes > 0 and each.schema == SCHEMA and each.damage is None for each in found.stored)
    assert found.left_over == ()


def test_a_sound_store_has_nothing_to_prune_unless_unused_is_asked_for(multirun: Path) -> None:
    assert names(multirun) == []
    assert names(multirun, unused=True) == [".store/models/spare", ".store/states/spare"]
    assert names(multirun, unused=True, older_than=1) == []


def test_unused_needs_to_know_the_sweeps(multirun: Path) -> None:
    with pytest.raises(StoreError, match=r"^unused=true: needs the folder of the sweeps"):
        plan_removal(survey(multirun / ".store", None), unused=True)


def test_other_schemas_and_damage_can_go(multirun: Path) -> None:
    network(multirun / ".store", "older", SCHEMA - 1)
    (multirun / ".store" / "states" / "spare" / "none" / "hidden_1.npy").unlink()
    (multirun / ".store" / "models" / "spare" / "model.json").write_text("{")
    assert sorted(names(multirun)) == [".store/models/older", ".store/models/spare", ".store/states/spare"]


DIES_WITH_A_LOCK = """
import os, sys
from pathlib import Path
from denote.locks import locked
with locked(Path(sys.argv[1]), "training"):
    os.kill(os.getpid(), 9)
"""

LEFT_OVER = (
    ".store/models/k.partial",
    ".store/models/.damaged",
    ".store/states/used/none/.damaged",
    ".store/states/.gone.0123abcd.new",
    "demo/job-1/.damaged",
    "demo/job-1/.results.new",
    "demo/.sweep.0123abcd.new",
)


def test_what_killed_processes_left_goes(multirun: Path) -> None:
    for path in LEFT_OVER:
        (multirun / path).mkdir(parents=True)
        (multirun / path / "file").write_bytes(bytes(5000))
    (multirun / "demo/job-1/.run.json.0123abcd.tmp").touch()
    subprocess.run([sys.executable, "-c", DIES_WITH_A_LOCK, str(multirun / ".store/models/k.lock")], check=False)
    earlier = time.time() - 2 * FRESH
    for path in (path for above in (".gone.0123abcd.new", "../models/.damaged") for path in (above, f"{above}/file")):
        os.utime(multirun / ".store" / "states" / path, (earlier, earlier))
    left = [*LEFT_OVER, "demo/job-1/.run.json.0123abcd.tmp", ".store/models/k.lock"]
    assert sorted(names(multirun)) == sorted(left)
    for removal in plan_removal(survey(multirun / ".store", multirun)).removals:
        assert remove(removal)
    assert names(multirun) == []
    assert not [path for path in left if (multirun / path).exists()]
    assert records_whole(multirun)


def records_whole(multirun: Path) -> bool:
    records = records_to_verify(multirun / ".store", multirun / "demo")
    assert len(records) == 5
    return not [damage for record in records for damage in damage_in(record)]


def test_the_last_copy_of_merged_results_stays(multirun: Path) -> None:
    (multirun / "demo" / ".sweep.0123abcd.old").mkdir()
    assert names(multirun) == []


def test_what_is_in_use_stays_and_is_named(multirun: Path) -> None:
    partial = multirun / ".store" / "models" / "k.partial"
    partial.mkdir()
    with locked(multirun / ".store" / "models" / "k.lock", "training"):
        plan = plan_removal(survey(multirun / ".store", multirun))
    assert plan.removals == ()
    assert f"{partial} is in use by process {os.getpid()}" in plan.kept[0]
    assert names(multirun) == [".store/models/k.partial"]


def test_an_interrupted_training_stays_unless_unused_is_asked_for(multirun: Path) -> None:
    partial = multirun / ".store" / "models" / "k.partial"
    partial.mkdir()
    (partial / "last-0123.ckpt").write_bytes(b"weights")
    (line,) = plan_removal(survey(multirun / ".store", multirun)).kept
    assert line == f"{partial} is an interrupted training, which goes on when it is asked for; unused=true removes it"
    assert names(multirun) == []
    assert ".store/models/k.partial" in names(multirun, unused=True)


def test_while_a_job_runs_networks_and_states_stay(multirun: Path) -> None:
    with locked(multirun / "demo" / "job-2" / LOCK, "job job-2"):
        plan = plan_removal(survey(multirun / ".store", multirun), unused=True)
        assert plan.removals == ()
        assert "2 network or recordings: job demo/job-2 is being run by" in plan.kept[0]
    assert names(multirun, unused=True) == [".store/models/spare", ".store/states/spare"]


def test_what_came_into_use_meanwhile_stays(multirun: Path) -> None:
    (removal, _) = plan_removal(survey(multirun / ".store", multirun), unused=True).removals
    with locked(multirun / ".store" / "models" / "spare.lock", "training"):
        assert not remove(removal)
    assert (multirun / ".store" / "models" / "spare" / "model.json").is_file()
    assert remove(removal)
    assert not list((multirun / ".store" / "models").glob("*spare*"))


def test_every_damage_is_found(multirun: Path) -> None:
    spoilt = [*multirun.rglob("*.npy"), *multirun.rglob("*.safetensors"), *multirun.rglob("*.parquet")]
    for file in spoilt:
        content = bytearray(file.read_bytes())
        content[3] ^= 1
        file.write_bytes(content)
    (multirun / ".store" / "states" / "used" / "manifest.json").write_text("{}")
    records = records_to_verify(multirun / ".store", multirun / "demo")
    found = {file for record in records for file, _ in damage_in(record)}
    manifest = multirun / ".store" / "states" / "used" / "manifest.json"
    assert found == {*spoilt, manifest} - {manifest.parent / "none" / "hidden_1.npy"}
    manifest.unlink()
    assert unrecorded(multirun / ".store") == [manifest.parent]
