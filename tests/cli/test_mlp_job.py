"""A job whose only observer has a hidden layer."""

from pathlib import Path

import polars as pl
from command_line import Command

from denote.observers.observer import load_observers


def test_a_job_of_the_mlp_probe(denote: Command, tmp_path: Path) -> None:
    answer = denote("probe=mlp", "attribute=odd", "debug=fast", "logger=none", "progress=none",
                    "probe.mlp.width=8", "probe.mlp.lr=0.03", "probe.mlp.patience=1",
                    "architecture.layers=1", "architecture.width=16",
                    "control.shuffled.draws=2", "control.untrained.twins=1")  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    (folder,) = (path for path in (tmp_path / "multirun" / "single").iterdir() if (path / "run.json").is_file())
    cells = pl.read_parquet(folder / "cells.parquet")
    assert set(cells["probe"]) == {"mlp"}
    assert cells.height == 2
    for column in ("auroc", "control_auroc", "untrained_auroc", "input_auroc"):
        assert cells[column].is_not_null().all()
    assert (cells["input_auroc"] > 0.9).all()
    observers = load_observers(folder / "observers.safetensors")
    assert {observer.hidden.shape[1] for observer in observers.values() if observer.hidden is not None} == {8}
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn
    assert not any("relevance" in name for name in drawn)
