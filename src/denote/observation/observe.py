"""Observing every layer with every probe, and searching every neuron over every family."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from denote.attributes.labels import Labels, equal_rows
from denote.config.byte_units import at_least
from denote.config.keys import digest
from denote.data.parts import Halves
from denote.denotation.atlas import examples, with_targets
from denote.errors import ConfigError
from denote.observation.arguments import ControlStates, ObservationSettings, SampleInfo, Subject
from denote.observation.decide import decide
from denote.observation.duplicates import duplicates
from denote.observation.inputs_shown import shown_inputs
from denote.observation.result import Observation
from denote.observation.work import Work
from denote.observers.reading import Resources
from denote.observers.solvers.design import LEAST_ROWS
from denote.observers.threads import taken_over
from denote.progress import counted, step
from denote.states.state import LayerState
from denote.tables import JOB_TABLES, OF_ROW, joined_notes, remarks_by

log = logging.getLogger(__name__)

WHOLE = Resources(memory=4 << 30)


@taken_over()
def observe_states(
    states: Sequence[LayerState],
    *,
    subject: Subject,
    info: SampleInfo,
    settings: ObservationSettings,
    control_states: ControlStates | None = None,
    resources: Resources = WHOLE,
    show_inputs: bool = True,
) -> Observation:
    """Observe every layer with every probe, and search every neuron over every family.

    Args:
        states: Recorded states of the layers, on *fit* and *test* at least.
        subject: The object model.
        info: What is known of the samples.
        settings: Observers, rule and controls.
        control_states: States that these are held against.
        resources: Where observers are fitted, and bytes that may be held at once; a layer that takes more than a
            quarter of them stays on disk.
        show_inputs: Whether anything of the inputs and of their rows' labels is kept beside the tables.

    Raises:
        ConfigError: if ``memory_limit`` is too small, with the least that works.
        StateError: if a state is not finite, with the layer, the neuron and how many.
    """
    control_states = control_states or ControlStates()
    whole, labels = info.halved(_without(info.labels, info.reasons)), info.labels.names
    at, number = whole, None
    if settings.equal_rows is not None:
        drawn = equal_rows(whole, settings.equal_rows, settings.probe_seed, settings.rule.min_rows)
        at, number, info = drawn.labels, drawn.number, replace(info, reasons={**drawn.reasons, **info.reasons})
    held = sum(values.nbytes for values in (at.fit.values, at.test.values))
    _check_memory(states, at, resources.memory)
    # What a job scans as one: another job of the same network has permutations of its own.
    scanned = digest([subject.object_model, settings.probe_seed, [state.layer.name for state in states], list(labels)])
    work = Work(
        subject, info, settings, control_states, at, replace(resources, memory=resources.memory - held), scanned, number
    )
    if control_states.raw_input is not None and len(labels):
        work.read_input(control_states.raw_input)
    for index, layer_state in enumerate(counted("layer", states)):
        work.read_layer(index, layer_state)
    with step("scan of all layers"):
        work.finish()
    tables = work.tables()
    # Before anything is decided, since the cards put these into words.
    tables |= {name: _with_reasons(tables[name], info.reasons) for name in ("cells", "scan", "curves")}
    for doubtful in (state.layer for state in states if state.layer.note):
        log.warning("layer %s: %s", doubtful.name, doubtful.note)
    tables |= {name: _with_layer_notes(tables[name], states) for name in ("cells", "neurons", "scan", "layers")}
    tables |= {name: _with_proportions(tables[name], whole.test) for name in ("cells", "scan")}
    tables["duplicates"] = duplicates(states, info, subject.dataset)
    tables = {name: _with_level(frame, settings.level) for name, frame in tables.items()}
    with step("decisions"):
        decided = decide(tables, settings.rule)
    shown = examples(states, decided["neurons"], info.families, info.parts, settings.search, settings.examples)
    decided["examples"] = with_targets(shown, info.classes if show_inputs else None, info.class_names)
    with step("inputs shown"):
        inputs = shown_inputs(info, decided["examples"], is_asked=show_inputs)
    return Observation(
        tables={name: frame.select(*JOB_TABLES[name]) for name, frame in decided.items()},
        observers=work.observers,
        layers=tuple(state.layer for state in states),
        attributes=labels,
        object_model=subject.object_model,
        input_shape=info.input_shape,
        rule=settings.rule,
        inputs_shown=inputs,
    )


def _check_memory(states: Sequence[LayerState], labels: Halves[Labels], limit: float) -> None:
    """Refuse a limit that not even the labels, a block of the widest layer and its coefficients fit into."""
    widest = max((state.layer.n_neurons for state in states), default=0)
    own = sum(values.nbytes for values in (labels.fit.values, labels.test.values))
    least = own + 12 * LEAST_ROWS * widest + 64 * widest * max(1, len(labels.fit))
    if limit < least:
        problem = f"{limit} bytes are too few for a layer of {widest} neurons"
        raise ConfigError("memory_limit", problem, at_least(least))


def _with_level(rows: pl.DataFrame, level: str) -> pl.DataFrame:
    """Rows that say how much evidence there is, in the tables that have the column."""
    return rows.with_columns(evidence_level=pl.lit(level)) if "evidence_level" in rows.columns else rows


def _without(labels: Labels, reasons: Mapping[str, str]) -> Labels:
    """Labels in which an attribute with too few rows is null everywhere, so that its cell is null too."""
    if not reasons:
        return labels
    values = labels.values.copy()
    values[:, [name in reasons for name in labels.names]] = -1
    return Labels(labels.names, labels.families, values)


def _with_reasons(rows: pl.DataFrame, reasons: Mapping[str, str]) -> pl.DataFrame:
    """Rows that say of an attribute which was left out why it was, and not that its labels are null."""
    if not reasons or rows.is_empty():
        return rows
    why, codes = remarks_by("attribute", reasons)
    return rows.with_columns(note=pl.coalesce(why, "note"), note_codes=pl.coalesce(codes, "note_codes"))


def _with_layer_notes(rows: pl.DataFrame, states: Sequence[LayerState]) -> pl.DataFrame:
    """Rows that say of their layer what is doubtful, such as axes that are a guess."""
    notes = {state.layer.name: state.layer.note for state in states if state.layer.note}
    if not notes or rows.is_empty():
        return rows
    return rows.with_columns(**joined_notes(remarks_by("layer", notes), OF_ROW))


def _with_proportions(rows: pl.DataFrame, test: Labels) -> pl.DataFrame:
    """Rows with the label proportion of *test*, whichever of its rows were drawn."""
    positive, known = (test.values == 1).sum(0), (test.values >= 0).sum(0)
    share = pl.DataFrame(
        {"attribute": test.names, "label_proportion": positive / np.where(known > 0, known, 1)},
        schema_overrides={"attribute": pl.String},
    )
    filled = rows.drop("label_proportion").join(share, on="attribute", how="left", maintain_order="left")
    return filled.with_columns(label_proportion=pl.when(pl.col("n_test") > 0).then("label_proportion")).select(
        rows.columns
    )
