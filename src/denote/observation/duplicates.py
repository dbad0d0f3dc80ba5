"""Find rows that equal or nearly equal another row of the same or another part: dependence, and leaks between parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float32, Int, Int64
from torch import Tensor

from denote.data.batch import Batch, Named
from denote.data.parts import Parts
from denote.data.samples import Inputs
from denote.evidence import near_copies
from denote.notes import Note
from denote.observation.arguments import SampleInfo
from denote.progress import step
from denote.states.state import LayerState
from denote.streams import stream
from denote.tables import DUPLICATES, table

BATCH = 1024


@dataclass(frozen=True)
class States:
    """States side by side in the place of inputs, where there are none."""

    states: Sequence[LayerState]

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Tensor:
        """The states of these rows."""
        return torch.from_numpy(np.concatenate([state.at(rows) for state in self.states], axis=1))


@dataclass(frozen=True)
class Contents:
    """What some rows hold.

    Attributes:
        source: Where they are read.
        rows: Their ids.
        code: Equal where rows are equal.
        space: Where distances of numbers are taken; None where rows are no numbers, or as many values for each.
        points: The rows there.
        sequences: Token ids of every row, where rows are token ids; of a word those of its sentence.
    """

    source: Inputs | States
    rows: Int[np.ndarray, " row"]
    code: Int64[np.ndarray, " row"]
    space: near_copies.Space | None = None
    points: Float32[np.ndarray, "row axis"] | None = None
    sequences: Sequence[Int[np.ndarray, " token"]] | None = None

    @classmethod
    def of(cls, source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Contents:
        """Read rows, once if they are few, and at most a sample of them twice."""
        few = len(rows) <= near_copies.SAMPLE
        space = (
            None
            if few
            else _space(numbers(source, stream("near copies", "sample").permutation(rows)[: near_copies.SAMPLE]))
        )
        digests: list[bytes] = []
        points: list[np.ndarray] = []
        sequences: list[np.ndarray] = []
        for batch in _batches(source, rows):
            digests += _digests(batch)
            if (ids := _token_ids(batch)) is not None:
                sequences += ids
            elif (values := _numbers(batch)) is not None and (few or space is not None):
                points.append(values if space is None else space.points(values))
        found = partial(cls, source, rows, np.unique(digests, return_inverse=True)[1])
        if sequences:
            return found(sequences=sequences)
        if len({each.shape[1] for each in points}) != 1:
            return found()
        together = np.concatenate(points)
        if few:
            space = _space(together)
            together = together if space is None else space.points(together)
        return found() if space is None else found(space, together)


def numbers(source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row feature"] | None:
    """Rows as numbers side by side, of very many features some; None where they are none or differ in width."""
    found = [_numbers(batch) for batch in _batches(source, rows)]
    known = [each for each in found if each is not None]
    alike = len(known) == len(found) and len({each.shape[1] for each in known}) == 1
    return np.concatenate(known) if alike else None


def _space(sample: Float32[np.ndarray, "row feature"] | None) -> near_copies.Space | None:
    return None if sample is None else near_copies.Space.of(sample)


def _batches(source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Iterator[Batch]:
    for start in range(0, len(rows), BATCH):
        yield source[rows[start : start + BATCH]]


def _numbers(batch: Batch) -> Float32[np.ndarray, "row feature"] | None:
    if isinstance(batch, Tensor):
        tensors = [batch]
    elif batch.words is not None or batch.mask is not None:
        return None
    else:
        tensors = list(batch.tensors.values())
        if not all(each.is_floating_point() for each in tensors):
            return None
    values = torch.cat([_plain(each).reshape(len(each), -1).float() for each in tensors], dim=1).numpy()
    if values.shape[1] <= near_copies.FEATURES:
        return values
    return values[:, np.sort(stream("near copies", "features").permutation(values.shape[1])[: near_copies.FEATURES])]


def _token_ids(batch: Batch) -> list[Int[np.ndarray, " token"]] | None:
    """Token ids of every row without padding; of a word those of its sequence."""
    main = batch if isinstance(batch, Tensor) else next(iter(batch.tensors.values()))
    if main.ndim != 2 or main.dtype not in (torch.int32, torch.int64):
        return None
    mask = torch.ones_like(main, dtype=torch.bool) if isinstance(batch, Tensor) or batch.mask is None else batch.mask
    rows = [ids[kept].numpy() for ids, kept in zip(main, mask, strict=True)]
    if isinstance(batch, Tensor) or batch.words is None:
        return rows
    return [rows[row] for row in batch.words.sequence.tolist()]


def _digests(batch: Batch) -> list[bytes]:
    """A digest of all that a row holds but padding; of a word that of its sequence and its place there."""
    if isinstance(batch, Tensor):
        return [_digest(row.tobytes()) for row in _plain(batch).contiguous().numpy()]
    whole = [_digest(b"".join(_held(batch, row))) for row in range(len(next(iter(batch.tensors.values()))))]
    if batch.words is None:
        return whole
    places = zip(batch.words.sequence.tolist(), batch.words.start.tolist(), strict=True)
    return [_digest(whole[row] + start.to_bytes(8, "little")) for row, start in places]


def _held(batch: Named, row: int) -> Iterator[bytes]:
    """Bytes of every tensor of a row, without positions that are padding."""
    mask = None if batch.mask is None else batch.mask[row]
    for name, each in batch.tensors.items():
        values = each[row]
        if mask is not None and values.ndim and values.shape[0] == mask.shape[0]:
            values = values[mask]
        yield name.encode() + _plain(values).contiguous().numpy().tobytes()


def _plain(values: Tensor) -> Tensor:
    """Numbers of a type that NumPy has, -0 as 0, which it equals."""
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    if not values.is_floating_point():
        return values
    return (values if values.dtype == torch.float64 else values.float()) + 0


def _digest(held: bytes) -> bytes:
    return hashlib.blake2b(held, digest_size=16).digest()


PARTS = ("object", "fit", "test")

LOOKED_AT, NEIGHBOURS = 256, 8
"""Repeated rows whose nearest other rows are looked at, and how many of these."""


@step("duplicates")
def duplicates(states: Sequence[LayerState], info: SampleInfo, dataset: str) -> pl.DataFrame:
    """Count exact and near copies within and across parts.

    Args:
        states: Of the layers; they stand in the place of inputs where there are none.
        info: What is known of the samples.
        dataset: Its name.

    Returns:
        Columns of ``tables.DUPLICATES``: a row per pair of parts that have rows, and kind.
    """
    parts = info.parts if info.inputs is not None else Parts(info.parts.object[:0], info.parts.fit, info.parts.test)
    sides = {name: getattr(parts, name) for name in PARTS if len(getattr(parts, name))}
    if not sides:
        return table([], DUPLICATES)
    rows = np.concatenate(list(sides.values()))
    part = np.repeat(np.arange(len(sides)), [len(each) for each in sides.values()])
    contents = Contents.of(States(states) if info.inputs is None else info.inputs, rows)
    group = _groups(info, sides)
    equal = _elsewhere(contents.code, part, group, len(sides))
    copies, why = _exact(contents, group, np.asarray(equal.any(axis=1)))
    near, examined, remark = _near(contents, part, group, len(sides))
    of = "inputs" if info.inputs is not None else "states"
    found = []
    for (a, other), (b, name) in combinations_with_replacement(enumerate(sides), 2):
        if a == b and name == "object" and info.groups is not None:
            continue  # of its rows the groups are not known
        own = part == b
        known = {"dataset": dataset, "of": of, "part": name, "other": other, "n_part": int(own.sum())}
        literal = equal[own, a]
        exact = literal & copies[own]
        found += [
            {**known, "kind": "exact", **_counted(exact, len(exact)), "n_equal": int(literal.sum()), "note": why},
            {**known, "kind": "near", **_counted(near[own & examined, a], int(own.sum())), "note": remark},
        ]
    return table(sorted(found, key=lambda row: row["kind"]), DUPLICATES)


def _counted(found: Bool[np.ndarray, " row"], n_rows: int) -> dict[str, Any]:
    """How many of all rows, from those that were looked at."""
    if not len(found):
        return {"n_examined": 0}
    share = float(found.mean())
    return {"n_rows": round(share * n_rows), "share": share, "n_examined": len(found)}


def _groups(info: SampleInfo, sides: dict[str, Int[np.ndarray, " row"]]) -> Int[np.ndarray, " row"] | None:
    """A number per row, equal for rows of a group; None without groups. No group lies in two parts."""
    if info.groups is None:
        return None
    codes = {"fit": info.groups.fit, "test": info.groups.test}
    first = 1 + max(int(each.max(initial=0)) for each in codes.values())
    return np.concatenate([codes.get(name, first + np.arange(len(rows))) for name, rows in sides.items()])


def _elsewhere(
    code: Int[np.ndarray, " row"], part: Int[np.ndarray, " row"], group: Int[np.ndarray, " row"] | None, n_parts: int
) -> Bool[np.ndarray, "row part"]:
    """Whether a row equals another row of each part, its own group left out."""
    held = np.zeros((code.max(initial=-1) + 1, n_parts), dtype=np.int64)
    np.add.at(held, (code, part), 1)
    _, pair, counts = np.unique(_together(code, group), return_inverse=True, return_counts=True)
    mine = np.zeros((len(code), n_parts), dtype=np.int64)
    mine[np.arange(len(code)), part] = 1 if group is None else counts[pair]  # a group lies in one part
    return np.asarray(held[code] > mine)


def _exact(
    contents: Contents, group: Int[np.ndarray, " row"] | None, repeated: Bool[np.ndarray, " row"]
) -> tuple[Bool[np.ndarray, " row"], str | None]:
    """Which rows are copies if they equal another, and why none is although rows are equal."""
    nothing = np.zeros(len(repeated), dtype=np.bool_)
    if not repeated.any():
        return nothing, None
    code, first = contents.code, np.unique(contents.code, return_index=True)[1]
    if contents.sequences is not None:
        return _alone(contents, first)[code] & repeated, Note.of("short_sequences")
    if contents.space is None or contents.points is None:
        return repeated, None
    times = np.bincount(code[repeated], minlength=len(first))
    sample = numbers(contents.source, stream("exact copies").permutation(contents.rows)[: near_copies.SAMPLE])
    if sample is None:
        return repeated, None
    n_pairs = _pairs(times) - (0 if group is None else _pairs(_of_groups(code[repeated], group[repeated])))
    if not near_copies.beyond_chance(n_pairs, len(code), sample):
        return nothing, Note.of("equal_by_chance")
    several = stream("exact copies", "looked at").permutation(np.flatnonzero(times > 1))[:LOOKED_AT]
    n_neighbours = min(NEIGHBOURS, len(first) - 1)
    if n_neighbours:
        _, nearest = near_copies.neighbours(contents.points[first], several, n_neighbours)
        held = numbers(contents.source, contents.rows[first[np.concatenate([several, nearest.ravel()])]])
        assert held is not None  # noqa: S101  (for the type checker; the sample of the same rows has numbers)
        others = held[len(several) :].reshape(len(several), n_neighbours, -1)
        if near_copies.repeat_by_themselves(held[: len(several)], times[several], others):
            return nothing, Note.of("repeat_by_themselves")
    return repeated, None


def _pairs(times: Int[np.ndarray, " value"]) -> int:
    """How many pairs rows make that come so many times."""
    return int((times * (times - 1) // 2).sum())


def _of_groups(code: Int[np.ndarray, " row"], group: Int[np.ndarray, " row"]) -> Int[np.ndarray, " value"]:
    """How often every row comes in its own group."""
    return np.asarray(np.unique(_together(code, group), return_counts=True)[1])


def _together(code: Int[np.ndarray, " row"], group: Int[np.ndarray, " row"] | None) -> Int[np.ndarray, " row"]:
    """A number per row, equal where rows are equal and of one group."""
    return code if group is None else code * (group.max(initial=0) + 1) + group


def _alone(contents: Contents, first: Int[np.ndarray, " distinct"]) -> Bool[np.ndarray, " distinct"]:
    """Which distinct rows have a sequence that is `isolated`."""
    assert contents.sequences is not None  # noqa: S101  (for the type checker)
    held = [contents.sequences[row] for row in first]
    unique = {each.tobytes(): each for each in held}
    alone = dict(zip(unique, near_copies.isolated(list(unique.values())), strict=True))
    return np.array([alone[each.tobytes()] for each in held])


def _near(
    contents: Contents, part: Int[np.ndarray, " row"], group: Int[np.ndarray, " row"] | None, n_parts: int
) -> tuple[Bool[np.ndarray, "row part"], Bool[np.ndarray, " row"], str | None]:
    """Whether a row nearly equals a row of each part, which rows were looked at, and what to mind."""
    near = np.zeros((len(part), n_parts), dtype=np.bool_)
    nobody = np.zeros(len(part), dtype=np.bool_)
    if contents.space is None or contents.points is None:
        why = "copies_of_no_numbers" if contents.sequences is None else "copies_of_token_ids"
        return near, nobody, Note.of(why)
    # Every row once; with groups once per group, so that the others of its group can be left out.
    _, first, unit = np.unique(_together(contents.code, group), return_index=True, return_inverse=True)
    if len(first) < near_copies.LEAST_ROWS:
        return near, nobody, Note.of("copies_of_few_rows", rows=near_copies.LEAST_ROWS)
    apart = () if group is None else (group[first], contents.code[first])
    copies = near_copies.near_copies(contents.points[first], contents.space, apart)
    member = np.zeros((len(first), n_parts), dtype=np.bool_)
    member[unit, part] = True
    of_units = np.zeros((len(first), n_parts), dtype=np.bool_)
    of_units[copies.examined] = (member[copies.nearest] & copies.is_copy[..., None]).any(axis=1)
    scaled_up = Note.of("copies_scaled_up", examined=len(copies.examined), rows=len(first))
    return of_units[unit], np.isin(unit, copies.examined), scaled_up if len(copies.examined) < len(first) else None
