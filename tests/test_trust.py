"""What a user trusts: read off what is typed, granted to a process, and part of the names of results."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pytest

from denote.cli.targets import instantiate
from denote.cli.task import Task
from denote.config.class_sources import USUAL_PATHS
from denote.config.trust import Trust, is_trusted, path_settings, source_of
from denote.errors import ConfigError
from denote.runs.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a module, a package and what they import."""
    (tmp_path / "nets_of_mine.py").write_text("from bits_of_mine.part import base\nclass Net(base): ...\n")
    (tmp_path / "bits_of_mine").mkdir()
    (tmp_path / "bits_of_mine" / "__init__.py").touch()
    (tmp_path / "bits_of_mine" / "part.py").write_text("base = object\n")
    (tmp_path / "unrelated_of_mine.py").write_text("x = 1\n")
    yield tmp_path
    Trust().grant()


def test_what_is_typed_is_taken_from_the_arguments(folder: Path) -> None:
    trust, rest = Trust.typed(["-m", f"code_dir={folder}", "seed=1", "trusted_targets=[first, 'second.part']"])
    assert rest == ["-m", "seed=1"]
    assert trust == Trust(str(folder), ("first", "second.part"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["code_dir=nowhere"], "code_dir: there is no folder"),
        (["code_dir=.", "code_dir=."], "code_dir: is given twice"),
        (["trusted_targets=[a-b]"], "'a-b' is no name of a package"),
        (["trusted_targets=[]extra"], "the list lacks its"),
        (["trusted_targets=[first"], "the list lacks its"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Trust.typed(arguments)


def test_only_what_is_granted_is_trusted(folder: Path) -> None:
    assert is_trusted("torch.nn.Linear")
    assert not is_trusted("nets_of_mine.Net")
    Trust(str(folder), ("sklearn.linear_model",)).grant()
    assert is_trusted("nets_of_mine.Net")
    assert is_trusted("bits_of_mine.part.base")
    assert is_trusted("sklearn.linear_model.Ridge")
    assert not is_trusted("sklearn.utils.Bunch")
    assert not is_trusted("os.system")
    assert sys.path[-1] == str(folder)
    Trust().grant()
    assert not is_trusted("nets_of_mine.Net")
    assert str(folder) not in sys.path


@pytest.mark.parametrize("name", ["torch", "json"])
def test_a_module_hides_none_that_is_there(folder: Path, name: str) -> None:
    (folder / f"{name}.py").touch()
    with pytest.raises(ConfigError, match=f"{name} has the name of a module that is there already"):
        Trust(str(folder)).grant()
    assert not is_trusted("nets_of_mine.Net")


def test_the_code_of_a_class_is_part_of_a_jobs_name(folder: Path) -> None:
    """That of the class and of what it imports there, read and never run."""
    config = {"architecture": {"_target_": "nets_of_mine.Net"}, "probe": {"mine": {"_target_": "nets_of_mine.Net"}}}
    without = fingerprint(config)
    Trust(str(folder)).grant()
    names = [without, fingerprint(config)]
    for changed in ("nets_of_mine.py", "bits_of_mine/part.py"):
        (folder / changed).write_text((folder / changed).read_text() + "# edited\n")
        names.append(fingerprint(config))
    assert len(set(names)) == 4
    (folder / "unrelated_of_mine.py").write_text("x = 2\n")
    assert fingerprint(config) == names[-1]
    assert "nets_of_mine" not in sys.modules
    assert source_of({"_target_": "denote.object_models.architectures.mlp.MLP"}) == {}


def test_code_in_a_folder_without_an_init_file_is_part_of_a_jobs_name(folder: Path) -> None:
    helpers = folder / "helpers_of_mine"
    helpers.mkdir()
    (folder / "user_of_helpers.py").write_text("from helpers_of_mine.sizes import WIDTH\nclass Net: ...\n")
    Trust(str(folder)).grant()
    names = []
    for width in (3, 44):
        (helpers / "sizes.py").write_text(f"WIDTH = {width}\n")
        names.append(fingerprint({"architecture": {"_target_": "user_of_helpers.Net"}}))
    assert len(set(names)) == 2


DATASETS = """
import os
from denote import extending as given
from denote.data.sources.conllu import ConlluModule
from denote.extending import SamplesModule as Base

class Usual(Base): ...
class Declared(given.SamplesModule):
    paths = ("measured", "scans")
class Further(Declared): ...
class Treebank(ConlluModule): ...
class Unreadable(Base):
    paths = (os.sep,)
"""


def test_a_dataset_says_which_settings_are_files(folder: Path) -> None:
    """Read from its source, and that of its bases, whatever names they have in it; nothing is run."""
    (folder / "sets_of_mine.py").write_text(DATASETS)
    Trust(str(folder)).grant()
    paths = {name: path_settings(f"sets_of_mine.{name}") for name in ("Usual", "Declared", "Further", "Treebank")}
    assert paths["Usual"] == path_settings("sets_of_mine.Unreadable") == path_settings("torch.nn.ReLU") == USUAL_PATHS
    assert paths["Declared"] == paths["Further"] == ("measured", "scans")
    assert paths["Treebank"] == path_settings("denote.data.conllu.ConlluModule") == ("path", "tokenizer")
    assert "sets_of_mine" not in sys.modules


@pytest.mark.parametrize(
    ("name", "key"),
    [
        *(("Usual", key) for key in ("file", "folder", "name", "tokenizer", "files.table")),
        *(("Declared", "scans"), ("Further", "measured"), ("Declared", "arguments.path")),
    ],
)
def test_an_edited_file_gives_another_job(folder: Path, tmp_path: Path, name: str, key: str) -> None:
    (folder / "sets_of_mine.py").write_text(DATASETS)
    Trust(str(folder)).grant()
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "one.csv"
    names = []
    for content in ("a", "b"):
        file.write_text(content)
        outer, _, inner = key.partition(".")
        path = str(file.parent if key in ("folder", "scans") else file)
        given = {"_target_": f"sets_of_mine.{name}", outer: {inner: path} if inner else path}
        names.append(fingerprint({"dataset": given}))
    assert len(set(names)) == 2


def test_paths_that_cannot_be_read_are_a_mistake(folder: Path) -> None:
    (folder / "sets_of_mine.py").write_text(DATASETS)
    Trust(str(folder)).grant()
    with pytest.raises(ConfigError, match=r"dataset\._target_: paths of sets_of_mine\.Unreadable cannot be read"):
        instantiate({"_target_": "sets_of_mine.Unreadable"}, "dataset", object)


def test_trust_travels_to_a_process_that_a_launcher_started(folder: Path, tmp_path: Path) -> None:
    """Before anything is called there: Hydra names the job's folder first, and that holds the digest of the code."""
    (tmp_path / "task").write_bytes(cloudpickle.dumps(Task(print, Trust(str(folder)))))
    there = (
        "import pickle, sys; task = pickle.load(open('task', 'rb'))\n"
        "from denote.runs.fingerprint import fingerprint\n"
        "print(fingerprint({'architecture': {'_target_': 'nets_of_mine.Net'}}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", there], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    Trust(str(folder)).grant()
    assert said.strip() == fingerprint({"architecture": {"_target_": "nets_of_mine.Net"}})


def test_a_name_that_begins_like_a_trusted_one_is_not_trusted(folder: Path) -> None:
    (folder / "mine.py").write_text("")
    for trust in (Trust(packages=("mine", "theirs.part")), Trust(str(folder))):
        assert trust.covers("mine.Class")
        assert not any(trust.covers(target) for target in ("mine_too.Class", "mine2.Class", "minemine", "theirs.Class"))
    assert Trust(packages=("theirs.part",)).covers("theirs.part.Class")
    assert not Trust(packages=("theirs.part",)).covers("theirs.party.Class")
