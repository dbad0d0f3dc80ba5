"""A command lists the layers of its network once."""

from __future__ import annotations

from pathlib import Path

from command_line import Command

CODE = """
from pathlib import Path

from torch import nn


class Told(nn.Sequential):
    def __init__(self, input_shape, n_classes):
        super().__init__(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, n_classes))

    def forward(self, x):
        if not self.training:
            with Path("sizes.txt").open("a") as file:
                file.write(f"{len(x)} ")
        return super().forward(x)
"""
YAML = "_target_: told.Told\ntrained: true\nepoch: null\nsave_epochs: []\n"


def test_a_job_and_its_list_of_layers_list_once(denote: Command, tmp_path: Path) -> None:
    (tmp_path / "conf" / "architecture").mkdir(parents=True)
    (tmp_path / "told.py").write_text(CODE)
    (tmp_path / "conf" / "architecture" / "told.yaml").write_text(YAML)
    settings = ["--config-dir", str(tmp_path / "conf"), f"code_dir={tmp_path}", "architecture=told", "dataset=digits"]
    settings += ["architecture.trained=false", "logger=none", "control=raw_input", "probe=neuron", "layer=last"]
    settings += ["evidence.stability=false", "evidence.permutations=0", "evidence.bootstraps=20"]
    listed = denote("--layers", *settings)
    assert listed.code == 0, listed.err
    assert " rows, " in listed.out.splitlines()[0]
    assert all(line and line == line.rstrip() for line in listed.out.splitlines())
    file = Path.cwd() / "sizes.txt"
    assert file.read_text().split() == ["3", "3", "8", "8"]
    file.unlink()
    done = denote(*settings)
    assert done.code == 0, done.err
    sizes = file.read_text().split()
    assert sizes[:4] == ["3", "3", "8", "8"]
    assert "3" not in sizes[4:]
