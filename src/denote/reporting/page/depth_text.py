"""The depth section in words: of every curve what is seen, what it is made of, the verdict, what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from denote.denotation.depth import plan
from denote.figures.curves import Curve
from denote.numbers import count
from denote.reporting.answer.depth_change import DepthChange, needs
from denote.reporting.answer.networks import Networks, networks_of
from denote.reporting.answer.words import family_words

SEEN, MADE_OF, VERDICT, CHANGES = "What is seen", "What it is made of", "Verdict", "What would change it"


@dataclass(frozen=True)
class CurveInWords:
    """What is said of one curve.

    Attributes:
        curve: Which one.
        heading: Whose curve, for people.
        said: By question, its sentences.
    """

    curve: Curve
    heading: str
    said: Sequence[tuple[str, Sequence[str]]]


def depth_in_words(tables: Mapping[str, pl.DataFrame], curves: Sequence[Curve]) -> list[CurveInWords]:
    """Say of every curve of trained networks what the tables say of it.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        curves: In the order of the page. Of several epochs the last is told about.
    """
    found = {(each.dataset, each.architecture, each.trained, each.epoch): each for each in networks_of(tables)}
    told = []
    for curve in curves:
        networks = found.get((curve.dataset, curve.architecture, curve.trained, curve.epoch))
        if networks is not None and curve.trained:
            told.append(
                CurveInWords(curve, f"{networks.place}: {_family(networks, curve.family)}", _said(networks, curve))
            )
    return told


def _family(networks: Networks, family: str) -> str:
    own = networks.tables["cells"].filter(pl.col("family") == family)["attribute"].unique(maintain_order=True)
    return family_words(family, own.to_list())


def _said(networks: Networks, curve: Curve) -> list[tuple[str, list[str]]]:
    described = networks.tables["depth_description"].filter(
        pl.col("layer").is_not_null(), pl.col("family") == curve.family
    )
    if described.is_empty():
        seen = f"No label proportion by depth: too few neurons denote at any hidden layer ({plan.GAP} per network)."
        return [
            (SEEN, [seen]),
            (VERDICT, ["None: there is nothing to test."]),
            (CHANGES, _changes(networks, curve, is_seen=False)),
        ]
    change = DepthChange(networks, curve.family)
    parts = change.made_of() or "That cannot be told: random directions were not searched, or too few of them denote."
    said = [
        (SEEN, [change.plain()]),
        (MADE_OF, [parts]),
        (VERDICT, [change.verdict()]),
        (CHANGES, _changes(networks, curve, is_seen=True)),
    ]
    return [(name, sentences) for name, sentences in said if sentences]


def _changes(networks: Networks, curve: Curve, *, is_seen: bool) -> list[str]:
    """Say what would make the verdict another one, or a firmer one."""
    judged = DepthChange(networks, curve.family).judged
    tested = [] if judged is None else [judged]
    by_depth = curve.of(networks.tables["label_proportion_by_depth"])
    said = []
    if not is_seen:
        said.append("More neurons that denote: wider layers, or more test rows, so that rarer properties can be found.")
    if needs(networks.n_models):
        missing = plan.LEAST_MODELS - networks.n_models
        said.append(f"{count(missing, 'more network')} of this architecture, trained from other seeds, for a test.")
    if tested and tested[0]["verdict"] == plan.BEYOND_BASIS:
        said.append("New networks, or another split of the data, that do not show it.")
    elif tested:
        said.append("More networks: they narrow the intervals, and smaller changes can be shown or excluded.")
    if not by_depth["rotated_share_denoting"].is_not_null().any():
        said.append("control=rotated, which tells the neurons' own from what any basis shows.")
    if tested and not tested[0]["planned"]:
        said.append(f"A plan made before a new sweep (analysis.family={curve.family}); so far the test is exploratory.")
    return said
