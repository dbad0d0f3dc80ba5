"""The MLP probe: reads what no linear observer can, and nothing that is not there; equal seeds give equal bits."""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from cell_observations import observe_cells
from scipy.special import expit
from torch.utils.data import DataLoader, TensorDataset

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.errors import ConfigError, StateError
from denote.evidence.intervals import auroc_interval
from denote.evidence.rule import Rule
from denote.evidence.scores import Ranking
from denote.object_models.lightning_session import quiet_lightning
from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.observer import Observer, load_observers, save_observers
from denote.observers.observer_model import ObserverModel
from denote.observers.probes import probe_from
from denote.observers.reading import UNBOUNDED, Resources, moments
from denote.observers.solvers.batches import PIECE, Batches
from denote.observers.solvers.design import design_of
from denote.states.state import StoredState
from denote.streams import stream

Arrays = tuple[np.ndarray, np.ndarray]

QUICK = MlpProbe(width=8, max_epochs=3)


def planted(seed: int, n: int = 1200, d: int = 6) -> Arrays:
    """A state in which one attribute is the exclusive or of two neurons' signs and the other is one neuron's sign."""
    state = stream("mlp test", seed).standard_normal((n, d)).astype(np.float32)
    return state, np.stack([(state[:, 0] > 0) ^ (state[:, 1] > 0), state[:, 2] > 0], axis=1).astype(np.int8)


def held_out(observer: Observer, seed: int = 1) -> np.ndarray:
    state, labels = planted(seed)
    return Ranking(observer.scores(state), labels).auroc


def assert_equal(one: Observer, other: Observer) -> None:
    assert (one.probe, one.k, one.notes) == (other.probe, other.k, other.notes)
    for field in ("hidden", "hidden_bias", "weights", "bias", "converged", "gradient_norm"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


@pytest.fixture(scope="module")
def observer() -> Observer:
    return MlpProbe().fit(*planted(0))


def test_reads_what_no_linear_observer_can(observer: Observer) -> None:
    auroc, linear = held_out(observer), held_out(LinearProbe().fit(*planted(0)))
    assert (auroc > 0.95).all()
    assert abs(linear[0] - 0.5) < 0.06
    assert linear[1] > 0.95
    assert observer.converged.all()
    assert np.isnan(observer.gradient_norm).all()


def test_scores_are_those_of_the_formula(observer: Observer) -> None:
    state, _ = planted(2, n=50)
    assert observer.hidden is not None
    units = np.maximum(state.astype(np.float64) @ observer.hidden + observer.hidden_bias, 0)
    np.testing.assert_allclose(observer.scores(state), units @ observer.weights + observer.bias, rtol=1e-12)
    with pytest.raises(StateError, match="has 5 neurons; the observer reads 6"):
        observer.scores(state[:, :5])
    with pytest.raises(ValueError, match="no single weight per neuron"):
        _ = observer.relevance


def test_some_attributes_of_an_observer(observer: Observer) -> None:
    state, _ = planted(2, n=50)
    scores = observer.scores(state)
    np.testing.assert_allclose(observer.at(slice(1, 2)).scores(state), scores[:, 1:], rtol=1e-12)
    np.testing.assert_allclose(observer.at(np.array([1, 0])).scores(state), scores[:, ::-1], rtol=1e-12)


def test_noise_is_not_read() -> None:
    state, _ = planted(0)
    labels = stream("mlp test noise").integers(0, 2, (2400, 3)).astype(np.int8)
    observer = MlpProbe().fit(state, labels[:1200])
    auroc = Ranking(observer.scores(planted(1)[0]), labels[1200:]).auroc
    positives = (labels[1200:] == 1).sum(0)
    found = auroc_interval(auroc, positives, 1200 - positives, confidence=0.999)
    assert ((found.low < 0.5) & (found.high > 0.5)).all()
    assert observer.converged.all()


def test_a_seed_gives_the_same_bits_and_the_global_generators_are_left_alone() -> None:
    state, labels = planted(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    with torch.no_grad():
        first = QUICK.fit(state, labels, seed=3)
        assert not torch.is_grad_enabled()
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert before[2] == random.getstate()
    torch.manual_seed(99)
    assert_equal(QUICK.fit(torch.from_numpy(state), labels, seed=3), first)
    assert (QUICK.fit(state, labels, seed=4).weights != first.weights).any()


def test_a_loss_that_explodes_is_a_mistake_of_one_line_and_leaves_no_trace() -> None:
    state, labels = planted(0)
    before = torch.get_rng_state()
    with pytest.raises(ConfigError, match=r"^probe\.mlp\.lr: the loss is (nan|inf) after epoch 1; try a lower one$"):
        MlpProbe(lr=1e30).fit(state, labels)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()


def test_a_fit_is_quiet_and_leaves_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        QUICK.fit(*planted(0))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_nulls_leave_their_own_column_only_and_one_class_has_no_fit() -> None:
    state, labels = planted(0)
    known = np.concatenate([labels, np.ones((len(labels), 1), np.int8), labels[:, :1]], axis=1)
    known[700:, 1] = -1
    known[:, 3] = -1
    observer = MlpProbe().fit(state, known)
    assert (held_out(observer.at(slice(0, 2))) > 0.95).all()
    assert observer.fitted.tolist() == [True, True, False, False]
    assert observer.notes[:2] == (None, None)
    assert observer.notes[2] == "not fitted: 1200 positive and 0 negative fit rows"
    assert observer.notes[3] == "not fitted: 0 positive and 0 negative fit rows"
    assert np.isnan(observer.scores(state)[:, 2:]).all()
    assert not observer.converged[2:].any()
    # Columns without fit take no part: the others are as if they were not there.
    assert_equal(observer.at(slice(0, 2)), MlpProbe().fit(state, known[:, :2]))


def test_no_attribute_with_both_classes() -> None:
    state, labels = planted(0)
    observer = MlpProbe().fit(state, np.zeros_like(labels))
    assert not observer.fitted.any()
    assert np.isnan(observer.scores(state)).all()


def test_both_classes_must_be_in_both_inner_parts() -> None:
    state, labels = planted(0)
    labels[:, 1] = 0
    held = stream("inner validation", 0).permutation(len(labels))[:240]
    labels[held[:2], 1] = 1
    observer = QUICK.fit(state, labels)
    assert observer.notes == (None, "not fitted: 0 positive and 960 negative rows in the inner training part")
    assert np.isnan(observer.bias).tolist() == [False, True]


def test_neurons_may_be_shifted_and_scaled_and_be_constant() -> None:
    state, labels = planted(0)
    state = np.concatenate([state, np.full((len(state), 1), 7, np.float32)], axis=1)
    moved = state * np.float32(64) + np.float32(1024)
    first, second = QUICK.fit(state, labels), QUICK.fit(moved, labels)
    assert second.scores(moved) == pytest.approx(first.scores(state), abs=2e-3)
    assert first.hidden is not None
    assert (first.hidden[6] == 0).all()


def test_the_loss_is_that_of_the_formula() -> None:
    state, labels = planted(0, n=300)
    labels[:200, 1] = -1
    labels[200:230, 1] = 1
    for balance in (True, False):
        weights = MlpProbe(balance=balance)._class_weights(labels)
        design = design_of(state, moments(state).mean, moments(state).variance.sqrt(), UNBOUNDED)
        batches = Batches(design, np.arange(300), torch.from_numpy(labels), weights, batch_size=70)
        model = ObserverModel(6, 2, "mlp", width=4)
        model.initialise(torch.Generator().manual_seed(0))
        ours = sum(model.training_step(batch, 0).item() for batch in batches)
        scores = model(((torch.from_numpy(state) - moments(state).mean) / moments(state).variance.sqrt()).float())
        expected = 0.0
        for column in range(2):
            losses = {
                label: -np.log(expit(scores[labels[:, column] == label, column].detach().numpy() * (2 * label - 1)))
                for label in (0, 1)
            }
            both = np.concatenate([losses[0], losses[1]])
            expected += ((losses[0].mean() + losses[1].mean()) / 2 if balance else both.mean()) / 2
        assert ours == pytest.approx(expected, rel=1e-5)


def test_batches_hold_every_row_once_in_an_order_that_changes_from_pass_to_pass() -> None:
    n = 5 * PIECE + 17
    state = np.arange(n, dtype=np.float32)[:, None]
    rows = np.arange(0, n, 2)
    design = design_of(state, torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64), UNBOUNDED)
    labels = torch.from_numpy((state >= n / 2).astype(np.int8))
    batches = Batches(design, rows, labels, torch.ones(2, 1) / len(rows), batch_size=100, seed=5)
    passes = [list(batches), list(batches)]
    seen = [np.concatenate([state[:, 0].numpy() for state, _, _ in one]) for one in passes]
    assert all((np.sort(order) == rows).all() for order in seen)
    assert (seen[0] != seen[1]).any()
    assert (np.abs(np.diff(seen[0])) > 2).mean() > 0.9
    assert {len(state) for state, _, _ in passes[0]} <= {82, 83}
    for state_part, targets, weights in passes[0]:
        assert torch.equal(targets, (state_part >= n / 2).float())
        assert weights.sum().item() == pytest.approx(1)


def test_a_state_on_disk_in_little_memory_gives_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, labels = planted(0)
    np.save(tmp_path / "state.npy", np.repeat(state, 2, axis=0))
    stored = StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(0, 2400, 2))
    monkeypatch.setattr("denote.observers.solvers.batches.GATHERED", 2 * PIECE * 4 * state.shape[1])
    probe = MlpProbe(max_epochs=100)
    streamed = probe.fit(stored, labels, resources=Resources(memory=1 << 10))
    assert (held_out(streamed) > 0.95).all()
    assert_equal(streamed, probe.fit(state, labels))
    assert_equal(streamed, probe.fit(torch.from_numpy(state), labels, resources=Resources(memory=1 << 10)))


def test_settings_arrive() -> None:
    probe = probe_from("mlp", {"width": 5, "weight_decay": 0, "patience": 2, "balance": False})
    assert probe == MlpProbe(width=5, weight_decay=0, patience=2, balance=False)
    observer = probe.fit(*planted(0, n=200))
    assert observer.hidden is not None
    assert observer.hidden.shape == (6, 5)
    assert MlpProbe.joint


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("width", 0, "a whole number of at least 1 and at most 1000000000"),
        ("weight_decay", -1, "a number of at least 0"),
        ("weight_decay", float("inf"), "a number of at least 0"),
        ("patience", 1.5, "a whole number of at least 1 and at most 1000000000"),
        ("lr", 0, "a number above 0"),
    ],
)
def test_a_wrong_setting_is_named(key: str, value: float, allowed: str) -> None:
    with pytest.raises(ConfigError, match=rf"^probe\.mlp\.{key}: {value} is not possible; allowed: {allowed}$"):
        probe_from("mlp", {key: value})


def test_weight_decay_shrinks_weights_and_epochs_end_the_training() -> None:
    state, labels = planted(0)
    loose, tight = MlpProbe(weight_decay=0, max_epochs=20), MlpProbe(weight_decay=100, max_epochs=20)
    sizes = [np.abs(probe.fit(state, labels).weights).mean() for probe in (loose, tight)]
    assert sizes[1] < 0.5 * sizes[0]
    assert not QUICK.fit(state, labels).converged.any()


def test_without_balance_the_threshold_is_moved() -> None:
    state = stream("mlp test rare").standard_normal((2000, 3)).astype(np.float32)
    labels = (state[:, :1] + stream("mlp test rare", 1).standard_normal((2000, 1)) > 2).astype(np.int8)
    decided = MlpProbe(balance=False).fit(state, labels).scores(state) > 0
    assert ((decided[labels == 1].mean() + (~decided)[labels == 0].mean()) / 2) > 0.75


def test_the_validation_part_moves_no_weight_and_chooses_the_epoch() -> None:
    state, labels = planted(0)
    held = stream("inner validation", 0).permutation(len(labels))[:240]
    lying = labels.copy()
    lying[held] = 1 - lying[held]
    one_epoch = MlpProbe(width=8, max_epochs=1)
    assert_equal(one_epoch.fit(state, lying), one_epoch.fit(state, labels))
    assert (
        MlpProbe(max_epochs=20).fit(state, lying).weights != MlpProbe(max_epochs=20).fit(state, labels).weights
    ).any()


def test_test_rows_cannot_matter() -> None:
    (state, labels), (other, truth) = planted(0), planted(1)
    names, families = ("xor", "sign"), ("named", "named")
    both = Halves(Labels(names, families, labels), Labels(names, families, truth))
    found = [
        observe_cells(Halves(state, test), both, QUICK, Rule(), shuffles=0).observer for test in (other, 9 - other)
    ]
    assert_equal(*found)


def test_comes_back_from_disk_bit_for_bit(observer: Observer, tmp_path: Path) -> None:
    save_observers(tmp_path / "observers.safetensors", {"hidden_0/mlp": observer})
    back = load_observers(tmp_path / "observers.safetensors")["hidden_0/mlp"]
    assert_equal(back, observer)
    np.testing.assert_array_equal(back.scores(planted(1)[0]), observer.scores(planted(1)[0]))


def test_the_lightning_model_scores_alike_and_its_checkpoint_holds_no_code(observer: Observer, tmp_path: Path) -> None:
    state = torch.from_numpy(planted(1)[0])
    model = ObserverModel.from_observer(observer)
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    with quiet_lightning():
        batches = trainer.predict(model, DataLoader(TensorDataset(state), batch_size=500))
    scores = torch.cat(batches).numpy()  # type: ignore[arg-type]
    np.testing.assert_allclose(scores, observer.scores(state), atol=1e-4)
    trainer.save_checkpoint(tmp_path / "observer.ckpt")
    again = ObserverModel.load_from_checkpoint(tmp_path / "observer.ckpt", map_location="cpu", weights_only=True)
    assert (again.hparams["probe"], again.hparams["width"]) == ("mlp", 64)
    np.testing.assert_allclose(again(state).numpy(), scores, atol=1e-6)


def test_lightning_is_imported_by_a_fit_only() -> None:
    code = "import sys, denote.observers.probes; print('pytorch_lightning' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
