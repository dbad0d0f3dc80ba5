"""Does the sign of a layer's neurons mean something? Only then is "on" another matter than "off" (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from denote.data import batch as batches
from denote.data.batch import Batch
from denote.data.memory.given_columns import short_floats
from denote.states.hooks import Place, eval_mode, is_mapped, parts_of, watched
from denote.states.observable import leaves_of
from denote.streams import torch_stream

ARBITRARY = "signs_are_arbitrary"
"""A module with this attribute, and a true one, says of itself that it turns signs at will."""

SPREAD = 3.0
"""Standard deviation of the values on which functions are tried: both saturated and nearly linear parts are seen."""


@dataclass(frozen=True)
class _Call:
    """One call of a leaf; tensors are copies, since a later module may work in place."""

    module: nn.Module
    given: Tensor | None
    made: Tensor | None

    @property
    def is_fitted(self) -> bool:
        """Whether it holds numbers of its own, so that what comes in may leave it with either sign."""
        return any(True for _ in self.module.parameters()) or any(True for _ in self.module.buffers())

    @property
    def is_arbitrary(self) -> bool:
        return bool(getattr(self.module, ARBITRARY, False))


def identified_signs(network: nn.Module, places: Sequence[Place], example: Batch) -> dict[Place, bool]:
    """Whether turning the sign of a neuron would make another kind of network, for each place.

    Weights can turn the sign of what a linear or normalised layer gives, and an odd function after it (tanh, identity,
    a mean) hands that on: with the weights that read the neuron turned too, the network does the same. So does one that
    is odd about another value than 0 (sigmoid), which a bias makes up for. After ReLU, GELU, SiLU or ELU it would not.
    So the modules without numbers of their own that lead from the last one with such to the place are tried on values
    x: is f(-x) + f(x) the same for all of them?

    What cannot be seen counts as arbitrary: a sum or a function that is no module, where it comes last. So does what a
    module with ``signs_are_arbitrary = True`` gives, whatever pooling follows.

    Args:
        network: Any module; its mode is restored.
        places: Calls of its modules.
        example: A batch with at least one input; values do not matter.
    """
    modules = dict(network.named_modules())
    leaves = leaves_of(network)
    given: dict[str, Tensor | None] = {}
    calls: list[_Call] = []
    tails: dict[Place, list[_Call]] = {}

    def on_input(place: Place, arguments: Any) -> None:
        tensors = parts_of(arguments)
        given[place.module] = _copy(tensors[""]) if len(arguments) == 1 and "" in tensors else None

    def on_output(place: Place, output: Any) -> None:
        if place.module in leaves:
            calls.append(_Call(modules[place.module], given.pop(place.module), _copy(output)))
        if place in wanted:
            tails[place] = _tail(calls, output)

    wanted = set(places)
    seen = {name: modules[name] for name in {*leaves, *(place.module for place in places)}}
    with eval_mode(network), torch.no_grad():
        with watched(seen, on_output, on_input):
            batches.call(network, batches.first_of(example))
        # Functions are tried when nobody watches: a trial is no call of the network.
        return {
            place: not getattr(modules[place.module], ARBITRARY, False) and _identified(tails.get(place, ()))
            for place in places
        }


def _copy(value: object) -> Tensor | None:
    return value.clone() if isinstance(value, Tensor) and not is_mapped(value) else None


def _identified(tail: Sequence[_Call]) -> bool:
    if not tail or any(call.is_arbitrary for call in tail):
        return False
    return not _is_odd([call.module for call in tail], tail[0].given)


def _tail(calls: Sequence[_Call], output: object) -> list[_Call]:
    """The calls that made an output one from the other, back to the last that holds numbers of its own."""
    tail: list[_Call] = []
    for call in reversed(calls):
        if not _same(call.made, output):
            break
        if call.is_fitted and not call.is_arbitrary:
            break
        tail.insert(0, call)
        output = call.given
    return tail


def _same(made: Tensor | None, output: object) -> bool:
    return made is not None and isinstance(output, Tensor) and torch.equal(made, output)


def _is_odd(functions: Sequence[nn.Module], given: Tensor | None) -> bool:
    """Whether f(-x) + f(x) is the same for all x; of what takes no numbers nothing is known, which counts as odd."""
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
