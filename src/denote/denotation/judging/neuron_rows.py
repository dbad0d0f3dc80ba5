"""The evidence of neurons as columns of ``tables.NEURONS``: what search and test rows say, null where undefined."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, Int8

from denote.denotation.search.candidates import Candidates
from denote.denotation.search.held_out_scores import Scores, enough
from denote.notes import Note, note
from denote.numbers import proportion
from denote.tables import NEURONS, TEXT, joined_notes, remark

SCORES = tuple(field.name for field in fields(Scores) if field.name in NEURONS)


def evidence(
    found: Candidates, scores: Scores, min_rows: int, groups: Int[np.ndarray, " row"] | None = None
) -> pl.DataFrame:
    """Return the evidence of every neuron's property.

    Args:
        found: Properties chosen on fit.
        scores: Of the same neurons on test.
        min_rows: ``Rule.min_rows``; without as many rows of both kinds in both parts there is no p-value. Where rows
            come in groups as many groups on *test* must hold either kind: with 10 the design effect is so uncertain
            that .09 of true nulls have p <= .05 (``scripts/simulations/grouped_neurons.py``).
        groups: Group of every test row, where rows come in groups.

    Returns:
        Columns of ``tables.NEURONS``, one row per neuron. A dead neuron has ``live`` and a note, a live one without a
        property that and a note.
    """
    fit, test = (_Rows.of(found, codes) for codes in (found.properties.codes.fit, found.properties.codes.test))
    tested = np.asarray(
        enough(fit.positive, fit.negative, min_rows) & enough(test.positive, test.negative, min_rows), dtype=bool
    )
    if groups is not None:
        with_property, without = _groups(found, groups)
        tested &= enough(with_property, without, min_rows)
    p = test.share
    names = pl.Series([*found.properties.names, None], dtype=TEXT)
    members = found.properties.n_members
    columns = {
        "property": names.gather(found.index % len(names)),
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
        **_nested(found, test),
    }
    has = pl.Series(found.index >= 0)
    known = pl.DataFrame(columns, schema_overrides={name: NEURONS[name] for name in columns}, nan_to_null=True)
    return known.select(pl.when(has).then(pl.all())).with_columns(
        live=pl.Series(found.live), **_notes(found, scores, tested, min_rows, groups is not None)
    )


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


def _nested(found: Candidates, test: _Rows) -> dict[str, pl.Series]:
    """The nested properties that pass on fit too: their span of label proportions, and all but the own one by name."""
    neuron, which = found.nested
    several = np.bincount(neuron, minlength=len(found.index))[neuron] > 1
    neuron, which = neuron[several], which[several]
    share = test.shares(which)
    names = found.properties.names
    named = [f"{names[index]} ({proportion(p)})" for index, p in zip(which, share, strict=True)]
    chains = (
        pl.DataFrame({"neuron": neuron, "share": share, "named": pl.Series(named, dtype=TEXT)})
        .with_columns(other=pl.Series(which != found.index[neuron]))
        .group_by("neuron", maintain_order=True)
        .agg(
            low=pl.col("share").first(),
            high=pl.col("share").last(),
            named=pl.col("named").filter("other").str.join("; "),
        )
    )
    # A column that other programs read: it keeps the way of writing that it always had.
    span = [f"{low:.2f}-{high:.2f}" for low, high in chains.select("low", "high").iter_rows()]
    every = pl.DataFrame({"neuron": np.arange(len(found.index))}).join(
        chains.with_columns(span=pl.Series(span, dtype=TEXT)), on="neuron", how="left", maintain_order="left"
    )
    return {"label_proportion_range": every["span"], "nested_properties": every["named"]}


def _notes(
    found: Candidates, scores: Scores, tested: Bool[np.ndarray, " neuron"], min_rows: int, grouped: bool
) -> dict[str, pl.Expr]:
    has = found.index >= 0
    reasons = (
        (Note.of("dead"), ~found.live),
        (found.note, found.live),
        (Note.of("no_property"), found.live & ~has),
        (Note.of("not_tested", min_rows=min_rows, units="groups" if grouped else "rows"), has & ~tested),
        (Note.of("never_on"), has & np.isnan(scores.precision)),
        (note(Note.of("auroc_of_groups"), Note.of("counted_as_independent")), has & grouped),
    )
    return joined_notes(*(remark(reason, pl.Series(where)) for reason, where in reasons))
