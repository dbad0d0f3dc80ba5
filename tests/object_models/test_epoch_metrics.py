"""What a training logs of an epoch, as users of Lightning expect it: current when it ends, of that epoch alone."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from denote.object_models import training
from denote.object_models.training import ObjectModel

ROWS, BATCH = 50, 8


class Still(ObjectModel):
    """A model that learns nothing, so that every epoch's numbers are those of its first weights."""

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Drop what was learned."""
        optimizer.zero_grad()


class Seen(Callback):
    """What a callback of anybody's sees when an epoch ends, and an exception in one of them."""

    def __init__(self, fail_at: int = -1) -> None:
        self.found: list[dict[str, float]] = []
        self.fail_at = fail_at

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == self.fail_at:
            raise RuntimeError("made to fail")

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        self.found.append({name: float(value) for name, value in trainer.callback_metrics.items()})


@pytest.fixture
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    return torch.randn(ROWS, 4, generator=drawn), torch.randint(0, 3, (ROWS,), generator=drawn)


def fitted(model: ObjectModel, rows: tuple[torch.Tensor, torch.Tensor], seen: Seen) -> None:
    inputs, targets = rows
    batches = [(inputs[i : i + BATCH], targets[i : i + BATCH], None) for i in range(0, ROWS, BATCH)]
    loader: DataLoader[object] = DataLoader(batches, batch_size=None)  # type: ignore[arg-type]
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = pl.Trainer(max_epochs=2, callbacks=[seen], enable_model_summary=False, **options)  # type: ignore[arg-type]
    trainer.fit(model, loader, loader)


@pytest.mark.parametrize("held", [1, 20, training.HELD])
def test_callbacks_see_the_epoch_that_ends(
    rows: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr(training, "HELD", held)
    torch.manual_seed(0)
    model, seen = Still(nn.Linear(4, 3), 3), Seen()
    with torch.no_grad():
        logits = model(rows[0])
    fitted(model, rows, seen)
    assert len(seen.found) == 2
    for found in seen.found:
        for stage in ("train_", "val_"):
            assert found[f"{stage}loss"] == pytest.approx(float(functional.cross_entropy(logits, rows[1])), abs=1e-6)
            assert found[f"{stage}accuracy"] == pytest.approx(float((logits.argmax(1) == rows[1]).double().mean()))


def test_steps_of_an_epoch_that_failed_are_no_part_of_the_next(rows: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    model, seen = Still(nn.Linear(4, 3), 3), Seen()
    with pytest.raises(RuntimeError, match="made to fail"):
        fitted(model, (rows[0] * 50, rows[1]), Seen(fail_at=3))
    with torch.no_grad():
        loss = float(functional.cross_entropy(model(rows[0]), rows[1]))
    fitted(model, rows, seen)
    assert seen.found[0]["train_loss"] == pytest.approx(loss, abs=1e-6)
