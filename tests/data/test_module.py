"""Batches carry their row ids, and the order of training follows its seed alone."""

import numpy as np
import pytest
import pytorch_lightning as lightning
import torch

from denote.data.module import TrainingOrder, as_lightning
from denote.data.sources.digits import DigitsModule
from denote.errors import DataError


@pytest.fixture(scope="module")
def digits():
    module = DigitsModule(batch_size=64, order_seed=1)
    module.setup()
    return module


def test_batches_are_inputs_targets_and_rows_that_belong_together(digits):
    seen = []
    for inputs, targets, rows in digits.train_dataloader():
        seen.append(rows.numpy())
        np.testing.assert_array_equal(targets.numpy(), digits.samples.targets[rows.numpy()])
        assert torch.equal(inputs, digits.samples.inputs[rows.numpy()])
    assert np.array_equal(np.sort(np.concatenate(seen)), digits.train_rows)


def test_validation_and_test_batches_are_in_row_order(digits):
    for loader, rows in (
        (digits.val_dataloader(), digits.validation_rows),
        (digits.test_dataloader(), digits.parts.test),
    ):
        assert np.array_equal(torch.cat([batch[2] for batch in loader]).numpy(), rows)


def test_training_and_validation_rows_make_up_the_object_part(digits):
    both = np.concatenate([digits.train_rows, digits.validation_rows])
    assert np.array_equal(np.sort(both), digits.parts.object)


def test_the_order_changes_with_the_epoch_and_the_seed_and_with_nothing_else():
    rows = np.arange(50)

    def order(seed, epoch):
        sampler = TrainingOrder(rows, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    first = order(0, 0)
    torch.manual_seed(3)
    assert order(0, 0) == first
    assert sorted(first) == rows.tolist()
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_lightning_announces_the_epoch_to_the_order(digits):
    class Watcher(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer, self.seen = torch.nn.Linear(64, 10), []

        def training_step(self, batch, _):
            self.seen.append((self.current_epoch, batch[2].tolist()))
            return torch.nn.functional.cross_entropy(self.layer(batch[0].flatten(1)), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    watcher = Watcher()
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(max_epochs=2, limit_val_batches=0, accelerator="cpu", **quiet)
    trainer.fit(watcher, datamodule=as_lightning(digits))
    for epoch in (0, 1):
        order = TrainingOrder(digits.train_rows, digits.order_seed)
        order.set_epoch(epoch)
        assert [row for at, rows in watcher.seen if at == epoch for row in rows] == list(order)


def test_loading_leaves_the_global_generators_alone(digits):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    next(iter(digits.train_dataloader()))
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_batches_for_recording_cover_the_rows_in_the_order_given(digits):
    rows = digits.parts.observed[::-1]
    found = list(digits.batches(rows, 100))
    assert max(len(inputs) for inputs, _ in found) == 100
    assert np.array_equal(np.concatenate([chosen for _, chosen in found]), rows)
    assert torch.equal(found[-1][0], digits.samples.inputs[found[-1][1]])


def test_no_batch_of_one_is_trained_on(digits):
    module = DigitsModule(batch_size=len(digits.train_rows) - 1)
    module.setup()
    assert [len(rows) for _, _, rows in module.train_dataloader()] == [len(digits.train_rows) - 1]


def test_a_model_from_outside_leaves_no_object_part():
    module = DigitsModule(needs_object=False, split={"seed": 0, "fractions": {"fit": 0.5, "test": 0.5}})
    module.setup()
    assert len(module.parts.object) == len(module.train_rows) == 0
    assert len(module.parts.observed) == len(module.samples)


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(DataError, match=r"dataset\.batch_size"):
        DigitsModule(batch_size=0)


def test_words_are_trained_on_by_whole_sentences():
    rows, sentence = np.arange(3, 33), np.repeat(np.arange(10), 3)
    order = TrainingOrder(rows, seed=0, together=sentence)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    for drawn in (first, second):
        assert sorted(drawn) == rows.tolist()
        of_drawn = sentence[np.array(drawn) - 3].reshape(10, 3)
        assert (of_drawn == of_drawn[:, :1]).all()
    assert first != second
