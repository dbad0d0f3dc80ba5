"""The simulation behind the cutoff of controls, small: which reading agrees with a control inside the family."""

import runpy
from pathlib import Path

import pytest

SIMULATION = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "simulations" / "cutoff.py"))


@pytest.mark.parametrize("kinds", [{0.999: 40, 0.5: 460}, {0.999: 200, 0.955: 100, 0.5: 200}])
def test_the_threshold_that_was_used_decides_as_the_family_would(kinds: dict[float, int]) -> None:
    found = SIMULATION["compared"]((200, 1800), kinds, "test", seeds=3)
    assert found["q k / m decides otherwise"] <= 0.01
    assert found["q k / m"] == pytest.approx(found["truth"], abs=0.01)
    if 0.955 not in kinds:
        assert found["largest rejected p"] < found["truth"] - 0.5, "with near-perfect neurons only it is far too strict"
