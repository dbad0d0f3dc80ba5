"""The numbers of a comparison as one flat mapping, for a tracker."""

from __future__ import annotations

import polars as pl

from denote.comparison.compare import Comparison, Contrast
from denote.comparison.naming import contrast_parts
from denote.comparison.neurons import EFFECT, EXCESS, NEURONS, USED_SHARE
from denote.comparison.observers import CELL, HEADLINE, OVERALL

Numbers = dict[str, float | int | str]


NAMES = {
    "share_denoting": "share_denoting_difference", EXCESS: "excess_difference",
    USED_SHARE: "used_share_difference", EFFECT: "ablation_effect_difference",
}  # fmt: skip
"""What differences of neurons are called."""


def flat_numbers(comparison: Comparison) -> Numbers:
    """Return what comparisons are sorted by: scalars under names that do not depend on a sweep's size.

    With several results, datasets or kinds of networks the names begin with whatever of these differs:
    ``NAME/DATASET/auroc_difference/linear/mean``, the mean over all compared layers with its interval and p-value
    (``mean_low mean_high mean_p``, corrected for all probes). ``layers`` and ``cells`` are those that were tested;
    ``largest`` is chosen by its size, so that other networks are likely to differ by less.

    Args:
        comparison: As `compare` returns it.

    Returns:
        Numbers and words by name; what is undefined is left out.
    """
    found: Numbers = {"baseline": comparison.results[0].name}
    found["compared"] = ", ".join(result.name for result in comparison.results[1:])
    if comparison.left_out:
        found["left_out"] = ", ".join(each.name for each in comparison.left_out)
    for contrast in comparison.contrasts:
        found |= {f"{name}{key}": value for name in [_prefix(comparison, contrast)] for key, value in _of(contrast)}
    return found


def _prefix(comparison: Comparison, contrast: Contrast) -> str:
    if len(comparison.contrasts) == 1:
        return ""
    return "".join(f"{part}/" for part in contrast_parts(comparison, contrast))


def _of(contrast: Contrast) -> list[tuple[str, float | int | str]]:
    ours, others = contrast.pairing.numbers
    found: list[tuple[str, float | int | str | None]] = [
        ("unit", contrast.pairing.unit), ("n_baseline", ours), ("n_other", others),
        ("n_settings", len(contrast.settings)), ("n_attributes", contrast.rows(CELL)["name"].n_unique()),
    ]  # fmt: skip
    for row in contrast.rows(OVERALL).iter_rows(named=True):
        name = f"auroc_difference/{row['probe']}/mean"
        found += [(name, row["difference"]), (f"{name}_low", row["difference_low"]),
                  (f"{name}_high", row["difference_high"]), (f"{name}_p", row["p_corrected"])]  # fmt: skip
    for (probe,), rows in contrast.rows(HEADLINE).group_by("probe", maintain_order=True):
        name, tested = f"auroc_difference/{probe}", rows.drop_nulls("p_corrected")
        largest = rows.drop_nulls("difference").sort(pl.col("difference").abs(), descending=True).head(1)
        found += [
            (f"{name}/largest", largest["difference"][0] if len(largest) else None),
            (f"{name}/smallest_p", _number(rows["p_corrected"].min())),
            (f"{name}/layers_that_differ", int(tested["differs"].sum()) if len(tested) else None),
            (f"{name}/layers", len(tested)),
        ]
    cells = contrast.rows(CELL, "auroc").drop_nulls("p_corrected")
    found += [("cells_that_differ", int(cells["differs"].sum()) if len(cells) else None), ("cells", len(cells))]
    for quantity, name in NAMES.items():
        for row in contrast.rows(NEURONS, quantity).iter_rows(named=True):
            found.append((f"{name}/{row['family']}", row["difference"]))
    return [(key, value) for key, value in found if value is not None]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
