"""Numbers and labels are learned by their own loss and judged by their own metric; words are read at their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import r2_score
from torch import Tensor, nn

from denote.attributes.families import families
from denote.config.settings import TrainingSettings
from denote.data.batch import Batch, Named, Words
from denote.data.learned import Learned
from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs, of_tokens
from denote.errors import ConfigError, DataError
from denote.numbers import proportion
from denote.object_models.architectures.mlp import MLP
from denote.object_models.architectures.transformer import Transformer
from denote.object_models.model_store import ModelStore, TrainedModel
from denote.object_models.spec import ModelSpec, rows_key
from denote.object_models.task import TASKS, held_out_score, tensor_of
from denote.object_models.training import ObjectModel

N = 400
SETTINGS = TrainingSettings(12, 32, "adam", lr=1e-2, weight_decay=0.0, patience=None, validation_share=0.1)


class Made(SamplesModule):
    """Samples that a test made."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(batch_size=SETTINGS.batch_size)
        self.made = samples

    def load(self) -> Samples:
        return self.made


def made(samples: Samples) -> Made:
    module = Made(samples)
    module.setup()
    return module


def numbers(scale: float = 1e6, shift: float = 3e7) -> Samples:
    """A target in the millions that two of four inputs decide."""
    inputs = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    target = (scale * (inputs[:, 0] - 2 * inputs[:, 1]) + shift).astype(np.float32)
    table = pl.DataFrame({"price": target, "high": target > np.median(target)})
    return Samples("numbers", TensorInputs(inputs), target, (), table, "price", "numbers-0", task="numeric")


def labels() -> Samples:
    """Three labels, each the sign of an input."""
    inputs = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    target = (inputs[:, :3] > 0).astype(np.int64)
    table = pl.DataFrame({name: target[:, i] for i, name in enumerate("abc")})
    return Samples("labels", TensorInputs(inputs), target, tuple("abc"), table, "a", "labels-0", task="labels")


def trained(module: Made, network: Any, folder: Path) -> TrainedModel:
    spec = ModelSpec(
        {"_target_": "test"}, network, (4,), module.learned.n_classes, module.samples.key,
        rows_key(module.train_rows, module.validation_rows), SETTINGS, seed=0, task=module.learned.task,
    )  # fmt: skip
    return ModelStore(folder).obtain(replace(spec, training=replace(SETTINGS, validation_share=0.1)), module)


def test_a_number_is_learned_whatever_its_scale(tmp_path: Path) -> None:
    module = made(numbers())
    found = trained(module, lambda: MLP((4,), 1, layers=1, width=16), tmp_path)
    score = held_out_score(found.network, module, module.parts.test)
    with torch.inference_mode():
        given = found.model(module.samples.inputs[module.parts.test])[:, 0].numpy()
    assert score.value == pytest.approx(r2_score(module.learned.targets[module.parts.test], given), abs=1e-5)
    assert score.value is not None
    assert score.value > 0.9
    assert score.remark == f"object model: R squared {proportion(score.value, 3)} on {len(module.parts.test)} rows"
    assert found.history[-1]["val_r_squared"] > 0.9
    assert set(found.history[0]) == {"epoch", "train_loss", "train_r_squared", "val_loss", "val_r_squared"}


def test_numbers_are_standardised_by_the_object_part_alone() -> None:
    module = made(numbers())
    rows = module.parts.object
    assert module.learned.targets[rows].mean() == pytest.approx(0, abs=1e-4)
    assert module.learned.targets[rows].std() == pytest.approx(1, abs=1e-4)
    moved = numbers()
    moved.targets[module.parts.test] *= 3
    np.testing.assert_array_equal(Learned.of(moved, rows).targets[rows], module.learned.targets[rows])


def test_every_part_has_small_and_large_numbers() -> None:
    module = made(numbers())
    for part in (module.parts.object, module.parts.fit, module.parts.test):
        assert np.bincount(module.samples.strata[part]).std() < 2


def test_labels_are_learned_together(tmp_path: Path) -> None:
    module = made(labels())
    found = trained(module, lambda: MLP((4,), 3, layers=1, width=16), tmp_path)
    score = held_out_score(found.network, module, module.parts.test)
    with torch.inference_mode():
        given = found.model(module.samples.inputs[module.parts.test]).numpy() > 0
    per_label = (given == module.samples.targets[module.parts.test]).mean(0)
    assert score.value == pytest.approx(per_label.mean())
    assert score.value is not None
    assert score.value > 0.9
    assert found.history[-1]["train_accuracy"] > 0.9


@pytest.mark.parametrize("task", ["numeric", "labels"])
def test_what_needs_classes_says_so(task: str) -> None:
    samples = numbers() if task == "numeric" else labels()
    for kind in ("classes", "subsets"):
        with pytest.raises(
            DataError, match=rf"attribute\.own: needs classes, and the target of dataset {samples.name}"
        ):
            families({"own": {"kind": kind}}, samples)
    assert families({"own": {"kind": "columns"}}, samples)
    with pytest.raises(DataError, match=r"dataset\.merge_classes"):
        SamplesModuleMerged(samples).setup()


class SamplesModuleMerged(Made):
    """Asks for fewer classes."""

    def __init__(self, samples: Samples) -> None:
        SamplesModule.__init__(self, merge_classes=2)
        self.made = samples


@pytest.mark.parametrize(
    ("task", "targets", "said"),
    [
        ("numeric", np.array([1.0, np.nan], np.float32), "1 of them NaN or infinite"),
        ("numeric", np.array([1, 2]), "type int64"),
        ("labels", np.array([[0, 2], [1, 1]]), "neither 0 nor 1"),
        ("labels", np.array([0, 1]), "shape (2,)"),
        ("ranks", np.array([0, 1]), "'ranks' is no task; allowed: classes, numeric, labels"),
    ],
)
def test_targets_of_another_kind_are_refused(task: str, targets: np.ndarray, said: str) -> None:
    with pytest.raises(DataError) as caught:
        Samples("x", TensorInputs(np.zeros((2, 1))), targets, ("a", "b"), pl.DataFrame({"t": [0, 1]}), "t", "k",
                task=task)  # fmt: skip
    assert said in str(caught.value)


def test_losses_are_those_that_are_meant() -> None:
    outputs, classes = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    expected = -outputs.log_softmax(1)[torch.arange(6), classes].mean()
    torch.testing.assert_close(TASKS["classes"].loss(outputs, classes), expected)
    targets = torch.randn(6)
    torch.testing.assert_close(TASKS["numeric"].loss(outputs[:, :1], targets), ((outputs[:, 0] - targets) ** 2).mean())
    yes = torch.tensor([[0, 1, 1]] * 6)
    p = outputs.sigmoid()
    torch.testing.assert_close(
        TASKS["labels"].loss(outputs, yes), -(yes * p.log() + (1 - yes) * (1 - p).log()).mean(), rtol=1e-4, atol=1e-4
    )


class Sentences:
    """Sentences of two to five tokens, padded by anything; samples are their words, the class is the token's parity."""

    def __init__(self, words: bool, n: int = 120) -> None:
        rng = np.random.default_rng(0)
        self.tokens = torch.from_numpy(rng.integers(0, 20, (n, 5)))
        self.length = torch.from_numpy(rng.integers(2, 6, n))
        self.words, self.n_tokens = words, 20
        self.at = [(s, p) for s in range(n) for p in range(int(self.length[s]))]
        self.shape: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.at) if self.words else len(self.tokens)

    def __getitem__(self, rows: np.ndarray) -> Batch:
        if not self.words:
            return self._named(torch.as_tensor(rows), None)
        at = torch.tensor([self.at[row] for row in rows])
        sentences, places = at[:, 0].unique(return_inverse=True)
        return self._named(sentences, Words(places, at[:, 1], at[:, 1] + 1))

    def _named(self, sentences: Tensor, words: Words | None) -> Named:
        mask = torch.arange(5) < self.length[sentences][:, None]
        return Named({"input_ids": self.tokens[sentences], "attention_mask": mask}, mask, words)


def sentences(*, words: bool) -> Made:
    inputs = Sentences(words)
    if words:
        targets = np.array([int(inputs.tokens[s, p]) % 2 for s, p in inputs.at])
    else:
        targets = (inputs.tokens[:, 0] % 2).numpy()
    table = pl.DataFrame({"class": targets})
    return made(Samples("sentences", inputs, targets, ("even", "odd"), table, "class", "sentences-0"))


def small(**settings: Any) -> Transformer:
    return Transformer((), 2, layers=1, width=16, heads=2, hidden=16, positions=5, dropout=0.0, **settings)


def test_a_tagger_learns_words_where_they_are(tmp_path: Path) -> None:
    module = sentences(words=True)
    facts = of_tokens(module.samples.inputs)
    assert facts == {"n_tokens": 20, "per_position": True}
    found = trained(module, lambda: small(**facts), tmp_path)
    score = held_out_score(found.network, module, module.parts.test)
    assert score.value is not None
    assert score.value > 0.95
    batch = module.samples.inputs[module.parts.test[:7]]
    assert found.model(batch).shape == (7, 2)


def test_whole_sequences_have_one_row_of_logits(tmp_path: Path) -> None:
    module = sentences(words=False)
    facts = of_tokens(module.samples.inputs)
    assert facts == {"n_tokens": 20, "per_position": False}
    found = trained(module, lambda: small(**facts), tmp_path)
    assert found.model(module.samples.inputs[np.arange(3)]).shape == (3, 2)


def test_padding_changes_no_logit() -> None:
    torch.manual_seed(0)
    tokens, mask = torch.tensor([[3, 4, 0, 0]]), torch.tensor([[True, True, False, False]])
    other = torch.tensor([[3, 4, 9, 7]])
    for per_position in (False, True):
        network = small(n_tokens=10, per_position=per_position).eval()
        short, long, odd = network(tokens[:, :2]), network(tokens, mask), network(other, mask)
        real = (slice(None), slice(0, 2)) if per_position else (slice(None),)
        torch.testing.assert_close(short, long[real])
        torch.testing.assert_close(short, odd[real])


class Returning(nn.Module):
    """Returns anything."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what = what

    def forward(self, inputs: Tensor) -> Any:
        return self.what


@pytest.mark.parametrize(
    "what", [torch.ones(2, 3), (torch.ones(2, 3), 1), {"other": torch.zeros(2), "logits": torch.ones(2, 3)}]
)
def test_logits_are_found_in_what_a_network_returns(what: Any) -> None:
    assert tensor_of(what).shape == (2, 3)
    assert ObjectModel(Returning(what), 3)(torch.zeros(2, 1)).shape == (2, 3)


@pytest.mark.parametrize("what", [None, "text", (), {}])
def test_a_network_that_returns_no_tensor_is_named(what: Any) -> None:
    with pytest.raises(ConfigError, match=r"architecture: the network returns .*, no tensor"):
        tensor_of(what)


def test_a_network_of_another_task_has_no_score() -> None:
    module = made(labels())
    score = held_out_score(MLP((4,), 7, layers=1, width=4), module, module.parts.test)
    assert score.value is None
    assert "the network gives (7,) per input and the task has 3 outputs" in score.remark


def test_inputs_without_tokens_say_nothing() -> None:
    facts: Mapping[str, Any] = of_tokens(TensorInputs(np.zeros((2, 3))))
    assert facts == {}


def test_lightning_moves_batches_by_name() -> None:
    from lightning_fabric.utilities.apply_func import move_data_to_device

    loader = sentences(words=True).val_dataloader()
    inputs, targets, _ = move_data_to_device(next(iter(loader)), torch.device("meta"))
    assert isinstance(inputs, Named)
    assert inputs.words is not None
    assert inputs.mask is not None
    moved = [
        *inputs.tensors.values(),
        inputs.mask,
        inputs.words.sequence,
        inputs.words.start,
        inputs.words.end,
        targets,
    ]
    assert {each.device.type for each in moved} == {"meta"}
