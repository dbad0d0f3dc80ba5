"""Loops over formulas, compiled: for one neuron at a time, a beam of formulas over all its thresholds.

The rows of a neuron are put in the order of its activation and cut into bins at its thresholds. Of every atom two bits
a row are kept, "yes" and "no" (null is neither), 64 rows to a word, every bin with words of its own. A conjunction is
then one AND of the first kind and one OR of the second, a disjunction the same of the complements (De Morgan), and the
bits of each bin give the counts at all thresholds: exact integers. This is Kleene's logic, that of SQL.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int8, UInt64

from denote.kernels.scan_kernels import compiled, fill
from denote.kernels.subset_kernels import cut_in_gaps

WORD = 64
"""Rows in a word."""

BEST = 2
"""Literals that all pairs are joined to."""

EVERY_OTHER, PAIRS, NIBBLES = (
    np.uint64(0x5555555555555555),
    np.uint64(0x3333333333333333),
    np.uint64(0x0F0F0F0F0F0F0F0F),
)
BYTES, ONE, TWO, FOUR, TOP = np.uint64(0x0101010101010101), np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Beam(NamedTuple):
    """Formulas of one length, with room for more.

    Attributes:
        bits: Their rows, those where they hold first.
        sizes: Numbers of these rows.
        literals: Twice the atom, plus 1 where it is negated.
        joins: How each literal is joined to those before: 0 AND, 1 OR.
        score: Balanced accuracy at the best threshold.
        rank: Their places, the best first, of equals the one that came first.
    """

    bits: UInt64[np.ndarray, "kind formula word"]
    sizes: Int[np.ndarray, "kind formula"]
    literals: Int[np.ndarray, "formula length"]
    joins: Int8[np.ndarray, "formula length"]
    score: Float[np.ndarray, " formula"]
    rank: Int[np.ndarray, " formula"]


class Rows(NamedTuple):
    """A neuron's rows in ascending order, as words by bin.

    Attributes:
        bits: Those that have each atom, and those that have it not.
        sizes: Numbers of these rows.
        ends: Where each bin ends, in words.
        counts: Room for the rows of each word where a formula holds and where it does not.
        least: Fewest rows where a formula holds, and where it does not.
    """

    bits: UInt64[np.ndarray, "kind atom word"]
    sizes: Int[np.ndarray, "kind atom"]
    ends: Int[np.ndarray, " bin"]
    counts: Int[np.ndarray, "kind word"]
    least: int


class Step(NamedTuple):
    """A literal that is joined to a formula.

    Attributes:
        level: Literals of the formula.
        parent: Its place in its beam.
        join: 0 AND, 1 OR.
        literal: Twice the atom, plus 1 where it is negated.
    """

    level: int
    parent: int
    join: int
    literal: int


class Counted(NamedTuple):
    """Rows where a formula holds and where it does not, and its balanced accuracy at the best threshold."""

    yes: int
    no: int
    score: float


class FormulaSearch(NamedTuple):
    """How formulas are searched.

    Attributes:
        places: Where sorted rows are cut (`denote.denotation.search.properties.places`).
        beam: Formulas of each length that are made longer.
        penalty: Balanced accuracy that every atom beyond the first costs.
        entry_rows: Least number of rows where a formula holds, and where it does not.
    """

    places: Int[np.ndarray, " threshold"]
    beam: int
    penalty: float
    entry_rows: int


class BestFormulas(NamedTuple):
    """Formulas of neurons, to be filled in; there are as many columns as the longest formula may have.

    Attributes:
        literals: As in `Beam`.
        joins: Likewise.
        n_atoms: The formula's length; 0 where a neuron is constant.
    """

    literals: Int[np.ndarray, "neuron length"]
    joins: Int8[np.ndarray, "neuron length"]
    n_atoms: Int[np.ndarray, " neuron"]


@compiled
def best_formulas(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    atoms: Int8[np.ndarray, "row atom"],
    search: FormulaSearch,
    best_of: BestFormulas,
) -> None:
    """Find the best formula of every neuron: balanced accuracy at the best threshold less what the length costs.

    Formulas are chains, ``((a AND b) OR c) AND d``: each length joins one literal to the best formulas of the length
    before, all literals to begin with; those of three are also made of all pairs and the best literals. What has the
    rows of one of its parts, or of a formula that is there already, is left out. Of equals the shortest is taken, then
    the first.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        atoms: 1 yes, 0 no, -1 null; each with enough rows.
        search: How they are searched.
        best_of: Filled.
    """
    places, beam, penalty, entry_rows = search
    literals, joins, n_atoms = best_of
    n_rows, n = atoms.shape
    length, n_words = literals.shape[1], n_rows // WORD + len(places) + 1
    ascending, cuts = np.empty(n_rows, values.dtype), np.empty_like(places)
    bits, ends = np.empty((2, n, n_words), np.uint64), np.empty(len(places) + 1, np.int64)
    rows = Rows(bits, np.empty((2, n), np.int64), ends, np.empty((2, n_words), np.int64), entry_rows)
    single, pair = _room(2 * n, length, n_words), _room(1, length, n_words)
    even, odd = _room(beam, length, n_words), _room(beam, length, n_words)
    for neuron in range(len(values)):
        column, sort = values[neuron], order[neuron]
        for i in range(n_rows):
            ascending[i] = column[sort[i]]
        n_atoms[neuron] = 0
        if n_rows < 2 or ascending[0] == ascending[n_rows - 1]:
            continue
        cut_in_gaps(ascending, places, cuts)
        _pack(sort, atoms, cuts, rows)
        parents, children, spare, best, kept = single, even, odd, -1.0, _start(rows, single)
        for level in range(1, length + 1):
            top = parents.rank[0]
            reached = parents.score[top] - penalty * (level - 1)
            if reached > best:
                best, n_atoms[neuron] = reached, level
                fill(literals[neuron], parents.literals[top])
                fill(joins[neuron], parents.joins[top])
            if level == length:
                break
            n_children = _pairs_beside(single, pair, rows, children) if level == 2 else 0
            kept = _longer(level, kept, parents, rows, children, n_children)
            if kept == 0:
                break
            parents, children, spare = children, spare, children


@compiled
def _room(most: int, length: int, n_words: int) -> Beam:
    bits, sizes = np.empty((2, most, n_words), np.uint64), np.empty((2, most), np.int64)
    literals, joins = np.zeros((most, length), np.int64), np.zeros((most, length), np.int8)
    return Beam(bits, sizes, literals, joins, np.empty(most, np.float64), np.empty(most, np.int64))


@compiled
def _pack(
    order: Int[np.ndarray, " row"], atoms: Int8[np.ndarray, "row atom"], cuts: Int[np.ndarray, " threshold"], rows: Rows
) -> None:
    """Put the atoms' bits into words, bin by bin."""
    word, row = 0, 0
    for b in range(len(rows.ends)):
        stop = cuts[b] if b < len(cuts) else len(order)
        while row < stop:
            last = min(row + WORD, stop)
            for a in range(atoms.shape[1]):
                yes, no, bit = np.uint64(0), np.uint64(0), ONE
                for i in range(row, last):
                    label = atoms[order[i], a]
                    yes |= bit if label == 1 else np.uint64(0)
                    no |= bit if label == 0 else np.uint64(0)
                    bit <<= ONE
                rows.bits[0, a, word], rows.bits[1, a, word] = yes, no
            word += 1
            row = last
        rows.ends[b] = word


@compiled
def _start(rows: Rows, beam: Beam) -> int:
    """The formulas of one literal: every atom and its complement."""
    n, used = rows.bits.shape[1], rows.ends[-1]
    for literal in range(2 * n):
        a, kind = literal // 2, literal % 2
        for w in range(used):
            beam.bits[0, literal, w], beam.bits[1, literal, w] = rows.bits[kind, a, w], rows.bits[1 - kind, a, w]
        yes, no = _count(beam, literal, 0, a, kind, rows)
        rows.sizes[kind, a], beam.sizes[0, literal], beam.sizes[1, literal] = yes, yes, no
        beam.literals[literal, 0], beam.joins[literal, 0] = literal, 0
        beam.score[literal] = _score(rows, 0, yes, no)
        place = literal
        while place > 0 and beam.score[beam.rank[place - 1]] < beam.score[literal]:
            beam.rank[place] = beam.rank[place - 1]
            place -= 1
        beam.rank[place] = literal
    return int(2 * n)


@compiled
def _longer(level: int, n_parents: int, parents: Beam, rows: Rows, children: Beam, n: int) -> int:
    """Join every literal to formulas of ``level`` literals; returns how many children there are, ``n`` before."""
    for parent in range(n_parents):
        p = parents.rank[parent]
        for literal in range(2 * rows.bits.shape[1]):
            if not _has(parents.literals, p, level, literal // 2):
                for join in range(2):
                    n = _consider(parents, Step(level, p, join, literal), rows, children, n)
    return n


@compiled
def _pairs_beside(single: Beam, pair: Beam, rows: Rows, children: Beam) -> int:
    """Join all pairs of literals to the best literals; returns how many formulas there are.

    ``(a AND b) OR c`` may be the best where ``a AND b``, a rare case beside ``c``, is far from being a good pair.
    """
    n, n_literals = 0, 2 * rows.bits.shape[1]
    for first in range(n_literals):
        for literal in range(first + 2 - first % 2, n_literals):
            for join in range(2):
                if _consider(single, Step(1, first, join, literal), rows, pair, 0) == 1:
                    for third in single.rank[:BEST]:
                        if third // 2 != first // 2 and third // 2 != literal // 2:
                            for again in range(2):
                                n = _consider(pair, Step(2, 0, again, third), rows, children, n)
    return n


@compiled
def _consider(parents: Beam, step: Step, rows: Rows, children: Beam, n: int) -> int:
    """Join a literal to a formula, and take the result among the best ones; returns how many there are."""
    # A disjunction is counted as the conjunction of the complements: its "no" is that one's "yes".
    p, join, literal, most = step.parent, step.join, step.literal, len(children.rank)
    counts = _count(parents, p, join, literal // 2, (literal + join) % 2, rows)
    yes, no = counts[join], counts[1 - join]
    if yes < rows.least or no < rows.least or _is_part(yes, no, parents, p, literal, rows):
        return n
    score = _score(rows, join, yes, no)
    if n == most and score <= children.score[children.rank[n - 1]]:
        return n
    place = n
    while place > 0 and children.score[children.rank[place - 1]] < score:
        place -= 1
    if _is_there(children, place, Counted(yes, no, score), parents, step, rows):
        return n
    slot = children.rank[n - 1] if n == most else n
    n = min(n + 1, most)
    for i in range(n - 1, place, -1):
        children.rank[i] = children.rank[i - 1]
    children.rank[place], children.score[slot] = slot, score
    children.sizes[0, slot], children.sizes[1, slot] = yes, no
    _write(children, slot, parents, step, rows)
    return n


@compiled
def _has(literals: Int[np.ndarray, "formula length"], p: int, level: int, a: int) -> bool:
    """Tell if a formula has that atom already, or, of one literal, one after it: pairs are made once."""
    if level == 1:
        return bool(a <= literals[p, 0] // 2)
    found = False
    for i in range(level):
        found |= literals[p, i] // 2 == a
    return found


@compiled
def _is_part(yes: int, no: int, parents: Beam, p: int, literal: int, rows: Rows) -> bool:
    """Tell if a formula has the rows of one of its two parts: more or fewer of them is all that it can have."""
    a, kind = literal // 2, literal % 2
    of_parent = yes == parents.sizes[0, p] and no == parents.sizes[1, p]
    return bool(of_parent or (yes == rows.sizes[kind, a] and no == rows.sizes[1 - kind, a]))


@compiled
def _count(beam: Beam, p: int, side: int, a: int, kind: int, rows: Rows) -> tuple[int, int]:
    """Rows in every word, and in all, where a conjunction holds and where it does not."""
    yes, no, used = 0, 0, rows.ends[-1]
    for w in range(used):
        rows.counts[0, w] = _ones(beam.bits[side, p, w] & rows.bits[kind, a, w])
        yes += rows.counts[0, w]
    for w in range(used):
        rows.counts[1, w] = _ones(beam.bits[1 - side, p, w] | rows.bits[1 - kind, a, w])
        no += rows.counts[1, w]
    return yes, no


@compiled
def _ones(word: np.uint64) -> np.int64:
    """Number of bits that are set, in the steps that a processor's own instruction is known by."""
    word = word - ((word >> ONE) & EVERY_OTHER)
    word = (word & PAIRS) + ((word >> TWO) & PAIRS)
    word = (word + (word >> FOUR)) & NIBBLES
    return np.int64((word * BYTES) >> TOP)


@compiled
def _score(rows: Rows, yes_side: int, yes: int, no: int) -> float:
    """Balanced accuracy of being above the best threshold, from an exact integer: (TPR - FPR) x yes x no."""
    best, word, below_yes, below_no = -yes * no, 0, 0, 0
    for b in range(len(rows.ends) - 1):
        while word < rows.ends[b]:
            below_yes += rows.counts[yes_side, word]
            below_no += rows.counts[1 - yes_side, word]
            word += 1
        best = max(best, below_no * yes - below_yes * no)
    return 0.5 + best / (2.0 * yes * no)


@compiled
def _is_there(children: Beam, place: int, counted: Counted, parents: Beam, step: Step, rows: Rows) -> bool:
    """Tell if one of the formulas with that score, which end at ``place``, has the same rows."""
    p, join = step.parent, step.join
    a, kind = step.literal // 2, (step.literal + join) % 2
    for i in range(place - 1, -1, -1):
        other = children.rank[i]
        if children.score[other] != counted.score:
            return False
        same, w = children.sizes[0, other] == counted.yes and children.sizes[1, other] == counted.no, 0
        while same and w < rows.ends[-1]:
            same = children.bits[join, other, w] == parents.bits[join, p, w] & rows.bits[kind, a, w]
            same &= children.bits[1 - join, other, w] == parents.bits[1 - join, p, w] | rows.bits[1 - kind, a, w]
            w += 1
        if same:
            return True
    return False


@compiled
def _write(children: Beam, slot: int, parents: Beam, step: Step, rows: Rows) -> None:
    """Put a formula into its place: rows, literals and joins."""
    level, p, join, literal = step
    a, kind = literal // 2, (literal + join) % 2
    for w in range(rows.ends[-1]):
        children.bits[join, slot, w] = parents.bits[join, p, w] & rows.bits[kind, a, w]
        children.bits[1 - join, slot, w] = parents.bits[1 - join, p, w] | rows.bits[1 - kind, a, w]
    for i in range(level):
        children.literals[slot, i], children.joins[slot, i] = parents.literals[p, i], parents.joins[p, i]
    children.literals[slot, level], children.joins[slot, level] = literal, join
