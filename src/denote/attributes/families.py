"""From the plain ``attribute`` config to families, from families to the labels of all cells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from denote.attributes import formula_family, rules
from denote.attributes.expressions import parse_where
from denote.attributes.labels import Family, merge_labels
from denote.attributes.own import AttributeFamily, family_of
from denote.data.samples import Samples
from denote.errors import AttributeLabelError, one_of

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
    for option, settings in options.items():
        if not isinstance(settings, AttributeFamily):
            _check_option(option, settings)
    kinds_made = {o: settings["kind"] for o, settings in options.items() if not isinstance(settings, AttributeFamily)}
    made = [option for option, kind in kinds_made.items() if kind == "formulas"]
    if len(made) > 1:
        problem = f"{' and '.join(made)} are both of kind formulas, a single family"
        raise AttributeLabelError("attribute", problem, "allowed: one of them, with the atoms of both")


def families(spec: Mapping[str, Any], samples: Samples) -> list[Family]:
    """The families that a config asks for, each name of a family once, in the order asked for.

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
            by_name.setdefault(option, []).append(family_of(option, settings, samples))
            continue
        arguments = {key: value for key, value in settings.items() if key != "kind"}
        family = KINDS[settings["kind"]](option, samples, **arguments)
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
    if kind not in KINDS:
        raise AttributeLabelError(f"{where}.kind", f"{kind!r} is no kind of attribute", one_of(kind, KINDS))
    _, _, *known = inspect.signature(KINDS[kind]).parameters.values()
    names = [parameter.name for parameter in known]
    for key in settings:
        if key != "kind" and key not in names:
            raise AttributeLabelError(f"{where}.{key}", f"is no setting of kind {kind}", one_of(key, ["kind", *names]))
    for parameter in known:
        if parameter.default is parameter.empty and parameter.name not in settings:
            raise AttributeLabelError(f"{where}.{parameter.name}", f"is missing; kind {kind} needs it")
    if kind == "where":
        parse_where(settings["where"], f"{where}.where")
    if kind == "formulas":
        formula_family.check(option, **{key: value for key, value in settings.items() if key != "kind"})
