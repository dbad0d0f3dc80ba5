"""From the plain ``attribute`` config, or a rule of the user's own, to families of attributes."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from denote.attributes import formula_family, rules
from denote.attributes.expressions import parse_where
from denote.attributes.labels import NULL, Family, merge_labels
from denote.data.samples import Samples
from denote.errors import AttributeLabelError

KINDS: Mapping[str, Callable[..., Family]] = {
    "where": rules.named,
    "classes": rules.classes,
    "subsets": rules.subsets,
    "columns": rules.columns,
    "quantiles": rules.quantiles,
    "formulas": formula_family.formulas,
}
"""What ``kind`` of an option may be; the other keys of the option are the keyword arguments."""


def check_spec(spec: Mapping[str, Any]) -> None:
    """Refuse what can be known to be wrong without the data: kinds, keys, expressions, an empty selection.

    Args:
        spec: As for `families`.

    Raises:
        AttributeLabelError: naming the key of ``attribute.*``.
    """
    if expressions := _where(spec):
        for text in expressions.values():
            parse_where(text)
        return
    options = _options(spec)
    if not options:
        allowed = "choose an option (attribute=classes) or write attribute.where"
        raise AttributeLabelError("attribute", "no attribute is chosen", allowed)
    of_kinds = {option: settings for option, settings in options.items() if not isinstance(settings, AttributeFamily)}
    for option, settings in of_kinds.items():
        _check_option(option, settings)
    formulas = [option for option, settings in of_kinds.items() if settings["kind"] == "formulas"]
    if len(formulas) > 1:
        problem = f"{' and '.join(formulas)} are both of kind formulas, a single family"
        raise AttributeLabelError("attribute", problem, "allowed: one of them, with the atoms of both")


def families(spec: Mapping[str, Any], samples: Samples) -> list[Family]:
    """Return the families that a config asks for, each name of a family once, in the order asked for.

    Args:
        spec: ``where`` (None, an SQL expression, or a mapping of names to expressions; replaces all options) and
            options by name, each a mapping with its ``kind`` and that kind's settings, or an `AttributeFamily`.
        samples: Where classes and columns come from.

    Raises:
        AttributeLabelError: naming the key of ``attribute.*`` that is at fault.
    """
    check_spec(spec)
    if expressions := _where(spec):
        return [rules.expressions(expressions, samples, "attribute.where")]
    by_name: dict[str, list[Family]] = {}
    for option, settings in _options(spec).items():
        if isinstance(settings, AttributeFamily):
            family = family_of(option, settings, samples)
        else:
            family = KINDS[settings["kind"]](option, samples, **_arguments(settings))
        by_name.setdefault(family.name, []).append(family)
    return [replace(same[0], labels=merge_labels(same)) for same in by_name.values()]


def _where(spec: Mapping[str, Any]) -> dict[str, str]:
    where = spec.get("where")
    if where is None:
        return {}
    if isinstance(where, str):
        return {where: where}
    if not isinstance(where, Mapping) or not where:
        allowed = "allowed: an SQL expression, or a mapping of names to expressions"
        raise AttributeLabelError("attribute.where", f"{where!r}", allowed)
    return {str(name): text for name, text in where.items()}


def _options(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): settings for name, settings in spec.items() if name != "where" and settings is not None}


def _check_option(option: str, settings: Any) -> None:
    where = f"attribute.{option}"
    if not isinstance(settings, Mapping) or "kind" not in settings:
        raise AttributeLabelError(where, f"{settings!r} has no kind", f"allowed kinds: {', '.join(KINDS)}")
    kind = settings["kind"]
    AttributeLabelError.refuse_unknown(kind, KINDS, f"{where}.kind", "{!r} is no kind of attribute")
    _, _, *parameters = inspect.signature(KINDS[kind]).parameters.values()
    names = ["kind", *(parameter.name for parameter in parameters)]
    for key in settings:
        AttributeLabelError.refuse_unknown(key, names, f"{where}.{key}", f"is no setting of kind {kind}")
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.name not in settings:
            raise AttributeLabelError(f"{where}.{parameter.name}", f"is missing; kind {kind} needs it")
    if kind == "where":
        parse_where(settings["where"], f"{where}.where")
    if kind == "formulas":
        formula_family.check(option, **_arguments(settings))


def _arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "kind"}


ALLOWED = "allowed: true or false (1 or 0) for every sample, null where it does not apply"


class AttributeFamily(ABC):
    """A rule that gives attributes: derive from it, and name the class in ``attribute.NAME._target_``.

    The constructor takes the option's other keys. The family is called by the option's name.
    """

    @abstractmethod
    def attributes(self, samples: Samples) -> Mapping[str, Any]:
        """Return the attributes by name.

        Args:
            samples: The dataset: ``table``, ``targets``, ``classes`` and ``inputs``, all in row order.

        Returns:
            For every attribute a column of ``len(samples)`` values: true or false, 1 or 0, null where it does not
            apply. What is true of a row must follow from that row alone: *test* rows would shape it otherwise.
        """


def family_of(option: str, rule: AttributeFamily, samples: Samples) -> Family:
    """Return the family that a rule gives.

    Args:
        option: What it is called.
        rule: The user's.
        samples: The dataset.

    Raises:
        AttributeLabelError: if the rule gives no attributes, or something that is none.
    """
    given = rule.attributes(samples)
    if not isinstance(given, Mapping) or not given:
        problem = f"{type(rule).__name__}.attributes gave {given!r:.40}"
        raise AttributeLabelError(f"attribute.{option}", problem, "needed: columns of labels by name, at least one")
    where, n = f"attribute.{option}", len(samples)
    return rules.family(option, [(str(k), _labels(v, n, f"{where}[{str(k)!r}]")) for k, v in given.items()], n)


def _labels(values: Any, n: int, where: str) -> Int8[np.ndarray, " sample"]:
    try:
        column = pl.Series(values, nan_to_null=True)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise AttributeLabelError(where, f"{type(values).__name__} makes no column", ALLOWED) from error
    if len(column) != n:
        raise AttributeLabelError(where, f"{len(column)} labels for {n} samples", ALLOWED)
    labels = column.drop_nulls()
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean or labels.is_empty()):
        raise AttributeLabelError(where, f"holds {column.dtype}", ALLOWED)
    if not labels.cast(pl.Float64).is_in([0.0, 1.0]).all():
        raise AttributeLabelError(where, f"holds {', '.join(map(str, labels.unique().sort().head(4)))}", ALLOWED)
    return np.asarray(column.cast(pl.Int8).fill_null(NULL).to_numpy())
