"""Label proportion over depth in both results: verdicts, what changes are made of, and where the curves differ."""

from __future__ import annotations

import polars as pl

from denote.comparison.compare import Contrast
from denote.comparison.neurons import CURVE
from denote.comparison.pairing import ROWS
from denote.comparison.verdicts import PART, VERDICT, is_pooled
from denote.denotation.depth import plan
from denote.numbers import count, signed
from denote.reporting.answer.depth_change import BRIEF_PARTS
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed
from denote.reporting.comparison.neurons_told import is_same, shown_family
from denote.reporting.comparison.observers_told import LARGEST, at_layer, uncapitalised

QUANTITIES = {"label_proportion": "label proportion", "folded": "folded"}
NOTHING = "Too few neurons denote in either for a label proportion by depth"
OVER_ALL = " (over all its architectures)"


def depth_told(contrast: Contrast) -> Told | None:
    """Say both verdicts, what the changes are made of, and at which layers the curves differ.

    Args:
        contrast: What is compared.
    """
    family = shown_family(contrast)
    if family is None:
        return None
    if not _is_known(contrast, family):
        return Told([[f"{NOTHING}."]], f"{NOTHING}.", uncapitalised(NOTHING), uncapitalised(NOTHING))
    verdicts, parts = verdict_words(contrast, family), parts_words(contrast, family)
    curves, brief = (curve_words(contrast, family, named=is_named) for is_named in (True, False))
    short = uncapitalised(verdicts.rstrip("."))
    if is_same(contrast, family):
        return Told([[verdicts]], verdicts, short, short)
    versions = [[f"{verdicts} {parts} {curves}"], [f"{verdicts} {parts} {brief}"], [f"{verdicts} {brief}"], [verdicts]]
    lines = [[" ".join(line.split()) for line in version] for version in versions]
    return Told(lines, " ".join(f"{verdicts} {brief}".split()), short, short)


def _is_known(contrast: Contrast, family: str) -> bool:
    """Return whether a label proportion is known at any compared hidden layer of either."""
    rows = contrast.rows(CURVE, "label_proportion").filter(pl.col("family") == family, ~pl.col("is_head"))
    return bool(rows.select(pl.any_horizontal(pl.col("baseline_value", "other_value").is_not_null()).any()).item())


def verdict_words(contrast: Contrast, family: str) -> str:
    """``Dependence on depth: none said in mlp (too few networks), not shown in convnet.``."""
    row = contrast.rows(VERDICT).filter(pl.col("family") == family).row(0, named=True)
    sides = zip((contrast.baseline, contrast.other), contrast.groups, strict=True)
    pooled = [OVER_ALL if is_pooled(side, group) else "" for side, group in sides]
    told = [_verdict(row[f"{side}_text"]) + over for side, over in zip(("baseline", "other"), pooled, strict=True)]
    if told[0] == told[1]:
        return f"Dependence on depth: {told[0]} (both)."
    names = [clean(side.shown) for side in (contrast.baseline, contrast.other)]
    return f"Dependence on depth: {names[0]} {told[0]}; {names[1]} {told[1]}."


def _verdict(text: str | None) -> str:
    return plan.verdict_words(text) if text else "no verdict"


def parts_words(contrast: Contrast, family: str) -> str:
    """Say what the change from the first to the last layer is made of in both."""
    rows = {row["name"]: row for row in contrast.rows(PART).filter(pl.col("family") == family).iter_rows(named=True)}
    if plan.RAW not in rows:
        return ""
    words = {plan.RAW: "Change from first to last layer", **BRIEF_PARTS}
    said = [
        f"{words[part]} {signed(row['baseline_value'])} -> {signed(row['other_value'])}"
        for part in words
        if (row := rows.get(part)) is not None
    ]
    return f"{said[0]}: {', '.join(said[1:])}."


def curve_words(contrast: Contrast, family: str, *, named: bool = True) -> str:
    """Say at how many layers the curves differ; nothing where only test rows can be compared.

    Args:
        contrast: What is compared.
        family: The family of attributes.
        named: Name the largest difference of label proportion, which its size chose.
    """
    if contrast.pairing.unit == ROWS:
        return ""
    said = []
    for quantity, words in QUANTITIES.items():
        rows = contrast.rows(CURVE, quantity).filter(pl.col("family") == family, pl.col("p_corrected").is_not_null())
        if len(rows):
            differing = rows.filter("differs").sort(pl.col("difference").abs(), descending=True, maintain_order=True)
            most = f" ({LARGEST}: {at_layer(differing.row(0, named=True))})" if named and len(differing) else ""
            said.append(f"{words} at {len(differing)} of {count(len(rows), 'layer')}{most}")
    return f"Curves differ: {listed(said)}." if said else "Too little denotes in both for curves to be compared."
