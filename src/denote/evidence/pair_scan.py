"""The pair scan: every neuron against every attribute, on *test*, with a correction of its own (METHOD section 3).

It says which neurons carry an attribute and what chance would have found. It never decides what a neuron denotes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float32, Float64, Int, Int8

from denote.attributes.labels import NULL, Labels
from denote.evidence import corrections
from denote.evidence.corrections import Maxima, ScanSettings, both_labels, max_p_values
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import labels_held
from denote.notes import Note, codes_of
from denote.numbers import ratio
from denote.observers.neuron import rank_neurons
from denote.observers.observer import class_counts
from denote.observers.reading import State, Values, row_blocks
from denote.tables import PAIRS, SCAN, SCAN_KEY, frame_of

_LAYER = ("object_model", "layer", "pooling")
_Pairs = Float64[np.ndarray, "neuron attribute"]


@dataclass(frozen=True)
class LayerScan:
    """The scan of one layer, before it is corrected.

    Attributes:
        scan: One row per attribute: columns of ``tables.SCAN``.
        pairs: One row per pair with p <= q: columns of ``tables.PAIRS``.
        maxima: The largest statistics, observed and under permuted labels.
        whole: Gives them with every permutation, where another layer's largest statistics need those, too.
    """

    scan: pl.DataFrame
    pairs: pl.DataFrame
    maxima: Maxima
    whole: Callable[[], Maxima]

    def telling(self, observed: float) -> Maxima:
        """Return maxima of enough permutations to tell the p-value of such a statistic and of all above it."""
        return self.maxima if self.maxima.tells(observed) else self.whole()


@dataclass(frozen=True)
class PairEvidence:
    """The scan of all layers of an object model.

    Attributes:
        scan: One row per layer and attribute.
        pairs: One row per pair with p <= q.
        null_check: One row: how often permuted labels gave a hit.
    """

    scan: pl.DataFrame
    pairs: pl.DataFrame
    null_check: pl.DataFrame


def scan_layer(
    data: FitTestData,
    live: Bool[np.ndarray, " neuron"],
    place: Mapping[str, Any],
    settings: ScanSettings,
    later: State | None = None,
) -> LayerScan:
    """Test every live neuron against every attribute: two-sided Mann-Whitney against AUROC .5.

    Its p-value has the skewness that ties give the statistic (``NeuronRanking.skewed_p_value``). Without ties, or with
    as many positives as negatives, it is the usual one.

    With groups the tests are of group means and the permutations of whole groups; an attribute that varies inside a
    group is not tested. The AUROC is of rows in any case.

    Args:
        data: The layer, of which *test* is scanned.
        live: Neurons that are not constant on *fit*.
        place: Columns that say where this is: ``object_model``, ``layer``, ``pooling`` and any others of ``SCAN``.
        settings: Of the scan that this layer is part of.
        later: *test* as it is read where permutations have to be made once all layers are scanned: the same state, on
            disk where it should not be held until then. By default that of the data.

    Raises:
        ConfigError: if the memory is too small for one neuron.
        StateError: if the state is not finite.
    """
    state, labels, resources, groups = data.state.test, data.labels.test, data.resources, data.test_groups
    again = state if later is None else later
    ranking = rank_neurons(state, labels.values, resources)
    tested, values, p_value = state, labels.values, ranking.skewed_p_value
    if groups is not None:
        tested, values = one_row_per_group(state, labels.values, groups)
        p_value = rank_neurons(tested, values, resources).skewed_p_value
    auroc, p_value = (np.where(live[:, None], numbers, np.nan) for numbers in (ranking.auroc, p_value))
    maxima = corrections.permuted_maxima(tested, values, live, settings, resources)
    summary = _summary(labels, auroc, p_value, maxima, _reasons(labels.values, values, p_value, settings.draws))
    pairs = _kept(labels, auroc, p_value, settings.q)

    unkept = replace(resources, kept=None)  # it would hold *fit* until all layers are scanned

    def whole() -> Maxima:
        rows = (again, labels.values) if groups is None else one_row_per_group(again, labels.values, groups)
        return corrections.permuted_maxima(*rows, live, replace(settings, reach=0.0), unkept)

    return LayerScan(frame_of({**summary, **place}, SCAN), frame_of({**pairs, **place}, PAIRS), maxima, whole)


def one_row_per_group(
    state: State, labels: Values, groups: Int[np.ndarray, " sample"]
) -> tuple[Float32[np.ndarray, "group neuron"], Int8[np.ndarray, "group attribute"]]:
    """Mean state and label of every group, in ascending order of the groups' names.

    Args:
        state: Activations, read by blocks of rows; the means of all neurons are held in memory.
        labels: Of the same rows.
        groups: Group of each row.

    Returns:
        The means over all rows of a group, made in float64, and the label that its rows share, nulls aside. An
        attribute that varies inside any group is null everywhere: it belongs to rows, not to groups.
    """
    members, index = np.unique(groups, return_inverse=True)
    total = torch.zeros(len(members), state.shape[1], dtype=torch.float64)
    place = torch.from_numpy(index)
    for part, block in row_blocks(state):
        total.index_add_(0, place[part], block.cpu().double())
    means = total.numpy() / np.bincount(index)[:, None]
    yes, no = labels_held(labels, groups)
    shared = np.where(yes, 1, np.where(no, 0, NULL)).astype(np.int8)
    shared[:, (yes & no).any(0)] = NULL
    return means.astype(np.float32), shared


def join_layers(layers: Sequence[LayerScan], object_model: str, q: float = 0.05, key: str = "") -> PairEvidence:
    """Correct over all layers of an object model, and compare with its permutations.

    Args:
        layers: Scans of its layers with equally many permutations.
        object_model: Its key.
        q: False discovery rate, at most that of the scans.
        key: Names the scan, as in :func:`scan_layer`.
    """
    least = np.concatenate([layer.maxima.observed for layer in layers])
    maxima = [layer.telling(float(least[~np.isnan(least)].min(initial=np.inf))) for layer in layers]
    scans = [
        layer.scan.with_columns(
            _number("max_p_value", max_p_values(layer.maxima.observed, [layer.maxima])),
            _number("scan_max_p_value", max_p_values(layer.maxima.observed, maxima)),
            pl.lit(key).alias("scan_key"),
        )
        for layer in layers
    ]
    pairs, scan = decide_pairs(pl.concat([layer.pairs for layer in layers]), pl.concat(scans), q)
    check = corrections.null_check_pairs(maxima, object_model, q).with_columns(
        scan_key=pl.lit(key), layer=pl.lit(", ".join(scan["layer"].unique(maintain_order=True)))
    )
    return PairEvidence(scan, pairs, check)


def decide_pairs(pairs: pl.DataFrame, scan: pl.DataFrame, q: float = 0.05) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Benjamini-Hochberg over everything given as one family: a job, or all jobs of a sweep.

    The pairs that were not kept need not be known. All have p > q, so they stand behind those kept, and at rank k of m
    tests p m / k >= p > q: none is rejected nor makes another one rejected. ``n_tests`` of the scan gives m.

    Args:
        pairs: Each pair once, all that have p <= q.
        scan: Each attribute and layer once, with ``n_tests``.
        q: False discovery rate.

    Returns:
        Pairs with ``q_value`` (exact up to q; above it an upper bound) and ``carries``, and the scan with
        ``n_carrying``, null where nothing was tested, and ``model_max_p_value``: Bonferroni's over the scans that jobs
        made of one object model, since their permutations cannot be joined any more.
    """
    q_value = corrections.benjamini_hochberg(pairs["p_value"].to_numpy(), int(scan["n_tests"].sum()))
    pairs = pairs.with_columns(q_value=pl.Series(q_value, dtype=pl.Float64)).with_columns(
        carries=pl.col("q_value") <= q
    )
    counts = pairs.group_by(SCAN_KEY).agg(n_carrying=pl.col("carries").sum().cast(pl.Int64))
    columns = scan.columns
    scan = scan.drop("n_carrying", strict=False).join(counts, on=SCAN_KEY, how="left", maintain_order="left")
    tested = pl.when(pl.col("n_tests") > 0)
    scans = pl.col("scan_key").n_unique().over("object_model")
    scan = scan.with_columns(
        n_carrying=tested.then(pl.col("n_carrying").fill_null(0)),
        model_max_p_value=pl.min_horizontal(scans * pl.col("scan_max_p_value"), pl.lit(1.0)),
    ).with_columns(pl.when(pl.col("scan_max_p_value").is_not_null()).then("model_max_p_value"))
    return pairs, scan.select(columns)


def add_attributes_carried(neurons: pl.DataFrame, pairs: pl.DataFrame, scan: pl.DataFrame) -> pl.DataFrame:
    """Write for every live neuron of a scanned layer how many attributes it carries: column ``attributes_carried``.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        pairs: Decided by :func:`decide_pairs`.
        scan: Likewise.
    """
    key = [*_LAYER, "neuron"]
    counts = pairs.group_by(key).agg(attributes_carried=pl.col("carries").sum().cast(pl.Int64))
    scanned = scan.filter(pl.col("n_tests") > 0).select(_LAYER).unique().with_columns(_scanned=True)
    joined = neurons.drop("attributes_carried", strict=False)
    joined = joined.join(counts, on=key, how="left", maintain_order="left")
    joined = joined.join(scanned, on=_LAYER, how="left", maintain_order="left")
    carried = pl.when(pl.col("live") & pl.col("_scanned")).then(pl.col("attributes_carried").fill_null(0))
    return joined.with_columns(attributes_carried=carried).drop("_scanned").select(_with(neurons, "attributes_carried"))


def add_carrying(cells: pl.DataFrame, scan: pl.DataFrame) -> pl.DataFrame:
    """Write for every cell how many neurons of its layer carry its attribute: column ``n_carrying``.

    Args:
        cells: Columns of ``tables.CELLS``.
        scan: Decided by :func:`decide_pairs`.
    """
    counts = scan.select(*SCAN_KEY, "n_carrying")
    joined = cells.drop("n_carrying", strict=False).join(counts, on=SCAN_KEY, how="left", maintain_order="left")
    return joined.select(_with(cells, "n_carrying"))


def _with(frame: pl.DataFrame, column: str) -> list[str]:
    """The columns of a frame, where it lacks that one with it at the end."""
    return list(dict.fromkeys([*frame.columns, column]))


def _summary(
    labels: Labels, auroc: _Pairs, p_value: _Pairs, maxima: Maxima, reasons: Sequence[str | None]
) -> dict[str, Any]:
    """One number per attribute of every column of the scan that needs no other layer."""
    positives, negatives = class_counts(labels.values)
    n_rows, n_tests = positives + negatives, np.count_nonzero(~np.isnan(p_value), axis=0)
    distance = np.nan_to_num(np.abs(auroc - 0.5), nan=-1.0)
    best, places = distance.argmax(0) if len(auroc) else np.zeros(len(labels), int), np.arange(len(labels))
    ranked: np.ndarray = np.any(distance >= 0, axis=0)
    return {
        "n_neurons": len(auroc),
        "attribute": labels.names,
        "family": labels.families,
        "label_proportion": ratio(positives, n_rows),
        "n_test": n_rows,
        "n_positive_test": positives,
        "n_tests": n_tests,
        "below_05": np.count_nonzero(p_value < 0.05, axis=0),
        "expected_05": 0.05 * n_tests,
        "below_001": np.count_nonzero(p_value < 0.001, axis=0),
        "expected_001": 0.001 * n_tests,
        "best_neuron": [int(neuron) if found else None for neuron, found in zip(best, ranked, strict=True)],
        "best_auroc": auroc[best, places] if len(auroc) else np.full(len(labels), np.nan),
        "max_statistic": maxima.observed,
        "note": reasons,
        "note_codes": codes_of(reasons),
        **dict.fromkeys(("n_carrying", "max_p_value", "scan_max_p_value", "model_max_p_value", "scan_key")),
    }


def _kept(labels: Labels, auroc: _Pairs, p_value: _Pairs, q: float) -> dict[str, Any]:
    """The pairs that a correction at level q could reject."""
    neuron, attribute = np.nonzero(p_value <= q)
    return {
        "neuron": neuron,
        "attribute": np.array(labels.names, dtype=object)[attribute].tolist(),
        "auroc": auroc[neuron, attribute],
        "p_value": p_value[neuron, attribute],
        **dict.fromkeys(("q_value", "carries")),
    }


def _reasons(rows: Values, tested: Values, p_value: _Pairs, draws: int) -> list[str | None]:
    """Why an attribute has no tests, or no p-value of its largest statistic."""
    varies = (~np.isnan(p_value)).any(0)
    return [
        Note.of("one_test_label")
        if not in_rows
        else Note.of("mixed_groups")
        if not in_tested
        else Note.of("nothing_varies")
        if not some
        else (Note.of("permutations_off") if draws == 0 else None)
        for in_rows, in_tested, some in zip(both_labels(rows), both_labels(tested), varies, strict=True)
    ]


def _number(name: str, values: Float64[np.ndarray, " attribute"]) -> pl.Series:
    return pl.Series(name, values, dtype=pl.Float64).fill_nan(None)
