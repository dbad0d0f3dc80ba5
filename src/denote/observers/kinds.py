"""The kinds of probe, one module of this package each; a new one is found by being here.

Tables hold the name of a probe. What else is asked of its kind stands in its class as plain values and is read off the
source, since importing the class would load torch, which checks of a config and reports do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from denote.config.class_sources import literals_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ProbeKind:
    """A kind of probe, as its class in ``denote.observers.MODULE`` declares it.

    Attributes:
        kind: Name in ``probe=`` and in tables.
        module: Name of its module.
        class_name: Name of its class there.
        is_baseline: It reads no neuron.
        is_reference: It is shown where there is room for one kind only.
        has_sizes: It fits an observer for each of several numbers of neurons, ``k``.
        capacity: Rank by how much its observers can read, from 0; None for a kind that is not compared by that.
        contains_weaker: It can read all that kinds of less capacity can.
    """

    kind: str
    module: str
    class_name: str
    is_baseline: bool = False
    is_reference: bool = False
    has_sizes: bool = False
    capacity: int | None = None
    contains_weaker: bool = True


@cache
def built_in_probes() -> Mapping[str, ProbeKind]:
    """Return all kinds by name: the reference, then the others by capacity."""
    names = {field.name for field in fields(ProbeKind)}
    kinds = [
        ProbeKind(module=file.stem, class_name=name, **{key: values[key] for key in names & values.keys()})
        for file in sorted(Path(__file__).parent.glob("*.py"))
        for name, values in literals_of(file, "BuiltInProbe").items()
        if "kind" in values
    ]
    order = sorted(kinds, key=lambda kind: (not kind.is_reference, kind.capacity is None, kind.capacity or 0))
    return {kind.kind: kind for kind in order}


def by_capacity() -> list[str]:
    """Return the kinds that are compared by how much they can read, the weakest first."""
    ranks = {kind.kind: kind.capacity for kind in built_in_probes().values() if kind.capacity is not None}
    return sorted(ranks, key=ranks.__getitem__)


def reads_state() -> pl.Expr:
    """Tell whether the probe of a row reads neurons; true of a user's own."""
    return _of_kinds(lambda kind: kind.is_baseline).not_()


def is_reference() -> pl.Expr:
    """Tell whether the probe of a row is the one that is shown where there is room for one."""
    return _of_kinds(lambda kind: kind.is_reference)


def has_sizes() -> pl.Expr:
    """Tell whether the probe of a row fits observers of several numbers of neurons; false of a user's own."""
    return _of_kinds(lambda kind: kind.has_sizes)


def contains_weaker(column: str = "probe") -> pl.Expr:
    """Tell whether the probe of a row can read all that kinds of less capacity can; true of a user's own."""
    return _of_kinds(lambda kind: not kind.contains_weaker, column).not_()


def _of_kinds(wanted: Callable[[ProbeKind], bool], column: str = "probe") -> pl.Expr:
    import polars as pl  # here, as a config is checked without it

    return pl.col(column).is_in([name for name, kind in built_in_probes().items() if wanted(kind)])
