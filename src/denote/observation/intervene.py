"""Intervene on what an observation found: the neurons that denote, and the observers that are decisive."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import polars as pl

from denote.errors import LayerError
from denote.interventions.kinds import Ablate, Erase, Intervention, Steer
from denote.notes import Note
from denote.observation.ablated import AblatedLayer
from denote.observation.arguments import ObservationSettings, SampleInfo, Subject
from denote.observation.decide import decide
from denote.observation.erased import ErasedLayer
from denote.observation.layer_run import LayerRun, NetworkRun
from denote.observation.result import Observation
from denote.observation.steered_layer import SteeredLayer
from denote.observation.untouched import is_untouched, why_untouched
from denote.observers.threads import taken_over
from denote.progress import counted
from denote.states.state import LayerState
from denote.tables import INTERVENTIONS, JOB_TABLES, OF_ROW, joined_notes, remarks_by, table

log = logging.getLogger(__name__)


class IntervenedLayer(Protocol):
    """A layer under one kind of intervention."""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Intervene, and give rows of ``tables.INTERVENTIONS`` without the columns that say where.

        Raises:
            LayerError: if nothing can be put in the layer's place.
        """
        ...


@taken_over()
def with_interventions(
    observation: Observation,
    interventions: Sequence[Intervention],
    states: Sequence[LayerState],
    run: NetworkRun,
    *,
    subject: Subject,
    info: SampleInfo,
    settings: ObservationSettings,
) -> Observation:
    """Intervene on the layers of an observation and add what that changes.

    Args:
        observation: Decided.
        interventions: Which; none leaves the observation as it is.
        states: Recorded states of its layers.
        run: The network; it is left as it was.
        subject: The object model.
        info: What is known of the samples.
        settings: As the observation was made.
    """
    if not interventions:
        return observation
    rows: list[pl.DataFrame] = []
    reasons: dict[str, str] = {}
    for index, state in enumerate(counted("layer", states)):
        layer, place = state.layer, LayerRun(observation, states, index, run, info, settings)
        made: list[dict[str, Any]] = []
        problems: dict[str, None] = {}
        for each in interventions:
            try:
                made += _rows(place, each)
            except LayerError as error:
                problems[error.problem] = None
                made.append({"intervention": each.name, "note": Note.of("not_intervened", why=error.problem)})
                if isinstance(each, Ablate):
                    reasons[layer.name] = Note.of("cannot_be_replaced", why=error.problem)
        for problem in problems:
            log.warning("layer %s is not intervened on: %s", layer.name, problem)
        same = {name: getattr(layer, name) for name in ("depth", "relative_depth", "pooling")}
        same |= {"layer": layer.name, "probe_seed": settings.probe_seed}
        of_layer = table(({**row, **same} for row in made), INTERVENTIONS)
        rows.append(subject.stamp(of_layer).select(*INTERVENTIONS))
    frame = pl.concat([table([], INTERVENTIONS), *rows]).with_columns(evidence_level=pl.lit(settings.level))
    tables = {**observation.tables, "interventions": frame}
    tables |= {name: _with_reasons(tables[name], reasons) for name in ("cells", "neurons")}
    decided = decide(tables, settings.rule)
    return replace(observation, tables={name: decided[name].select(*JOB_TABLES[name]) for name in JOB_TABLES})


def _rows(place: LayerRun, asked: Intervention) -> list[dict[str, Any]]:
    """Intervene on a layer; where there is nothing to intervene on the last row says why."""
    rows = list(_at(place, asked).rows())
    return [*rows, {"intervention": asked.name, "note": why_untouched(place, asked)}] if is_untouched(rows) else rows


def _at(place: LayerRun, intervention: Intervention) -> IntervenedLayer:
    """The layer under a kind of intervention."""
    if isinstance(intervention, Ablate):
        return AblatedLayer(place, intervention)
    if isinstance(intervention, Erase):
        return ErasedLayer(place, intervention)
    assert isinstance(intervention, Steer)  # noqa: S101  (there is no other kind)
    return SteeredLayer(place, intervention)


def _with_reasons(rows: pl.DataFrame, reasons: Mapping[str, str]) -> pl.DataFrame:
    """Say of what would have been ablated why its layer was not."""
    if not reasons:
        return rows
    asked = pl.col("denotes" if "denotes" in rows.columns else "decisive").fill_null(value=False)
    text, codes = remarks_by("layer", reasons)
    why = (pl.when(asked).then(text), pl.when(asked).then(codes))
    return rows.with_columns(**joined_notes(OF_ROW, why))
