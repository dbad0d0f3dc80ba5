"""What is left out is seen behind constants, rounding is not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from denote.data.parts import Halves
from denote.data.samples import TensorInputs
from denote.errors import LayerError
from denote.interventions.differences import Differences
from denote.interventions.edited_runs import NetworkRows, edited_runs
from denote.interventions.edits import SetTo
from denote.interventions.passes import Shortcuts, layer_passes
from denote.states.layers import Layer
from denote.states.listing import list_layers

ROWS = np.arange(60)


def are_none(*pairs: tuple[Tensor, Tensor], decides: bool = False) -> bool:
    differences = Differences(decides=decides)
    for one, other in pairs:
        differences.add(one, other)
    return differences.are_none


@pytest.mark.parametrize("offset", [0.0, 1990.0, -3000.0, 1e7])
def test_differences_are_held_against_the_spread_whatever_is_added(offset: float) -> None:
    torch.manual_seed(0)
    values = 4 * torch.randn(50, 3) + offset
    assert are_none((values, values.clone()))
    assert are_none((values[:, 0], values[:, 0].clone()))  # one number for a sample, on no axis
    moved = values.clone()
    moved[7, 1] += 1.0
    assert not are_none((values, moved))
    assert not are_none((values[:7], values[:7]), (values[7:8], moved[7:8]))
    if offset < 1e6:
        assert are_none((values, values * (1 + 1e-7)))


def test_what_is_constant_may_round_but_not_change() -> None:
    values = torch.full((50, 1), 0.3)
    assert are_none((values, values + 1e-6))
    assert not are_none((values, values + 0.01))


def test_small_outputs_count_beside_large_ones() -> None:
    torch.manual_seed(0)
    values = torch.randn(50, 2) * torch.tensor([1e4, 1.0])
    moved = values + torch.tensor([0.0, 0.1])
    assert not are_none((values, moved))


def test_the_largest_stays_the_largest_where_it_decides() -> None:
    values = torch.tensor([[5.0, -5.0], [-5.0, 5.0], [1.0, 1.0001]])
    moved = values.clone()
    moved[2, 0] = 1.0002
    assert are_none((values, moved))
    assert not are_none((values, moved), decides=True)


def test_infinite_and_missing_numbers_are_the_same_where_they_are_equal() -> None:
    values = torch.tensor([[1.0, -torch.inf, torch.nan], [2.0, -torch.inf, 3.0]])
    assert are_none((values, values.clone()))
    assert not are_none((values, values.nan_to_num(neginf=0)))
    assert not are_none((values, values.nan_to_num(nan=0)))
    assert not are_none((values, values[:, :2]))


class Offset(nn.Module):
    """A little goes round the layer, or from row to row, behind a large constant in all outputs."""

    def __init__(self, *, mixes: bool, n_outputs: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mixes = mixes
        self.first, self.head = nn.Linear(6, 6), nn.Linear(6, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        besides = hidden.mean(0) if self.mixes else x
        return self.head(hidden) + besides[..., :1] + 3000.0


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("mixes", [False, True])
def test_a_constant_in_the_outputs_hides_nothing(mixes: bool, n_outputs: int) -> None:
    made = Offset(mixes=mixes, n_outputs=n_outputs)
    inputs = TensorInputs(np.random.default_rng(0).standard_normal((60, 6), dtype=np.float32))
    layer = list_layers(made, inputs[ROWS])[0]
    with layer_passes(made, layer, inputs, ROWS) as passes:
        assert passes.shortcuts == Shortcuts(restarts=mixes, separate=not mixes)
    edits = [SetTo([0], torch.tensor([value])) for value in (0.0, 9.0)]
    given: dict[int, Tensor] = {}
    with edited_runs(NetworkRows(made, inputs, Halves(ROWS, ROWS)), layer) as runs:
        runs.run(ROWS, edits, None, lambda index, block, outputs: given.update({index: outputs}))
    for index, edit in enumerate(edits):
        with torch.no_grad():
            x = inputs[ROWS]
            hidden = made.first(x)
            hidden[:, 0] = edit.values[0]
            wanted = made.head(hidden) + (hidden.mean(0) if mixes else x)[..., :1] + 3000.0
        torch.testing.assert_close(given[index], wanted, rtol=0, atol=2e-3)


def test_a_network_that_draws_a_little_behind_a_constant_is_refused() -> None:
    class Draws(Offset):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.first(x)) + 0.5 * torch.randn(len(x), 1) + 3000.0

    inputs = TensorInputs(np.random.default_rng(0).standard_normal((60, 6), dtype=np.float32))
    made = Draws(mixes=False, n_outputs=1)
    layer = Layer("first", 0, None, (6,), "none", (6,))
    with pytest.raises(LayerError, match="something else on the same input"), layer_passes(made, layer, inputs, ROWS):
        pass
