"""Probes by name, the majority, and observers on disk and in Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from denote.errors import ConfigError, StoreError
from denote.observers.kinds import built_in_probes
from denote.observers.observer import Observer, load_observers, save_observers
from denote.observers.observer_model import ObserverModel
from denote.observers.probes import PROBES, probe_from
from denote.observers.sparse import SparseProbe


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((120, 4)).astype(np.float32)
    return state, np.stack([state[:, 0] > 0, state[:, 1] > 1, np.zeros(120)], axis=1).astype(np.int8)


@pytest.mark.parametrize(
    ("kind", "settings", "text"),
    [
        ("linaer", {}, "probe: there is no probe 'linaer'; did you mean 'linear'?"),
        ("linear", {"tolerence": 1}, "probe.linear.tolerence: there is no such key; did you mean 'tolerance'?"),
        ("neuron", {"l2": 1}, "probe.neuron.l2: there is no such key; this one has none"),
        (
            "linear",
            {"l2": 0},
            "probe.linear.l2: 0 is not possible; allowed: a number above 0, or a list",
        ),
        ("linear", {"l2": True}, "probe.linear.l2: True is not possible"),
        ("linear", {"l2": float("nan")}, "probe.linear.l2: nan is not possible"),
        ("linear", {"balance": "yes"}, "probe.linear.balance: 'yes' is not possible; allowed: true or false"),
        (
            "linear",
            {"max_iterations": 0},
            "probe.linear.max_iterations: 0 is not possible; allowed: a whole number",
        ),
        ("centroid", {"standardise": 1}, "probe.centroid.standardise: 1 is not possible; allowed: true or false"),
        *(
            (
                "sparse",
                {"sizes": sizes},
                f"probe.sparse.sizes: {said} is not possible; allowed: a list of increasing whole numbers",
            )
            for sizes in ([], 4, [0, 1], [4, 2], [2, 2], [1.5], [True, 2], ["1"], None)
            for said in ["null" if sizes is None else repr(sizes)]
        ),
    ],
)
def test_a_wrong_setting_is_named(kind: str, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        probe_from(kind, settings)
    assert str(caught.value).startswith(text)


def test_settings_arrive() -> None:
    probe = probe_from("linear", {"l2": 0.5, "standardise": False})
    assert probe == PROBES["linear"](l2=0.5, standardise=False)
    assert probe_from("sparse", {"sizes": [1, 3]}) == SparseProbe(sizes=(1, 3))


def test_kinds_are_what_their_classes_say() -> None:
    """What is read off the source is what the classes say, and every kind has an option."""
    options = Path(__file__).parents[2] / "conf" / "probe"
    assert {file.stem for file in options.glob("*.yaml")} == set(PROBES) == set(built_in_probes())
    for name, kind in built_in_probes().items():
        probe = PROBES[name]()
        assert (kind.kind, kind.is_baseline) == (probe.kind, probe.is_baseline)
        assert PROBES[name].__name__ == kind.class_name
    assert [name for name, kind in built_in_probes().items() if kind.is_reference] == ["linear"]


def test_majority_says_what_most_rows_are() -> None:
    state, labels = data()
    scores = probe_from("majority", {}).fit(state, np.where(labels == 2, 0, 1 - labels)).scores(state)
    assert (scores[:, 1:] == 1).all()
    assert np.isnan(probe_from("majority", {}).fit(state, np.full((120, 1), -1, np.int8)).scores(state)).all()


def fitted() -> dict[str, Observer]:
    return {f"hidden.0/{kind}": probe_from(kind, {}).fit(*data()) for kind in PROBES}


def test_observers_come_back_bit_for_bit(tmp_path: Path) -> None:
    save_observers(tmp_path / "observers.safetensors", fitted())
    back = load_observers(tmp_path / "observers.safetensors")
    assert list(tmp_path.iterdir()) == [tmp_path / "observers.safetensors"]
    for name, observer in fitted().items():
        for field in ("weights", "bias", "neuron", "threshold", "direction", "converged", "gradient_norm", "hidden"):
            np.testing.assert_array_equal(getattr(back[name], field), getattr(observer, field))
        assert (back[name].probe, back[name].k, back[name].notes) == (observer.probe, observer.k, observer.notes)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "observers.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(StoreError, match=r"observers\.safetensors: holds no observers"):
        load_observers(path)
    with pytest.raises(StoreError):
        load_observers(tmp_path / "none.safetensors")


def test_the_lightning_model_scores_alike_and_survives_a_checkpoint(tmp_path: Path) -> None:
    state, labels = data()
    observer = probe_from("linear", {}).fit(state, labels)
    model = ObserverModel.from_observer(observer)
    scores = model.predict_step((torch.from_numpy(state),), 0).numpy()
    np.testing.assert_allclose(scores, observer.scores(state), atol=1e-5)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    again = ObserverModel(**dict(model.hparams))
    again.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    np.testing.assert_array_equal(again(torch.from_numpy(state)).numpy(), scores)
