"""What the axes of tensors are: samples, channels or positions, from what a network does with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from itertools import chain
from math import prod

SAMPLE, CHANNEL, POSITION = "sample", "channel", "position"
HEAD, QUERY, KEY = "head", "query", "key"

MADE, NORMED, READ, HINT, FAINT = 9.0, 8.0, 3.0, 1.0, 0.5
"""Weight of evidence: weights make the axis; a normalisation has a number for each of its places; weights are
contracted with it; an operation usually has its channels or positions there; an operation leaves the axis alone."""

DOUBT = 0.6
"""Two axes with evidence for channels are told apart if the lesser has less than this share of the other's."""


@dataclass(eq=False, repr=False)
class Axis:
    """An axis of one or more tensors, with the evidence for what it is; axes that prove the same are joined.

    Attributes:
        first: The first weight of evidence.
        evidence: Weights of evidence, above 0 for channels, below for positions; of a kind each counts once, as an axis
            that goes through many blocks would else outweigh one that every block makes anew.
        sample: Whether it is that of the samples of a batch.
        distinct: Whether each of its places is computed on its own, as the layers of a stacked recurrent network.
        parts: The axes and their sizes that it was flattened from.
        whole: The axis that it was split off.
    """

    first: InitVar[float] = 0.0
    sample: bool = False
    distinct: bool = False
    parts: tuple[tuple[Axis, int], ...] = ()
    whole: Axis | None = None
    evidence: set[float] = field(default_factory=set, init=False)
    _same: Axis | None = field(default=None, init=False)
    _pieces: dict[tuple[int, ...], tuple[Axis, ...]] = field(default_factory=dict, init=False)

    def __post_init__(self, first: float) -> None:
        self.evidence.add(first)

    @property
    def root(self) -> Axis:
        """The axis that stands for all that were joined with this one."""
        axis = self
        while axis._same is not None:
            axis = axis._same
        return axis

    def learn(self, evidence: float) -> None:
        """Add evidence."""
        self.root.evidence.add(evidence)

    def join(self, other: Axis) -> None:
        """Make both one axis."""
        ours, theirs = self.root, other.root
        if ours is theirs:
            return
        theirs._same = ours
        ours.evidence |= theirs.evidence
        ours.sample |= theirs.sample
        ours.distinct |= theirs.distinct
        ours.parts, ours.whole = ours.parts or theirs.parts, ours.whole or theirs.whole
        ours._pieces = theirs._pieces | ours._pieces

    def split(self, sizes: tuple[int, ...]) -> tuple[Axis, ...]:
        """The axes that a reshape makes of this one."""
        root = self.root
        if sizes not in root._pieces:
            root._pieces[sizes] = tuple(Axis(whole=root) for _ in sizes)
        return root._pieces[sizes]

    @classmethod
    def flattened(cls, parts: Sequence[tuple[Axis, int]]) -> Axis:
        """The axis that a reshape makes of several; what was split is made whole again."""
        first = parts[0][0].root.whole
        if first is not None:
            pieces = first.root._pieces.get(tuple(size for _, size in parts), ())
            if len(pieces) == len(parts) and all(
                piece.root is axis.root for piece, (axis, _) in zip(pieces, parts, strict=True)
            ):
                return first.root
        return cls(parts=tuple(parts))

    def score(self, beyond: frozenset[int] = frozenset()) -> float:
        """Return the sum of all evidence, with that of the axes that this one was made of."""
        root = self.root
        if id(root) in beyond:
            return 0.0
        beyond |= {id(root)}
        origins = [part for part, _ in root.parts] or ([root.whole] if root.whole is not None else [])
        return sum(root.evidence) + max((each.score(beyond) for each in origins), default=0.0)

    def is_piece_of_channels(self) -> bool:
        """Whether it is a part of an axis of channels, as the heads of attention are."""
        root = self.root
        if root.distinct or root.whole is None or root.whole.score() <= 0 or root.score() <= 0:
            return root.distinct
        siblings = [each for pieces in root.whole.root._pieces.values() for each in pieces]
        return not any(each.root.sample for each in siblings)


Axes = tuple[Axis, ...]


@dataclass(frozen=True)
class Roles:
    """What the axes of one tensor are.

    Attributes:
        names: `SAMPLE`, `CHANNEL` or `POSITION` for each.
        is_guess: Whether nothing that the network does says which of them are channels.
    """

    names: tuple[str, ...]
    is_guess: bool = False


def roles_of(axes: Axes) -> Roles | None:
    """Return what the axes of a tensor are, or None where nothing tells which one is that of samples.

    Where an operation that is not known lost it, it is the first, unless that is one of positions.
    """
    samples = [index for index, axis in enumerate(axes) if axis.root.sample]
    if not samples and not axes[0].root.distinct and axes[0].score() > -READ:
        samples = [0]
    if len(samples) != 1:
        return None
    rest = [index for index in range(len(axes)) if index != samples[0]]
    names = [SAMPLE if index == samples[0] else POSITION for index in range(len(axes))]
    channels, is_guess = _channels(axes, rest)
    for index in channels:
        names[index] = CHANNEL
    return Roles(tuple(names), is_guess)


def likely(n_axes: int, sample: int = 0) -> tuple[str, ...]:
    """What axes are where nothing tells: a sequence has its channels last, a map has them first."""
    rest = [CHANNEL, *[POSITION] * (n_axes - 2)] if n_axes != 3 else [POSITION, CHANNEL]
    rest.insert(sample, SAMPLE)
    return tuple(rest)


def _channels(axes: Axes, rest: Sequence[int]) -> tuple[list[int], bool]:
    """Which axes are channels, and whether that is a guess."""
    if len(rest) < 2:
        return list(rest), False
    distinct = [index for index in rest if axes[index].root.distinct]
    open_axes = [index for index in rest if index not in distinct]
    if len(open_axes) < 2:
        return list(rest), False
    scores = {index: axes[index].score() for index in open_axes}
    first, second = sorted(scores, key=lambda index: scores[index], reverse=True)[:2]
    if axes[first].is_piece_of_channels():
        return distinct + [index for index in open_axes if axes[index].is_piece_of_channels()], False
    if scores[first] <= -READ:
        return distinct, False  # positions by positions, as the weights of attention are
    doubtful = scores[first] - scores[second] < HINT or scores[second] > DOUBT * scores[first] > 0
    if doubtful:
        names = likely(len(open_axes) + 1)[1:]
        return distinct + [index for index, name in zip(open_axes, names, strict=True) if name == CHANNEL], True
    return [*distinct, first], False


def reshaped(axes: Axes, sizes: Sequence[int], into: Sequence[int]) -> Axes:
    """The axes after a reshape: those that stay, flattened or split ones.

    Args:
        axes: Before.
        sizes: Their sizes.
        into: Sizes after.
    """
    given = [
        (part, size)
        for axis, n in zip(axes, sizes, strict=True)
        for part, size in (axis.root.parts if _fit(axis, n) else ((axis, n),))
        if size != 1
    ]
    made: list[Axis] = []
    taken: list[tuple[Axis, int]] = []
    wanted: list[int] = []
    for size in (n for n in into if n != 1):
        wanted.append(size)
        while prod(n for _, n in taken) < prod(wanted) and given:
            taken.append(given.pop(0))
        if prod(n for _, n in taken) == prod(wanted):
            made += _regrouped(taken, wanted)
            taken, wanted = [], []
    ones = (axis for axis, size in zip(axes, sizes, strict=True) if size == 1)
    others = chain(made, (Axis() for _ in wanted))
    return tuple((next(ones, None) or Axis()) if size == 1 else next(others) for size in into)


def _regrouped(taken: Sequence[tuple[Axis, int]], wanted: Sequence[int]) -> Sequence[Axis]:
    """Return the axes that a group of axes becomes."""
    if [size for _, size in taken] == list(wanted):
        return [axis for axis, _ in taken]
    whole = taken[0][0] if len(taken) == 1 else Axis.flattened(taken)
    return [whole] if len(wanted) == 1 else whole.split(tuple(wanted))


def _fit(axis: Axis, size: int) -> bool:
    return bool(axis.root.parts) and prod(n for _, n in axis.root.parts) == size
