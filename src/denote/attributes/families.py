"""From the plain ``attribute`` config, or a rule of the user's own, to families of attributes."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from denote.attributes import rules
from denote.attributes.expressions import parse_where
from denote.attributes.labels import NULL, Family, FormulaFamily, Formulas, Labels, merge_labels
from denote.config.settings import AT_LEAST_ONE, number
from denote.data.samples import Samples
from denote.errors import AttributeLabelError

ATOMS: Mapping[str, Callable[[str, Samples], Family]] = {
    "classes": rules.classes,
    "columns": rules.columns,
    "quantiles": rules.quantiles,
}
"""Kinds whose attributes, by their default settings, may be the atoms of formulas."""

LONGEST = 5
"""Atoms of a formula; names of longer ones say little to a reader."""


# As every rule, it has the keys of its option as keywords; one that joins them would be a second list of the keys.
def formulas(
    option: str,
    samples: Samples,
    *,
    atoms: Sequence[str] = tuple(ATOMS),
    where: Mapping[str, str] | None = None,
    length: int = Formulas.length,
    beam: int = Formulas.beam,
    length_penalty: float = Formulas.penalty,
) -> Family:
    """Return all formulas over some attributes; none is a cell.

    Of atoms that are equal or complements of each other on all samples the first is kept.

    Args:
        option: Name of the option.
        samples: Where the atoms come from.
        atoms: Kinds of attributes; one that the data has no attributes of is left out.
        where: More atoms by name, as SQL expressions.
        length: Most atoms of a formula, 1 to 5.
        beam: Formulas of each length that are made longer, at least 1.
        length_penalty: Balanced accuracy on *fit* that an atom more must gain, above 0.

    Raises:
        AttributeLabelError: as `check_formulas`, and where the data has no atom.
    """
    given = {"atoms": atoms, "where": where, "length": length, "beam": beam, "length_penalty": length_penalty}
    check_formulas(option, given)
    named = {str(name): text for name, text in (where or {}).items()}
    families = [*_of_kinds(option, samples, atoms), rules.expressions(named, samples, f"attribute.{option}.where")]
    every = merge_labels(families)
    if not len(every):
        problem = f"the data has no attributes of kinds {', '.join(atoms) or '(none)'}"
        raise AttributeLabelError(f"attribute.{option}.atoms", problem, "allowed: other kinds, or atoms by `where`")
    kept = _distinct(every)
    names = tuple(every.names[index] for index in kept)
    unique = Labels(names, ("formulas",) * len(names), np.ascontiguousarray(every.values[:, kept]))
    none = rules.family("formulas", [], len(samples)).labels
    return FormulaFamily("formulas", none, Formulas(unique, length, beam, length_penalty))


def check_formulas(option: str, settings: Mapping[str, Any]) -> None:
    """Refuse settings that can be known to be wrong without the data.

    Args:
        option: Name of the option.
        settings: Keyword arguments of `formulas`.

    Raises:
        AttributeLabelError: naming the key.
    """
    atoms, where = settings.get("atoms", tuple(ATOMS)), settings.get("where")
    length, beam = settings.get("length", Formulas.length), settings.get("beam", Formulas.beam)
    length_penalty = settings.get("length_penalty", Formulas.penalty)
    key = f"attribute.{option}"
    if isinstance(atoms, str) or not isinstance(atoms, Sequence) or not (atoms or where):
        raise AttributeLabelError(f"{key}.atoms", f"{atoms!r}", f"allowed: a list of {', '.join(ATOMS)}")
    for kind in atoms:
        AttributeLabelError.refuse_unknown(kind, ATOMS, f"{key}.atoms", "{!r} is no kind of atom")
    if not isinstance(where, Mapping | None):
        raise AttributeLabelError(f"{key}.where", f"{where!r}", "allowed: a mapping of names to SQL expressions")
    for name, text in (where or {}).items():
        parse_where(text, f"{key}.where")
        if str(name).startswith("NOT "):
            raise AttributeLabelError(f"{key}.where", f"{name!r} is a name that starts with NOT", "allowed: others")
    if not number(1, LONGEST, whole=True).fits(length):
        raise AttributeLabelError(f"{key}.length", f"{length!r}", f"allowed: a whole number from 1 to {LONGEST}")
    if not AT_LEAST_ONE.fits(beam):
        raise AttributeLabelError(f"{key}.beam", f"{beam!r}", "allowed: a whole number, 1 or more")
    if not number(0, 0.5, open_at="low high").fits(length_penalty):
        why = "allowed: above 0 and below .5; without a penalty every neuron takes the longest formula"
        raise AttributeLabelError(f"{key}.length_penalty", f"{length_penalty!r}", why)


def _of_kinds(option: str, samples: Samples, atoms: Sequence[str]) -> Iterator[Family]:
    for kind in atoms:
        with suppress(AttributeLabelError):  # with default settings this only says that there are none
            yield ATOMS[kind](option, samples)


def _distinct(atoms: Labels) -> list[int]:
    """Places of the atoms that are neither constant nor equal to an earlier one or its complement."""
    seen: set[bytes] = set()
    kept = []
    for index, values in enumerate(atoms.values.T):
        complement = np.where(values == NULL, NULL, 1 - values).astype(np.int8)
        if seen.isdisjoint((values.tobytes(), complement.tobytes())) and {0, 1} <= set(np.unique(values).tolist()):
            kept.append(index)
        seen.add(values.tobytes())
    return kept


KINDS: Mapping[str, Callable[..., Family]] = {
    "where": rules.named,
    "classes": rules.classes,
    "subsets": rules.subsets,
    "columns": rules.columns,
    "quantiles": rules.quantiles,
    "formulas": formulas,
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
    of_formulas = [option for option, settings in of_kinds.items() if settings["kind"] == "formulas"]
    if len(of_formulas) > 1:
        problem = f"{' and '.join(of_formulas)} are both of kind formulas, a single family"
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
        check_formulas(option, settings)


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


@dataclass(frozen=True, eq=False)
class Numbers(Mapping[str, Float[np.ndarray, " sample"]]):
    """Columns as numbers, each made when it is asked for: nulls become NaN, false 0 and true 1.

    Attributes:
        columns: By name, each of numbers or yes/no.
    """

    columns: Mapping[str, pl.Series]

    def __getitem__(self, name: str) -> Float[np.ndarray, " sample"]:
        return self.columns[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def simple_columns(samples: Samples, names: str | Sequence[str] = "all") -> Numbers:
    """Return the columns that a threshold can cut.

    Args:
        samples: Where the table comes from.
        names: ``all``: every numeric or yes/no column that varies, but the target; or a list.

    Raises:
        AttributeLabelError: naming ``evidence.rivals``, for a column of a list that is no number.
        DataError: if there is no such column.
    """
    where = "evidence.rivals"
    if isinstance(names, str):
        chosen = [column for column in samples.table.get_columns() if column.name != samples.target]
    else:
        chosen = [samples.column(name, where) for name in names]
    numeric = {}
    for column in chosen:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            if column.n_unique() > 1:
                numeric[column.name] = column
        elif not isinstance(names, str):
            raise AttributeLabelError(where, f"column {column.name!r} holds {column.dtype}", "allowed: numbers, yes/no")
    return Numbers(numeric)
