"""The layers of a network in execution order, and how a user picks some of them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from denote.data.batch import Batch, call, first_of, mask_of, words_of
from denote.errors import LayerError, one_of
from denote.states.axes import SAMPLE
from denote.states.geometry import ROWS, Geometries, Geometry, Kinds, checked
from denote.states.hooks import Place, eval_mode, padding_of, parts_of, watched
from denote.states.layers import Layer
from denote.states.mixing import unsteady_places
from denote.states.observable import BLOCKS, around, observable
from denote.states.pooling import HEADS, SEQUENCE, UNITS, grid_after, pooling_of
from denote.states.sign import identified_signs
from denote.states.tracing import Trace, traced
from denote.tables import note

log = logging.getLogger(__name__)

Selection = int | str | Sequence[int | str]
WORDS = ("all", "first", "middle", "last")

MIXED = "gives equal inputs of a batch different states: samples are not its first axis, or mix"
SORTED = "gives states in another order than the samples: forward sorts its batch, as for packed sequences"
DRAWN = "gives another output on the same input: dropout or noise is on"
WHOLE = "the network"
"""What stands for the network itself among what is left out."""
TAKE_STEPS = (nn.RNNBase, nn.MultiheadAttention)
"""Modules that take steps before samples unless ``batch_first`` is set."""


@dataclass(frozen=True)
class Listing:
    """The places of a network that could be layers.

    Attributes:
        layers: Those that can be observed, in execution order.
        left_out: Those that cannot, and why.
        classes: Names of the classes of all modules, by path.
    """

    layers: tuple[Layer, ...]
    left_out: Mapping[str, str]
    classes: Mapping[str, str]

    def class_of(self, name: str) -> str | None:
        """Return the class of the module that a layer's name stands for."""
        return self.classes.get(Place.of(name).module)


def list_layers(
    network: nn.Module,
    example: Batch,
    pooling: str = "mean",
    *,
    of: str = BLOCKS,
    asked: Collection[str] = (),
    kinds: Kinds = None,
) -> list[Layer]:
    """The layers of `listing`."""
    return list(listing(network, example, pooling, of=of, asked=asked, kinds=kinds).layers)


def listing(
    network: nn.Module,
    example: Batch,
    pooling: str = "mean",
    *,
    of: str = BLOCKS,
    asked: Collection[str] = (),
    kinds: Kinds = None,
) -> Listing:
    """Every layer of a network in execution order, from a forward pass, and what its sign means from another.

    The layers are what the modules of `observable` give, and what modules around them make of it by work of their own.
    The second call of a module in one pass is a layer of its own, called ``name#2``; of what is a tuple or has keys
    every tensor is one, called ``name[0]`` or ``name[key]``, unless there is only one.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; several that differ show whether a forward sorts them.
        pooling: How maps and sequences become neurons, see `pooling_of`.
        of: ``blocks``, ``leaves`` or ``modules``, see `observable`.
        asked: Names of further layers: any module, ``module.input``.
        kinds: What axes are, where a user says it, see `Kinds`.

    Raises:
        LayerError: if a layer that was asked for, here or by ``observed_layers``, is not there or cannot be observed,
            or no layer can; or if ``kinds`` does not fit.
    """
    kinds = checked(kinds)
    every, trace = observable(network, of), traced(network, example)
    modules = dict(network.named_modules())
    every |= {name: modules[name] for name in trace.working(around(network, of), every)}
    named = set(getattr(network, "observed_layers", ()))
    further = {name: Place.of(name) for name in asked if name not in WORDS and _exists(modules, name)}
    seen = _seen(network, example, every, [place for place in further.values() if str(place)], trace, kinds)
    if trace.problem is not None:
        log.warning(
            "axes are guesses, and work around modules is not seen: no pass could be followed (%s)", trace.problem
        )
    found: dict[Place, Geometry] = {}
    left_out: dict[str, str] = {}
    for place, geometry in seen.made.items():
        problem = geometry if isinstance(geometry, str) else _not_of_words(geometry, example)
        if problem is None and isinstance(geometry, Geometry):
            found[place] = geometry
        elif problem is not None:
            left_out[str(place)] = problem + (_hint(network, place) if isinstance(geometry, str) else "")
    unsteady = unsteady_places(network, example, {place: each.axes.index(SAMPLE) for place, each in found.items()})
    for place in unsteady.mixed:
        del found[place]
        left_out[str(place)] = MIXED + _hint(network, place)
    for place in unsteady.sorted:
        del found[place]
        left_out[str(place)] = SORTED
    for name in [*named, *further]:
        if name in left_out:
            raise LayerError(f"layer {name}", left_out[name], "observed_layers of the network can leave it out")
    for name in named:
        if not any(place.module == name for place in found):
            raise LayerError(f"layer {name}", "stands in observed_layers but is never called")
    listed = [place for place in found if place.module in every and not place.is_input]
    if not listed:
        reasons = [f"{name} {problem}" for name, problem in list(left_out.items())[:3]]
        if not seen.made:
            reasons.append("a forward pass calls none of its modules")
        if not parts_of(seen.result):
            reasons.append(f"what it returns is {_kind_of(seen.result)}, no tensor")
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise LayerError("layer.select", f"the network calls no module that could be observed{why}")
    if trace.ends_in_functions and not seen.ends_in(listed[-1]):
        left_out[WHOLE] = "returns what functions make behind its last module: a module for them would be a layer"
    signs = identified_signs(network, [place for place in found if not (place.is_input or place.part)], example)
    layers, depth = [], -1
    for place, geometry in found.items():
        depth += place in listed
        at = max(depth, 0)
        layer = _layer(place, geometry, pooling_of(geometry.kind, pooling, str(place), words_of(example)))
        layers.append(replace(
            layer, depth=at, relative_depth=at / (len(listed) - 1) if len(listed) > 1 else None,
            is_head=place == listed[-1] and seen.ends_in(place), sign_identified=signs.get(place),
            is_listed=place in listed, module_class=type(modules[place.module]).__name__,
            note=note(geometry.note, DRAWN if place in unsteady.drawn else None),
        ))  # fmt: skip
    return Listing(tuple(layers), left_out, {name: type(module).__name__ for name, module in modules.items()})


@dataclass
class _Seen:
    """What came out of the places of one forward pass, in the order in which it was made."""

    made: dict[Place, Geometry | str] = field(default_factory=dict)
    sizes: dict[Place, int] = field(default_factory=dict)
    result: Any = None

    def ends_in(self, place: Place) -> bool:
        """Whether a layer gives the network's result, as it is or by a function of as many numbers (a log-softmax)."""
        return any(each.numel() == self.sizes[place] for each in list(parts_of(self.result).values())[:1])


def _seen(
    network: nn.Module, example: Batch, every: Mapping[str, nn.Module], further: Sequence[Place], trace: Trace,
    kinds: Kinds,
) -> _Seen:  # fmt: skip
    """Run three equal inputs through the network and see what its layers, and the further places, give."""
    mask = mask_of(example)
    geometries, seen = Geometries(None if mask is None else mask.shape[1], kinds), _Seen()

    def look(place: Place, value: object) -> None:
        wanted = place.module in every and not place.is_input
        module = watch[place.module]
        giver = None if place.is_input else module
        tensors = parts_of(value, giver)
        for part, tensor in tensors.items():
            exact = place._replace(part=part)
            if wanted or exact in further:
                is_packed = padding_of(value, part, giver) is not None
                geometry = geometries.of(module, exact, tensor, trace.roles(exact), is_packed=is_packed)
                seen.made[exact], seen.sizes[exact] = geometry, tensor.numel()
        if not tensors and (wanted or place in further):
            seen.made[place] = f"gives {_kind_of(value)}, no tensor"

    modules = dict(network.named_modules())
    watch = {**every, **{place.module: modules[place.module] for place in further}}
    with eval_mode(network), torch.no_grad(), watched(watch, look, on_input=look):
        seen.result = call(network, first_of(example, ROWS))
    for name in kinds if isinstance(kinds, Mapping) else ():
        if name not in geometries.used:
            raise LayerError("layer.kind", f"no layer is called {name!r}", one_of(name, map(str, seen.made)))
    return seen


def _hint(network: nn.Module, place: Place) -> str:
    """What may help where steps are taken for samples, by this module or by one before it."""
    named = [
        (name or type(module).__name__, module) for name, module in network.named_modules()
        if isinstance(module, TAKE_STEPS) and not module.batch_first
    ]  # fmt: skip
    own = [name for name, _ in named if name == place.module]
    if not named or (place.part and not own):
        return ""
    return f"; {(own or [name for name, _ in named])[0]} takes steps first: batch_first=True, or transpose its input"


def _exists(modules: Mapping[str, nn.Module], name: str) -> bool:
    return bool(name) and Place.of(name).module in modules and Place.of(name).module != ""


def _kind_of(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _not_of_words(geometry: Geometry, example: Batch) -> str | None:
    """Why what a layer gives is not the state of a word, where samples are words."""
    if words_of(example) is None or geometry.kind in (SEQUENCE, HEADS):
        return None
    return "gives one state for a whole sequence, and the samples are its words"


def _layer(place: Place, geometry: Geometry, pooling: str) -> Layer:
    grid = grid_after(geometry.kind, geometry.shape, pooling)
    return Layer(
        str(place), None, None, geometry.shape, pooling, grid, kind=geometry.kind, channels_last=geometry.channels_last,
        axes=geometry.axes,
    )  # fmt: skip


def listed(found: Listing) -> pl.DataFrame:
    """Return a listing as a frame, what is left out at its end.

    A ``note`` says why something is left out, a ``remark`` what is doubtful of a layer.
    """
    schema = {
        "layer": pl.String, "depth": pl.Int64, "kind": pl.String, "shape": pl.String, "pooling": pl.String,
        "neurons": pl.Int64, "note": pl.String, "module_class": pl.String, "axes": pl.String, "remark": pl.String,
    }  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (
            each.name, each.depth, each.kind, each.shape_text, each.pooling, each.n_neurons, None,
            each.module_class, each.axes_text, each.note,
        )
        for each in found.layers
    ]  # fmt: skip
    rows += [
        (name, None, None, None, None, None, reason, found.class_of(name), None, None)
        for name, reason in found.left_out.items()
    ]
    return pl.DataFrame(rows, schema, orient="row")


def select_layers(layers: Sequence[Layer], select: Selection) -> list[Layer]:
    """The layers a user asks for, each once, in execution order.

    Args:
        layers: All layers, in execution order.
        select: A depth (negative from the end), a name or glob, ``all``, ``first``, ``middle``, ``last``, or a list
            of those.

    Raises:
        LayerError: if there is no such layer; lists them, the nearest first.
    """
    parts = _parts_asked(select)
    if not parts:
        raise LayerError("layer.select", "no layer is asked for", one_of("", (layer.name for layer in layers)))
    chosen = {place for part in parts for place in _places(layers, part)}
    return [layers[place] for place in sorted(chosen)]


def asked_names(select: Selection) -> list[str]:
    """The names in a selection, which may be those of layers that are not listed."""
    return [part for part in _parts_asked(select) if isinstance(part, str) and part not in WORDS]


def _parts_asked(select: Any) -> list[int | str]:
    """What a selection lists, numbers of NumPy as whole numbers."""
    alone = isinstance(select, str | bytes) or not isinstance(select, Iterable)
    parts = [int(part) if isinstance(part, np.integer) else part for part in ([select] if alone else select)]
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, int | str):
            raise LayerError("layer.select", f"{part!r}", "allowed: a depth, a name or glob, a list of those, or all")
    return parts


def neuron_name(layer: Layer, index: int) -> str:
    """Where a neuron is in its layer: ``unit 17``, ``channel 3``, ``channel 3, y 4, x 5`` or ``head 2``.

    Raises:
        IndexError: if the layer has no such neuron.
    """
    if not 0 <= index < layer.n_neurons:
        raise IndexError(f"layer {layer.name} has no neuron {index}: there are {layer.n_neurons}")
    if layer.kind in (UNITS, SEQUENCE):
        return f"unit {index}"
    if layer.kind == HEADS:
        return f"head {index}"
    if len(layer.grid) == 1:
        return f"channel {index}"
    channel, *place = (int(each) for each in np.unravel_index(index, layer.grid))
    axes = ("z", "y", "x")[-len(place) :] if len(place) > 1 else ("position",)
    return ", ".join([f"channel {channel}", *(f"{axis} {at}" for axis, at in zip(axes, place, strict=True))])


def _places(layers: Sequence[Layer], part: int | str) -> list[int]:
    """Where in the list the layers are that one part of a selection means."""
    listed = [place for place, layer in enumerate(layers) if layer.is_listed]
    n = len(listed)
    words = {"all": listed, "first": listed[:1], "middle": listed[(n - 1) // 2 : (n + 1) // 2], "last": listed[-1:]}
    if isinstance(part, int):
        if not -n <= part < n:
            raise LayerError("layer.select", f"there is no depth {part}", f"allowed: {-n} to {n - 1}")
        return [listed[part % n]]
    names = [layer.name for layer in layers]
    exact = [place for place, name in enumerate(names) if name == part]
    found = exact or words.get(part) or [place for place in listed if fnmatchcase(names[place], part)]
    if not found:
        raise LayerError("layer.select", f"no layer is called {part!r}", one_of(part, names))
    return found
