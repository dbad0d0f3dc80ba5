"""Sections of the report on depth: the course of label proportion, its tests and their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from denote.attributes.family_words import family_name
from denote.denotation.depth import plan
from denote.figures.curves import Curve, curves
from denote.numbers import Estimate, bound, count, interval, proportion, signed_interval, small, span
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import NOTES, Column, Row, Sheet, p_values, sheet, text, whole, yes

Tables = Mapping[str, pl.DataFrame]
NAMES = {plan.POLARITY: "polarity", plan.ANY_BASIS: "what any basis shows", plan.OWN: "the neurons' own"}
TRENDS = {plan.FOLDED: "folded", plan.BEYOND: "folded - rotated"}
NO_TEST = "a description: no test"
NO_SIGN = "the sign of these neurons is arbitrary, or not known to mean something"


def too_few_sentences(tables: Tables) -> list[str]:
    """Say, before all else, where there are too few networks for a verdict."""
    trained = tables["depth_description"].filter(pl.col("trained").fill_null(value=True))
    counts = trained.group_by("dataset", "architecture", maintain_order=True).agg(pl.col("n_models").max())
    sentences = []
    for (dataset,), own in counts.group_by(["dataset"], maintain_order=True):
        few = own.filter(pl.col("n_models") < plan.LEAST_MODELS)
        if len(few) == len(own):
            most = int(own["n_models"].max())  # type: ignore[arg-type]
            sentences.append(
                f"{dataset}: {plan.too_few_networks(most)}. What is said of depth describes these networks."
            )
            continue
        sentences += [
            f"{dataset}: {plan.too_few_networks(n_models, f'{architecture} has')}. What is said of it is a "
            "description, and the verdict is that of the others."
            for architecture, n_models in few.select("architecture", "n_models").iter_rows()
        ]
    return sentences


def course_sentences(tables: Tables) -> list[str]:
    """Say the mean label proportion at the first, middle and last compared layer, and what its course is made of.

    Args:
        tables: With ``depth_description``, ``depth_parts`` and ``depth_tests``. Untrained networks get no sentence.
    """
    described = tables["depth_description"].filter(pl.col("trained").fill_null(value=True))
    sentences: list[str] = []
    without: list[Curve] = []
    for curve in curves(described):
        rows = curve.of(described)
        if rows["layer"].null_count():
            without.append(curve)
            continue
        tests, parts = _of_curve(tables["depth_tests"], curve), curve.of(tables["depth_parts"])
        sentences.append(f"{curve.title}: {_plain(rows.rows(named=True), tests)}")
        sentences += [f"{curve.title}: {said}" for said in _made_of(parts)]
        sentences += [f"{curve.title}: {said}" for said in _trends(tests)]
    return [*sentences, *_without(without)]


def _of_curve(tests: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The tests of an architecture alone, else those of the data set where it has one architecture."""
    own = curve.of(tests, plan.QUESTION)
    alone = own.filter(pl.col("architecture") == curve.architecture)
    return alone if len(alone) else own.filter(pl.col("architecture").is_null())


def _plain(rows: Sequence[Row], tests: pl.DataFrame) -> str:
    """The sentence that needs no further words."""
    means = [interval(Estimate.of(row, "label_proportion_mean", bounds="label_proportion")) for row in rows]
    places = [f"{mean} at {layer_words(row['layer'])}" for mean, row in zip(means, rows, strict=True)]
    first = rows[0]
    networks = {row["n_models_with_value"] for row in rows}
    of = "" if networks == {first["n_models"]} else f"{'-'.join(map(str, sorted(networks)))} of "
    who = f"{of}{count(first['n_models'], 'network')}" + (f"; {first['note']}" if first["note"] else "")
    listed = places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
    said = f"the mean label proportion of what neurons denote is {listed} ({who})"
    if not all(row["sign_identified"] for row in rows):
        folded = ", ".join(interval(Estimate.of(row, "folded_mean", bounds="folded")) for row in rows)
        return f"{said}; {NO_SIGN}, so read the folded value, min(p, 1 - p): {folded}."
    test = tests.filter(pl.col("test") == plan.SIGN_FLIP, pl.col("quantity") == plan.UNFOLDED).drop_nulls("p_value")
    if test.is_empty():
        return f"{said}."
    row = test.row(0, named=True)
    joint = (
        "" if row["role"] == plan.EXPLORATORY or row["architecture"] is not None else f", Holm {small(row['p_holm'])}"
    )
    return f"{said}; test of no change over layers: p = {small(row['p_value'])}{joint}{_largest(row)}."


def _largest(row: Row) -> str:
    if row["effect_low"] is None:
        return ""
    return f", largest difference between two layers {span(row['effect_low'], row['effect_high'])}"


def _made_of(parts: pl.DataFrame) -> list[str]:
    """Say what the raw course is made of, or why that cannot be told."""
    rows = {(row["part"], row["shape"]): row for row in parts.iter_rows(named=True)}
    if not rows or parts["part"].null_count():
        return [f"what this is made of cannot be told: {row['note']}." for row in rows.values()]
    first = rows[plan.RAW, plan.CHANGE]

    def value(part: str, shape: str) -> str:
        return signed_interval(Estimate.of(rows[part, shape], "value"))

    def split(shape: str) -> str:
        return ", ".join(f"{name} {value(part, shape)}" for part, name in NAMES.items())

    change = f"{value(plan.RAW, plan.CHANGE)}: {split(plan.CHANGE)}"
    bow = f"{value(plan.RAW, plan.BOW)} from the others: {split(plan.BOW)}"
    left_out = f"; {first['note']}" if first["note"] else ""
    start, end = (layer_words(first[f"{which}_layer"]) for which in ("first", "last"))
    return [
        f"from {start} to {end} it changes by {change}. In the middle "
        f"third of the layers it lies {bow} "
        f"({count(first['n_models'], 'network')} with all {first['n_layers']} layers{left_out})."
    ]


def _trends(tests: pl.DataFrame) -> list[str]:
    """The rise along each network's line, where there is no test of it."""
    untested = tests.filter(pl.col("test") == plan.TREND, pl.col("p_value").is_null()).drop_nulls("effect")
    rises = {row["quantity"]: signed_interval(Estimate.of(row, "effect")) for row in untested.iter_rows(named=True)}
    said = [f"{name} rises by {rises[quantity]}" for quantity, name in TRENDS.items() if quantity in rises]
    return [f"along each network's line over depth, {' and '.join(said)} ({NO_TEST})."] if said else []


def _without(found: list[Curve]) -> list[str]:
    """The curves without a value at any layer, by network and data set."""
    families: dict[str, list[str]] = {}
    for curve in found:
        families.setdefault(curve.network, []).append(family_name(curve.family))
    return [
        f"{network}, {' and '.join(names)}: no label proportion by depth, "
        f"too few networks have one at any hidden layer ({plan.GAP})."
        for network, names in families.items()
    ]


TOO_OFTEN = (
    "Whatever the number of rows, by the default rule a neuron that errs as often on rows without the property as on "
    "those with it (TPR = TNR = .98) is on too often to denote one rarer than about .08: curves and tests say little "
    "of rarer ones."
)
WORDS = {
    "sign_flip": "flips",
    "folded - rotated_folded": "folded - rotated",
    "label_proportion": "unfolded",
    "share_denoting - rotated_share_denoting": "share - rotated",
}
"""Names of tests and quantities that are shorter than those of the table."""
LEAST_PAIRS = 10
"""Pairs of network and layer below which a correlation is not worth telling."""
WEAK = 0.3
"""Correlation up to which nobody would say that one follows the other."""


def depth_sentences(tables: Tables) -> list[str]:
    """Say whether label proportion depends on depth: what is seen, what it is made of, and the verdict.

    Args:
        tables: With ``depth_description depth_parts depth_tests depth_verdicts label_proportion_by_model``. Untrained
            networks get no sentence.
    """
    verdicts = tables["depth_verdicts"].filter(
        pl.col("trained").fill_null(value=True), pl.col("verdict") != plan.TOO_FEW
    )
    said = [*too_few_sentences(tables), *course_sentences(tables)]
    said += [_verdict(row) for row in verdicts.iter_rows(named=True)]
    return [*said, *_polarity(tables["label_proportion_by_model"]), *([TOO_OFTEN] if said else [])]


def depth_tests_sheet(tests: pl.DataFrame) -> Sheet:
    """Every test with what it could have shown at all.

    Args:
        tests: Columns of ``tables.DEPTH_TESTS``.
    """
    columns = [
        *test_columns(),
        *p_values(smallest_p="least p"),
        *yes("testable", "significant", "planned"),
        *text(layers="which layers"),
        NOTES,
    ]
    shown = tests.filter(pl.col("trained").fill_null(value=True))
    return sheet("depth_tests", columns, shown)


def test_columns() -> list[Column]:
    """Return what every table of tests begins with: which test, of what, and its result."""
    return [
        ("of", _of),
        ("family", lambda row: family_name(row["family"])),
        ("test", _named),
        *text("role"),
        *whole(n_models="models", n_layers="layers"),
        ("effect", _effect),
        *p_values(p_value="p", p_holm="Holm"),
    ]


def _verdict(row: Row) -> str:
    place = f"{_of(row)}, {family_name(row['family'])}"
    p = "" if row["p_value"] is None else f"primary p = {small(row['p_value'])}, after Holm {small(row['p_holm'])}; "
    planned = "planned" if row["planned"] else "exploratory"
    why = f" Of the primary test: {row['note']}." if row["note"] else ""
    numbers = f"{p}{count(row['n_models'], 'network')}; {planned}"
    said = plan.verdict_words(row["verdict"])
    return f"{place}: does label proportion depend on depth? Verdict: {said} ({numbers}).{why}"


def _polarity(by_model: pl.DataFrame) -> list[str]:
    """Of every curve the correlation of the raw value with how often neurons are on."""
    known = by_model.filter(
        pl.col("trained").fill_null(value=True),
        ~pl.col("is_head").fill_null(value=False),
        pl.col("label_proportion").is_not_null() & pl.col("on_proportion").is_not_null(),
    )
    sentences = []
    for curve in curves(known):
        own = curve.of(known)
        r = own.select(pl.corr("label_proportion", "on_proportion")).item()
        if len(own) >= LEAST_PAIRS and r is not None and r == r:
            sentences.append(
                f"{curve.title}: raw label proportion correlates by r = {proportion(r)} with the on-proportion of live "
                f"neurons, over {count(len(own), 'pair')} of network and layer; {_follows(r)}"
            )
    return sentences


def _follows(r: float) -> str:
    return "what follows it is polarity, not meaning." if r > WEAK else "it does not simply follow polarity here."


def _of(row: Row) -> str:
    epoch = f", epoch {row['epoch']}" if row["epoch"] is not None else ""
    return f"{row['dataset']}{epoch}" + (f", {row['architecture']}" if row.get("architecture") else "")


def _named(row: Row) -> str:
    test, quantity = row["test"], row["quantity"]
    return f"{WORDS.get(test, test)} of {WORDS.get(quantity, quantity)}"


def _effect(row: Row) -> str:
    if row["test"] == plan.EQUIVALENCE:
        return f"at most {bound(row['statistic'])}" if row["statistic"] is not None else proportion(None)
    if row["effect"] is not None:
        return signed_interval(Estimate.of(row, "effect"))
    if row["effect_low"] is None:
        return proportion(None)
    return span(row["effect_low"], row["effect_high"], 3)
