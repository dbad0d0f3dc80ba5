"""What answers at once, and what it must not import to do so."""

import re
import tomllib
from pathlib import Path

import pytest
from command_line import Command

from denote.cli import commands as cli

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("denote", ["--help"], "denote -m layer.select"),
        ("denote", ["-h"], "denote-report multirun/NAME"),
        ("denote", ["--version"], "denote 0."),
        ("denote", ["--cfg", "job"], "_target_: denote.object_models.architectures.mlp.MLP"),
        ("denote", ["--cfg", "job", "experiment=demo"], "as_cells: false"),
        ("denote-train", ["--help"], "denote-train trains"),
        ("denote-train", ["--version"], "denote 0."),
        ("denote-report", ["--help"], "sweep=multirun/NAME"),
        ("denote-report", ["--version"], "denote 0."),
    ],
)
def test_answers_without_anything_heavy(
    command: Command, tmp_path: Path, name: str, arguments: list[str], said: str
) -> None:
    answer = command(name, *arguments)
    assert (answer.code, answer.err, answer.heavy) == (0, "", [])
    assert said in answer.out
    assert list(tmp_path.iterdir()) == []


def test_hydras_own_help_is_there(denote: Command) -> None:
    answer = denote("--hydra-help")
    assert (answer.code, "--config-dir" in answer.out) == (0, True)


def test_help_lists_every_group_and_option(denote: Command) -> None:
    words = denote("--help").out.replace(",", " ").split()
    options = list(CONF.glob("*/*.yaml"))
    assert len(options) > 20
    for option in options:
        assert option.parent.name in words
        assert option.stem in words


def test_help_names_every_command(denote: Command) -> None:
    scripts = tomllib.loads((CONF.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    said = denote("--help").out
    assert len(scripts) > 5
    assert [name for name in scripts if not re.search(rf"^  {name} ", said, re.MULTILINE)] == []
    assert "  tags=[WORD,WORD] " in said
    assert "  logger.per_job=true|false " in said


def test_help_says_where_other_keys_are_explained(denote: Command) -> None:
    said = denote("--help").out
    assert all(key in said for key in ("evidence.*", "split.group=COLUMN", "on_existing=skip|redo|fail"))


def test_help_lists_options_of_the_users_own_folder(denote: Command, tmp_path: Path) -> None:
    (tmp_path / "mine" / "attribute").mkdir(parents=True)
    (tmp_path / "mine" / "attribute" / "lucky.yaml").write_text("# @package attribute.lucky\nkind: classes\n")
    assert "lucky" in denote("--help", "--config-dir", "mine").out
    assert "lucky" in denote("--help", f"--config-dir={tmp_path / 'mine'}").out


@pytest.mark.parametrize("arguments", [[], ["sweep="], ["sweep=nowhere"]])
def test_report_of_nothing_is_a_mistake_of_one_line(command: Command, tmp_path: Path, arguments: list[str]) -> None:
    answer = command("denote-report", *arguments)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert "swe" in answer.err
    assert "multirun/NAME" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_report_needs_no_key(command: Command) -> None:
    for typed in ("nowhere", "sweep=nowhere"):
        assert "sweep=nowhere: there is no such folder" in command("denote-report", typed).err
    answer = command("denote-report", "here", "sweep=there")
    assert (answer.code, answer.err.partition(";")[0]) == (2, "denote-report: here and there came")
    assert "here and there came" in command("denote-report", "sweep=here", "sweep=there").err


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("swep=x", "did you mean 'sweep'?"),
        ("report.inputs=false", "give it to the command of the run or sweep"),
        ("report.perjob=true", "did you mean 'report.per_job'?"),
    ],
)
def test_what_is_no_key_of_a_report_is_told_in_one_short_line(command: Command, argument: str, said: str) -> None:
    answer = command("denote-report", "sweep=multirun/demo", argument)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert len(answer.err) < 250
    assert said in answer.err


def test_a_finished_job_is_shown_again_without_torch_scipy_or_matplotlib(
    command: Command, denote: Command, tmp_path: Path
) -> None:
    asked = ["attribute=odd", "probe=neuron", "control=[]", "layer=last", "logger=none", "trainer.max_epochs=1"]
    small = ["architecture.layers=1", "architecture.width=4", "evidence.stability=false", "figures=none"]
    first, again = denote(*asked, *small), command("denote", *asked, *small)
    assert (first.code, again.code, again.heavy) == (0, 0, ["polars"])  # its tables are read, nothing is computed
    answers = [said.out[said.out.index("Observed") :] for said in (first, again)]  # log lines stand before
    assert answers[0] == answers[1]
    assert len(answers[0].splitlines()) <= 14
    every = command("denote", *asked, *small, "verbose=true").out
    assert "figures=none" in every
    assert every.endswith(answers[1])
    assert len(every.splitlines()) > 20
    (job,) = [path.parent for path in tmp_path.glob("multirun/single/*/run.json")]
    assert not (job / "figures").exists()
    assert cli._command("denote-report", [f"sweep={job}", "figure_formats=[svg]"]) == 0
    assert {path.suffix for path in (job / "figures").iterdir()} == {".png", ".svg", ".csv"}


def test_a_format_that_is_none_is_a_mistake_of_one_line(command: Command) -> None:
    answer = command("denote-report", "sweep=multirun/demo", "figure_formats=[gif]")
    assert answer.code == 2
    assert "png, svg, pdf" in answer.err
    assert len(answer.err.splitlines()) == 1
