"""Rows of the table of interventions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

from denote.interventions.ablated import AblationResult, Effect
from denote.interventions.comparing import Comparison
from denote.interventions.erasure import ErasureResult
from denote.interventions.kinds import Ablate, Erase, Steer
from denote.interventions.steering import SteeringResult
from denote.interventions.words import ALL, ANY, AUROC, LOSS, NEURON, PART, READING, RESAMPLE, SCORE, SLOPE, WITH
from denote.notes import Note, note


def of_task(row: dict[str, Any], remark: Note | None) -> dict[str, Any]:
    """Return a row with a remark on the network's task, where it is about that: on its score or loss.

    Args:
        row: Of the table.
        remark: What the network's outputs are held against.
    """
    return {**row, "note": note(row.get("note"), remark)} if row.get("measure") in (SCORE, LOSS) else row


def ablation_rows(result: AblationResult, draws: int) -> list[dict[str, Any]]:
    """Return the rows on one subject, the headline with its comparison."""
    columns = result.subject.columns
    rows = [_row(columns, effect, draws) | _beside(result, effect) for effect in result.effects]
    part = {**columns, "subject_kind": PART}
    return rows + [_row({**part, "neuron": neuron}, effect, draws) for neuron, effect in result.parts.items()]


def neuron_rows(effects: Mapping[int, Iterable[Effect]]) -> list[dict[str, Any]]:
    """Return the rows on all neurons of a layer."""
    return [
        _row({"subject_kind": ANY, "subject": str(neuron), "neuron": neuron}, effect, 1)
        for neuron, own in effects.items()
        for effect in own
    ]


def _row(columns: Mapping[str, Any], effect: Effect, draws: int) -> dict[str, Any]:
    return {
        **columns,
        "intervention": Ablate.name,
        "kind": effect.kind,
        "measure": effect.measure,
        "rows": effect.rows,
        "n_rows": effect.n_rows,
        "n_draws": draws if effect.kind == RESAMPLE else None,
        "baseline": effect.baseline,
        "value": effect.value,
        "effect": effect.effect,
        "effect_low": effect.low,
        "effect_high": effect.high,
    }


def _beside(result: AblationResult, effect: Effect) -> dict[str, Any]:
    """Columns of the comparison, of the headline alone."""
    if (effect.kind, effect.measure, effect.rows) != (RESAMPLE, SCORE, WITH):
        return {}
    if result.comparison is None:
        return {"note": result.note}
    compared = result.comparison
    return {
        "random": compared.random,
        "n_random": compared.n_random,
        "p_value": compared.p_value,
        "note": note(compared.note, result.note),
    }


PUSH, SWITCH = "push", "switch"
"""Kinds of steering: along a direction, and of a neuron."""


def erasure_rows(result: ErasureResult, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows on one erased attribute: what the network loses, and how it is read at every later layer.

    Args:
        result: The erasure.
        columns: By which it is known.
    """
    same = {**columns, "intervention": Erase.name, "kind": "leace"}
    if result.here is None:
        return [{**same, "note": result.note}]
    losses = [
        {**_row(same, loss.effect, 1), **same, **_random(loss.comparison, tested=_is_loss_headline(loss.effect))}
        for loss in result.losses
    ]
    return losses + [
        {
            **same,
            "measure": AUROC,
            "target": each.layer,
            "baseline": _or_none(each.before),
            "value": _or_none(each.after.value),
            "effect": _or_none(each.before - each.after.value),
            "effect_low": _or_none(each.before - each.after.high),
            "effect_high": _or_none(each.before - each.after.low),
            "p_value": _or_none(each.p_value),
            "q_value": _or_none(each.p_holm),
            "comes_back": each in result.back if result.is_gone and each is not result.here else None,
            "note": note(each.note, result.note if each is result.here else None),
        }
        for each in (result.here, *result.later)
    ]


def _is_loss_headline(effect: Effect) -> bool:
    """Whether an effect of an erasure is tested: the score on all rows, the same for an attribute and its opposite."""
    return (effect.measure, effect.rows) == (SCORE, ALL)


def _random(compared: Comparison | Note, *, tested: bool) -> dict[str, Any]:
    if isinstance(compared, Note):
        return {"note": compared} if tested else {}
    p_value = {"p_value": compared.p_value, "note": compared.note} if tested else {}
    return {"random": compared.random, "n_random": compared.n_random, **p_value}


def steering_rows(result: SteeringResult, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows on one steered subject: every measure at every dose, and its slope.

    Args:
        result: How the network answers.
        columns: By which the subject is known.
    """
    kind = SWITCH if columns["subject_kind"] == NEURON else PUSH
    same = {**columns, "intervention": Steer.name, "kind": kind}
    rows: list[dict[str, Any]] = []
    for each in result.responses:
        of_measure = {**same, "measure": each.measure, "target": each.name or None, "baseline": each.baseline}
        rows += [
            {**of_measure, "dose": dose, "value": each.baseline + change, "effect": change}
            for dose, change in zip(result.doses, each.changes, strict=True)
        ]
        slope = {
            "effect": _or_none(each.slope.value),
            "effect_low": _or_none(each.slope.low),
            "effect_high": _or_none(each.slope.high),
            "random": each.random,
            "n_random": each.n_random,
            # The rest is described: of many outputs the largest slope is chosen by its size, and a score that falls
            # whichever way a state is pushed has no slope.
            "p_value": _or_none(each.p_value) if each.measure == READING else None,
            "note": result.note,
        }
        rows.append({**of_measure, "kind": f"{kind} {SLOPE}", **slope})
    return rows


def _or_none(value: float) -> float | None:
    return None if isnan(value) else float(value)
