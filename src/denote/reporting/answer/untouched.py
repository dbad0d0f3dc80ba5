"""Where an intervention that was asked for did nothing, and why: what was asked for and not done is never silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.words import ANY
from denote.notes import NEXT_REMARK
from denote.reporting.answer.words import clean, joined_words, listed
from denote.reporting.layer_words import layer_words
from denote.tables import says

DONE = {Ablate.name: "ablated in full", Erase.name: "erased", Steer.name: "steered"}
"""Kinds of interventions, and what they do to a subject; every neuron is ablated once, whatever was found."""

OUTPUTS = ("outputs_not_steered",)
"""Codes of notes that outputs are never intervened on in this way."""

MOST_REASONS = 3
"""Reasons that are told of one kind."""

MOST_LETTERS = 120
"""Letters of a reason."""

MOST_LAYERS = 3
"""Layers that are named of a reason."""


def nothing_done(interventions: pl.DataFrame) -> list[str]:
    """Say which kinds did nothing anywhere, and why, kinds with the same reasons in one sentence.

    Args:
        interventions: Columns of ``tables.INTERVENTIONS``, of one group of networks.
    """
    kinds = defaultdict[str, list[str]](list)
    for kind in DONE:
        own = interventions.filter(pl.col("intervention") == kind)
        if len(own) and not own.select(_is_done().any()).item():
            hidden = own.filter(~says(*OUTPUTS))  # that outputs are left out says nothing where all else is, too
            kinds[_told(_reasons(hidden) or _reasons(own))].append(DONE[kind])
    return [f"Nothing was {joined_words(done, 'or')}: {why}." for why, done in kinds.items()]


def untouched_sentences(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Say of every kind at which layers it did nothing, and why; nothing of those where it did something.

    Args:
        tables: With ``interventions``.
    """
    rows = tables["interventions"]
    for kind, done in DONE.items():
        own = rows.filter(pl.col("intervention") == kind)
        idle = own.filter(~_is_done().any().over("object_model", "layer", "pooling"))
        for reason, layers in _reasons(idle).items():
            yield f"Nothing was {done} at {listed(layers, MOST_LAYERS)}: {reason}."


def _is_done() -> pl.Expr:
    """Whether a row is on what a subject's intervention changed."""
    return pl.col("effect").is_not_null() & (pl.col("subject_kind") != ANY).fill_null(value=False)


def _reasons(rows: pl.DataFrame) -> dict[str, list[str]]:
    """Layers by what their notes say."""
    idle = rows.filter(~_is_done(), pl.col("note").is_not_null()).select("note", "layer").unique(maintain_order=True)
    layers = defaultdict[str, list[str]](list)
    for said, layer in idle.iter_rows():
        layers[clean(" and ".join(said.split(NEXT_REMARK)), MOST_LETTERS)].append(clean(layer_words(layer)))
    return dict(layers)


def _told(reasons: Mapping[str, Sequence[str]]) -> str:
    """Reasons, with their layers where these differ."""
    if len(reasons) < 2:
        return "".join(reasons)
    told = [f"{reason} ({listed(layers, MOST_LAYERS)})" for reason, layers in [*reasons.items()][:MOST_REASONS]]
    more = len(reasons) - MOST_REASONS
    return ", ".join(told) + (f", and {more} more reasons in the notes" if more > 0 else "")
