"""What was tested of label proportion and depth, in the sentences of a methods section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from denote.attributes.family_words import family_name
from denote.denotation.depth import plan
from denote.denotation.depth.depth_profiles import DRAWS, MOST_ENUMERATED
from denote.numbers import count, small
from denote.reporting.answer.depth_change import DepthChange
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean
from denote.reporting.sheet import Row

UNIT = (
    "The unit of these tests is the network: a value is the mean over the denoting neurons of one layer of one "
    "network, and the signs of whole networks are flipped"
)


def depth_sentences(tables: Mapping[str, pl.DataFrame], found: Sequence[Networks]) -> list[str]:
    """Say which question of depth was tested, how, and what the verdict is; nothing where nothing was compared.

    Of networks that were observed at several epochs the last one is told, as everywhere on paper.

    Args:
        tables: With ``depth_tests`` and ``depth_verdicts``.
        found: The networks that are told about.
    """
    tests = told_of(tables["depth_tests"], found).filter(
        pl.col("test") == plan.SIGN_FLIP, pl.col("role") == plan.PRIMARY, pl.col("p_value").is_not_null()
    )
    return [*_described(found), *_unit(tests), *_verdicts(told_of(tables["depth_verdicts"], found), tests)]


def told_of(rows: pl.DataFrame, found: Sequence[Networks] | None) -> pl.DataFrame:
    """Return the rows of trained networks at the epochs that are told about.

    Args:
        rows: With ``dataset``, ``epoch`` and ``trained``.
        found: The networks that are told about; None: all.
    """
    trained = pl.col("trained").fill_null(value=True)
    if found is None:
        return rows.filter(trained)
    told = pl.DataFrame(
        [(networks.dataset, networks.epoch) for networks in found],
        {"dataset": pl.String, "epoch": rows.schema["epoch"]},
        orient="row",
    )
    return rows.filter(trained).join(told, on=["dataset", "epoch"], how="semi", nulls_equal=True, maintain_order="left")


def _described(found: Sequence[Networks]) -> Iterator[str]:
    for networks in found:
        change = DepthChange(networks)
        if networks.trained and not networks.searched.is_empty() and change.family:
            yield f"{networks.place}, {family_name(change.family)}: {change.plain()}"


def _unit(tests: pl.DataFrame) -> Iterator[str]:
    """Say how the sign-flip test was made, with the number of patterns."""
    for n_models in tests["n_models"].unique().sort():
        patterns = f"all {2**n_models:,} patterns" if n_models <= MOST_ENUMERATED else f"{DRAWS:,} drawn patterns"
        yield f"{UNIT} ({count(n_models, 'network')}, {patterns})."


def _verdicts(verdicts: pl.DataFrame, tests: pl.DataFrame) -> Iterator[str]:
    for row in verdicts.iter_rows(named=True):
        epoch = "" if row["epoch"] is None else f", at epoch {row['epoch']}"
        of = f"{clean(row['dataset'])}, {family_name(row['family'])}{epoch}"
        if row["verdict"] == plan.TOO_FEW:
            yield f"{of}: no verdict on depth, as {plan.too_few_networks(row['n_models'], 'there are')}."
        elif row["p_value"] is None:
            why = f" ({row['note']})" if row["note"] else ""
            yield f"{of}: nothing was tested of depth{why}."
        else:
            yield f"{of}: {_tested(row, tests)}."


def _tested(verdict: Row, tests: pl.DataFrame) -> str:
    own = tests.filter(*(pl.col(key).eq_missing(pl.lit(verdict[key], tests.schema[key])) for key in plan.QUESTION))
    layers = count(own["n_layers"].max(), "layer") if len(own) else "the compared layers"  # type: ignore[arg-type]
    planned = "planned before the networks were observed" if verdict["planned"] else "exploratory"
    return (
        f"the primary test asks whether folded label proportion, min(p, 1 - p), less that of random directions differs "
        f"between {layers} ({planned}; p = {small(verdict['p_value'])}, after Holm's correction over data sets "
        f"{small(verdict['p_holm'])}). Verdict: {verdict['verdict']}"
    )
