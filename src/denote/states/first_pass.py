"""The one forward pass that everything about the layers of a network is read from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from denote.data.batch import Batch, first_of
from denote.errors import told
from denote.states.hooks import Place, is_mapped, padding_of, parts_of, run_watched
from denote.states.observable import leaves_of
from denote.states.sign import Tails
from denote.states.tracing import Follower, Trace

ROWS = 3
"""Equal inputs that a network is listed with: the axis of samples is 3 everywhere."""


class CannotRunError(Exception):
    """A network that fails on its inputs; the text is what it said, in one line."""


@dataclass(frozen=True)
class Output:
    """One tensor of a pass.

    Attributes:
        module: What gave it, or is called with it.
        value: A copy, as a later module may work in place; None inside of `torch.vmap`, where there is no whole tensor.
        is_packed: Whether it was packed sequences, and knows its own padding.
    """

    module: nn.Module
    value: Tensor | None
    is_packed: bool = False


@dataclass
class FirstPass:
    """What one forward pass of `ROWS` equal inputs shows.

    Attributes:
        trace: What the operations of torch tell of axes, and of which numbers are the same.
        tails: What leads to every output from the last module with numbers of its own.
        outputs: What is at the places that were looked at, in the order in which it was made; or, where there is no
            tensor, what there is instead.
        result: What the network returns.
    """

    trace: Trace
    tails: Tails
    outputs: dict[Place, Output | str] = field(default_factory=dict)
    result: Any = None

    def keep_only(self, wanted: Callable[[Place], bool]) -> None:
        """Forget what is at other places."""
        self.outputs = {place: output for place, output in self.outputs.items() if wanted(place)}

    def returns(self, place: Place) -> bool:
        """Return whether a place gives the network's result, as it is or by a function of as many numbers."""
        output, first = self.outputs[place], next(iter(parts_of(self.result).values()), None)
        value = output.value if isinstance(output, Output) else None
        return first is not None and value is not None and first.numel() == value.numel()


def kind_of(value: object) -> str:
    """Return what something is that is no tensor."""
    return "nothing" if value is None else f"a {type(value).__name__}"


def first_pass(
    network: nn.Module, example: Batch, shown: Mapping[str, nn.Module], further: Collection[Place]
) -> FirstPass:
    """Run `ROWS` equal inputs through a network; once more where torch's operations cannot be followed meanwhile.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; values do not matter.
        shown: The modules whose outputs are kept, by path.
        further: Places that are kept too.

    Raises:
        CannotRunError: if the network fails.
    """
    modules = {name: module for name, module in network.named_modules() if name} | dict(shown)
    follower = Follower(modules)
    try:
        return _run(network, first_of(example, ROWS), (shown, further), follower, is_followed=True)
    except Exception as error:
        follower.trace.problem = f"{type(error).__name__}: {error}"
    try:
        return _run(network, first_of(example, ROWS), (shown, further), follower, is_followed=False)
    except Exception as error:
        raise CannotRunError(told(error)) from error


def _run(
    network: nn.Module, batch: Batch, kept: tuple[Mapping[str, nn.Module], Collection[Place]], follower: Follower,
    *, is_followed: bool,
) -> FirstPass:  # fmt: skip
    shown, further = kept
    seen = FirstPass(follower.trace, Tails(leaves_of(network), {*shown, *(place.module for place in further)}))

    def keep(place: Place, value: Any) -> None:
        wanted = place.module in shown and not place.is_input
        module = follower.modules[place.module]
        giver = None if place.is_input else module
        tensors = parts_of(value, giver)
        for part, tensor in tensors.items():
            exact = place._replace(part=part)
            if wanted or exact in further:
                copied = None if is_mapped(tensor) else tensor.clone()
                seen.outputs[exact] = Output(module, copied, padding_of(value, part, giver) is not None)
        if not tensors and (wanted or place in further):
            seen.outputs[place] = f"gives {kind_of(value)}, no tensor"

    def on_input(place: Place, arguments: Any) -> None:
        if is_followed:
            follower.on_input(place, arguments)
        with follower.paused():
            seen.tails.on_input(place, arguments)
            keep(place, arguments)

    def on_output(place: Place, output: Any) -> None:
        if is_followed:
            follower.on_output(place, output)
        with follower.paused():
            seen.tails.on_output(place, output)
            keep(place, output)

    if is_followed:
        follower.start(batch)
    inside = follower if is_followed else None
    seen.result = run_watched(network, batch, follower.modules, on_output, on_input, inside)
    if is_followed:
        with follower:
            seen.trace.result = follower.first_number(seen.result)
    return seen
