"""Yes/no labels of samples, the families that neurons are searched over, and rows with enough of each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Int, Int8

from denote.data.parts import Halves, Parts
from denote.errors import AttributeLabelError, ConfigError
from denote.notes import Note
from denote.streams import stream

if TYPE_CHECKING:
    from denote.data.samples import Rows

NULL = -1
"""The label of a row to which an attribute does not apply."""


@dataclass(frozen=True)
class Labels:
    """Attributes side by side.

    Attributes:
        names: One name per attribute, unique.
        families: The family of each attribute.
        values: 1 yes, 0 no, -1 null.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    values: Int8[np.ndarray, "sample attribute"]

    def at(self, rows: Rows) -> Labels:
        """The same attributes on some rows, in the order given."""
        return replace(self, values=self.values[rows])

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Formulas:
    """What formulas are made of, and how they are searched.

    Attributes:
        atoms: The attributes that they join by AND, OR and NOT.
        length: Most atoms of a formula.
        beam: Formulas of each length that are made longer.
        penalty: What every atom beyond the first costs, in balanced accuracy; above 0.
    """

    atoms: Labels
    length: int = 3
    beam: int = 32
    penalty: float = 0.005


@dataclass(frozen=True)
class Classes:
    """One class of several for every row.

    Attributes:
        codes: Index of the class of every row, -1 for none.
        names: Name of each class.
    """

    codes: Int[np.ndarray, " row"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Many attributes from one rule, which neurons are searched over one by one.

    Attributes:
        name: ``classes``, ``columns``, ``quantiles``, ``named`` or the option of a user's own; of the other kinds of
            family ``subsets`` and ``formulas``.
        labels: Its attributes, one cell each; none for a family that is only searched by neurons.
    """

    name: str
    labels: Labels

    combines: ClassVar[bool] = False
    """Properties are combinations, of classes or of atoms: they are searched at quantiles, and the parts of a row
    belong together."""

    every_threshold: ClassVar[bool] = True
    """Controls that read a property off one coordinate try every threshold, not quantiles alone."""

    def at(self, rows: Rows) -> Self:
        """Return the family on some rows, in the order given."""
        return replace(self, labels=self.labels.at(rows))

    @property
    def members(self) -> Int8[np.ndarray, "row member"]:
        """What properties are made of, as labels."""
        return self.labels.values

    def with_members(self, members: Int8[np.ndarray, "row member"]) -> Self:
        """Return the family with other labels of its `members`."""
        return replace(self, labels=replace(self.labels, values=members))

    @property
    def classes(self) -> Classes | None:
        """The classes that properties are sets of; None for other properties."""
        return None


@dataclass(frozen=True)
class SubsetFamily(Family):
    """Sets of classes: neurons are searched over all subsets at once.

    Attributes:
        codes: Class index of every sample, -1 for null.
        class_names: Name of each class index.
        target: What the classes are called.
    """

    codes: Int[np.ndarray, " sample"]
    class_names: tuple[str, ...] = ()
    target: str = "class"

    combines = True
    every_threshold = False

    def at(self, rows: Rows) -> Self:
        """See `Family`."""
        return replace(super().at(rows), codes=self.codes[rows])

    @property
    def members(self) -> Int8[np.ndarray, "row class"]:
        """Class codes as one attribute per class."""
        codes = self.codes[:, None]
        return np.where(codes < 0, NULL, codes == np.arange(len(self.class_names))).astype(np.int8)

    @property
    def classes(self) -> Classes:
        """See `Family`."""
        return Classes(self.codes, self.class_names)

    def with_members(self, members: Int8[np.ndarray, "row class"]) -> Self:
        """See `Family`."""
        return replace(self, codes=np.where((members < 0).any(axis=1), -1, members.argmax(axis=1)))


@dataclass(frozen=True)
class FormulaFamily(Family):
    """Formulas of atoms, of which neurons are searched for the best.

    Attributes:
        formulas: The atoms at every sample and how they are searched.
    """

    formulas: Formulas

    combines = True

    def at(self, rows: Rows) -> Self:
        """See `Family`."""
        return replace(super().at(rows), formulas=replace(self.formulas, atoms=self.formulas.atoms.at(rows)))

    @property
    def members(self) -> Int8[np.ndarray, "row atom"]:
        """Labels of the atoms."""
        return self.formulas.atoms.values

    def with_members(self, members: Int8[np.ndarray, "row atom"]) -> Self:
        """See `Family`."""
        return replace(self, formulas=replace(self.formulas, atoms=replace(self.formulas.atoms, values=members)))


def merge_labels(families: Sequence[Family]) -> Labels:
    """All attributes side by side, each name once: the first family that has it keeps it."""
    names: dict[str, str] = {}
    blocks = []
    for family in families:
        new = [column for column, name in enumerate(family.labels.names) if name not in names]
        names.update({family.labels.names[column]: family.labels.families[column] for column in new})
        blocks.append(family.labels.values[:, new])
    return Labels(tuple(names), tuple(names.values()), np.concatenate(blocks, axis=1))


def class_set_name(inside: Sequence[str], target: str = "class") -> str:
    """Name of a set of classes: ``class=3`` of one, ``class in {0,6}`` of several."""
    return f"{target}={inside[0]}" if len(inside) == 1 else f"{target} in {{{','.join(inside)}}}"


def check_rows(labels: Labels, parts: Parts, min_rows: int) -> dict[str, str]:
    """Return why attributes cannot be observed: too few yes or no rows in a part.

    Attributes are never stratified for (METHOD section 1), so this can only be known after the split.

    Args:
        labels: Of all samples.
        parts: The split.
        min_rows: Least number of yes and of no rows, in *fit* and in *test*.

    Returns:
        For each attribute of a family that has too few: the reason, with counts per part; its cell becomes null.

    Raises:
        AttributeLabelError: if a ``named`` attribute has too few: it was asked for by name.
    """
    reasons: dict[str, str] = {}
    halves = [labels.at(rows) for rows in (parts.fit, parts.test)]
    yes, no = (np.stack([_counts(half, label) for half in halves]) for label in (1, 0))
    few = (np.minimum(yes, no) < min_rows).any(axis=0)
    for column in np.flatnonzero(few):
        name = labels.names[column]
        by_part = zip(("fit", "test"), yes[:, column], no[:, column], strict=True)
        counts = ", ".join(f"{part} {n_yes} yes and {n_no} no" for part, n_yes, n_no in by_part)
        reason = f"{_constant(labels, int(column))}too few rows: {counts}"
        if labels.families[column] == "named":
            raise AttributeLabelError(f"attribute {name!r}", reason, f"needed: {min_rows} of each in fit and in test")
        reasons[name] = Note.of("few_rows", reason=reason, needed=min_rows)
    return reasons


def _constant(labels: Labels, column: int) -> str:
    """Say so where an attribute has one label in all rows."""
    present = tuple(np.unique(labels.values[labels.values[:, column] != NULL, column]).tolist())
    words = {(): "null for every row, ", (1,): "true for every row, ", (0,): "false for every row, "}
    return words.get(present, "")


MIN_ROWS = 25
"""Fewest rows of each label that "auto" settles for (METHOD section 3)."""


@dataclass(frozen=True)
class EqualRows:
    """Labels with equal numbers of rows.

    Attributes:
        labels: Those that were drawn, all other rows null.
        number: Positives, and negatives, of every attribute in *fit* and again in *test*.
        reasons: Why an attribute is null everywhere: it has fewer.
    """

    labels: Halves[Labels]
    number: int
    reasons: Mapping[str, str]


def equal_rows(
    labels: Halves[Labels], number: int | Literal["auto"], probe_seed: int, min_rows: int = MIN_ROWS
) -> EqualRows:
    """Draw the same number of positives and of negatives of every attribute, in *fit* and in *test*.

    Rows are drawn without replacement, by a stream of their own for each attribute, label and part, so that a draw does
    not depend on which other attributes are there (but for ``auto``, whose number does). The label proportion of what
    is left is .5: that of the data has to be kept from the labels that came. Rows are drawn one by one also where they
    belong to groups, since whole groups cannot be balanced; group ids stay valid, and intervals and tests by groups
    account for the dependence that is left.

    Args:
        labels: Names and families alike on both sides.
        number: Rows of each label in each part, >= 1; ``auto`` takes the most that all attributes have which have at
            least ``min_rows`` of each label in each part.
        probe_seed: Names the draws.
        min_rows: See ``number``.

    Raises:
        ConfigError: if the number is neither ``auto`` nor a whole number from 1 on.
    """
    if number != "auto" and (type(number) is not int or number < 1):
        raise ConfigError("evidence.equal_rows", f"{number!r} came", "allowed: auto, or an integer >= 1")
    least = np.min([_counts(half, label) for half in (labels.fit, labels.test) for label in (1, 0)], axis=0)
    if number == "auto":
        number = int(min(least[least >= min_rows], default=min_rows))
    reasons = {
        name: Note.of("few_equal_rows", rows=count, needed=number)
        for name, count in zip(labels.fit.names, least, strict=True)
        if count < number
    }
    parts = ((labels.fit, "fit"), (labels.test, "test"))
    drawn = (_drawn(half, part, number, probe_seed, reasons) for half, part in parts)
    return EqualRows(Halves(*drawn), number, reasons)


def _counts(labels: Labels, label: int) -> Int[np.ndarray, " attribute"]:
    return np.asarray(np.count_nonzero(labels.values == label, axis=0))


def _drawn(labels: Labels, part: str, number: int, probe_seed: int, reasons: Mapping[str, str]) -> Labels:
    values = np.full_like(labels.values, NULL)
    for column, name in enumerate(labels.names):
        if name in reasons:
            continue
        for label in (1, 0):
            rows = np.flatnonzero(labels.values[:, column] == label)
            draw = stream("equal rows", probe_seed, part, name, label)
            values[draw.choice(rows, number, replace=False), column] = label
    return replace(labels, values=values)
