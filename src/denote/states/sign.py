"""Does the sign of a layer's neurons mean something? Only then is "on" another matter than "off" (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from denote.data.memory.given_columns import short_floats
from denote.states.hooks import Place, is_mapped, parts_of
from denote.streams import torch_stream

ARBITRARY = "signs_are_arbitrary"
"""A module with this attribute, and a true one, says of itself that it turns signs at will."""

SPREAD = 3.0
"""Standard deviation of the values on which functions are tried: both saturated and nearly linear parts are seen."""


@dataclass(frozen=True)
class LeafCall:
    """One call of a leaf that holds no numbers of its own; tensors are copies, as a later module may work in place."""

    module: nn.Module
    given: Tensor | None
    made: Tensor | None


@dataclass
class Tails:
    """The functions behind the last module with numbers of its own, followed through one forward pass.

    Attributes:
        leaves: The leaves of the network, by path.
        asked: Paths of the modules whose outputs matter.
        of: By place the calls that made what is there, one from the other.
    """

    leaves: Mapping[str, nn.Module]
    asked: Collection[str]
    of: dict[Place, tuple[LeafCall, ...]] = field(default_factory=dict)
    _calls: list[LeafCall] = field(default_factory=list)
    _given: dict[str, Tensor | None] = field(default_factory=dict)

    def look(self, place: Place, value: Any) -> None:
        """Keep what a leaf is called with; when it gives something the call, and the calls that made this output."""
        leaf = self.leaves.get(place.module)
        if place.is_input:
            if leaf is not None and not _hides_signs(leaf):
                tensors = parts_of(value)
                self._given[place.module] = _copy(tensors[""]) if len(value) == 1 and "" in tensors else None
            return
        if leaf is not None and _hides_signs(leaf):
            self._calls.clear()  # whatever came before may leave it with either sign
        elif leaf is not None:
            self._calls.append(LeafCall(leaf, self._given.pop(place.module), _copy(value)))
        if place.module in self.asked:
            self.of[place] = _tail(self._calls, value)


def identified_signs(modules: Mapping[str, nn.Module], tails: Mapping[Place, Sequence[LeafCall]]) -> dict[Place, bool]:
    """Return whether turning the sign of a neuron would make another kind of network, for each place.

    Weights can turn the sign of what a linear or normalised layer gives, and an odd function after it (tanh, identity,
    a mean) hands that on: with the weights that read the neuron turned too, the network does the same. So does one that
    is odd about another value than 0 (sigmoid), which a bias makes up for. After ReLU, GELU, SiLU or ELU it would not.
    So the modules without numbers of their own that lead from the last one with such to the place are tried on values
    x: is f(-x) + f(x) the same for all of them?

    What cannot be seen counts as arbitrary: a sum or a function that is no module, where it comes last. So does what a
    module with ``signs_are_arbitrary = True`` gives, whatever pooling follows.

    Args:
        modules: The modules of the network, in eval mode, by path.
        tails: Of calls of these modules, see `Tails`.
    """
    with torch.no_grad():
        return {
            place: not _is_arbitrary(modules[place.module]) and _is_identified(tail) for place, tail in tails.items()
        }


def _is_arbitrary(module: nn.Module) -> bool:
    return bool(getattr(module, ARBITRARY, False))


def _hides_signs(module: nn.Module) -> bool:
    """Return whether a module holds numbers of its own, so that what comes in may leave it with either sign."""
    is_fitted = any(True for _ in module.parameters()) or any(True for _ in module.buffers())
    return is_fitted and not _is_arbitrary(module)


def _copy(value: object) -> Tensor | None:
    return value.clone() if isinstance(value, Tensor) and not is_mapped(value) else None


def _is_identified(tail: Sequence[LeafCall]) -> bool:
    if not tail or any(_is_arbitrary(call.module) for call in tail):
        return False
    return not _is_odd([call.module for call in tail], tail[0].given)


def _tail(calls: Sequence[LeafCall], output: object) -> tuple[LeafCall, ...]:
    """Return the calls that made an output one from the other."""
    tail: list[LeafCall] = []
    for call in reversed(calls):
        if call.made is None or not isinstance(output, Tensor) or not torch.equal(call.made, output):
            break
        tail.insert(0, call)
        output = call.given
    return tuple(tail)


def _is_odd(functions: Sequence[nn.Module], given: Tensor | None) -> bool:
    """Return whether f(-x) + f(x) is the same for all x; it counts as so where nothing is known of the numbers."""
    if given is None or not given.is_floating_point():
        return True
    draws = torch_stream("sign")
    sums: list[Tensor] = []
    for _ in range(2):
        drawn = SPREAD * torch.randn(given.shape, generator=draws)
        straight, turned = drawn.to(given), (-drawn).to(given)
        for function in functions:
            turned, straight = function(turned), function(straight)
        sums.append(short_floats(turned) + short_floats(straight))
    return torch.allclose(sums[0], sums[1], atol=1e-5)
