"""A small version of the drill of hostile inputs, in this process: one line, exit code 2, nothing done or left."""

import json
from pathlib import Path

import pytest
from command_line import Command
from hostile.case import SECRET, Case
from hostile_inputs import CASES, Ending, failings

CHOSEN = [
    "!!python/object/apply",
    "billion laughs",
    "alias to itself",
    "5,000 brackets",
    "includes itself",
    "invalid UTF-8",
    "integer of 5,000 digits in YAML",
    "laughs by interpolation",
    "search path imports a package",
    "environment in tags",
    "environment decoded",
    "environment in logger.project",
    "a billion jobs",
    "1,000 brackets",
    "an override of 100,000 letters",
    "sweep_name: leaves multirun",
    "sweep_name: of 200 letters of two bytes",
    "sweep_name: escape sequence",
    "a flag that is none",
    "where: 3,000 ORs",
    "where: padded text",
    "width of 100,000,000",
    "layers of 23 digits",
    "idx.gz: a bomb that its header claims",
    "npy: a shape of 10^15",
    "images: 100,000 x 100,000 claimed",
    "treebank: a FIFO",
    "table: 200 GB of nothing",
    "store.path is a file",
    "multirun is a file",
    "a sweep's folder is a file",
]

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", [pytest.param(BY_NAME[name], id=name) for name in CHOSEN])
def test_hostile_input_is_refused_in_one_line(
    denote: Command, tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("SEED", "3")
    case.make(folder)
    before = set(tmp_path.rglob("*"))
    answer = denote(*(argument.replace("{here}", str(folder)) for argument in case.arguments))
    assert list(failings(case, folder, Ending(answer.code, answer.out, answer.err, 0.0, 0), before)) == []


def test_a_folder_from_the_environment_is_used_and_not_written(
    denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    (tmp_path / SECRET).mkdir()
    (tmp_path / SECRET / "t.csv").write_text("a,b\n" + "".join(f"{i % 7},{'xy'[i % 2]}\n" for i in range(200)))
    (tmp_path / "sent/experiment").mkdir(parents=True)
    monkeypatch.setenv("ACCELERATOR", "cpu")
    monkeypatch.setenv("MEMORY", "1GiB")
    machine = "device: ${oc.env:ACCELERATOR}\nmemory_limit: ${oc.env:MEMORY}\n"
    text = f"# @package _global_\ndataset:\n  path: ${{oc.env:SECRET}}/t.csv\n{machine}"
    (tmp_path / "sent/experiment/x.yaml").write_text(text)
    table = ("dataset=table", "dataset.target=b", "experiment=x", "architecture.layers=1", "architecture.width=4")
    quick = ("evidence=quick", "debug=fast", "control=[]", "probe=neuron", "logger=none", "figures=none")
    answer = denote("--config-dir", "sent", *table, *quick, "progress=none", "trainer.progress=false")
    assert answer.code == 0, answer.err
    (record,) = (tmp_path / "multirun/single").glob("*/run.json")
    config = json.loads(record.read_text())["config"]
    assert config["dataset"]["path"] == "${oc.env:SECRET}/t.csv"
    assert (config["device"], config["memory_limit"]) == ("${oc.env:ACCELERATOR}", "${oc.env:MEMORY}")
    written = [path for path in (tmp_path / "multirun").rglob("*") if path.is_file()]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


def test_many_values_of_two_interpolations_are_no_chain(denote: Command, tmp_path: Path) -> None:
    (tmp_path / "mine/experiment").mkdir(parents=True)
    tags = [f"{i}-${{seed}}-${{probe_seed}}" for i in range(30)]
    (tmp_path / "mine/experiment/x.yaml").write_text(f"# @package _global_\ntags: {json.dumps(tags)}\n")
    answer = denote("--config-dir", str(tmp_path / "mine"), "experiment=x", "--cfg", "job", "--package", "tags")
    assert (answer.code, answer.err) == (0, "")


def test_a_mistake_with_a_value_from_the_environment_is_written_without_it(
    denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    (tmp_path / "sent/experiment").mkdir(parents=True)
    (tmp_path / "sent/experiment/x.yaml").write_text("# @package _global_\ndataset:\n  path: ${oc.env:SECRET}\n")
    table = ("dataset=table", "dataset.target=b", "experiment=x", "seed=0", "logger=none", "progress=none")
    assert denote("--config-dir", "sent", "-m", *table).code == 1
    (record,) = (tmp_path / "multirun/x").glob("*/run.json")
    assert "there is no file ${oc.env:SECRET}" in json.loads(record.read_text())["error"]["message"]
    written = [path for path in (tmp_path / "multirun").rglob("*") if path.is_file()]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
