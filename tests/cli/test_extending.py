"""docs/how-to/extending.md holds: its files in an empty folder, its commands, and what it says is refused."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import polars as pl
import pytest
from command_line import Command
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from denote.cli.hydra_settings import check_hydra
from denote.config.trust import Trust
from denote.errors import ConfigError

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(mine/[\w./]+)`:\n\n```\w+\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE))
DATASET, ARCHITECTURE, THREE = (
    command.strip() for command in re.findall(r"^```bash\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
)
(READING,) = re.findall(r"^```python\n(import denote\n.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    """An empty folder with the files of the page; nothing of them is importable afterwards."""
    before = set(sys.modules)
    for name, text in FILES.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    yield tmp_path
    Trust().grant()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def test_the_page_has_one_of_each() -> None:
    assert {Path(name).parts[2] for name in FILES if name.endswith(".yaml")} == {
        "dataset", "architecture", "attribute", "probe", "control",
    }  # fmt: skip


def test_a_dataset(mine: Path, denote: Command) -> None:
    command, *arguments = shlex.split(DATASET)
    answer = denote(*arguments)
    assert (command, answer.code) == ("denote", 0), answer.err
    (cells,) = (mine / "multirun" / "single").glob("waves-mlp-*/cells.parquet")
    assert set(pl.read_parquet(cells)["attribute"]) == {"rising"}


def test_an_architecture_by_the_command_that_is_installed(mine: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", ARCHITECTURE], cwd=mine, env={**os.environ, "PATH": path}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    (cells,) = (mine / "multirun" / "single").glob("digits-gated-*/cells.parquet")
    found = pl.read_parquet(cells)
    assert set(found["architecture"]) == {"gated-32"}
    assert found["layer"].unique(maintain_order=True).to_list() == ["first", "second", "logits"]


def test_attributes_a_probe_and_a_control_in_a_sweep(
    mine: Path, denote: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = denote(*shlex.split(THREE)[1:])
    assert answer.code == 0, answer.err
    sweep = mine / "multirun" / "mine" / "sweep"
    cells, controls, neurons = (pl.read_parquet(sweep / f"{n}.parquet") for n in ("cells", "controls", "neurons"))
    assert set(cells["probe"]) == {"linear", "medians"}
    assert set(cells["attribute"]) == {"multiple of 2", "multiple of 3"}
    assert set(cells["family"]) == set(neurons["family"]) == {"remainders"}
    noise = controls.filter(pl.col("control") == "noise")
    assert set(noise["draw"]) == {0, 1, 2}
    assert noise.height == 3 * cells.height
    # Noise hides what is there, and shuffling removes it.
    own, noisy, shuffled = (
        frame["auroc"].mean() for frame in (cells, noise, controls.filter(pl.col("control") == "shuffled"))
    )
    assert own > noisy > shuffled
    assert "medians" in (sweep / "report.html").read_text(encoding="utf-8")
    exec(compile(READING, "extending.md", "exec"), {})  # noqa: S102  (what the page says)
    assert "multiple of 2" in capsys.readouterr().out


EVIL = "import pathlib\npathlib.Path('pwned').touch()\nfrom torch import nn\nclass Net(nn.Module): pass\n"


@pytest.fixture
def stranger(mine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Their options, and a module of theirs that could be imported and would leave a file behind."""
    (mine / "evil.py").write_text(EVIL, encoding="utf-8")
    monkeypatch.syspath_prepend(str(mine))
    return mine


def option(folder: Path, place: str, text: str) -> str:
    path = folder / "theirs" / f"{place}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return f"{Path(place).parent}=theirs"


ARCHITECTURE_OF = "  _target_: {}\n  trained: true\n  epoch: null\n  save_epochs: []\n"
RECEIVED = {
    "a function": ("probe/theirs", "# @package probe.theirs\n_target_: os.system\ncommand: touch pwned\n", "os.system"),
    "a function of torch": ("attribute/theirs", "# @package attribute.theirs\n_target_: torch.load\nf: x\n", "torch"),
    "deep inside": ("control/theirs", "# @package control.theirs\ndraws:\n  _target_: evil.Net\n", "evil.Net"),
    "their module": ("architecture/theirs", ARCHITECTURE_OF.format("evil.Net").replace("  ", ""), "evil.Net"),
    "trust in a file": (
        "experiment/theirs",
        "# @package _global_\ntrusted_targets: [evil]\narchitecture:\n" + ARCHITECTURE_OF.format("evil.Net"),
        "trusted_targets",
    ),
    "a folder in a file": (
        "experiment/theirs",
        "# @package _global_\ncode_dir: .\narchitecture:\n" + ARCHITECTURE_OF.format("evil.Net"),
        "code_dir",
    ),
    "a folder in a sweep's parameters": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      code_dir: .\narchitecture:\n"
        + ARCHITECTURE_OF.format("evil.Net"),
        "code_dir",
    ),
    "what was typed, in a file": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  overrides:\n    task: [code_dir=., trusted_targets=evil]\narchitecture:\n"
        + ARCHITECTURE_OF.format("evil.Net"),
        "evil.Net",
    ),
    "a callback": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  callbacks:\n    x:\n      _target_: evil.Net\n",
        "hydra.callbacks",
    ),
    "a launcher": (
        "experiment/theirs", "# @package _global_\nhydra:\n  launcher:\n    _target_: evil.Net\n", "hydra.launcher",
    ),
    "inside a sweeper": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      seed:\n        _target_: evil.Net\n",
        "hydra.sweeper",
    ),
    "a logging handler": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  job_logging:\n    handlers:\n      x:\n        (): os.system\n"
        "        command: touch pwned\n",
        "hydra.job_logging",
    ),
    "a stream of a log": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  hydra_logging:\n    handlers:\n      console:\n        stream: ext://evil.Net\n",
        "hydra.hydra_logging",
    ),
    "a file of a log": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  job_logging:\n    handlers:\n      file:\n        filename: pwned\n",
        "hydra.job_logging",
    ),
    "an environment": (
        "experiment/theirs",
        "# @package _global_\nhydra:\n  job:\n    env_set:\n      LD_PRELOAD: evil.so\n",
        "LD_PRELOAD",
    ),
    "a stream of a log by a detour": (
        "experiment/theirs",
        "# @package _global_\ntags: ['ext://evil.Net']\nhydra:\n  job_logging:\n    handlers:\n      console:\n"
        "        stream: ${tags.0}\n",
        "hydra.job_logging",
    ),
    "a command in a word for a launcher": (
        "experiment/theirs",
        '# @package _global_\nhydra:\n  launcher:\n    partition: "gpu\\ntouch pwned"\n',
        "hydra.launcher.partition",
    ),
    "another program's config": (
        "experiment/theirs", "# @package _global_\nhydra:\n  output_subdir: ../../gh\n", "hydra.output_subdir",
    ),
    "another program's log": (
        "experiment/theirs", "# @package _global_\nhydra:\n  job:\n    name: ../../pwned\n", "hydra.job.name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECEIVED)
def test_what_a_stranger_sends_runs_nothing(name: str, stranger: Path, denote: Command) -> None:
    place, text, named = RECEIVED[name]
    answer = denote("--config-dir", "theirs", option(stranger, place, text), "debug=fast", "logger=none")
    line = answer.err.strip().splitlines()[-1]
    assert (answer.code, named in line) == (2, True), answer
    assert "Traceback" not in answer.err
    assert not (stranger / "pwned").exists()
    assert "evil" not in sys.modules


def test_what_launchers_ship_words_and_what_is_typed_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = {"_target_": "hydra_plugins.x.SlurmLauncher", "submitit_folder": "${hydra.sweep.dir}/x", "setup": None}
    monkeypatch.setattr(ConfigStore.instance(), "repo", deepcopy(ConfigStore.instance().repo))
    ConfigStore.instance().store("slurm", shipped, group="hydra/launcher")
    job = {"name": "denote", "env_set": {}}
    base = {"job": job, "output_subdir": ".hydra", "sweeper": None, "hydra_logging": None, "job_logging": None,
            "runtime": {"choices": {"hydra/launcher": "slurm"}}, "sweep": {"dir": "multirun"}}  # fmt: skip

    def checked(**launcher: object) -> None:
        check_hydra(OmegaConf.create({"hydra": base | {"launcher": shipped | launcher}}))

    checked(partition="gpu-long", timeout_min=60)
    with pytest.raises(ConfigError, match=r"launcher.setup.0: 'module load x' is refused; allowed on the command"):
        checked(setup=["module load x"])
    monkeypatch.setattr(sys, "argv", ["denote", "hydra.launcher.setup=[module load x]"])
    checked(setup=["module load x"])


def test_a_pickled_configuration_is_not_opened(denote: Command) -> None:
    answer = denote("--experimental-rerun", "config.pickle")
    assert (answer.code, "unpickle" in answer.err) == (2, True)


def test_what_the_user_types_still_has_to_be_a_class_of_its_kind(stranger: Path, denote: Command) -> None:
    chosen = option(stranger, "probe/theirs", "# @package probe.theirs\n_target_: gated.Gated\n")
    answer = denote("--config-dir", "theirs", "code_dir=mine", chosen, "debug=fast", "logger=none")
    assert answer.code == 2
    assert "probe.theirs._target_: 'gated.Gated' is refused; allowed: a class derived from" in answer.err
