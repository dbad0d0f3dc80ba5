"""Every file of ``conf/`` composes, passes the checks that a job's start makes, and says what its values mean."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from command_line import NEEDED, composed

from denote.cli import build
from denote.cli.checks import check
from denote.errors import ConfigError

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted(CONF.rglob("*.yaml"))
OPTIONS = [path for path in FILES if path.parent != CONF]
NAMES = {"neuron_subsets": "subsets"}
"""Options of the lists that are another form of one under its name."""
EXTRAS = {"logger/mlflow", "logger/tensorboard", "logger/trackio"}
"""Options that need a package of the option's name, which an extra installs."""


@pytest.mark.parametrize("option", OPTIONS, ids=lambda path: str(path.relative_to(CONF).with_suffix("")))
def test_every_option_composes_and_passes_the_checks(option: Path) -> None:
    group, *folders = option.relative_to(CONF).parent.parts
    if group == "hydra":
        group, folders = "/".join([group, *folders]), []
    name = "/".join([*folders, option.stem])
    settings = composed(f"{group}={name}", *NEEDED.get(f"{group}/{name}", []))
    if f"{group}/{name}" in EXTRAS and find_spec(name) is None:
        with pytest.raises(ConfigError, match=re.escape(f"pip install -e '.[{name}]' -c constraints.txt")):
            check(settings)
        return
    check(settings)
    if group in ("attribute", "probe", "control"):
        assert [key for key in settings[group] if key != "where"] == [NAMES.get(option.stem, option.stem)]


def test_lists_of_options_do_what_they_say() -> None:
    settings = composed("probe=[majority,linear]", "attribute=[odd,prime]", "control=[]")
    assert set(settings["probe"]) == {"majority", "linear"}
    assert {key for key in settings["attribute"] if key != "where"} == {"odd", "prime"}
    assert settings["control"] == {}


def test_seeds_do_not_follow_each_other() -> None:
    settings = composed("seed=7")
    assert (settings["seed"], settings["probe_seed"], settings["split"]["seed"]) == (7, 0, 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_every_value_has_a_comment(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    described = lines[1] if lines[0].startswith("# @package") else lines[0]
    assert described.startswith("# "), "the file does not say what it is"
    bare, block = [], ""
    for line in lines:
        if re.match(r"\w", line):
            block = line.partition(":")[0]
        value = re.match(r"""\s*(?P<key>[\w"]+):\s+[^#\s]""", line)
        own = value is not None and value["key"] not in ("_target_", "kind") and block not in ("hydra", "defaults")
        if own and " #" not in line:
            bare.append(line)
    assert bare == []


@pytest.mark.parametrize("architecture", ["mlp", "convnet", "resnet", "vit"])
def test_architectures_can_be_built_as_they_come(architecture: str) -> None:
    network = build.network_factory(composed(f"architecture={architecture}"))((1, 8, 8), 10)
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize("key", ["activation", "normalisation"])
def test_names_in_the_comments_of_an_architecture_are_allowed(key: str) -> None:
    lines = (CONF / "architecture" / "mlp.yaml").read_text(encoding="utf-8").splitlines()
    comment = next(line for line in lines if line.startswith(key)).partition("#")[2]
    names = comment.partition(";")[0].replace("|", " ").split()
    assert len(names) > 2
    for name in names:
        build.network_factory(composed(f"architecture.{key}={name}"))((1, 8, 8), 10)
