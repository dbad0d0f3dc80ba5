"""The layers of a network in execution order."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter

import polars as pl
from torch import Tensor, nn

from denote.data.batch import Batch, mask_of, words_of
from denote.errors import LayerError, one_of, type_in_words
from denote.notes import Note, note
from denote.states.axes import SAMPLE
from denote.states.first_pass import FirstPass, Output, Unsteady, first_pass, unsteady_places
from denote.states.geometry import Geometries, Geometry, Kinds, checked
from denote.states.hooks import Place, eval_mode, parts_of, run_watched
from denote.states.layers import BLOCKS, HEADS, SEQUENCE, WORDS, Layer, around, observable
from denote.states.pooling import grid_after, pooling_of
from denote.states.sign import identified_signs

log = logging.getLogger(__name__)

MIXED = "gives equal inputs of a batch different states: samples are not its first axis, or mix"
SORTED = "gives states in another order than the samples: forward sorts its batch, as for packed sequences"
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
        of: Which modules are layers, see `observable`.
    """

    layers: tuple[Layer, ...]
    left_out: Mapping[str, str]
    classes: Mapping[str, str]
    of: str = BLOCKS

    def class_of(self, name: str) -> str | None:
        """Return the class of the module that a layer's name stands for."""
        return self.classes.get(Place.of(name).module)

    def frame(self) -> pl.DataFrame:
        """Return the listing as a frame, what is left out at its end.

        A ``note`` says why something is left out, a ``remark`` what is doubtful of a layer.
        """
        text, whole = pl.String, pl.Int64
        schema = {"layer": text, "depth": whole, "kind": text, "shape": text, "pooling": text, "neurons": whole}
        schema |= dict.fromkeys(("note", "module_class", "axes", "remark"), text)
        fields = "name", "depth", "kind", "shape_text", "pooling", "n_neurons", "module_class", "axes_text", "note"
        columns = [column for column in schema if column != "note"]
        rows = [dict(zip(columns, attrgetter(*fields)(layer), strict=True)) for layer in self.layers]
        rows += [{"layer": n, "note": why, "module_class": self.class_of(n)} for n, why in self.left_out.items()]
        return pl.DataFrame(rows, schema, orient="row")


def list_layers(
    network: nn.Module,
    example: Batch,
    pooling: str = "mean",
    *,
    of: str = BLOCKS,
    asked: Collection[str] = (),
    kinds: Kinds = None,
) -> list[Layer]:
    """Return the layers of `listing`."""
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
    """List every layer of a network in execution order, from one forward pass and three small batches more.

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
        CannotRunError: if the network fails on the first input.
        LayerError: if a layer that was asked for, here or by ``observed_layers``, is not there or cannot be observed,
            or no layer can; or if ``kinds`` does not fit.
    """
    kinds = checked(kinds)
    modules = {name: module for name, module in network.named_modules(remove_duplicate=False) if name}
    layers, holders = observable(network, of), around(network, of)
    by_name = {name: Place.of(name) for name in asked if name not in WORDS}
    further = {name: place for name, place in by_name.items() if place.module in modules}
    seen = first_pass(network, example, layers | holders, set(further.values()))
    if seen.trace.problem is not None:
        log.warning(
            "axes are guesses, and work around modules is not seen: no pass could be followed (%s)", seen.trace.problem
        )
    every = {*layers, *seen.trace.working(holders, layers)}
    seen.keep_only(lambda place: (place.module in every and not place.is_input) or place in further.values())
    geometries, left_out = _geometries(network, example, seen, kinds)
    unsteady = _unsteady(network, example, seen, geometries)
    for places, problem in ((unsteady.mixed, MIXED), (unsteady.sorted, SORTED)):
        for place in [place for place in geometries if place in places]:
            del geometries[place]
            left_out[str(place)] = problem + (_hint(network, place) if problem == MIXED else "")
    named = getattr(network, "observed_layers", ())
    _check_named(named, further, geometries, left_out)
    listed = [place for place in geometries if place.module in every and not place.is_input]
    if not listed:
        raise LayerError("layer.select", f"the network calls no module that could be observed{_why(seen, left_out)}")
    if seen.trace.ends_in_functions and not seen.returns(listed[-1]):
        left_out[WHOLE] = "returns what functions make behind its last module: a module for them would be a layer"
    with eval_mode(network):
        # Functions are tried when nobody watches: a trial is no call of the network.
        tails = {place: tail for place, tail in seen.tails.of.items() if place in geometries}
        signs = identified_signs(modules, tails)
    made: list[Layer] = []
    depth = -1
    for place, geometry in geometries.items():
        depth += place in listed
        pooled = pooling_of(geometry.kind, pooling, str(place), words_of(example))
        layer = Layer(
            name=str(place),
            depth=max(depth, 0),
            relative_depth=max(depth, 0) / (len(listed) - 1) if len(listed) > 1 else None,
            shape=geometry.shape,
            pooling=pooled,
            grid=grid_after(geometry.kind, geometry.shape, pooled),
            is_head=place == listed[-1] and seen.returns(place),
            sign_identified=signs.get(place),
            kind=geometry.kind,
            channels_last=geometry.channels_last,
            is_listed=place in listed,
            axes=geometry.axes,
            module_class=type(modules[place.module]).__name__,
            note=note(geometry.note, Note.of("drawn_output") if place in unsteady.drawn else None),
        )
        made.append(layer)
    classes = {name: type(module).__name__ for name, module in network.named_modules()}
    return Listing(tuple(made), left_out, classes, of)


def _geometries(
    network: nn.Module, example: Batch, seen: FirstPass, kinds: Kinds
) -> tuple[dict[Place, Geometry], dict[str, str]]:
    """Return how the outputs of a pass are arranged, and which cannot be observed and why."""
    mask = mask_of(example)
    geometries = Geometries(None if mask is None else mask.shape[1], kinds)
    arranged: dict[Place, Geometry] = {}
    left_out: dict[str, str] = {}
    for place, output in seen.outputs.items():
        geometry = output if isinstance(output, str) else geometries.of(place, output, seen.trace.roles(place))
        if isinstance(geometry, str):
            left_out[str(place)] = geometry + _hint(network, place)
        elif words_of(example) is not None and geometry.kind not in (SEQUENCE, HEADS):
            left_out[str(place)] = "gives one state for a whole sequence, and the samples are its words"
        else:
            arranged[place] = geometry
    for name in kinds if isinstance(kinds, Mapping) else ():
        if name not in geometries.used:
            raise LayerError("layer.kind", f"no layer is called {name!r}", one_of(name, map(str, seen.outputs)))
    return arranged, left_out


def _unsteady(network: nn.Module, example: Batch, seen: FirstPass, geometries: Mapping[Place, Geometry]) -> Unsteady:
    """Find the places where the state of a sample is not its own, or is drawn."""
    modules = {place.module: network.get_submodule(place.module) for place in geometries}

    def samples_first(place: Place, value: Tensor) -> Tensor:
        return value.float().movedim(geometries[place].axes.index(SAMPLE), 0)

    def given(batch: Batch) -> dict[Place, Tensor]:
        made: dict[Place, Tensor] = {}

        def keep(place: Place, value: object) -> None:
            module = None if place.is_input else modules[place.module]
            for part, tensor in parts_of(value, module).items():
                if (exact := place._replace(part=part)) in geometries:
                    made[exact] = samples_first(exact, tensor).clone()

        run_watched(network, batch, modules, keep, keep)
        return made

    made = {
        place: samples_first(place, output.value)
        for place, output in seen.outputs.items()
        if place in geometries and isinstance(output, Output) and output.value is not None
    }
    return unsteady_places(made, example, given)


def _check_named(
    named: Collection[str], further: Collection[str], geometries: Collection[Place], left_out: Mapping[str, str]
) -> None:
    """Refuse to leave out what was asked for."""
    for name in [*named, *further]:
        if name in left_out:
            raise LayerError(f"layer {name}", left_out[name], "observed_layers of the network can leave it out")
    for name in named:
        if not any(place.module == name for place in geometries):
            raise LayerError(f"layer {name}", "stands in observed_layers but is never called")


def _why(seen: FirstPass, left_out: Mapping[str, str]) -> str:
    """Say in brackets why a network has no layer."""
    reasons = [f"{name} {problem}" for name, problem in list(left_out.items())[:3]]
    if not seen.outputs:
        reasons.append("a forward pass calls none of its modules")
    if not parts_of(seen.result):
        reasons.append(f"what it returns is {type_in_words(seen.result)}, no tensor")
    return f" ({'; '.join(reasons)})" if reasons else ""


def _hint(network: nn.Module, place: Place) -> str:
    """Say what may help where steps are taken for samples, by this module or by one before it."""
    names = {
        name: name or type(module).__name__
        for name, module in network.named_modules()
        if isinstance(module, TAKE_STEPS) and not module.batch_first
    }
    if not names or (place.part and place.module not in names):
        return ""
    name = names.get(place.module) or next(iter(names.values()))
    return f"; {name} takes steps first: batch_first=True, or transpose its input"
