"""What tells the contrasts of a comparison apart, as words."""

from __future__ import annotations

from collections.abc import Callable

from denote.comparison.compare import Comparison, Contrast, named


def contrast_parts(comparison: Comparison, contrast: Contrast) -> list[str]:
    """Return what tells a contrast from the others: the other result, then whatever of its contrasts differs.

    Args:
        comparison: What was compared.
        contrast: One of its contrasts.

    Returns:
        The other result's name; its dataset where it has several; the other's networks, and those of the baseline
        where they are no others' namesakes, likewise.
    """
    siblings = [_kinds(each) for each in comparison.contrasts if each.other is contrast.other]
    own = _kinds(contrast)
    differing = [place for place, values in enumerate(zip(*siblings, strict=True)) if len(set(values)) > 1]
    parts = [own[place] for place in differing]
    if 2 in differing and any(kinds[1] != kinds[2] for kinds in siblings):
        parts[-1] = f"against {parts[-1]}"
    elif {1, 2} <= set(differing):
        del parts[-1]
    return [contrast.other.name, *parts]


def contrast_name(comparison: Comparison, contrast: Contrast, written: Callable[[str], str] = str) -> str:
    """``b``, or ``b (digits, mlp-6x64-relu)`` where several contrasts are with one result.

    Args:
        comparison: What was compared.
        contrast: One of its contrasts.
        written: How the name of a result, a dataset or networks is shown.
    """
    other, parts = written(contrast.other.shown), contrast_parts(comparison, contrast)[1:]
    return f"{other} ({', '.join(map(written, parts))})" if parts else other


def _kinds(contrast: Contrast) -> tuple[str, str, str]:
    """Return the dataset, the other's networks, and those of the baseline."""
    baseline, other = contrast.groups
    return other.dataset, named(other), named(baseline)
