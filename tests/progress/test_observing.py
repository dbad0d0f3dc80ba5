"""An observation in Python shows its layers where it is asked to, and finds the same."""

import numpy as np
import pytest
import torch
from polars.testing import assert_frame_equal

import denote
from denote.errors import DenoteError
from denote.progress import surfaces


@pytest.fixture(scope="module")
def states() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(300, 6)).astype(np.float32) for name in ("first", "second")}


def observed(states: dict[str, np.ndarray], **settings: str) -> denote.ObservationResult:
    attributes = {"high": states["first"][:, 0] > 0}
    return denote.observe(states=states, attributes=attributes, evidence="quick", **settings)


def test_progress_is_shown_where_it_is_asked_for_and_changes_no_number(
    states: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = observed(states, progress="none")
    short = observed(states)  # by itself it shows what takes longer
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(surfaces, "FIRST_LINE", 0.0)
    monkeypatch.setattr(surfaces.LogLines, "period", 0.0001)
    shown = observed(states, progress="log")
    out, err = capsys.readouterr()
    assert out == ""
    assert "layer 1 of 2" in err
    for result in (short, shown):
        assert_frame_equal(result.cells, quiet.cells)
        assert_frame_equal(result.neurons, quiet.neurons)


def test_networks_are_recorded_batch_by_batch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(surfaces, "FIRST_LINE", 0.0)
    monkeypatch.setattr(surfaces.LogLines, "period", 0.0001)
    monkeypatch.setattr(surfaces, "PAUSE", 0.0)  # a line whenever the thread looks
    monkeypatch.setattr(surfaces, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(surfaces, "PART", 0.0)
    inputs = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    high = (inputs[:, 0] > 0).numpy()
    network = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU())
    denote.observe(network, inputs, {"high": high}, evidence="quick", batch_size=1, progress="log")
    assert "states > batch" in capsys.readouterr().err


def test_a_mode_that_there_is_not_is_a_mistake(states: dict[str, np.ndarray]) -> None:
    with pytest.raises(DenoteError, match=r"observe\(progress=...\): 'loud' is unknown; allowed: auto, bar, log, none"):
        observed(states, progress="loud")
