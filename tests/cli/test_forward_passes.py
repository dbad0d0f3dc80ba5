"""A command lists the layers of its network once."""

from __future__ import annotations

from pathlib import Path

import pytest
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


@pytest.mark.parametrize("flags", [[], ["--layers"]])
def test_a_job_lists_its_layers_once(denote: Command, tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "conf" / "architecture").mkdir(parents=True)
    (tmp_path / "told.py").write_text(CODE)
    (tmp_path / "conf" / "architecture" / "told.yaml").write_text(YAML)
    done = denote(
        *flags, "--config-dir", str(tmp_path / "conf"), f"code_dir={tmp_path}", "architecture=told", "dataset=digits",
        "trainer.max_epochs=1", "logger=none", "control=raw_input", "evidence.stability=false",
        "evidence.permutations=0", "evidence.randomisation=false",
    )  # fmt: skip
    assert done.code == 0, done.err
    sizes = [int(size) for size in (Path.cwd() / "sizes.txt").read_text().split()]
    assert [sizes[at : at + 4] for at, size in enumerate(sizes) if size == 3 and sizes[at - 1 : at] != [3]] == [
        [3, 3, 8, 8]
    ]
