"""What makes two jobs the same job."""

import json
import os
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import NEEDED
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from denote.cli import build
from denote.cli.options import GROUPS
from denote.config.keys import digest
from denote.config.trust import stable_name
from denote.runs.fingerprint import agreement, disagreement, fingerprint, job_name, shaping, training

CONF = Path(__file__).parents[2] / "conf"


@cache
def _default() -> dict[str, Any]:
    return _composed()


def _composed(*overrides: str) -> dict[str, Any]:
    build.register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        return build.plain(compose("config", list(overrides)))


def composed(*overrides: str) -> dict[str, Any]:
    """The settings with overrides; Hydra composes only where an option of a group is chosen, since that is slow."""
    if any("." not in override and override.partition("=")[0] in GROUPS for override in overrides):
        return _composed(*overrides)
    config = OmegaConf.create(_default())
    for override in overrides:
        key, _, value = override.removeprefix("+").partition("=")
        OmegaConf.update(config, key, yaml.safe_load(value), force_add=True)
    return build.plain(config)


@pytest.fixture(scope="module")
def plain_job() -> dict[str, Any]:
    return _default()


@pytest.mark.parametrize(
    "override",
    [
        "device=cpu", "logger=none", "logger.project=mine", "store.path=elsewhere", "store.extract=asked", "tags=[a,b]",
        "trainer.progress=false", "trainer.extract_batch_size=7", "memory_limit=1GiB", "on_existing=redo",
        "figures=none", "figure_formats=[svg]", "progress=none",
        "sweep_name=other", "architecture.save_epochs=[1,2]",
    ],
)  # fmt: skip
def test_where_and_how_a_job_runs_does_not_change_it(plain_job: dict[str, Any], override: str) -> None:
    other = composed(override)
    assert other != plain_job
    assert fingerprint(other) == fingerprint(plain_job)
    assert job_name(other) == job_name(plain_job)


@pytest.mark.parametrize(
    "override",
    [
        "seed=1", "probe_seed=1", "split.seed=1", "split.fractions.test=0.2", "evidence.q=0.1", "evidence.null=0.8",
        "attribute=odd", "attribute=[classes,odd]", "+attribute.classes.more=1", "attribute.where=loops",
        "probe=linear",
        "probe.linear.l2=0.1", "control=[]", "control.shuffled.draws=3", "layer.select=0", "layer.pooling=max",
        "architecture.width=32", "architecture.trained=false", "architecture.epoch=2", "trainer.max_epochs=3",
        "trainer.batch_size=32", "dataset=shapes",
    ],
)  # fmt: skip
def test_what_shapes_results_changes_a_job(plain_job: dict[str, Any], override: str) -> None:
    other = composed(override)
    assert fingerprint(other) != fingerprint(plain_job)
    assert job_name(other) != job_name(plain_job)


def test_the_order_of_keys_does_not_matter(plain_job: dict[str, Any]) -> None:
    turned = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value for key, value in plain_job.items()
    }
    assert fingerprint(dict(reversed(turned.items()))) == fingerprint(plain_job)


def test_a_job_name_says_how_a_network_is_intervened_on(plain_job: dict[str, Any]) -> None:
    name, plain = job_name(composed("intervention=[ablate,erase]")), job_name(plain_job)
    assert "-ablate+erase-layer=all-" in name
    assert name.replace("-ablate+erase", "").rpartition("-")[0] == plain.rpartition("-")[0]


def test_a_job_name_is_readable_and_safe_for_a_file_system() -> None:
    name = job_name(composed("""attribute.where='class IN (0, 6) OR "ink" > 1/2'""", "layer.select=[0,-1,hid*]"))
    assert name.startswith("digits-mlp-4x64-")
    assert not set(name) & set("/\\'\"()<>|?: ")
    assert len(name) < 160


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mnist"
    folder.mkdir()
    for kind in ("images-idx3", "labels-idx1"):
        (folder / f"t10k-{kind}-ubyte").write_bytes(kind.encode())
    return folder


def of_folder(folder: Path) -> str:
    return fingerprint(composed("dataset=mnist", f"dataset.root={folder}"))


def test_files_count_by_their_content_not_their_place(idx_folder: Path) -> None:
    before = of_folder(idx_folder)
    moved = idx_folder.parent / "moved"
    shutil.copytree(idx_folder, moved)
    assert of_folder(moved) == before
    os.utime(moved / "t10k-labels-idx1-ubyte", (1, 1))
    assert of_folder(moved) == before
    (moved / "t10k-labels-idx1-ubyte").write_bytes(b"other labels")
    assert of_folder(moved) != before


@pytest.mark.parametrize(
    "override",
    [
        "evidence.q=0.1",
        "analysis.family=subsets",
        "analysis.layers=[1,2,3]",
        "control=[]",
        "split.seed=1",
        "layer.of=leaves",
        "probe.linear.l2=0.1",
    ],
)
def test_jobs_disagree_on_what_is_no_key_column(plain_job: dict[str, Any], override: str) -> None:
    keys = disagreement(agreement(plain_job), agreement(composed(override)))
    wanted = override.partition("=")[0]
    assert keys
    assert all(key.startswith(wanted) for key in keys)


def test_jobs_disagree_on_what_one_intervention_means_alone() -> None:
    one, two = (agreement(composed(f"intervention=[ablate,{other}]")) for other in ("erase", "steer"))
    assert disagreement(one, two) == []
    fewer = agreement(composed("intervention=ablate", "intervention.ablate.draws=5"))
    assert disagreement(one, fewer) == ["intervention.ablate.draws"]


@pytest.mark.parametrize("override", ["analysis.family=subsets", "analysis.level=0.01"])
def test_the_plan_of_the_analysis_shapes_no_jobs_results(plain_job: dict[str, Any], override: str) -> None:
    assert fingerprint(composed(override)) == fingerprint(plain_job)


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "probe_seed=1",
        "layer.select=0",
        "attribute=odd",
        "probe=majority",
        "architecture=convnet",
        "dataset=shapes",
        "intervention=ablate",
        "intervention=[erase,steer]",
    ],
)
def test_jobs_may_differ_in_object_model_and_key_columns(plain_job: dict[str, Any], override: str) -> None:
    assert disagreement(agreement(plain_job), agreement(composed(override))) == []


def test_a_network_in_a_folder_is_known_by_its_content(tmp_path: Path) -> None:
    def key(folder: str) -> str:
        return fingerprint({"architecture": {"_target_": HUGGING_FACE, "name": folder}})

    for name, text in (("one", "a"), ("moved", "a"), ("other", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    one, moved, other = (key(str(tmp_path / name)) for name in ("one", "moved", "other"))
    assert one == moved != other
    assert key("google/bert") != key("google/vit")


def test_a_single_file_counts_by_its_content(tmp_path: Path) -> None:
    def key(text: str, name: str = "a.conllu") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return fingerprint({"dataset": {"_target_": CONLLU, "path": str(tmp_path / name)}})

    first = key("1\tone")
    assert key("1\tother") != first
    assert key("1\tone") == first


def test_files_deeper_in_a_folder_count(tmp_path: Path) -> None:
    """Images by class and splits of a dataset lie in folders of the folder that is named."""

    def key(name: str) -> str:
        return fingerprint({"dataset": {"_target_": CONLLU, "path": str(tmp_path / name)}})

    for name, inner, text in (("one", "cat", "a"), ("moved", "cat", "a"), ("other", "cat", "b"), ("dogs", "dog", "a")):
        (tmp_path / name / inner).mkdir(parents=True)
        (tmp_path / name / inner / "1.png").write_text(text)
    one, moved, other, dogs = (key(name) for name in ("one", "moved", "other", "dogs"))
    assert one == moved
    assert len({one, other, dogs}) == 3


HUGGING_FACE = "denote.object_models.hugging_face.HuggingFace"
CONLLU = "denote.data.conllu.ConlluModule"


def test_a_class_of_ours_may_move_to_another_module(plain_job: dict[str, Any]) -> None:
    """Finished jobs and stored trainings stay known; a network's class that a checkpoint fills likewise."""
    for group, key in (("architecture", "_target_"), ("dataset", "_target_"), ("architecture", "class_path")):
        jobs = [
            {**plain_job, group: {**plain_job[group], key: f"denote.{module}.Net"}}
            for module in ("a", "somewhere.else")
        ]
        assert fingerprint(jobs[0]) == fingerprint(jobs[1])
        assert job_name(jobs[0]) == job_name(jobs[1])
        assert digest(training(jobs[0])) == digest(training(jobs[1]))
        assert fingerprint({**jobs[0], group: {**jobs[0][group], key: "mine.a.Net"}}) != fingerprint(jobs[0])


def test_names_of_our_classes_in_keys_are_one_each() -> None:
    """Keys call them by their own names, so no two may share one."""
    files = [path.read_text(encoding="utf-8") for path in CONF.rglob("*.yaml")]
    targets = {target for text in files for target in re.findall(r"_target_: (denote\S+)", text)}
    assert len({stable_name(target) for target in targets}) == len(targets) > 15


RECORDED = Path(__file__).parent / "fingerprints.json"
"""Digest of what shapes results in every option of dataset and architecture, and in every experiment."""


def test_fingerprints_are_those_that_were_recorded() -> None:
    """A class that moves, or is renamed, must not make every finished job unknown.

    A new option is entered by hand. Where a value of a YAML was changed on purpose, so was the option, and only it.
    """
    today = {}
    for path in sorted(CONF.glob("*/*.yaml")):
        group, option = path.parent.name, path.stem
        if group in ("dataset", "architecture", "experiment"):
            shaped = shaping(_composed(f"{group}={option}", *NEEDED.get(f"{group}/{option}", [])))
            assert "denote." not in json.dumps(shaped), "a place of a class in a key"
            today[f"{group}={option}"] = digest(shaped if group == "experiment" else shaped[group])
    assert today == json.loads(RECORDED.read_text(encoding="utf-8"))
