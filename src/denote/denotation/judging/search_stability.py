"""How much of what neurons denote is found again: on other rows, with other thresholds, in other networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from denote.attributes.labels import NULL, Family
from denote.data.parts import Halves
from denote.denotation.depth.by_model import denoted_properties
from denote.denotation.neurons import NeuronReplicate, Neurons, replicate
from denote.denotation.search.candidates import Candidates
from denote.denotation.search.properties import Settings
from denote.evidence.intervals import t_interval
from denote.notes import Note, note
from denote.observers.reading import State
from denote.tables import NEURONS_KEY, NUMBER, OF_ROW, STABILITY, joined_notes, remark, table

LAYER = ["dataset", "architecture", "trained", "epoch", "layer", "depth", "relative_depth", "family"]
SEED = "seed"
ONE = (0.0, 1.0)

Row = dict[str, Any]
Sets = Mapping[str, frozenset[str]]
"""Distinct denoted properties by object model, a property and its complement as one."""


def stability(neurons: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    """Compare what every layer denotes with what other searches of it, and other networks, denote.

    The unit is the object model. Against another search every model is compared with itself. Against other networks of
    the same curve a model's number is its mean over them; as these means share their pairs, their t-interval is a rough
    one.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        controls: Columns of ``tables.CONTROLS``, decided; rows of ``second_fit`` and ``thresholds`` are used.

    Returns:
        Columns of ``tables.STABILITY``, by depth. Undefined numbers are null with the reason.
    """
    again = {name: _by_layer(controls.filter(pl.col("control") == name)) for name in AGREEMENT}
    rows: list[Row] = []
    for key, layer in neurons.group_by(LAYER, maintain_order=True):
        identity = dict(zip(LAYER, key, strict=True))
        for name, layers in again.items():
            if key in layers:
                compared = _against_search(layer, layers[key], AGREEMENT[name])
                rows.append({**identity, "against": name.replace("_", " "), **compared})
        rows.append({**identity, "against": SEED, **_against_networks(layer)})
    order = ("dataset", "architecture", "trained", "epoch", "family", "depth", "layer")
    return table(rows, STABILITY).sort(order, maintain_order=True)


def _by_layer(replicates: pl.DataFrame) -> dict[tuple[Any, ...], pl.DataFrame]:
    return {} if replicates.is_empty() else replicates.partition_by(LAYER, as_dict=True)


def _against_search(layer: pl.DataFrame, other: pl.DataFrame, agreement: str) -> Row:
    mine, theirs = _denoted(layer), _denoted(other)
    of_sets = np.array([_jaccard(denoted, theirs.get(model, frozenset())) for model, denoted in mine.items()])
    key = [*NEURONS_KEY]
    named = other.select(*key, found="property")
    denoting = layer.filter("denotes").join(named, on=key, how="left", nulls_equal=True, maintain_order="left")
    same = (pl.col("property") == pl.col("found")).fill_null(value=False)
    models = denoting.group_by("object_model", maintain_order=True).agg(pl.col(agreement).mean(), same=same.mean())
    of_neurons = t_interval(models[agreement].cast(pl.Float64).fill_null(np.nan), within=ONE)
    n_fit, n_other = (float(frame["n_fit"].median() or 0) for frame in (layer, other))  # type: ignore[arg-type]
    few_rows = Note.of("other_search_fewer_rows", other=n_other, own=n_fit)
    return {
        "n_pairs": _known(of_sets),
        "n_neurons": denoting.height,
        **t_interval(of_sets, within=ONE).columns("property_jaccard"),
        **of_neurons.columns("neuron_jaccard"),
        "same_property_share": models["same"].mean(),
        "note": note(
            _remark(of_sets, "in either search"),
            _fewer(models.height, _known(of_sets)),
            few_rows if 2 * n_other < n_fit else None,
        ),
    }


def _against_networks(layer: pl.DataFrame) -> Row:
    mine = _denoted(layer)
    means = _mean_jaccards(list(mine.values()))
    neither, n_pairs = _pairs(sum(not denoted for denoted in mine.values())), _pairs(len(mine))
    return {
        "n_pairs": n_pairs - neither,
        "n_neurons": int(layer["denotes"].sum() or 0),
        **t_interval(means, within=ONE).columns("property_jaccard"),
        "note": note(
            Note.of("nothing_to_compare") if len(mine) < 2 else _remark(means, "in any pair"),
            Note.of("pairs_left_out", neither=neither, pairs=n_pairs) if 0 < neither < n_pairs else None,
            Note.of("no_correspondence"),
        ),
    }


def _denoted(neurons: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Return the denoted properties of each object model, in the order of the rows; may be empty."""
    pairs = denoted_properties(neurons, ["object_model"]).group_by("object_model").agg("pair")
    denoted = dict(pairs.iter_rows())
    models = neurons["object_model"].unique(maintain_order=True)
    return {str(model): frozenset(denoted.get(model, ())) for model in models}


def _pairs(number: int) -> int:
    return number * (number - 1) // 2


BLOCK = 256
"""Networks that are compared with all others at once."""


def _mean_jaccards(sets: Sequence[frozenset[str]]) -> np.ndarray:
    """Return the mean Jaccard index of each set with the others, NaN where no pair has any element.

    All pairs are compared by a sparse product of blocks of sets, since a sweep may have 10,000 networks.
    """
    from scipy.sparse import csr_array

    numbers = {name: number for number, name in enumerate(sorted(frozenset().union(*sets)))}
    sizes = np.array([len(each) for each in sets])
    columns = np.array([numbers[name] for each in sets for name in each], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    holds = csr_array((np.ones(len(columns), np.int64), columns, starts), shape=(len(sets), max(len(numbers), 1)))
    means = np.full(len(sets), np.nan)
    for start in range(0, len(sets), BLOCK):
        block = slice(start, start + BLOCK)
        shared = (holds[block] @ holds.T).toarray()
        either = sizes[block, None] + sizes[None] - shared
        index = np.divide(shared, either, out=np.full(shared.shape, np.nan), where=either > 0)
        for row in range(len(index)):
            others = np.delete(index[row], start + row)
            known = others[~np.isnan(others)]
            means[start + row] = known.mean() if known.size else np.nan
    return means


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else float("nan")


def _known(values: np.ndarray) -> int:
    return int(np.count_nonzero(~np.isnan(values)))


def _fewer(n_denoting: int, n_pairs: int) -> str | None:
    """Say where only some models have neurons of their own to compare; sets are compared where either denotes."""
    if not 0 < n_denoting < n_pairs:
        return None
    return Note.of("denoting_models", denoting=n_denoting, models=n_pairs)


def _remark(values: np.ndarray, where: str) -> str | None:
    known = _known(values)
    if not known:
        return Note.of("nothing_denotes", where=where)
    missing = Note.of("some_denote_nothing", without=len(values) - known, models=len(values), where=where)
    return note(missing if known < len(values) else None, Note.of("few_models") if known < 2 else None)


SECOND_FIT, THRESHOLDS = "second_fit", "thresholds"
"""The two searches, by what their rows are called in ``controls``."""

AGREEMENT = {SECOND_FIT: "fit_agreement", THRESHOLDS: "threshold_agreement"}
"""Where a neuron says how far it agrees with each."""


@dataclass(frozen=True)
class SearchedAgain:
    """Result of another search of the same neurons.

    Attributes:
        name: ``second_fit`` or ``thresholds``.
        replicate: What was found, and how it scores.
        agreement: Jaccard index, over *test* rows, of every neuron's two properties; nan where either has none.
        remark: What to mind, or None.
    """

    name: str
    replicate: NeuronReplicate
    agreement: Float[np.ndarray, " neuron"]
    remark: str | None = None


def searched_again(
    neurons: Neurons, state: Halves[State], family: Halves[Family], candidates: Candidates
) -> Iterator[SearchedAgain]:
    """Search again: on a second draw of rows, and with half as many thresholds.

    Nothing is chosen by what comes out, and no number but the agreement is made of it: *test* rows shape neither
    property nor threshold of a neuron, though they choose those of its replicate.

    Args:
        neurons: The neurons and how they are judged.
        state: Their activations on fit and test.
        family: The family at the same rows.
        candidates: What was chosen on *fit*.
    """
    yield _second_fit(neurons, state, family, candidates)
    yield _thresholds(neurons, state, family, candidates)


def with_agreements(rows: pl.DataFrame, again: list[SearchedAgain]) -> pl.DataFrame:
    """Add to each neuron how far it agrees with the other searches, and remarks.

    Args:
        rows: Columns of ``tables.NEURONS``, in the order of the state.
        again: What other searches found; without any the notes say that they are off.
    """
    notes = [search.remark for search in again] if again else [Note.of("stability_off")]
    agreements = [pl.Series(AGREEMENT[search.name], search.agreement, dtype=NUMBER).fill_nan(None) for search in again]
    return rows.with_columns(*agreements, **joined_notes(OF_ROW, remark(note(*notes), pl.col("live"))))


def jaccard(labels: Int8[np.ndarray, "pair row"], others: Int8[np.ndarray, "pair row"]) -> Float[np.ndarray, " pair"]:
    """Return the Jaccard index of two properties: rows with both by rows with one at least.

    Args:
        labels: 1 yes, 0 no, -1 null; a row that is null for either is left out.
        others: The same of the other property.

    Returns:
        In [0, 1]; nan where no row has either.
    """
    known = (labels != NULL) & (others != NULL)
    both = np.count_nonzero((labels == 1) & (others == 1), axis=1)
    either = np.count_nonzero(known & ((labels == 1) | (others == 1)), axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(both / either)


def _second_fit(
    neurons: Neurons, state: Halves[State], family: Halves[Family], candidates: Candidates
) -> SearchedAgain:
    """The halves swapped: chosen on the rows of *test*, another draw from the same source, scored on those of *fit*."""
    groups = neurons.groups
    swapped = replace(neurons, groups=None if groups is None else Halves(groups.test, groups.fit))
    other_state, other_family = Halves(state.test, state.fit), Halves(family.test, family.fit)
    other = swapped.search(other_state.fit, other_family)
    searched = replicate(swapped, other_state, other_family, SECOND_FIT, 0, other)
    n_fit, n_test = len(state.fit), len(state.test)
    few_rows = Note.of("second_search_fewer_rows", test=n_test, fit=n_fit) if 2 * n_test < n_fit else None
    return SearchedAgain(
        SECOND_FIT, searched, _agreement(candidates, other, neurons.settings.memory, swapped=True), few_rows
    )


def _thresholds(
    neurons: Neurons, state: Halves[State], family: Halves[Family], candidates: Candidates
) -> SearchedAgain:
    """Half as many thresholds, the default instead of all; families that try every threshold are not searched again."""
    other, settings = candidates, neurons.settings
    if family.fit.combines:
        number = Settings.thresholds if settings.thresholds == "all" else max(2, settings.thresholds // 2)
        fewer = replace(neurons, settings=replace(settings, thresholds=number))
        other = fewer.search(state.fit, family)
    searched = replicate(neurons, state, family, THRESHOLDS, 0, other)
    return SearchedAgain(THRESHOLDS, searched, _agreement(candidates, other, settings.memory))


def _agreement(
    candidates: Candidates, other: Candidates, memory: int, swapped: bool = False
) -> Float[np.ndarray, " neuron"]:
    """Jaccard index of every neuron's two properties over *test* rows, a block of distinct pairs at a time."""
    agreement = np.full(len(candidates.index), np.nan)
    has = (candidates.index >= 0) & (other.index >= 0)
    pairs, inverse = np.unique(np.stack([candidates.index[has], other.index[has]]), axis=1, return_inverse=True)
    of_other = other.properties.fit_labels if swapped else other.properties.test_labels
    step = max(1, memory // (8 * max(1, len(candidates.properties.codes.test))))
    values = [
        jaccard(candidates.properties.test_labels(mine), of_other(theirs))
        for mine, theirs in (pairs[:, start : start + step] for start in range(0, pairs.shape[1], step))
    ]
    agreement[has] = np.concatenate([np.empty(0), *values])[inverse.ravel()]
    return agreement
