"""Say why a kind of intervention finds nothing to do at a layer, so that nothing that was asked for is silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from denote.interventions.kinds import Erase, Intervention, Steer
from denote.interventions.words import ANY
from denote.notes import Note, note
from denote.observation.layer_run import LayerRun, at


def is_untouched(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether rows are on no subject: every neuron of a layer is ablated once, whatever was found there.

    Args:
        rows: Of one kind of intervention at one layer.
    """
    return all(row.get("subject_kind") == ANY for row in rows)


def why_untouched(place: LayerRun, asked: Intervention) -> Note | None:
    """Say why a layer has no subject for a kind of intervention.

    Args:
        place: The layer.
        asked: The kind, and its settings, which may leave subjects out.
    """
    return note(*_of_neurons(place, asked), _of_observers(place, asked))


def _of_neurons(place: LayerRun, asked: Intervention) -> Iterator[Note]:
    """Say why no neuron is a subject; attributes alone are erased."""
    if isinstance(asked, Erase):
        return
    if isinstance(asked, Steer) and not asked.neurons:
        yield Note.of("left_out", what="neurons", setting=f"{asked.name}.neurons")
    elif place.denoting.is_empty():
        yield Note.of("none_denotes")


def _of_observers(place: LayerRun, asked: Intervention) -> Note:
    """Say why no observer, and no attribute, is a subject."""
    if getattr(asked, "observers", None) == 0:
        return Note.of("left_out", what="observers", setting=f"{asked.name}.observers")
    cells = place.observation.cells.filter(at(place.state))
    if len(cells) and cells["auroc"].is_null().all():
        return Note.of("none_scored")
    if not cells["decisive"].any():
        return Note.of("none_decisive")
    return Note.of("no_one_direction")
