"""The simulations of the pair scan at a small size; ``scripts/simulations`` has them at full size."""

from __future__ import annotations

import pytest
from simulations import noise, planted


def test_planted_pairs_are_found_as_often_as_predicted() -> None:
    """12 seeds: the standard error of a power near .4 is about .045, and .2 more than 4 of them; seeds are fixed."""
    found = planted.run(12)
    for row in found.values():
        assert row["off by"] <= 0.2
        assert row["fdr"] <= 0.12
    powers = [row["power"] for row in found.values()]
    assert powers[:2] == [1, 1]
    assert powers == pytest.approx(list(planted.POWER.values()), abs=0.2)


def test_noise_is_seldom_found_and_never_alarms() -> None:
    """Of 10 seeds P(Bin(10, .05) > 4) = 6e-5."""
    found = noise.run(10, draws=20)
    for count in ("seeds with a hit", "one attribute: seeds with a hit", "sparse: seeds with a hit"):
        assert found[count] <= 4
    assert found["seeds with an alarm"] == 0, "3e-4 a seed"
    assert found["sparse: seeds with a hit of usual Mann-Whitney tests"] == 10, "or the sparse noise shows nothing"
    assert found["mean below .05"] == pytest.approx(0.05 * 512 * 40, rel=0.05)
    assert found["mean best AUROC"] == pytest.approx(0.63, abs=0.02)
    assert found["one attribute: mean best AUROC"] == pytest.approx(0.70, abs=0.03)
    assert found["one attribute: mean AUROC of that neuron held out"] == pytest.approx(0.5, abs=0.06)
