"""Networks of transformers from a local folder: their weights, their names for inputs, what is missing or unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from denote.data.batch import Named, call
from denote.errors import ConfigError, StoreError
from denote.object_models.pretrained.hugging_face import HuggingFace
from denote.object_models.task import tensor_of
from denote.object_models.weights import digest_weights
from denote.states.capture import capturing
from denote.states.listing import list_layers

transformers = pytest.importorskip("transformers")

WIDE = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}


def saved(folder: Path, head: str = "AutoModel", kind: str = "bert", **settings: Any) -> nn.Module:
    """A small network at random, in a folder as transformers writes it."""
    torch.manual_seed(0)
    options = {**({} if kind == "t5" else WIDE), "vocab_size": 30, **settings}
    config = transformers.AutoConfig.for_model(kind, **options)
    network: nn.Module = getattr(transformers, head).from_config(config).eval()
    network.save_pretrained(folder)  # type: ignore[operator]  # a method of transformers
    return network


def sentences() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]])
    return tokens, torch.tensor([[True] * 4, [True, True, False, False]])


def test_weights_and_inputs_by_the_names_of_a_dataset(tmp_path: Path) -> None:
    network = saved(tmp_path / "tiny")
    source = HuggingFace({}, str(tmp_path / "tiny"))
    assert (source.readable_id, source.remark) == ("tiny", None)
    assert source.weights == digest_weights(network)
    tokens, mask = sentences()
    expected = network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
    got = tensor_of(call(source.network, Named({"input_ids": tokens, "attention_mask": mask}, mask)))
    torch.testing.assert_close(got, expected)


def test_the_twin_is_the_class_with_fresh_weights(tmp_path: Path) -> None:
    saved(tmp_path, dtype=torch.float16)
    source = HuggingFace({}, str(tmp_path))
    fresh = source.fresh()
    assert {name: each.shape for name, each in fresh.state_dict().items()} == {
        name: each.shape for name, each in source.network.state_dict().items()
    }
    assert digest_weights(fresh) != source.weights
    assert {each.dtype for each in fresh.parameters()} == {each.dtype for each in source.network.parameters()}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_runs_and_states_are_float32(tmp_path: Path, dtype: str) -> None:
    saved(tmp_path, kind="vit", image_size=8, patch_size=4)
    whole, half = HuggingFace({}, str(tmp_path)).network, HuggingFace({}, str(tmp_path), dtype=dtype).network
    images = torch.randn(2, 3, 8, 8)
    states = []
    for network in (whole, half):
        layers = list_layers(network, images)
        with capturing(network, layers) as record:
            states.append(record(images))
    for name, state in states[1].items():
        assert state.dtype == torch.float32
        torch.testing.assert_close(state, states[0][name], atol=0.1, rtol=0.1)


def test_heads_are_there_by_task_and_attention_is_a_layer_if_it_is_asked_for(tmp_path: Path) -> None:
    saved(tmp_path, "AutoModelForSequenceClassification", num_labels=5)
    tokens, mask = sentences()
    batch = Named({"input_ids": tokens, "attention_mask": mask}, mask)
    source = HuggingFace({}, str(tmp_path), task="sequence-classification", attention="eager")
    assert tensor_of(call(source.network, batch)).shape == (2, 5)
    kinds = {layer.kind for layer in list_layers(source.network, batch, of="modules")}
    assert kinds == {"units", "sequence", "heads"}


def test_weights_that_are_missing_are_said_and_drawn_the_same(tmp_path: Path) -> None:
    saved(tmp_path)
    first, second = (HuggingFace({}, str(tmp_path), task="sequence-classification") for _ in range(2))
    assert first.remark is not None
    assert "2 weights are not in its checkpoint and stay as drawn: classifier.bias, classifier.weight" in first.remark
    torch.manual_seed(5)
    assert first.weights == second.weights


def test_an_encoder_and_decoder_read_the_same_sequence(tmp_path: Path) -> None:
    saved(tmp_path, kind="t5", d_model=8, num_layers=1, num_heads=2, d_ff=8, d_kv=4)
    tokens, mask = sentences()
    layers = list_layers(
        HuggingFace({}, str(tmp_path)).network, Named({"input_ids": tokens, "attention_mask": mask}, mask)
    )
    names = [layer.name for layer in layers]
    assert any(name.startswith("encoder.") for name in names)
    assert any(name.startswith("decoder.") for name in names)


def test_code_of_a_repository_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(StoreError, match="cannot be had"):
        _ = HuggingFace({}, str(tmp_path)).network
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_are_not_opened(tmp_path: Path) -> None:
    network = saved(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(StoreError, match="cannot be had"):
        _ = HuggingFace({}, str(tmp_path)).network


def test_what_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"a folder with config\.json and model.safetensors, or a Hub id"):
        _ = HuggingFace({}, str(tmp_path / "absent")).network
    for key, value in (("task", "tagging"), ("attention", "fast"), ("dtype", "int8")):
        with pytest.raises(ConfigError, match=rf"architecture\.{key}: '{value}' is unknown"):
            HuggingFace({}, str(tmp_path), **{key: value})
