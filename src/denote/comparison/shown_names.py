"""Names of results as sentences show them: of long ones what tells them apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import chain, count, groupby

LONGEST = 28
"""Letters of a name that is shown whole."""
GAP = "…"
PIECES = re.compile(r"[^-,/;\s]+|[-,/;\s]+")
"""Parts of a name and what stands between them, as in ``digits-mlp-odd-layer=0-seed=1-8ed76b11``."""
DIGEST = re.compile(r"-[0-9a-f]{8}$")
"""What ends the name of a job's folder."""


def shown_names(names: Sequence[str]) -> list[str]:
    """Return names of at most `LONGEST` letters that tell results apart, in their order.

    A short name stays as it is. Of long ones what they have in common becomes ``…``: ``…seed=0`` and ``…seed=1``.
    Where they then are alike, or too long, they are cut around the first letter that differs, and numbered at last.

    Args:
        names: Each different from the others.
    """
    long = [name for name in names if len(name) > LONGEST]
    if not long:
        return list(names)
    bare = [DIGEST.sub("", name) for name in long]
    cut = _cut(bare if len(set(bare)) == len(bare) else long)
    back = dict(zip(long, cut, strict=True))
    return _numbered([back.get(name, name) for name in names])


def _cut(names: Sequence[str]) -> list[str]:
    """Return of every name what not all of them have, or what stands around the first letter that differs."""
    pieces = [PIECES.findall(name) for name in names]
    shared = set[str](pieces[0]).intersection(*pieces[1:])
    kept = [_without(each, shared) for each in pieces]
    if len(set(kept)) == len(names) > 1 and all(short != GAP and len(short) <= LONGEST for short in kept):
        return kept
    start = _first_that_differs(names)
    return [_around(name, start) for name in names]


def _without(pieces: Sequence[str], shared: Collection[str]) -> str:
    """Join the parts that are not shared and what stands between two of them, with a gap for every run of others."""
    own = [piece not in shared for piece in pieces]
    between = [any(own[:at][-1:]) and any(own[at + 1 :][:1]) for at in range(len(own))]
    marked = [(own[at] or between[at], piece) for at, piece in enumerate(pieces)]
    runs = groupby(marked, key=lambda pair: pair[0])
    return "".join("".join(piece for _, piece in run) if is_kept else GAP for is_kept, run in runs)


def _first_that_differs(names: Sequence[str]) -> int:
    return next((at for at, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), 0)


def _around(name: str, start: int) -> str:
    """Return the letters of a name from shortly before a place on."""
    first = max(0, min(start - 6, len(name) - LONGEST + 1)) if start >= LONGEST - 8 else 0
    rest = name[first:]
    room = LONGEST - (first > 0)
    ended = rest if len(rest) <= room else f"{rest[: room - 1]}{GAP}"
    return f"{GAP if first else ''}{ended}"


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names of which equal ones are numbered."""
    told = list[str]()
    for name in names:
        numbers = (f"{name[: LONGEST - 5]} ({number})" for number in count(2))
        told.append(next(each for each in chain([name], numbers) if each not in told))
    return told
