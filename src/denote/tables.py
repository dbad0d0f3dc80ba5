"""The columns of every table denote writes, in order and with their types. Columns may be added, never renamed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from denote.digests import DamagedError, check, state_of_record
from denote.errors import told
from denote.files import atomic_write, await_swap
from denote.notes import NEXT_REMARK, codes_of, older_codes

TEXT, INTEGER, NUMBER, FLAG = pl.String, pl.Int64, pl.Float64, pl.Boolean

Kind: TypeAlias = pl.DataType | type[pl.DataType]
Schema: TypeAlias = Mapping[str, Kind]
"""The columns of a table, in order, and their types."""


def _columns(spec: str, kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(spec.split(), kind)


NOTE = ("note", "note_codes")
"""Columns of remarks: their text, and the codes of their kinds."""

_NOTES = dict.fromkeys(NOTE, TEXT)

_LEVEL = {"evidence_level": TEXT}
"""How much evidence a job made (``evidence=``); null of jobs from before there were levels."""

_OBSERVED = {
    "dataset": TEXT, "architecture": TEXT, "trained": FLAG, "epoch": INTEGER, "seed": INTEGER,
    "object_model": TEXT, "object_accuracy": NUMBER, "layer": TEXT, "depth": INTEGER,
    "relative_depth": NUMBER, "pooling": TEXT,
}  # fmt: skip

CELLS: Schema = {
    **_OBSERVED,
    "n_neurons": INTEGER, "probe": TEXT, "k": INTEGER, "probe_seed": INTEGER,
    "attribute": TEXT, "family": TEXT, "label_proportion": NUMBER,
    **_columns("n_fit n_test n_positive_fit n_positive_test", INTEGER),
    **_columns(
        "auroc auroc_low auroc_high average_precision balanced_accuracy balanced_accuracy_low mcc accuracy "
        "majority_accuracy control_auroc selectivity untrained_auroc input_auroc", NUMBER,
    ),
    "sufficient_k": INTEGER, "p_value": NUMBER, "q_value": NUMBER, "n_tests": INTEGER, "converged": FLAG,
    "gradient_norm": NUMBER, "l2": NUMBER, "decisive": FLAG,
    **_columns(
        "balanced_accuracy_interval_low balanced_accuracy_interval_high selectivity_low selectivity_high rotated_auroc "
        "random_subset_percentile control_task_auroc detectable_auroc detectable_proportion relevance_band "
        "randomised_similarity description_bits intercept_bits compression input_gain input_gain_low input_gain_high",
        NUMBER,
    ),
    **_columns("n_outside_band n_carrying", INTEGER),
    **_columns("ablation_effect ablation_low ablation_high ablation_random ablation_p ablation_q", NUMBER),
    **_columns("trained_on input_name causal_evidence evidence_level note note_codes", TEXT),
}  # fmt: skip
CELLS_KEY = ("object_model", "layer", "pooling", "attribute", "probe", "k", "probe_seed")

NEURONS: Schema = {
    **_OBSERVED,
    "neuron": INTEGER, "neuron_name": TEXT, "probe_seed": INTEGER, "family": TEXT, "property": TEXT,
    **_columns("label_proportion folded_label_proportion", NUMBER), "direction": INTEGER,
    **_columns(
        "threshold balanced_accuracy balanced_accuracy_low tpr tnr precision auroc mcc p_value q_value", NUMBER,
    ),
    "n_tests": INTEGER, "denotes": FLAG, "on_proportion": NUMBER, "live": FLAG,
    "fit_balanced_accuracy": NUMBER,
    **_columns("n_fit n_test n_positive_fit n_positive_test", INTEGER), "label_proportion_range": TEXT,
    **_columns("control_balanced_accuracy untrained_balanced_accuracy input_balanced_accuracy", NUMBER),
    "rival": TEXT, "rival_balanced_accuracy": NUMBER,
    **_columns(
        "balanced_accuracy_interval_low balanced_accuracy_interval_high tpr_low tpr_high tnr_low tnr_high auroc_low "
        "auroc_high majority_accuracy selectivity selectivity_low selectivity_high rotated_share "
        "detectable_balanced_accuracy", NUMBER,
    ),
    **_columns("attributes_passed attributes_carried", INTEGER), "shrinkage": NUMBER, "n_members": INTEGER,
    "nested_properties": TEXT, **_columns("fit_agreement threshold_agreement", NUMBER),
    **_columns("ablation_effect ablation_low ablation_high ablation_random ablation_p ablation_q", NUMBER),
    **_columns("trained_on causal_evidence evidence_level note note_codes", TEXT),
}  # fmt: skip
NEURONS_KEY = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed")

CONTROLS: Schema = {
    "control": TEXT, "draw": INTEGER, **{k: v for k, v in {**CELLS, **NEURONS}.items() if k not in _NOTES}, **_NOTES,
}  # fmt: skip

SCAN: Schema = {
    **_OBSERVED,
    "n_neurons": INTEGER, "attribute": TEXT, "family": TEXT, "label_proportion": NUMBER,
    **_columns("n_test n_positive_test n_tests n_carrying n_passing below_05", INTEGER), "expected_05": NUMBER,
    "below_001": INTEGER, "expected_001": NUMBER, "scan_key": TEXT, "best_neuron": INTEGER,
    **_columns("best_auroc max_statistic max_p_value scan_max_p_value model_max_p_value", NUMBER), **_LEVEL, **_NOTES,
}  # fmt: skip
SCAN_KEY = ("object_model", "layer", "pooling", "attribute")

PAIRS: Schema = {
    **_columns("object_model layer pooling", TEXT), "neuron": INTEGER, "attribute": TEXT,
    **_columns("auroc p_value q_value", NUMBER), "carries": FLAG,
}  # fmt: skip
PAIRS_KEY = ("object_model", "layer", "pooling", "neuron", "attribute")

CURVES: Schema = {
    **_OBSERVED,
    "probe": TEXT, "probe_seed": INTEGER, "attribute": TEXT, "family": TEXT, "curve": TEXT, "x": INTEGER,
    **_columns("auroc auroc_low auroc_high bits intercept_bits", NUMBER), **_LEVEL, **_NOTES,
}  # fmt: skip
CURVES_KEY = ("object_model", "layer", "pooling", "attribute", "probe", "probe_seed", "curve", "x")

NULL_CHECK: Schema = {
    **_columns("scan scan_key object_model layer", TEXT), **_columns("n_tests n_replicates n_with_hit", INTEGER),
    **_columns("expected p_value", NUMBER), "alarm": FLAG, **_NOTES,
}  # fmt: skip

DUPLICATES: Schema = {
    **_columns("dataset of kind part other", TEXT), **_columns("n_rows n_part", INTEGER), "share": NUMBER,
    **_columns("n_examined n_equal", INTEGER), **_NOTES,
}  # fmt: skip

SEED_SPREAD: Schema = {
    **{k: v for k, v in _OBSERVED.items() if k not in ("seed", "object_model", "object_accuracy")},
    "probe": TEXT, "k": INTEGER, "attribute": TEXT, "family": TEXT, **_columns("n_models n_probe_seeds", INTEGER),
    **_columns(
        " ".join(f"{score}_{number}" for score in ("auroc", "balanced_accuracy", "selectivity")
                 for number in ("mean", "low", "high", "sd_models", "sd_probe_seeds")), NUMBER,
    ),
    **_NOTES,
}  # fmt: skip

ATTRIBUTE_CORRELATION: Schema = {
    **_columns("dataset attribute family other other_family", TEXT), **_columns("phi jaccard", NUMBER),
    **_columns("n_both n_rows", INTEGER), **_NOTES,
}  # fmt: skip

LAYERS: Schema = {
    **_OBSERVED,
    **_columns("n_neurons n_live", INTEGER), **_columns("participation_ratio active_share", NUMBER),
    **_columns("sign_identified is_head", FLAG), **_NOTES, **_columns("module_class axes", TEXT), **_LEVEL,
}  # fmt: skip
LAYERS_KEY = ("object_model", "layer", "pooling")

ON_RATES: Schema = {
    **_columns("object_model layer pooling", TEXT), "neuron": INTEGER, "family": TEXT, "probe_seed": INTEGER,
    "class": TEXT, "on_rate": NUMBER, "n_rows": INTEGER,
}  # fmt: skip
ON_RATES_KEY = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed", "class")

EXAMPLES: Schema = {
    **_columns("object_model layer pooling", TEXT), "neuron": INTEGER, "family": TEXT, "probe_seed": INTEGER,
    **_columns("property kind", TEXT), **_columns("rank sample", INTEGER), "activation": NUMBER, "has_property": FLAG,
    "target": TEXT,
}  # fmt: skip
EXAMPLES_KEY = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed", "property", "kind", "rank")

HISTOGRAMS: Schema = {
    **_columns("object_model layer pooling", TEXT), "neuron": INTEGER, **_columns("low high", NUMBER),
    "counts": pl.List(pl.Int32),
}  # fmt: skip
HISTOGRAMS_KEY = ("object_model", "layer", "pooling", "neuron")

INTERVENTIONS: Schema = {
    **_OBSERVED,
    **_columns("intervention subject_kind subject", TEXT), "neuron": INTEGER, **_columns("family property probe", TEXT),
    **_columns("k probe_seed", INTEGER), **_columns("kind measure rows target", TEXT), "dose": NUMBER,
    **_columns("n_rows n_draws", INTEGER),
    **_columns("baseline value effect effect_low effect_high random", NUMBER), "n_random": INTEGER,
    **_columns("p_value q_value", NUMBER), "comes_back": FLAG, **_LEVEL, **_NOTES,
}  # fmt: skip
"""What interventions change, one subject, kind, measure and set of rows each (docs/reference/tables.md)."""
INTERVENTIONS_KEY = (
    *("object_model", "layer", "pooling", "intervention", "subject_kind", "subject", "neuron", "family", "property"),
    *("probe", "k", "probe_seed", "kind", "measure", "rows", "target", "dose"),
)

INPUTS: Schema = {"sample": INTEGER, "kind": TEXT, "sprite": INTEGER, "text": TEXT}
"""Inputs that are shown (`denote.observation.inputs_shown`)."""

_CURVE = {"dataset": TEXT, "architecture": TEXT, "trained": FLAG, "epoch": INTEGER}

LABEL_PROPORTION_BY_MODEL: Schema = {
    **_OBSERVED, "family": TEXT, "probe_seed": INTEGER,
    **_columns("n_neurons n_live n_denoting n_distinct n_distinct_folded rotated_n_denoting rarefied_to", INTEGER),
    **_columns(
        "share_denoting rotated_share_denoting untrained_share_denoting label_proportion folded "
        "rotated_label_proportion rotated_folded untrained_label_proportion untrained_folded majority_side_share "
        "on_proportion active_share unconditional_label_proportion unconditional_folded property_entropy n_members "
        "participation_ratio distinct_label_proportion distinct_folded rotated_distinct_folded", NUMBER,
    ),
    **_columns("sign_identified is_head", FLAG), **_NOTES,
}  # fmt: skip
LABEL_PROPORTION_BY_MODEL_KEY = ("object_model", "layer", "pooling", "family", "probe_seed")

LABEL_PROPORTION_BY_DEPTH: Schema = {
    "dataset": TEXT, "architecture": TEXT, "trained": FLAG, "epoch": INTEGER, "layer": TEXT, "family": TEXT,
    "depth": INTEGER, "relative_depth": NUMBER,
    **_columns("n_models n_neurons n_live n_denoting n_distinct", INTEGER),
    **_columns(
        "share_denoting rotated_share_denoting untrained_share_denoting label_proportion_mean label_proportion_low "
        "label_proportion_high folded_mean folded_low folded_high rotated_folded_mean majority_side_share "
        "on_proportion_mean unconditional_label_proportion_mean unconditional_folded_mean "
        "untrained_label_proportion_mean untrained_folded_mean smallest_detectable_proportion share_denoting_mean "
        "share_denoting_low share_denoting_high rotated_share_low rotated_share_high untrained_share_low "
        "untrained_share_high rotated_label_proportion_mean rotated_label_proportion_low rotated_label_proportion_high "
        "rotated_folded_low rotated_folded_high untrained_label_proportion_low untrained_label_proportion_high "
        "untrained_folded_low untrained_folded_high active_share_mean property_entropy_mean n_members_mean "
        "n_live_mean participation_ratio_mean distinct_label_proportion_mean distinct_folded_mean "
        "rotated_distinct_folded_mean", NUMBER,
    ),
    **_columns("n_models_with_value rotated_n_models_with_value", INTEGER),
    **_columns("sign_identified is_head", FLAG), **_NOTES,
}  # fmt: skip
LABEL_PROPORTION_BY_DEPTH_KEY = ("dataset", "architecture", "trained", "epoch", "layer", "family")

DEPTH_TESTS: Schema = {
    "dataset": TEXT, "trained": FLAG, "epoch": INTEGER, "family": TEXT, "architecture": TEXT,
    **_columns("test role quantity", TEXT), **_columns("n_models n_layers", INTEGER), "layers": TEXT,
    **_columns("statistic effect effect_low effect_high p_value p_holm smallest_p", NUMBER),
    **_columns("testable significant planned", FLAG), **_NOTES,
}  # fmt: skip
"""``architecture`` is null where a test puts all architectures of a data set together, as the verdict does."""

DEPTH_VERDICTS: Schema = {
    "dataset": TEXT, "trained": FLAG, "epoch": INTEGER, "family": TEXT, "verdict": TEXT, "n_models": INTEGER,
    **_columns("p_value p_holm largest_bound", NUMBER), "planned": FLAG, **_NOTES,
}  # fmt: skip

DEPTH_DESCRIPTION: Schema = {
    **_CURVE, "family": TEXT, "place": TEXT, "layer": TEXT, "depth": INTEGER,
    **_columns("n_models n_models_with_value", INTEGER),
    **_columns(
        "label_proportion_mean label_proportion_low label_proportion_high folded_mean folded_low folded_high", NUMBER,
    ),
    "sign_identified": FLAG, **_NOTES,
}  # fmt: skip
"""The first, middle and last compared layer of an architecture; one row without a layer where there are none."""

DEPTH_PARTS: Schema = {
    **_CURVE, "family": TEXT, **_columns("part shape layer", TEXT), "depth": INTEGER,
    **_columns("first_layer last_layer layers", TEXT), **_columns("n_models n_layers", INTEGER),
    **_columns("value value_low value_high", NUMBER), **_NOTES,
}  # fmt: skip
"""What the raw course over depth is made of: of every part its level at each layer, its change and its bow.

One row without a part where it cannot be told.
"""

PROPERTIES: Schema = {
    **_CURVE,
    **_columns("seed", INTEGER), **_columns("object_model layer", TEXT), "depth": INTEGER, "relative_depth": NUMBER,
    "pooling": TEXT, "family": TEXT, "probe_seed": INTEGER, "property": TEXT,
    **_columns("label_proportion folded_label_proportion", NUMBER),
    **_columns("n_neurons n_complement n_models best_neuron", INTEGER),
    **_columns("fit_balanced_accuracy balanced_accuracy shrinkage fit_agreement threshold_agreement", NUMBER),
    "label_proportion_range": TEXT, "nested_properties": TEXT,
}  # fmt: skip

STABILITY: Schema = {
    **_CURVE, "layer": TEXT, "depth": INTEGER, "relative_depth": NUMBER, "family": TEXT, "against": TEXT,
    **_columns("n_pairs n_neurons", INTEGER),
    **_columns(
        "property_jaccard property_jaccard_low property_jaccard_high neuron_jaccard neuron_jaccard_low "
        "neuron_jaccard_high same_property_share", NUMBER,
    ),
    **_NOTES,
}  # fmt: skip

FIRST_DECISIVE: Schema = {
    **_CURVE, "probe": TEXT, "k": INTEGER, "attribute": TEXT, "family": TEXT, "label_proportion": NUMBER,
    **_columns("n_models n_censored", INTEGER),
    **_columns(
        "first_depth first_depth_low first_depth_high first_relative_depth first_relative_depth_low "
        "first_relative_depth_high", NUMBER,
    ),
    **_columns("first_layer first_layer_low first_layer_high decisive_at", TEXT), "equal_rows": FLAG, **_NOTES,
}  # fmt: skip

AUDIT: Schema = {
    **_CURVE, "layer": TEXT, "depth": INTEGER, "relative_depth": NUMBER, "pooling": TEXT, "probe": TEXT, "k": INTEGER,
    "attribute": TEXT, "family": TEXT, "label_proportion": NUMBER,
    **_columns("n_models n_positive_test n_test n_denoting", INTEGER),
    **_columns(
        "auroc auroc_low auroc_high input_auroc untrained_auroc input_gain input_gain_low input_gain_high", NUMBER,
    ),
    **_columns("verdict input_name note note_codes", TEXT),
}  # fmt: skip

COMPARISON: Schema = {
    **_columns("baseline other dataset baseline_networks other_networks scope quantity family probe name", TEXT),
    **_columns("layer other_layer", TEXT), **_columns("relative_depth other_relative_depth", NUMBER), "is_head": FLAG,
    **_columns(
        "baseline_value baseline_low baseline_high other_value other_low other_high difference difference_low "
        "difference_high p_value p_corrected", NUMBER,
    ),
    "differs": FLAG, **_columns("unit test correction", TEXT),
    **_columns("n_baseline n_other n_attributes n_layers n_tests", INTEGER),
    **_columns("baseline_text other_text", TEXT), **_NOTES,
}  # fmt: skip
"""What `denote.compare` finds, one number or text of both results a row (docs/reference/tables.md)."""
COMPARISON_KEY = (
    *("baseline", "other", "dataset", "baseline_networks", "other_networks", "scope", "quantity", "family", "probe"),
    *("name", "layer", "other_layer"),
)

USE_TESTS: Schema = {
    **_CURVE, **_columns("family quantity role", TEXT), **_columns("n_models n_neurons", INTEGER),
    **_columns("effect effect_low effect_high p_value p_holm", NUMBER), **_NOTES,
}  # fmt: skip
"""Whether denoting neurons are used beyond random ones, tested over networks (`denote.interventions.use`)."""

JOB_TABLES = {
    "cells": CELLS, "neurons": NEURONS, "controls": CONTROLS, "scan": SCAN, "pairs": PAIRS, "curves": CURVES,
    "null_check": NULL_CHECK, "attribute_correlation": ATTRIBUTE_CORRELATION, "layers": LAYERS, "on_rates": ON_RATES,
    "examples": EXAMPLES, "duplicates": DUPLICATES, "histograms": HISTOGRAMS, "interventions": INTERVENTIONS,
}  # fmt: skip
"""The tables that every job writes, by the name of their file, and their columns."""

SWEEP_TABLES = {
    **JOB_TABLES, "label_proportion_by_model": LABEL_PROPORTION_BY_MODEL,
    "label_proportion_by_depth": LABEL_PROPORTION_BY_DEPTH, "depth_tests": DEPTH_TESTS,
    "depth_verdicts": DEPTH_VERDICTS, "depth_description": DEPTH_DESCRIPTION, "depth_parts": DEPTH_PARTS,
    "properties": PROPERTIES, "stability": STABILITY,
    "first_decisive": FIRST_DECISIVE, "seed_spread": SEED_SPREAD, "audit": AUDIT, "use_tests": USE_TESTS,
}  # fmt: skip
"""The tables of a merged sweep."""

_SCHEMAS = {**SWEEP_TABLES, "inputs": INPUTS}
"""All tables, also those of a job that a sweep does not merge."""


ADDED = frozenset({"depth_description", "depth_parts", "duplicates", "histograms", "interventions", "use_tests"})
"""Tables that results of older schemas (`keys.SCHEMA`) lack."""


def has_tables(folder: Path, names: Iterable[str]) -> bool:
    """Whether a folder has the tables that results of every schema have."""
    return all((folder / f"{name}.parquet").is_file() for name in names if name not in ADDED)


def missing_tables(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the tables that older results in a folder lack."""
    return [name for name in names if name in ADDED and not (folder / f"{name}.parquet").is_file()]


REMOVED = ("card",)
"""Columns that older results have, and are not read: cards are made of the row when they are asked for."""


def read_tables(folder: Path, names: Iterable[str]) -> dict[str, pl.DataFrame]:
    """Read tables of a job or a sweep by name, all of one state of the folder, which a merge may replace meanwhile.

    A table or column that older results lack is empty.

    Raises:
        DamagedError: naming the file, if a table is not as it was written.
    """
    names = list(names)
    while True:
        before = state_of_record(folder)
        try:
            held = {name: read_table(folder, name) for name in names}
        except DamagedError:
            await_swap(folder)
            if state_of_record(folder) == before:
                raise
            continue
        if state_of_record(folder) == before:
            return held


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read one table; see `read_tables`."""
    file = folder / f"{name}.parquet"
    check(file)
    if name in ADDED and not file.is_file():
        return empty(_SCHEMAS[name])
    try:
        held = pl.read_parquet(file, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DamagedError(file, f"cannot be read ({told(error)})") from error
    return _of_today(held, name)


TOGETHER = 256
"""Folders whose tables are read at once."""


def read_table_of_many(folders: Sequence[Path], name: str, number: str | None = None) -> pl.DataFrame:
    """Read one table of many folders as one frame, in their order.

    Files of equal columns are read together, which takes a third of the time that one after the other takes.

    Args:
        folders: The folders.
        name: The table.
        number: Name of a column that says in which folder a row was, from 0; None for none.

    Raises:
        DamagedError: naming the file, if a table is not as it was written.
    """
    chunks = [range(start, min(start + TOGETHER, len(folders))) for start in range(0, len(folders), TOGETHER)]
    frames = [frame for chunk in chunks for frame in _read_chunk(folders, chunk, name, number)]
    return pl.concat([empty(_SCHEMAS[name]), *frames], how="diagonal")


def _read_chunk(folders: Sequence[Path], chunk: range, name: str, number: str | None) -> list[pl.DataFrame]:
    numbers = {str(folders[place] / f"{name}.parquet"): place for place in chunk}
    try:
        for file in numbers:
            check(Path(file))
        held = pl.read_parquet(list(numbers), glob=False, include_file_paths=number)
    except (OSError, pl.exceptions.PolarsError):  # of several versions, or damaged: file by file
        frames = [read_table(folders[place], name) for place in chunk]
        if number is None:
            return frames
        columns = [pl.lit(place, pl.Int64).alias(number) for place in chunk]
        return [frame.with_columns(column) for frame, column in zip(frames, columns, strict=True)]
    if number is not None:
        held = held.with_columns(pl.col(number).replace_strict(numbers, return_dtype=pl.Int64))
    return [_of_today(held, name)]


def _of_today(held: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return rows with the columns of today, whichever version wrote them."""
    held = held.drop(REMOVED, strict=False)
    if "note" in held.columns and "note_codes" not in held.columns:
        held = held.with_columns(note_codes=pl.col("note").map_elements(older_codes, return_dtype=TEXT))
    return pl.concat([empty(_SCHEMAS[name]), held], how="diagonal")


def empty(schema: Schema) -> pl.DataFrame:
    """A table without rows."""
    return pl.DataFrame(schema=dict(schema))


def table(rows: Iterable[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    """Rows as a frame with exactly the columns of ``schema``, in its order; what a row leaves out is null.

    Raises:
        KeyError: if a row has a column that the schema lacks, since it would be lost in silence.
    """
    rows = list(rows)
    unknown = {column for row in rows for column in row} - set(schema)
    if unknown:
        raise KeyError(f"columns not in the schema: {sorted(unknown)}")
    coded = zip(rows, codes_of([row.get("note") for row in rows]), strict=True)
    rows = [{column: {**row, "note_codes": codes}.get(column) for column in schema} for row, codes in coded]
    return pl.DataFrame(rows, schema=dict(schema))


def frame_of(columns: Mapping[str, Any], schema: Schema) -> pl.DataFrame:
    """Put columns into a frame with the types and in the order of a schema; NaN becomes null.

    Args:
        columns: Values by name, a value per row or one for all.
        schema: Types by name; columns that it lacks are left out.
    """
    kept = {name: columns[name] for name in schema if name in columns}
    single = {name: value for name, value in kept.items() if value is None or isinstance(value, str | int | float)}
    frame = pl.DataFrame([pl.Series(name, kept[name], dtype=schema[name]) for name in kept if name not in single])
    frame = frame.with_columns(pl.lit(value, dtype=schema[name]).alias(name) for name, value in single.items())
    return frame.select(*kept).with_columns(pl.col(pl.Float64).fill_nan(None))


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one table of a job or a sweep, whole or not at all."""
    with atomic_write(folder / f"{name}.parquet") as temporary:
        frame.write_parquet(temporary)


NotePart: TypeAlias = tuple[pl.Expr | pl.Series, pl.Expr | pl.Series]
"""Remarks of every row of a frame, or null: their text, and their codes."""

OF_ROW: NotePart = (pl.col("note"), pl.col("note_codes"))
"""What the rows of a frame say so far."""


def remark(note: str | None, where: pl.Expr | pl.Series | bool = True) -> NotePart:
    """One note of all rows where a condition holds."""
    text, codes = (pl.when(where).then(pl.lit(part, TEXT)) for part in (note, *codes_of([note])))
    return text, codes


def remarks(notes: Sequence[str | None]) -> NotePart:
    """A note of every row."""
    return pl.Series("note", notes, TEXT), pl.Series("note_codes", codes_of(notes), TEXT)


def remarks_by(column: str, notes: Mapping[str, str]) -> NotePart:
    """The note of the value that every row has in a column, where there is one."""
    coded = dict(zip(notes, codes_of([*notes.values()]), strict=True))
    text, codes = (pl.col(column).replace_strict(by, default=None, return_dtype=TEXT) for by in (dict(notes), coded))
    return text, codes


def without(codes: Collection[str]) -> NotePart:
    """What the rows of a frame say but for the remarks of some kinds."""
    text, held = (pl.col(name).str.split(NEXT_REMARK) for name in NOTE)
    kept = held.list.eval(pl.element().is_in(codes).not_().arg_true())
    left = [part.list.gather(kept).list.join(NEXT_REMARK) for part in (text, held)]
    return pl.when(kept.list.len() > 0).then(left[0]), pl.when(kept.list.len() > 0).then(left[1])


def replaced_remarks(frame: pl.DataFrame, codes: Collection[str], note: str) -> pl.DataFrame:
    """Return a frame in whose notes remarks of some kinds are another one, which stands there once.

    Args:
        frame: With the columns of `NOTE`.
        codes: The kinds.
        note: What stands in their place, a single remark.
    """
    replaced = {*codes, *(code for code in codes_of([note]) if code)}
    return frame.with_columns(**joined_notes(without(replaced), remark(note, says(*replaced))))


def says(*codes: str) -> pl.Expr:
    """Whether a row has a remark of one of some kinds."""
    of_row = pl.col("note_codes").str.split(NEXT_REMARK)
    return pl.any_horizontal(of_row.list.contains(code) for code in codes).fill_null(value=False)


def joined_notes(*parts: NotePart) -> dict[str, pl.Expr]:
    """Join the remarks of every row into the columns ``note`` and ``note_codes``, null where a row has none."""
    joined = (pl.concat_str(each, separator=NEXT_REMARK, ignore_nulls=True) for each in zip(*parts, strict=True))
    return {name: pl.when(text != "").then(text) for name, text in zip(NOTE, joined, strict=True)}
