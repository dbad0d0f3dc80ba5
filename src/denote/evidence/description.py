"""Description length of an attribute in bits, along nested parts of *fit*, and the number of neurons that suffice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float64, Int

from denote.data.parts import Groups
from denote.evidence.scores import PerAttribute, Reasons
from denote.notes import Note
from denote.numbers import reaches
from denote.observers.linear import LinearProbe
from denote.observers.observer import FitData, Observer, Probe, class_counts, unfit_notes
from denote.observers.reading import State, Values, rows_of
from denote.streams import stream

DOUBLINGS = 7
"""How often the first part is doubled to give all rows: it holds 1/128 of them, ..."""

LEAST = 16
"""... or more, where that would be fewer rows than these."""


@dataclass(frozen=True)
class Prefixes:
    """Rows in a random order, cut at growing places; rows of a group follow each other and are never cut apart.

    Attributes:
        order: Places of the rows.
        ends: Number of rows of every prefix, increasing; the last one has them all.
    """

    order: Int[np.ndarray, " row"]
    ends: tuple[int, ...]

    def prefix(self, index: int) -> Int[np.ndarray, " prefix_row"]:
        """Rows of a prefix, ascending, as a state on disk is read best."""
        return np.sort(self.order[: self.ends[index]])

    def block(self, index: int) -> Int[np.ndarray, " block_row"]:
        """Rows that a prefix adds to the one before, ascending."""
        start = self.ends[index - 1] if index else 0
        return np.sort(self.order[start : self.ends[index]])


def growing_prefixes(n_rows: int, probe_seed: int, groups: Groups | None = None) -> Prefixes:
    """Random prefixes of 1/128, 1/64, ..., 1/2 and all of the rows, each up to the end of its last group.

    Args:
        n_rows: Rows of *fit*.
        probe_seed: Names the order.
        groups: Group of every row; without them every row is one of its own.
    """
    members = np.arange(n_rows) if groups is None else groups
    _, index, sizes = np.unique(members, return_inverse=True, return_counts=True)
    dealt = stream("growing prefixes", probe_seed).permutation(len(sizes))
    turn = np.empty_like(dealt)
    turn[dealt] = np.arange(len(dealt))
    ends_of_groups = np.cumsum(sizes[dealt])
    targets = [-(-n_rows // 2**doubling) for doubling in range(DOUBLINGS, -1, -1)]
    wanted = [target for target in targets if target >= LEAST or target == n_rows]
    ends = ends_of_groups[np.searchsorted(ends_of_groups, wanted)]
    return Prefixes(np.argsort(turn[index], kind="stable"), tuple(dict.fromkeys(map(int, ends))))


CODED = 1 << 22
"""Labels (row x attribute) that are coded at once; each takes a score and a few numbers beside it."""

Bits: TypeAlias = Float64[np.ndarray, "block attribute"]


@dataclass(frozen=True)
class DescriptionLength:
    """Bits of every block of the online code, NaN for attributes that have no code.

    Attributes:
        rows: Rows of the block in which the attribute is not null.
        bits: By observers that were fitted, every row weighing the same, on the blocks before; where these do not hold
            both labels, by the code without them.
        intercept: By the label proportion of the blocks before, (positives + 1/2) / (rows + 1) (Krichevsky and
            Trofimov): one bit per row in the first block.
        notes: Why an attribute has no code, or None.
    """

    rows: Int[np.ndarray, "block attribute"]
    bits: Bits
    intercept: Bits
    notes: Reasons

    @property
    def description_bits(self) -> PerAttribute:
        """Bits of all labels of *fit*, >= 0."""
        return np.asarray(self.bits.sum(0))

    @property
    def intercept_bits(self) -> PerAttribute:
        """Bits that they take without the layer, > 0."""
        return np.asarray(self.intercept.sum(0))

    @property
    def compression(self) -> PerAttribute:
        """How many times shorter the layer makes them, > 0; about 1 or less where it does not say anything."""
        return np.asarray(self.intercept_bits / self.description_bits)


def description_length(data: FitData, probe: Probe) -> DescriptionLength:
    """Return the online code of every attribute on *fit*; costs about as much as two fits.

    Of several penalties the best is taken after all blocks and named first, which takes log2(their number) bits. No
    block cuts a group apart.

    Args:
        data: What the probe is fitted to.
        probe: Only a linear one has a code: the scores of all others are no log-odds.

    Raises:
        StateError: if the state is not finite or does not fit the labels.
    """
    labels = data.labels
    prefixes = growing_prefixes(len(labels), data.seed, data.groups)
    blocks = [prefixes.block(index) for index in range(len(prefixes.ends))]
    counts = np.stack([np.stack(class_counts(labels[rows])) for rows in blocks])
    notes = _notes(labels, probe, len(blocks))
    proportion = _proportions_before(counts)
    intercept = -counts[:, 0] * np.log2(proportion) - counts[:, 1] * np.log2(1 - proportion)
    bits = np.full(intercept.shape, np.nan)
    able = np.array([reason is None for reason in notes], dtype=bool)
    intercept[:, ~able] = np.nan
    if isinstance(probe, LinearProbe) and able.any():
        bits[:, able] = _shortest(replace(data, labels=labels[:, able]), probe, prefixes, intercept[:, able])
    return DescriptionLength(counts.sum(1), bits, intercept, notes)


def _notes(labels: Values, probe: Probe, n_blocks: int) -> tuple[Note | None, ...]:
    """Why attributes have no code, or None."""
    reasons = unfit_notes(labels)
    if not isinstance(probe, LinearProbe):
        reasons = (Note.of("no_log_odds", probe=probe.kind),) * len(reasons)
    elif n_blocks == 1:
        reasons = (Note.of("one_block"),) * len(reasons)
    return tuple(reason and reason.about("description_bits") for reason in reasons)


def _proportions_before(counts: Int[np.ndarray, "block label=2 attribute"]) -> Float64[np.ndarray, "block attribute"]:
    """Share of positives in the blocks before each, as Krichevsky and Trofimov estimate it."""
    before = np.cumsum(counts, axis=0) - counts
    return np.asarray((before[:, 0] + 0.5) / (before.sum(1) + 1))


def _shortest(data: FitData, probe: LinearProbe, prefixes: Prefixes, intercept: Bits) -> Bits:
    """Return the bits at the penalty that makes each attribute's code shortest; the first block also names it."""
    strengths = np.unique(probe.l2)
    probes = [replace(probe, l2=float(l2), balance=False) for l2 in strengths]
    codes = np.stack([_coded(data, one, prefixes, intercept) for one in probes])
    best = codes.sum(1).argmin(0)
    bits: Bits = np.take_along_axis(codes, best[None, None], axis=0)[0]
    bits[0] += np.log2(len(strengths))
    return bits


def _coded(data: FitData, probe: LinearProbe, prefixes: Prefixes, intercept: Bits) -> Bits:
    """Return the bits of every block by observers that know the blocks before it."""
    bits = intercept.copy()
    l2 = np.full(data.labels.shape[1], probe.l2)
    observer: Observer | None = None
    for index in range(1, len(prefixes.ends)):
        known = data.at(prefixes.prefix(index - 1))
        observer = probe.solve(known.state, known.labels, l2, data.resources, observer)
        rows, fitted = prefixes.block(index), observer.fitted
        bits[index, fitted] = _bits(observer.at(np.flatnonzero(fitted)), data.state, data.labels[:, fitted], rows)
    return bits


def _bits(observer: Observer, state: State, labels: Values, rows: Int[np.ndarray, " row"]) -> PerAttribute:
    """-log2 of the probability that an observer of log-odds gives the labels of some rows."""
    total = np.zeros(labels.shape[1])
    for part in _pieces(rows, labels.shape[1]):
        scores, said = observer.scores(rows_of(state, part)), labels[part]
        lost = np.logaddexp(0, np.where(said == 1, -scores, scores))
        total += np.where(said >= 0, lost, 0).sum(0)
    return np.asarray(total / np.log(2))


def _pieces(rows: Int[np.ndarray, " row"], attributes: int) -> Iterator[Int[np.ndarray, " piece"]]:
    step = max(1, CODED // max(1, attributes))
    return (rows[start : start + step] for start in range(0, len(rows), step))


KEPT = 0.95
"""Share of the dense observer's AUROC above chance that is nearly all of it."""


def sufficient_sizes(
    sizes: Sequence[int], auroc: Float[np.ndarray, "size attribute"], dense_low: PerAttribute
) -> tuple[list[int | None], list[str | None]]:
    """The smallest size whose AUROC keeps `KEPT` of the dense observer's, counted from chance.

    AUROC_k - .5 >= .95 (AUROC_dense - .5). Counted from 0, nearly any observer would keep 95 % of a dense AUROC of .52:
    .494 would do. For the same reason there is no answer where the dense observer is not shown to read anything.

    Args:
        sizes: Numbers of neurons, increasing; the last one is the dense observer's.
        auroc: On *test*, in [0, 1]; NaN where there is no score.
        dense_low: Lower end of the dense observer's interval.

    Returns:
        Per attribute the size, or None with the reason; a remark where only the dense observer keeps so much.
    """
    dense = auroc[-1]
    with np.errstate(invalid="ignore"):
        keeps = reaches(auroc - 0.5, KEPT * (dense - 0.5))
    found: list[int | None] = []
    reasons: list[str | None] = []
    for score, low, enough in zip(dense, dense_low, keeps.T, strict=True):
        reason = _unanswered(score, low)
        size = None if reason else sizes[int(enough.argmax())]
        found.append(size)
        reasons.append(Note.of("all_neurons_needed") if size == sizes[-1] else reason)
    return found, reasons


def _unanswered(score: float, low: float) -> str | None:
    if np.isnan(score):
        return Note.of("no_dense_score")
    if np.isnan(low):
        return Note.of("no_dense_interval")
    return None if low > 0.5 else Note.of("dense_at_chance")
