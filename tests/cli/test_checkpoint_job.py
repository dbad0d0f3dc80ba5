"""A network trained elsewhere, from its file to the tables; a file with code in it runs nothing."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from command_line import Command

from denote.data.sources.digits import load_digits
from denote.object_models.architectures.mlp import MLP

ASKED = (
    "architecture=checkpoint", "architecture.class_path=denote.object_models.architectures.mlp.MLP",
    "architecture.arguments={layers: 1, width: 16}", "attribute=odd", "probe=linear", "control=[untrained,raw_input]",
    "logger=none", "evidence.bootstraps=20", "evidence.permutations=10", "evidence.stability=false",
    "progress=none", "control.untrained.twins=1", "figures=none",
)  # fmt: skip


def trained() -> MLP:
    """A network that learned the digits a little, by a loop of its own."""
    samples = load_digits()
    torch.manual_seed(0)
    network = MLP((1, 8, 8), 10, layers=1, width=16)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    inputs, targets = samples.inputs[np.arange(len(samples))], torch.from_numpy(samples.targets)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()
    return network


def job_of(place: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    (folder,) = (path.parent for path in (place / "multirun" / "single").glob("*/run.json"))
    return json.loads((folder / "run.json").read_text()), pl.read_parquet(folder / "cells.parquet")


def test_a_checkpoint_is_observed_on_every_row_and_not_trained(denote: Command, tmp_path: Path) -> None:
    state = trained().state_dict()
    torch.save({"state_dict": {f"network.{name}": each for name, each in state.items()}}, tmp_path / "mine.ckpt")
    answer = denote(*ASKED, "architecture.path=mine.ckpt")
    assert (answer.code, answer.err) == (0, "")
    record, cells = job_of(tmp_path)
    assert not (tmp_path / "multirun" / ".store" / "models").exists()
    assert cells["n_fit"][0] + cells["n_test"][0] == 1797
    assert cells["architecture"].unique().to_list() == ["mlp-mine.ckpt"]
    assert (cells["object_accuracy"] > 0.9).all()
    assert cells["epoch"].is_null().all()
    assert cells["trained"].all()
    assert cells["untrained_auroc"].is_not_null().all()
    assert record["object_score"]["measure"] == "accuracy"
    torch.save(state, tmp_path / "same weights, other file.pt")
    again = denote(*ASKED, "architecture.path='same weights, other file.pt'", "on_existing=redo", "sweep_name=other",
                   "hydra.run.dir=again")  # fmt: skip
    assert again.code == 0
    assert json.loads((tmp_path / "again" / "run.json").read_text())["object_model"] == record["object_model"]


def test_rows_it_was_trained_on_leave_fit_and_test_and_unknown_is_said_first(denote: Command, tmp_path: Path) -> None:
    torch.save(trained().state_dict(), tmp_path / "mine.pt")
    np.savetxt(tmp_path / "rows.txt", np.arange(1200), fmt="%d")
    unknown = denote(*ASKED, "architecture.path=mine.pt")
    said = "whether the network was trained on the rows it is judged on is unknown"
    assert unknown.code == 0
    warned = " ".join(unknown.out.split())
    assert "was trained on these rows is unknown, and on its own training rows noise denotes" in warned
    _, cells = job_of(tmp_path)
    assert cells["trained_on"].unique().to_list() == ["unknown"]
    assert cells["note"].str.contains(said).all()
    given = denote(*ASKED, "architecture.path=mine.pt", "architecture.trained_on=rows.txt", "hydra.run.dir=given")
    assert given.code == 0
    assert "is unknown" not in given.out
    assert "The rows that it was trained on are left out of fit and test." in " ".join(given.out.split())
    cells = pl.read_parquet(tmp_path / "given" / "cells.parquet")
    assert cells["n_fit"][0] + cells["n_test"][0] == 1797 - 1200
    duplicates = pl.read_parquet(tmp_path / "given" / "duplicates.parquet")
    assert duplicates.filter(pl.col("part") == "object")["n_part"].unique().to_list() == [1200]
    for what, problem in (
        ("rows.csv", "there is no such file"), ("[1,2]", "[1, 2] came"), ("null", "None came"),
    ):  # fmt: skip
        wrong = denote(*ASKED, "architecture.path=mine.pt", f"architecture.trained_on={what}")
        assert wrong.code == 2
        assert problem in wrong.err
        assert len(wrong.err.strip().splitlines()) == 1
    np.savetxt(tmp_path / "rows.txt", np.arange(1750), fmt="%d")
    few = denote(*ASKED, "architecture.path=mine.pt", "architecture.trained_on=rows.txt")
    assert few.code == 2
    assert "1750 of 1797 rows are trained on, which leaves 24 for fit and 23 for test" in few.err
    ours = denote("+architecture.trained_on=rows.txt", *ASKED[3:])
    assert ours.code == 2
    assert "architecture.trained_on: is about networks that were trained elsewhere" in ours.err


class Hostile:
    """Leaves a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def test_a_checkpoint_with_code_is_refused_and_runs_nothing(denote: Command, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"state_dict": trained().state_dict(), "callbacks": Hostile(mark)}, tmp_path / "bad.ckpt")
    (tmp_path / "bad.pt").write_bytes(pickle.dumps(Hostile(mark)))
    for name in ("bad.ckpt", "bad.pt"):
        answer = denote(*ASKED, f"architecture.path={name}")
        assert answer.code == 2
        assert answer.err.startswith(f"{name}: holds more than weights and plain values")
        assert len(answer.err.strip().splitlines()) == 1
        assert not mark.exists()


def test_layers_of_a_checkpoint_are_listed(denote: Command, tmp_path: Path) -> None:
    torch.save(trained().state_dict(), tmp_path / "mine.pt")
    answer = denote(*ASKED, "architecture.path=mine.pt", "--layers")
    assert answer.code == 0
    assert "hidden_1" in answer.out


def test_own_architectures_train_from_the_command_line(denote: Command) -> None:
    answer = denote("architecture=resnet", "architecture.channels=[4,4]", "architecture.blocks=1", "attribute=odd",
                    "trainer.max_epochs=1", *ASKED[4:], "layer.select=[0,-1]")  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
