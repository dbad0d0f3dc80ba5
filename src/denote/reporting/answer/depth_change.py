"""Label proportion over depth: the plain sentence first, what it is made of, then the verdict or what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.denotation.depth import plan
from denote.numbers import Estimate, count, interval, proportion, signed, signed_interval, small
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, family_words, listed
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import Row

GLOSS = " (share of inputs with what a neuron denotes)"
PARTS = {
    plan.POLARITY: "by how often neurons are on (polarity)",
    plan.ANY_BASIS: "as random directions",
    plan.OWN: "the neurons' own",
}
"""What the change is made of."""
BRIEF_PARTS = {
    plan.POLARITY: "how often neurons are on",
    plan.ANY_BASIS: "random directions",
    plan.OWN: "the neurons' own",
}
"""The same where there is little room."""
MEANING = {
    plan.BEYOND_BASIS: "yes, beyond polarity and beyond what random directions show",
    plan.ANY_BASIS_SHOWS: "yes, but as in random directions: through the distribution that any basis shows",
    plan.POLARITY_ONLY: "through polarity only",
}
"""Verdicts in words that say no more than they do."""
CARRIES = {plan.BEYOND_BASIS: plan.BEYOND, plan.ANY_BASIS_SHOWS: plan.FOLDED, plan.POLARITY_ONLY: plan.UNFOLDED}
"""Verdict -> the quantity whose test carries it; any other rests on no test that was passed."""
TESTED = {
    plan.BEYOND: "beyond polarity and random directions",
    plan.FOLDED: "of the folded value, min(p, 1 - p)",
    plan.UNFOLDED: "of label proportion",
}
"""Quantity of a test in words."""


@dataclass(frozen=True)
class DepthChange:
    """Label proportion over depth of some networks, in the family that is told about.

    Attributes:
        networks: Trained ones.
        asked: The family; None: the one that `family` chooses.
    """

    networks: Networks
    asked: str | None = None

    @cached_property
    def described(self) -> pl.DataFrame:
        """First, middle and last compared layer of every family that has any."""
        return self.networks.tables["depth_description"].filter(pl.col("layer").is_not_null())

    @cached_property
    def family(self) -> str:
        """The planned family, else that with the most layers, then the most denoting neurons; empty where none is."""
        if self.asked is not None or self.described.is_empty():
            return self.asked or ""
        planned = self.networks.tables["depth_verdicts"].filter("planned")["family"].to_list()
        neurons = self.networks.searched.group_by("family").agg(denoting=pl.col("denotes").sum())
        rows = self.described.group_by("family", maintain_order=True).len().join(neurons, on="family", how="left")
        rows = rows.with_columns(planned=pl.col("family").is_in(planned))
        order = rows.sort("planned", "len", "denoting", descending=True, nulls_last=True, maintain_order=True)
        return str(order["family"][0])

    @cached_property
    def rows(self) -> list[Row]:
        """Its first, middle and last compared layer."""
        return list(self.described.filter(pl.col("family") == self.family).iter_rows(named=True))

    @cached_property
    def is_raw(self) -> bool:
        """False where the sign of neurons is arbitrary, and only the folded value means something."""
        return all(row["sign_identified"] for row in self.rows)

    @property
    def columns(self) -> tuple[str, str]:
        """Column of the mean, and what the columns of its ends begin with."""
        return ("label_proportion_mean", "label_proportion") if self.is_raw else ("folded_mean", "folded")

    @property
    def what(self) -> str:
        """Name of the quantity."""
        return "Label proportion" if self.is_raw else "Folded label proportion, min(p, 1 - p) as the sign is arbitrary,"

    @cached_property
    def parts(self) -> dict[str, Row]:
        """Change from the first to the last layer, and what it is made of; empty where that cannot be told."""
        parts = self.networks.tables["depth_parts"].filter(
            pl.col("family") == self.family, pl.col("shape") == plan.CHANGE
        )
        return {row["part"]: row for row in parts.iter_rows(named=True)}

    @cached_property
    def judged(self) -> Row | None:
        """The verdict's row; None where there are too few networks, or the verdict is of other architectures only."""
        verdicts = self.networks.tables["depth_verdicts"]
        rows = verdicts.filter(pl.col("family") == self.family, pl.col("verdict") != plan.TOO_FEW)
        if rows.is_empty() or self.is_descriptive or self._is_left_out:
            return None
        return rows.row(0, named=True)

    @property
    def is_descriptive(self) -> bool:
        """True where too few networks of this architecture were compared for any verdict."""
        return self.networks.n_models < plan.LEAST_MODELS

    @property
    def _is_left_out(self) -> bool:
        """True where the joint test compares other architectures only."""
        own = self.networks.tables["depth_tests"].filter(
            pl.col("family") == self.family, pl.col("architecture") == self.networks.architecture
        )
        return len(own) > 0 and own["p_value"].null_count() == len(own)

    def _test(self, quantity: str) -> Row | None:
        """The test of a quantity that all architectures share."""
        rows = self.networks.tables["depth_tests"].filter(
            pl.col("family") == self.family,
            pl.col("test") == plan.SIGN_FLIP,
            pl.col("architecture").is_null(),
            pl.col("quantity") == quantity,
            pl.col("p_value").is_not_null() | (pl.col("role") == plan.PRIMARY),
        )
        return None if rows.is_empty() else rows.row(0, named=True)

    @property
    def _is_pooled(self) -> bool:
        """Whether the verdict is about networks of other architectures, too."""
        return self.judged is not None and self.judged["n_models"] > self.networks.n_models

    def plain(self, *, glossed: bool = True) -> str:
        """Say the mean at the first, middle and last compared layer, never chosen by the data, and test the curve.

        Args:
            glossed: Whether label proportion is explained.
        """
        return f"{self.what}{GLOSS if glossed else ''} is on average {self._means()}{self._counted()}."

    def _means(self) -> str:
        return listed([f"{interval(Estimate.of(row, *self.columns))} at {_layer_of(row)}" for row in self.rows])

    def _counted(self) -> str:
        n_models, known = self.rows[0]["n_models"], [row["n_models_with_value"] for row in self.rows]
        said = []
        if set(known) != {n_models}:
            said.append(f"{'' if min(known) == max(known) else f'{min(known)} to '}{max(known)} of {n_models} networks")
        tested = None if self.judged is None or self._is_pooled else self._test(self._raw)
        if tested is not None:
            said.append(f"p = {small(tested['p_value'])} for any change")
        if self.is_descriptive:
            said.append("descriptive")
        return f" ({'; '.join(said)})" if said else ""

    @property
    def _raw(self) -> str:
        return plan.UNFOLDED if self.is_raw else plan.FOLDED

    def made_of(self, *, short: bool = False) -> str:
        """Say what the change from the first to the last layer is made of; nothing where that cannot be told."""
        parts = self.parts
        if plan.RAW not in parts:
            return ""
        of = [f"{_written(parts[part], short=short)} {words}" for part, words in PARTS.items()]
        raw = parts[plan.RAW]
        return f"Change along a straight line{_of_parts(raw)} {_written(raw, short=short)}: {', '.join(of)}."

    def brief_parts(self) -> str:
        """Say the same of networks that are too few for a verdict, beside a sentence that names their number."""
        parts = self.parts
        if plan.RAW not in parts or parts[plan.RAW]["n_models"] != self.networks.n_models:
            return self.made_of(short=True)
        of = [f"{_written(parts[part], short=True)} {words}" for part, words in BRIEF_PARTS.items()]
        return f"Change along a line {_written(parts[plan.RAW], short=True)}: {', '.join(of)}."

    def verdict(self) -> str:
        """Say whether it depends on depth, with the test that carries the verdict, or what an answer needs."""
        row = self.judged
        if row is None:
            return needs(self.networks.n_models) or "No verdict: it takes 3 layers where 6 networks have a value."
        verdict, carries = str(row["verdict"]), CARRIES.get(str(row["verdict"]), plan.BEYOND)
        tested = [self._p(quantity) for quantity in dict.fromkeys((carries, plan.BEYOND))]
        planned = "planned" if row["planned"] else "exploratory"
        said = "; ".join([*filter(None, tested), f"{self._networks(row)}, {planned}"])
        return f"Does it depend on depth? {_sentence(MEANING.get(verdict, plan.verdict_words(verdict)))} ({said})."

    def _p(self, quantity: str) -> str:
        """``p = .008 of label proportion, .039 after Holm's correction``."""
        row = self._test(quantity)
        if row is None or row["p_value"] is None:
            return ""
        p, corrected = small(row["p_value"]), small(row["p_holm"])
        return f"p = {p} {TESTED[quantity]}" + (f", Holm {corrected}" if corrected != p else "")

    def _networks(self, row: Row) -> str:
        networks = count(row["n_models"], "network")
        return f"{networks} of several architectures together" if self._is_pooled else networks

    def brief_verdict(self) -> str:
        """Say the same in fewer words."""
        row, n_models = self.judged, self.networks.n_models
        if row is None:
            few = f"A verdict takes {plan.LEAST_MODELS} networks; here {'is' if n_models == 1 else 'are'} {n_models}."
            return few if self.is_descriptive else self.verdict()
        carries = self._test(CARRIES.get(str(row["verdict"]), plan.BEYOND))
        p = f"p = {small(carries['p_holm'])}, " if carries is not None and carries["p_holm"] is not None else ""
        return f"Dependence on depth: {plan.verdict_words(row['verdict'])} ({p}{self._networks(row)})."

    def others(self) -> str:
        """Name the other families that have a label proportion by depth."""
        names = [each for each in self.described["family"].unique(maintain_order=True) if each != self.family]
        return f" The report also has {listed([family_words(each) for each in names])}." if names else ""

    def sentence(self) -> str:
        """Say the mean at the first, middle and last compared layer, and the verdict, for the first screen."""
        if self.is_descriptive:
            needed = f"{count(self.networks.n_models, 'network')}, a verdict takes {plan.LEAST_MODELS}"
            return f"{self.what} is {self._means()} (descriptive: {needed})."
        return f"{self.what} is {self._means()}; {self.short_verdict()}."

    def line(self) -> str:
        """The same without intervals."""
        at = [f"{proportion(row[self.columns[0]])} at {_layer_of(row)}" for row in self.rows]
        return f"{self.what} {', '.join(at)}{' (descriptive)' if self.is_descriptive else ''}; {self.short_verdict()}"

    def short_verdict(self) -> str:
        """Say the verdict in a few words."""
        row = self.judged
        if row is not None:
            pooled = f" ({self._networks(row)})" if self._is_pooled else ""
            return f"dependence on depth{pooled}: {plan.verdict_words(row['verdict'])}"
        if self.is_descriptive:
            return f"{count(self.networks.n_models, 'network')} cannot tell if it depends on depth"
        return "too few layers to tell if it depends on depth"


def _layer_of(row: Row) -> str:
    return clean(layer_words(row["layer"]))


def _of_parts(row: Row) -> str:
    """`` (7 networks)``: those that have all layers; few are said to describe."""
    descriptive = "descriptive, " if row["n_models"] < plan.LEAST_MODELS else ""
    return f" ({descriptive}{count(row['n_models'], 'network')})"


def _written(row: Row, *, short: bool = False) -> str:
    return signed(row["value"]) if short else signed_interval(Estimate.of(row, "value"))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def cannot(n_models: int) -> str:
    """``One network cannot answer whether it depends on depth``."""
    which = "One network" if n_models == 1 else f"{n_models} networks"
    return f"{which} cannot answer whether it depends on depth"


def needs(n_models: int) -> str:
    """Say how many networks an answer needs; nothing where there are enough."""
    enough = n_models >= plan.LEAST_MODELS
    return "" if enough else f"{cannot(n_models)}; {plan.LEAST_MODELS} or more of one architecture would."


def depth_told(networks: Networks) -> Told | None:
    """Say how label proportion changes over depth; None where no neuron was searched.

    Args:
        networks: Whose label proportions.
    """
    if networks.searched.is_empty():
        return None
    if not networks.trained:
        said = "Untrained networks cannot say what training makes of depth"
        return Told([[f"{said}."]], f"{said}.", "untrained networks", "untrained")
    change = DepthChange(networks)
    if not change.family:
        return _too_few_neurons(networks)
    made, short, verdict = change.made_of(), change.made_of(short=True), change.verdict()
    return Told(
        [
            [_joined(change.plain(), made, f"{verdict}{change.others()}")],
            [_joined(change.plain(), short, verdict)],
            [_joined(change.plain(glossed=False), short, change.brief_verdict())]
            if change.judged is not None
            else [_joined(change.sentence(), change.brief_parts())],
            [_joined(change.plain(glossed=False), change.brief_verdict())],
            [change.plain(glossed=False)],
        ],
        change.sentence(),
        change.line(),
        change.short_verdict(),
    )


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _too_few_neurons(networks: Networks) -> Told:
    few = "Too few neurons denote for a label proportion by depth"
    of = f"it takes {plan.LEAST_NEURONS} neurons and {plan.LEAST_DISTINCT} properties at a hidden layer"
    n_models = networks.n_models
    then = f"A verdict takes {plan.LEAST_MODELS} networks, too; here {'is' if n_models == 1 else 'are'} {n_models}."
    missing = then if n_models < plan.LEAST_MODELS else ""
    return Told(
        [[_joined(f"{few}: {of}.", missing)], [_joined(f"{few}.", missing)], [f"{few}."]],
        f"{few}.",
        f"{few[0].lower()}{few[1:]}",
        "too few neurons",
    )


def depth_number(networks: Networks) -> Number | None:
    """Return the change of label proportion from the first to the last layer, or what is missing for it."""
    if networks.searched.is_empty() or not networks.trained:
        return None
    label, change = "change of label proportion", DepthChange(networks)
    if not change.family:
        return Number(label, "not known", "too few neurons denote")
    raw = change.parts.get(plan.RAW)
    if raw is None:
        few = networks.n_models < plan.LEAST_DESCRIBED
        why = f"needs {plan.LEAST_MODELS} networks" if few else "too few layers, or random directions, to compare"
        return Number(label, "not known", why)
    value = Estimate.of(raw, "value")
    ends = "no interval" if value.low != value.low else f"[{signed(value.low)}, {signed(value.high)}]"
    if change.is_descriptive or raw["n_models"] < plan.LEAST_MODELS:
        return Number(label, signed(value.value), f"{ends}, descriptive: {count(raw['n_models'], 'network')}")
    return Number(label, signed(value.value), f"{ends}; the neurons' own {_written(change.parts[plan.OWN])}")
