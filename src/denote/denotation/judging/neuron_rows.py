"""The evidence of neurons as columns of ``tables.NEURONS``: what search and test rows say, null where undefined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, Int8

from denote.denotation.search.candidates import Candidates
from denote.denotation.search.held_out_scores import Scores, enough
from denote.denotation.search.properties import distinct_rows
from denote.notes import Note, codes_of, note
from denote.numbers import proportion
from denote.tables import NEURONS, NOTE, TEXT

SCORES = tuple(field.name for field in fields(Scores) if field.name in NEURONS)


@dataclass(frozen=True)
class Scored:
    """What a search found for the neurons of a layer, and how it scores on *test*.

    Attributes:
        found: Properties chosen on fit.
        scores: Of the same neurons on test.
        groups: Group of every test row, where rows come in groups.
    """

    found: Candidates
    scores: Scores
    groups: Int[np.ndarray, " row"] | None = None


def evidence(searches: Sequence[Scored], min_rows: int) -> pl.DataFrame:
    """Return the evidence of every neuron's property.

    Args:
        searches: One or several, at least one; as one frame they take little longer than one alone.
        min_rows: ``Rule.min_rows``; without as many rows of both kinds in both parts there is no p-value. Where rows
            come in groups as many groups on *test* must hold either kind: with 10 the design effect is so uncertain
            that .09 of true nulls have p <= .05 (``scripts/simulations/grouped_neurons.py``).

    Returns:
        Columns of ``tables.NEURONS``, one row per neuron, search below search. A dead neuron has ``live`` and a note, a
        live one without a property that and a note.
    """
    parts = [_columns(each, min_rows) for each in searches]
    columns = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    live, noted = columns.pop("live"), [pl.Series(name, columns.pop(name), dtype=TEXT) for name in NOTE]
    has = pl.Series(np.concatenate([each.found.index for each in searches]) >= 0)
    known = pl.DataFrame(columns, schema_overrides={name: NEURONS[name] for name in columns}, nan_to_null=True)
    return known.select(pl.when(has).then(pl.all())).with_columns(*noted, live=pl.Series(live))


def _joined(parts: Sequence[Any]) -> Any:
    """Columns below each other: arrays, or lists of texts."""
    return list(chain(*parts)) if isinstance(parts[0], list) else np.concatenate(parts)


def _columns(searched: Scored, min_rows: int) -> dict[str, Any]:
    """The evidence of one search; what it says of neurons without a property means nothing."""
    found, scores, groups = searched.found, searched.scores, searched.groups
    fit, test = (_Rows.of(found, codes) for codes in (found.properties.codes.fit, found.properties.codes.test))
    tested = np.asarray(
        enough(fit.positive, fit.negative, min_rows) & enough(test.positive, test.negative, min_rows), dtype=bool
    )
    if groups is not None:
        with_property, without = _groups(found, groups)
        tested &= enough(with_property, without, min_rows)
    p = test.share
    names, members = [*found.properties.names, None], found.properties.n_members
    return {
        "property": [names[index] for index in found.index],
        "direction": found.direction,
        "label_proportion": p,
        "folded_label_proportion": np.minimum(p, 1 - p),
        "threshold": found.threshold,
        "fit_balanced_accuracy": found.score,
        **{name: getattr(scores, name) for name in SCORES},
        "p_value": np.where(tested, scores.p_value, np.nan),
        "n_fit": fit.total,
        "n_test": test.total,
        "n_positive_fit": fit.positive,
        "n_positive_test": test.positive,
        "majority_accuracy": np.where(fit.positive > fit.negative, p, 1 - p),
        "shrinkage": found.score - scores.balanced_accuracy,
        "n_members": np.ones(len(found.index)) if members is None else np.append(members, 0)[found.index],
        "live": found.live,
        **_nested(found, test),
        **_notes(found, scores, tested, min_rows, groups is not None),
    }


@dataclass(frozen=True)
class _Rows:
    """Numbers of positive and negative rows in one part, of each property and, last, of none."""

    per_property: Int[np.ndarray, "kind property"]
    index: Int[np.ndarray, " neuron"]

    @classmethod
    def of(cls, found: Candidates, codes: Int[np.ndarray, " row"]) -> _Rows:
        masks: Int8[np.ndarray, "property code"] = found.properties.masks
        size = np.bincount(codes[codes >= 0], minlength=masks.shape[1])
        return cls(np.array([[*((masks == label) @ size), 0] for label in (1, 0)]), found.index)

    @property
    def positive(self) -> Int[np.ndarray, " neuron"]:
        return np.asarray(self.per_property[0, self.index])

    @property
    def negative(self) -> Int[np.ndarray, " neuron"]:
        return np.asarray(self.per_property[1, self.index])

    @property
    def total(self) -> Int[np.ndarray, " neuron"]:
        return np.asarray(self.positive + self.negative)

    @property
    def share(self) -> Float[np.ndarray, " neuron"]:
        return self.shares(self.index)

    def shares(self, which: Int[np.ndarray, " neuron"]) -> Float[np.ndarray, " neuron"]:
        """Share of the rows that have the properties ``which``; nan where there are no rows."""
        positive, negative = self.per_property[:, which].astype(float)
        with np.errstate(invalid="ignore"):
            return np.asarray(positive / (positive + negative))


def _groups(found: Candidates, groups: Int[np.ndarray, " row"]) -> Int[np.ndarray, "2 neuron"]:
    """How many groups hold test rows that have each neuron's property, and that have it not."""
    which, place = np.unique(found.index, return_inverse=True)
    masks, codes = found.properties.masks[which[which >= 0]], found.properties.codes.test
    _, member = np.unique(groups, return_inverse=True)
    # Codes of every group, each once: of many rows far fewer than groups times codes.
    held = np.unique((member * masks.shape[1] + codes)[codes >= 0])
    member, code = np.divmod(held, masks.shape[1])
    starts = np.flatnonzero(np.diff(member, prepend=-1))
    counts = [[int(np.logical_or.reduceat(mask[code] == label, starts).sum()) for mask in masks] for label in (1, 0)]
    # Neurons without a property (index -1, sorted first) have none.
    return np.array([np.append(np.zeros(np.count_nonzero(which < 0), int), count) for count in counts])[:, place]


def _nested(found: Candidates, test: _Rows) -> dict[str, list[str | None]]:
    """The nested properties that pass on fit too: their span of label proportions, and all but the own one by name."""
    n_neurons = len(found.index)
    span: list[str | None] = [None] * n_neurons
    others = span.copy()
    starts = np.searchsorted(found.nested[0], np.arange(n_neurons + 1))
    for neuron in np.flatnonzero(np.diff(starts) > 1):
        which = found.nested[1, starts[neuron] : starts[neuron + 1]]
        share = test.shares(which)
        # A column that other programs read: it keeps the way of writing that it always had.
        span[neuron] = f"{share[0]:.2f}-{share[-1]:.2f}"
        named = zip(which, share, strict=True)
        others[neuron] = "; ".join(
            f"{found.properties.names[each]} ({proportion(p)})" for each, p in named if each != found.index[neuron]
        )
    return {"label_proportion_range": span, "nested_properties": others}


def _notes(
    found: Candidates, scores: Scores, tested: Bool[np.ndarray, " neuron"], min_rows: int, grouped: bool
) -> dict[str, list[str | None]]:
    """What there is to say of every neuron, with its codes: few neurons have remarks of their own."""
    has = found.index >= 0
    reasons = (
        (Note.of("dead"), ~found.live),
        (found.note, found.live),
        (Note.of("no_property"), found.live & ~has),
        (Note.of("not_tested", min_rows=min_rows, units="groups" if grouped else "rows"), has & ~tested),
        (Note.of("never_on"), has & np.isnan(scores.precision)),
        (note(Note.of("auroc_of_groups"), Note.of("counted_as_independent")), np.asarray(has & grouped)),
    )
    applies = np.stack([where for _, where in reasons], axis=1)
    said, place = distinct_rows(applies.astype(np.int8))
    texts = [note(*(reason for (reason, _), holds in zip(reasons, row, strict=True) if holds)) for row in said]
    codes = codes_of(texts)
    return {NOTE[0]: [texts[each] for each in place], NOTE[1]: [codes[each] for each in place]}
