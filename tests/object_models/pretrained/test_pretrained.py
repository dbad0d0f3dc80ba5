"""Networks trained elsewhere: weights fit or say why not, files are read and never run, keys are those of contents."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import nn

from denote.errors import ConfigError, StoreError
from denote.object_models.architectures.mlp import MLP
from denote.object_models.model_store import ModelStore
from denote.object_models.pretrained.checkpoint import Checkpoint, read_state_dict
from denote.object_models.pretrained.source import fill
from denote.object_models.spec import ModelSpec
from denote.object_models.training import ObjectModel
from denote.object_models.weights import digest_weights

DATASET = {"input_shape": (4, 4), "n_classes": 3}
SMALL = {"layers": 1, "width": 4}


def trained(seed: int = 0) -> MLP:
    torch.manual_seed(seed)
    return MLP((4, 4), 3, **SMALL)


def saved_by_lightning(network: nn.Module, path: Path) -> None:
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, max_epochs=0)
    trainer.strategy.connect(ObjectModel(network, 3))
    trainer.save_checkpoint(path)


def source(path: Path, **settings: Any) -> Checkpoint:
    return Checkpoint(DATASET, MLP, str(path), SMALL, **settings)


def test_the_same_weights_are_had_from_every_kind_of_file(tmp_path: Path) -> None:
    network = trained()
    state = network.state_dict()
    save_file(state, tmp_path / "plain.safetensors")
    torch.save(state, tmp_path / "plain.pt")
    torch.save({"state_dict": {f"model.{name}": each for name, each in state.items()}, "epoch": 3}, tmp_path / "m.ckpt")
    torch.save({f"inner.net.{name}": each for name, each in state.items()}, tmp_path / "inner.pt")
    saved_by_lightning(network, tmp_path / "lightning.ckpt")
    found = [source(path) for path in sorted(tmp_path.iterdir()) if path.stem != "inner"]
    found.append(source(tmp_path / "inner.pt", prefix="inner.net."))
    inputs = torch.randn(5, 4, 4)
    assert len(found) == 5
    for each in found:
        torch.testing.assert_close(each.network(inputs), network(inputs))
        assert each.weights == digest_weights(network)
        assert not each.network.training
        assert each.remark is None
    assert source(tmp_path / "plain.pt").fresh().state_dict()["logits.bias"].ne(state["logits.bias"]).any()


def test_weights_are_known_by_their_content() -> None:
    one, same, other = trained(), trained(), trained(1)
    assert digest_weights(one) == digest_weights(same) != digest_weights(other)
    assert digest_weights(one.half()) != digest_weights(same)
    digest_weights(one.bfloat16())


def test_names_that_do_not_match_are_listed_five_each_way() -> None:
    deep = MLP((4, 4), 3, layers=5, width=4)
    weights = {f"other_{i}": torch.zeros(1) for i in range(7)}
    with pytest.raises(StoreError) as caught:
        fill(deep, weights, "weights.pt")
    text = str(caught.value)
    assert (
        "missing: hidden_1.linear.weight, hidden_1.linear.bias, hidden_2.linear.weight, hidden_2.linear.bias, " in text
    )
    assert "hidden_3.linear.weight and 7 more" in text
    assert "not in the network: other_0, other_1, other_2, other_3, other_4 and 2 more" in text
    with pytest.raises(StoreError, match=re.escape("logits.weight has shape (3, 8) and MLP (3, 4)")):
        fill(trained(), {**trained().state_dict(), "logits.weight": torch.zeros(3, 8)}, "weights.pt")


def test_tied_weights_may_be_saved_once() -> None:
    def tied() -> nn.Module:
        network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        network[1].weight = network[0].weight
        return network

    one, other = tied(), tied()
    weights = {name: each for name, each in one.state_dict().items() if name != "1.weight"}
    fill(other, weights, "tied")
    torch.testing.assert_close(other(torch.ones(1, 4)), one(torch.ones(1, 4)))


class Hostile:
    """What runs when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def hostile_files(folder: Path, mark: Path) -> None:
    """The ways in which code comes with weights."""
    state, bad = trained().state_dict(), Hostile(mark)
    torch.save({**state, "logits.bias": bad}, folder / "in_a_state_dict.pt")
    torch.save({"state_dict": state, "hyper_parameters": bad}, folder / "beside_the_weights.ckpt")
    torch.save({**state, "x": bad}, folder / "old_format.pt", _use_new_zipfile_serialization=False)
    torch.save(trained(), folder / "whole_network.pt")
    (folder / "bare.pkl").write_bytes(pickle.dumps(bad))
    (folder / "called.safetensors").write_bytes(pickle.dumps(bad))
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(folder / "script.pt"))


def test_files_with_code_are_refused_and_nothing_of_them_runs(tmp_path: Path) -> None:
    mark, folder = tmp_path / "ran", tmp_path / "files"
    folder.mkdir()
    hostile_files(folder, mark)
    pickle.loads((folder / "bare.pkl").read_bytes())  # noqa: S301  (that it would run, where a file is unpickled)
    assert mark.exists()
    mark.unlink()
    for path in folder.iterdir():
        with pytest.raises(StoreError) as caught:
            read_state_dict(path)
        assert not mark.exists(), path
        assert str(path) in str(caught.value)
        if path.suffix != ".safetensors" and path.stem != "script":
            assert "so it was not opened" in str(caught.value)


def test_files_that_hold_no_weights_say_what_they_hold(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"state_dict": {}}, tmp_path / "empty.pt")
    (tmp_path / "text.pt").write_text("weights")
    for name in ("list.pt", "empty.pt", "text.pt", "absent.pt"):
        with pytest.raises(StoreError, match=name):
            read_state_dict(tmp_path / name)


def test_arguments_are_those_of_the_class(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"architecture.arguments: .*depth.*allowed: the arguments of MLP"):
        Checkpoint(DATASET, MLP, str(tmp_path), {"depth": 3}).fresh()
    own = Checkpoint(DATASET, MLP, str(tmp_path), {"n_classes": 7, **SMALL})
    assert own.fresh()(torch.zeros(1, 4, 4)).shape == (1, 7)
    assert Checkpoint(DATASET, nn.Linear, str(tmp_path), {"in_features": 2, "out_features": 1}).fresh()


def test_it_is_not_trained_and_its_key_is_its_weights(spec: ModelSpec, tmp_path: Path) -> None:
    network = trained()
    found = replace(spec, weights=digest_weights(network), elsewhere=lambda: network)
    other = replace(found, weights=digest_weights(trained(1)))
    assert len({spec.key, found.key, other.key, found.twin(0).key}) == 4
    assert replace(found, seed=5).key == replace(found, seed=5).key
    model = ModelStore(tmp_path).obtain(found, data_module=None)  # type: ignore[arg-type]  # nothing is trained
    assert model.model.network is network
    assert (model.epoch, model.history, model.was_trained) == (None, [], False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="trained elsewhere"):
        replace(found, epoch=2)
