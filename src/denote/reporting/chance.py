"""Results that chance alone would give, and effects too small to be found with these numbers of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from denote.attributes.family_words import family_name
from denote.evidence.rule import Rule
from denote.figures.curves import some
from denote.notes import NEXT_REMARK, codes_of_section
from denote.numbers import count, proportion, setting, small
from denote.reporting.association import LAYER
from denote.reporting.sheet import NOTES, OF, Sheet, columns, p_values, share, sheet, text, whole, yes
from denote.tables import NOTE, says

DIFFERS = " (depending on the rows)"


def power_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """The effects that cells and neurons would have shown with power .8; nothing where power is not known.

    Args:
        tables: With ``cells``, ``neurons`` and ``label_proportion_by_depth``.
    """
    cells, by_depth = tables["cells"], tables["label_proportion_by_depth"]
    auroc, cell = (_span(cells[f"detectable_{number}"], DIFFERS) for number in ("auroc", "proportion"))
    neuron = _by_family(by_depth)
    said = []
    if auroc:
        said.append(f"Power of the cells: an AUROC of at least {auroc} would have been found with probability .8.")
    if cell:
        said.append(
            f"An attribute with label proportion below {cell} could not have been found decisive with that "
            "probability, even by an observer of balanced accuracy .98."
        )
    if neuron:
        said.append(
            "Power of the neurons: a neuron of balanced accuracy .98 that is on exactly as often as its property holds "
            f"would have passed the rule with probability .8 only from this label proportion up: {neuron}; rarer "
            "properties are missing from the curves."
        )
    if said and _grouped(tables):
        said.append("Rows come in groups, but power counts them as independent: less would have been found.")
    return said


def _grouped(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Return whether any note says that rows are not independent."""
    return any(tables[name].select(says("groups", "auroc_of_groups").any()).item() for name in ("cells", "neurons"))


def _by_family(by_depth: pl.DataFrame) -> str:
    """``sets of classes .07, single classes .22``: rows are the same, but every family has its own cutoff."""
    groups = by_depth.group_by("family", maintain_order=True)
    spans = {family_name(str(family)): _span(rows["smallest_detectable_proportion"]) for (family,), rows in groups}
    return ", ".join(f"{family} {span}" for family, span in spans.items() if span)


def _span(values: pl.Series, why: str = "") -> str:
    """``.07``, or ``.07 to .12`` and why where values differ; empty where none is known."""
    span = value_range(values)
    if span is None:
        return ""
    least, most = map(proportion, span)
    return least if least == most else f"{least} to {most}{why}"


def value_range(values: pl.Series) -> tuple[float, float] | None:
    """Least and largest of a column's numbers; None where there is none."""
    known = values.drop_nulls()
    return None if known.is_empty() else (float(known.min()), float(known.max()))  # type: ignore[arg-type]


LEVELS = (0.05, 0.001)
"""Levels below which uncorrected p-values are counted."""

NEURONS_OF = "neurons, "
"""Beginning of the name of a family of neurons."""

GUESSING = "guessing"
"""What cells and pairs are tested against, an AUROC of .5: to be decisive asks far more."""

MOST_REASONS = 3

BLIND = (
    "The null check sees wrong p-values or a wrong correction. It cannot see leaks or rows that depend on each other, "
    "whose labels are exchangeable once shuffled: copies of rows are counted apart."
)
"""Explanation of the null check, wherever its result is shown."""


@dataclass(frozen=True)
class Family:
    """One family of tests, corrected together (METHOD section 3).

    Attributes:
        name: ``cells``, ``pairs`` (of a neuron and an attribute), or the neurons of an attribute family.
        null: What chance is in these tests.
        n_tests: Number of tests.
        below: How many p-values lie below each of `LEVELS`, uncorrected.
        hits: How many are left after Benjamini and Hochberg's correction.
        q: The false discovery rate allowed.
        passed: How many are decisive or denote, which asks more than a hit; None for pairs, which have no such rule.
        untested: Why there is no test although there are live neurons; empty where there are tests.
    """

    name: str
    null: str
    n_tests: int
    below: tuple[int, ...]
    hits: int
    q: float
    passed: int | None = None
    untested: str = ""

    @property
    def expected(self) -> tuple[float, ...]:
        """Return the p-values expected below each of `LEVELS` if every null hypothesis held; fewer if p is strict."""
        return tuple(level * self.n_tests for level in LEVELS)

    @property
    def of_neurons(self) -> bool:
        """Return whether this is an attribute family that neurons were searched over."""
        return self.name.startswith(NEURONS_OF)

    @property
    def words(self) -> str:
        """Return the name for people."""
        return NEURONS_OF + family_name(self.name.removeprefix(NEURONS_OF)) if self.of_neurons else self.name

    @property
    def row(self) -> dict[str, str]:
        """The family as a row of text, by column."""
        below = zip(LEVELS, self.below, self.expected, strict=True)
        return {
            "tests of": self.words,
            "against": self.null,
            "tests": count(self.n_tests),
            **{f"p < {setting(level)} (chance)": f"{found:,} ({about(expected)})" for level, found, expected in below},
            "hits": count(self.hits),
            "false": f"<= {about(self.q * self.hits)}",
            "decisive or denote": "-" if self.passed is None else count(self.passed),
        }


def families(tables: Mapping[str, pl.DataFrame], rule: Rule) -> list[Family]:
    """The families of tests that a sweep made; without a test only those whose live neurons say why.

    Args:
        tables: With ``cells``, ``neurons`` and ``scan``, decided.
        rule: The rule that decided them.
    """
    cells, neurons, scan = tables["cells"], tables["neurons"], tables["scan"]
    found = []
    for (name,), rows in neurons.group_by(["family"], maintain_order=True):
        null = f"balanced accuracy {setting(rule.null)}"
        family = _family(f"{NEURONS_OF}{name}", null, rows, "denotes", rule)
        found.append(family if family.n_tests else replace(family, untested=_why_untested(rows)))
    # A hit of a cell or a pair only says better than guessing, as nearly all are: they come after the neurons.
    found.append(_family("cells", GUESSING, cells, "decisive", rule))
    sums = {key: int(scan[key].sum() or 0) for key in ("n_tests", "below_05", "below_001", "n_carrying")}
    below = sums["below_05"], sums["below_001"]
    found.append(Family("pairs", GUESSING, sums["n_tests"], below, sums["n_carrying"], rule.q))
    return [family for family in found if family.n_tests or family.untested]


def _family(name: str, null: str, rows: pl.DataFrame, verdict: str, rule: Rule) -> Family:
    tested = rows.filter(pl.col("p_value").is_not_null())
    below = tuple(int((tested["p_value"] < level).sum()) for level in LEVELS)
    hits = int((tested["q_value"] <= rule.q).sum())
    return Family(name, null, len(tested), below, hits, rule.q, int(rows[verdict].sum() or 0))


def _why_untested(neurons: pl.DataFrame) -> str:
    """Why the live neurons of a family have no test, the most frequent reason first; empty if all are dead."""
    live = neurons.filter("live")
    if live.is_empty():
        return ""
    remarks = live.select(pl.col(NOTE).str.split(NEXT_REMARK)).drop_nulls().explode(NOTE)
    # A note also says why single columns are null, which is no reason for having no test.
    untested = remarks.filter(pl.col("note_codes").is_in(codes_of_section("untested")))
    reasons = untested.group_by("note", maintain_order=True).len()
    told = reasons.sort("len", descending=True, maintain_order=True)["note"].str.strip_prefix("not tested: ")
    return some(told.to_list(), MOST_REASONS) or "no reason given"


def untested_sentences(found: Sequence[Family]) -> list[str]:
    """Why families have no test although they have live neurons."""
    return [f"No test of {family.words}: {family.untested}." for family in found if family.untested]


def apart_sentences(found: Sequence[Family]) -> list[str]:
    """Say what follows from correcting families of neurons one by one; nothing where there are not several."""
    if sum(family.of_neurons for family in found) < 2:
        return []
    return [
        "Each family of neurons is corrected by itself, and the more a family rejects the looser its cutoff: the same "
        "neuron may denote in one family and abstain in another."
    ]


def chance_sentences(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Say what the null check and the pair scan's own permutations give."""
    return [*null_check_sentences(tables["null_check"]), *_scan_sentence(tables["scan"])]


def one_p_value(scan: pl.DataFrame) -> pl.Series:
    """The max-statistic's p-value of the pair scan as one, of every object model that has it.

    Args:
        scan: Columns of ``tables.SCAN``.
    """
    # Every attribute has a p-value against the largest of all; that of the scan as one is the smallest of them.
    by_model = scan.drop_nulls("model_max_p_value").group_by("object_model").agg(pl.col("model_max_p_value").min())
    return by_model["model_max_p_value"]


def _scan_sentence(scan: pl.DataFrame) -> list[str]:
    span = value_range(one_p_value(scan))
    if span is None:
        return []
    least, most = map(small, span)
    said = least if least == most else f"{least} to {most}, by object model"
    return [f"Pair scan as one: max-statistic permutation p = {said}."]


def null_check_sentences(null_check: pl.DataFrame) -> list[str]:
    """Say how many replicates under the null had a corrected hit, or that the check was not run."""
    said = []
    for (scan,), rows in null_check.group_by(["scan"], maintain_order=True):
        hits, replicates = int(rows["n_with_hit"].sum() or 0), int(rows["n_replicates"].sum() or 0)
        expected = float(rows["expected"].sum() or 0)
        verdict = "ALARM" if rows["alarm"].any() else "no alarm"
        said.append(
            f"Null check of the {scan}: {hits} of {replicates} replicates with shuffled labels had a corrected hit, "
            f"at most {about(expected)} expected: {verdict}."
            if replicates
            else f"Null check of the {scan}: not run ({some(rows['note'].drop_nulls().to_list(), 1) or 'no reason'})."
        )
    if not said:
        return ["Null check: not run, so nothing here shows that shuffled labels find nothing."]
    return [*said, BLIND] if null_check["n_replicates"].sum() else said


def alarms(null_check: pl.DataFrame) -> list[str]:
    """One warning for every null check that rang."""
    return [
        f"Null check: {row['n_with_hit']} of {row['n_replicates']} shuffled replicates of the {row['scan']}"
        + (f" of object model {row['object_model']}" if row["object_model"] else "")
        + f" had a corrected hit (chance of so many: {small(row['p_value'])}). The p-values or their correction are "
        "wrong: do not trust the corrected hits."
        for row in null_check.filter("alarm").iter_rows(named=True)
    ]


def families_sheet(found: Sequence[Family]) -> Sheet:
    """Tests made, hits found, hits expected."""
    rows = [family.row for family in found]
    return sheet("families", text(*(rows[0] if rows else ())), rows)


def null_check_sheet(null_check: pl.DataFrame) -> Sheet:
    """The null check, row by row."""
    described = [
        *text("scan", "object_model"),
        *whole(n_tests="tests", n_replicates="replicates", n_with_hit="with a hit"),
        *columns(about, expected="expected at most"),
        *p_values(p_value="p"),
        *yes("alarm"),
        NOTES,
    ]
    return sheet("null_check", described, null_check)


def about(number: float | None) -> str:
    """An expected count: ``16``, ``0.3``."""
    if number is None:
        return "null"
    return f"{number:,.0f}" if number >= 10 or number == 0 else f"{number:.1f}"


def randomisation_sentences(cells: pl.DataFrame) -> list[str]:
    """One sentence on all layers, nothing where the check was not made.

    Args:
        cells: Columns of ``tables.CELLS``.
    """
    found = cells["randomised_similarity"].drop_nulls()
    if found.is_empty():
        return []
    median, low, high = (proportion(float(value)) for value in (found.median(), found.min(), found.max()))  # type: ignore[arg-type]
    return [
        f"Randomisation check: between a trained layer and one with random parameters, what observers rely on agrees "
        f"with median Spearman correlation {median} ({low} to {high}); near 1 the maps would look the same had the "
        "layer learned nothing; near 0 they depend on its parameters, which says little where units have no places."
    ]


def randomisation_sheet(cells: pl.DataFrame) -> Sheet:
    """Similarity of maps before and after randomisation, per layer and probe.

    Args:
        cells: Columns of ``tables.CELLS``; only those with a ``randomised_similarity``.
    """
    similarity = pl.col("randomised_similarity")
    rows = (
        cells.group_by([*LAYER, "probe"], maintain_order=True)
        .agg(
            pl.len().alias("n_maps"),
            similarity.median().alias("median"),
            similarity.min().alias("low"),
            similarity.max().alias("high"),
        )
        .sort("depth", nulls_last=True, maintain_order=True)
    )
    described = [
        OF,
        *text("layer", "probe"),
        *whole(n_maps="maps"),
        *share(median="median similarity", low="least", high="most"),
    ]
    return sheet("randomisation", described, rows)
