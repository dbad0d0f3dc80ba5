"""Does what neurons denote depend on depth: the tests over object models, and the verdict (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.denotation.depth import one_per_model
from denote.denotation.plan import Analysis
from denote.denotation.sign_flips import Profile, holm, largest_bound, sign_flip_test, spread, trend_test
from denote.tables import DEPTH_TESTS, DEPTH_VERDICTS, note, table

LEAST_LAYERS = 3
CURVE = ["dataset", "trained", "epoch", "family"]
SIGN_FLIP, TREND, EQUIVALENCE = "sign_flip", "trend", "equivalence"
PRIMARY, SECONDARY, EXPLORATORY = "primary", "secondary", "exploratory"

BEYOND_BASIS = "folded - rotated_folded"
QUANTITIES = {
    BEYOND_BASIS: pl.col("folded") - pl.col("rotated_folded"),
    "folded": pl.col("folded"),
    "label_proportion": pl.col("label_proportion"),
    "share_denoting - rotated_share_denoting": pl.col("share_denoting") - pl.col("rotated_share_denoting"),
}
"""What is tested, from the columns of an object model."""
UNFOLDED = "label_proportion"
NOT_IDENTIFIED = "label_proportion not tested: the sign of these neurons is arbitrary, or not known"

VERDICTS = {
    "beyond": "depends on depth beyond polarity and basis",
    "any basis": "depends on depth through the distribution that any basis shows",
    "polarity": "depends on depth through polarity only",
    "none": "no dependence larger than {:.2g}",
    "unknown": "not shown",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Profiles:
    """One quantity over depth, for every object model of every architecture.

    Attributes:
        architectures: Those with enough layers.
        values: Of each, its models by its layers without a gap.
        depths: Relative depths of those layers.
        layers: What was kept, and what was not, in words.
        remarks: Why an architecture is missing.
    """

    architectures: tuple[str, ...]
    values: tuple[Profile, ...]
    depths: tuple[Float[np.ndarray, " layer"], ...]
    layers: str
    remarks: tuple[str, ...]

    @property
    def n_models(self) -> int:
        """Object models in all architectures."""
        return sum(len(values) for values in self.values)

    @property
    def n_layers(self) -> int:
        """Layers in all architectures."""
        return sum(values.shape[1] for values in self.values)

    def only(self, architecture: str) -> Profiles:
        """The same of one architecture."""
        place = self.architectures.index(architecture)
        here = slice(place, place + 1)
        return Profiles((architecture,), self.values[here], self.depths[here], self.layers, ())


def profiles(models: pl.DataFrame, quantity: str, analysis: Analysis) -> Profiles:
    """A quantity at the layers, logits excluded, where no object model of an architecture has a gap.

    Args:
        models: One row per object model and layer of one curve.
        quantity: A key of ``QUANTITIES``.
        analysis: Which layers were planned.
    """
    hidden = models.filter(pl.col("depth").is_not_null(), ~pl.col("is_head").fill_null(value=False))
    if analysis.layers is not None:
        hidden = hidden.filter(pl.col("depth").is_in(list(analysis.layers)))
    found: list[tuple[str, Profile, Float[np.ndarray, " layer"]]] = []
    words, remarks = [], []
    for (architecture,), own in hidden.group_by("architecture", maintain_order=True):
        wide = own.with_columns(value=QUANTITIES[quantity].cast(pl.Float64)).sort("depth").pivot(
            "object_model", index=["depth", "relative_depth", "layer"], values="value", maintain_order=True
        )  # fmt: skip
        numbers = wide.drop("depth", "relative_depth", "layer").cast(pl.Float64).fill_null(float("nan")).to_numpy()
        whole = ~np.isnan(numbers).any(axis=1)
        kept, left = (wide["depth"].filter(pl.Series(mask)).to_list() for mask in (whole, ~whole))
        gaps = f" (gap at {_listed(left)})" if left else ""
        words.append(f"{architecture}: {_listed(kept) if kept else 'none'}{gaps}")
        if len(kept) < LEAST_LAYERS:
            remarks.append(f"{architecture}: {len(kept)} layers without a gap, {LEAST_LAYERS} are needed")
            continue
        relative = wide["relative_depth"].cast(pl.Float64).to_numpy()[whole]
        found.append((str(architecture), np.ascontiguousarray(numbers[whole].T), relative))
    names, values, depths = zip(*found, strict=True) if found else ((), (), ())
    return Profiles(names, values, depths, "; ".join(words), tuple(remarks))


def depth_tests(by_model: pl.DataFrame, analysis: Analysis | None = None) -> pl.DataFrame:
    """Test every family of every curve, all architectures of a data set together.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``.
        analysis: What was planned; everything is exploratory where None.

    Returns:
        Columns of ``tables.DEPTH_TESTS``: per curve the primary test, the secondary ones, equivalence, and where there
        are several architectures the primary test of each.
    """
    plan = analysis or Analysis()
    rows: list[Row] = []
    for key, models in one_per_model(by_model).group_by(CURVE, maintain_order=True):
        rows += _tests_of_curve(dict(zip(CURVE, key, strict=True)), models, plan)
    return _corrected(table(rows, DEPTH_TESTS), plan, several_epochs(by_model))


def several_epochs(by_model: pl.DataFrame) -> bool:
    """Whether networks were looked at at several points of their training, which no single test stands for."""
    return by_model.filter("trained")["epoch"].n_unique() > 1


def _tests_of_curve(key: Row, models: pl.DataFrame, plan: Analysis) -> list[Row]:
    found = {quantity: profiles(models, quantity, plan) for quantity in QUANTITIES}
    planned = plan.family is not None and key["family"] == plan.family
    identified = bool(
        models.filter(~pl.col("is_head").fill_null(value=False))["sign_identified"].fill_null(False).all()
    )
    tested = [quantity for quantity in QUANTITIES if quantity != UNFOLDED or identified]
    remark = None if identified else NOT_IDENTIFIED
    beyond = found[BEYOND_BASIS]
    rows = [
        _sign_flip(found[quantity], PRIMARY if quantity == BEYOND_BASIS else SECONDARY, quantity,
                   remark if quantity == "folded" else None)
        for quantity in tested
    ]  # fmt: skip
    rows += [_trend(found[quantity], quantity) for quantity in tested[:-1]]
    rows.append(_equivalence(beyond, plan))
    if len(beyond.architectures) > 1:
        rows += [
            _sign_flip(beyond.only(name), EXPLORATORY, BEYOND_BASIS, None) | {"architecture": name}
            for name in beyond.architectures
        ]  # fmt: skip
    planned_roles = (PRIMARY, SECONDARY)
    return [{**key, **row, "planned": planned and (row["role"] in planned_roles)} for row in rows]


def _described(found: Profiles, test: str, role: str, quantity: str, *remarks: str | None) -> Row:
    return {
        "test": test, "role": role, "quantity": quantity, "n_models": found.n_models, "n_layers": found.n_layers,
        "layers": found.layers, "note": note(*found.remarks, *remarks),
    }  # fmt: skip


def _sign_flip(found: Profiles, role: str, quantity: str, remark: str | None) -> Row:
    flipped = sign_flip_test(found.values)
    numbers = {
        "statistic": flipped.statistic, "p_value": flipped.p_value, "smallest_p": flipped.smallest_p,
        "effect": spread(found.values),
    }  # fmt: skip
    return _described(found, SIGN_FLIP, role, quantity, remark) | _nulls(numbers)


def _trend(found: Profiles, quantity: str) -> Row:
    correlation, p_value = trend_test(found.values, found.depths)
    numbers = {"statistic": correlation.value, "p_value": p_value, **correlation.columns("effect")}
    return _described(found, TREND, SECONDARY, quantity) | _nulls(numbers)


def _equivalence(found: Profiles, plan: Analysis) -> Row:
    bound = largest_bound(found.values)
    within = None if np.isnan(bound) else bound <= plan.equivalence
    row = _described(found, EQUIVALENCE, SECONDARY, BEYOND_BASIS, f"within ±{plan.equivalence:g}: {within}")
    return row | _nulls({"statistic": bound}) | {"significant": within}


def _nulls(numbers: Row) -> Row:
    """NaN becomes null."""
    return {name: None if value is None or np.isnan(value) else float(value) for name, value in numbers.items()}


def _corrected(tests: pl.DataFrame, plan: Analysis, exploratory: bool) -> pl.DataFrame:
    """Holm's correction: primary tests over data sets, secondary ones within their curve; and what can be tested."""
    if tests.is_empty():
        return tests
    primary, secondary = pl.col("role") == PRIMARY, (pl.col("role") == SECONDARY) & (pl.col("test") != EQUIVALENCE)
    within = pl.when(primary).then(pl.lit("all")).otherwise("dataset")
    family = [
        pl.col("trained"),
        pl.col("epoch"),
        pl.col("family"),
        pl.col("role"),
        pl.col("test") == EQUIVALENCE,
        within,
    ]
    counted = pl.col("p_value").is_not_null().sum().over(family)
    tests = tests.with_columns(
        p_holm=pl.when(primary | secondary).then(
            pl.col("p_value").map_batches(_holm, return_dtype=pl.Float64).over(family)
        ),
        testable=pl.when(pl.col("smallest_p").is_not_null() & (primary | secondary)).then(
            pl.col("smallest_p") * counted <= plan.level
        ),
        planned=pl.col("planned") & pl.lit(not exploratory),
    )  # fmt: skip
    significant = pl.when(pl.col("test") == EQUIVALENCE).then("significant").otherwise(pl.col("p_holm") <= plan.level)
    untestable = pl.format(
        "not testable with {} models: no p below {} is possible in {} tests", "n_models", pl.col("smallest_p").round(4),
        counted,
    )  # fmt: skip
    remark = pl.when(~pl.col("testable")).then(untestable)
    text = pl.concat_str("note", remark, separator="; ", ignore_nulls=True)
    return tests.with_columns(significant=significant, note=pl.when(text != "").then(text)).select(*DEPTH_TESTS)


def _holm(p: pl.Series) -> pl.Series:
    return pl.Series(holm(p.cast(pl.Float64).fill_null(float("nan")).to_numpy())).fill_nan(None)


def depth_verdicts(tests: pl.DataFrame, analysis: Analysis | None = None) -> pl.DataFrame:
    """The verdict on every curve, in METHOD's order.

    Args:
        tests: From :func:`depth_tests`.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_VERDICTS``.
    """
    plan = analysis or Analysis()
    joint = tests.filter(pl.col("architecture").is_null())
    rows = []
    for key, own in joint.group_by(CURVE, maintain_order=True):
        flips = {row["quantity"]: row for row in own.filter(pl.col("test") == SIGN_FLIP).iter_rows(named=True)}
        (equivalence,) = own.filter(pl.col("test") == EQUIVALENCE).iter_rows(named=True)
        primary = flips[BEYOND_BASIS]
        rows.append({
            **dict(zip(CURVE, key, strict=True)), "verdict": _verdict(flips, equivalence, plan),
            "n_models": max(row["n_models"] for row in flips.values()), "p_value": primary["p_value"],
            "p_holm": primary["p_holm"], "largest_bound": equivalence["statistic"], "planned": primary["planned"],
            "note": note(primary["note"], *_untested(primary)),
        })  # fmt: skip
    return table(rows, DEPTH_VERDICTS)


def _verdict(flips: dict[str, Row], equivalence: Row, plan: Analysis) -> str:
    if flips[BEYOND_BASIS]["significant"]:
        return VERDICTS["beyond"]
    if flips["folded"]["significant"]:
        return VERDICTS["any basis"]
    if flips.get(UNFOLDED, {}).get("significant"):
        return VERDICTS["polarity"]
    if equivalence["significant"]:
        return VERDICTS["none"].format(plan.equivalence)
    return VERDICTS["unknown"]


def _untested(primary: Row) -> list[str]:
    return (
        [] if primary["p_value"] is not None else ["no primary test: no architecture has enough layers without a gap"]
    )


def _listed(depths: Sequence[int]) -> str:
    """``2-7`` of neighbouring depths, else ``2, 4, 5``."""
    if len(depths) > 2 and list(depths) == list(range(depths[0], depths[-1] + 1)):
        return f"depths {depths[0]}-{depths[-1]}"
    return f"depth{'s' * (len(depths) > 1)} {', '.join(map(str, depths))}"
