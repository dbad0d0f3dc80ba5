"""Limits of an SQL expression: what a parser or an evaluation could not finish, or not hold in memory, is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from denote.errors import AttributeLabelError

LONGEST = 20_000
"""Characters of an expression."""
MOST_OPERATORS = 400
"""Operators and brackets of an expression: polars and Python recurse into each, and polars ends the process where its
stack does."""
MOST_REPLACEMENTS = 2
LONGEST_REPLACEMENT = 100
"""Replacements inside each other multiply the length of a text by that of what is put in."""

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_OPERATOR = re.compile(r"[-+*/%^&|<>=!~(]+?|\b(?:AND|OR|NOT|XOR|CASE|BETWEEN|LIKE|ILIKE|IS)\b", re.IGNORECASE)
_PADDING = ("PadStart", "PadEnd", "ZFill")


def unquoted(expression: str) -> str:
    """Return an expression without its texts and quoted names."""
    return _QUOTED.sub("", expression)


def check_length(expression: str, where: str) -> None:
    """Refuse an expression that should not even be parsed.

    Args:
        expression: SQL.
        where: The config key to name in an error.

    Raises:
        AttributeLabelError: for one that is too long or has too many operators.
    """
    if len(expression) > LONGEST:
        problem = f"an expression of {len(expression)} characters came"
        raise AttributeLabelError(where, problem, f"allowed: {LONGEST}")
    operators = sum(1 for _ in _OPERATOR.finditer(unquoted(expression)))
    if operators > MOST_OPERATORS:
        raise too_deep(where, operators)


def too_deep(where: str, operators: int | None = None) -> AttributeLabelError:
    """Return the mistake of an expression that nests too deep."""
    has = f"has {operators} operators and brackets" if operators else "nests too deep"
    return AttributeLabelError(
        where, f"the expression {has}", f"allowed: {MOST_OPERATORS}; many values are one list: class IN (0, 6, 8)"
    )


def check_growth(tree: Any, where: str) -> None:
    """Refuse functions whose results grow beyond any memory.

    Args:
        tree: The expression as polars serialises it.
        where: The config key to name in an error.

    Raises:
        AttributeLabelError: naming the function.
    """
    replacements = 0
    for function, inputs in _text_functions(tree):
        if function in _PADDING:
            raise AttributeLabelError(where, "the expression pads a text", "compare the text as it is")
        if function.startswith("Replace"):
            replacements += 1
            _check_replacement(inputs, where)
    if replacements > MOST_REPLACEMENTS:
        problem = f"the expression replaces text {replacements} times"
        raise AttributeLabelError(where, problem, f"allowed: {MOST_REPLACEMENTS}")


def _check_replacement(inputs: list[Any], where: str) -> None:
    match inputs[-1:]:
        case [{"Literal": {"Scalar": {"String": str(text)}}}] if len(text) <= LONGEST_REPLACEMENT:
            return
    allowed = f"allowed: a text of at most {LONGEST_REPLACEMENT} characters"
    raise AttributeLabelError(where, "the expression replaces text by something else than a short text", allowed)


def _text_functions(tree: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and arguments of the functions of text in a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += [value for key, value in node.items() if key != "Literal"]
            match node:
                case {"function": {"StringExpr": kind}, "input": [*inputs]}:
                    yield (kind if isinstance(kind, str) else next(iter(kind), "")), inputs
