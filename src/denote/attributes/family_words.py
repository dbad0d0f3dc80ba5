"""What people call a family of attributes, and what is typed for it."""

from __future__ import annotations

NAMED = "named"
"""Family of the attributes that were asked for one by one."""

FAMILIES = {
    "classes": ("a class", "single classes", "classes"),
    "subsets": ("a set of classes", "sets of classes", "neuron_subsets"),
    "columns": ("a column", "columns", "columns"),
    "quantiles": ("a cut column", "cut columns", "quantiles"),
    "formulas": ("a formula", "formulas", "formulas"),
}
"""One of the attributes of every ready-made family, all of them, and the option of ``attribute=``."""


def family_name(family: str) -> str:
    """``sets of classes`` for ``subsets``; a user's own family keeps its name."""
    if family == NAMED:
        return "named attributes"
    return FAMILIES[family][1] if family in FAMILIES else family
