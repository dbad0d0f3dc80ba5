"""Which attributes are read decisively, by which probe, from which layer on, beside raw input and controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.evidence.first_decisive import decisive_layers, hidden_cells
from denote.evidence.rule import LESS, MORE, Rule, decisive_rule
from denote.numbers import proportion
from denote.observers.kinds import reads_state
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed, plain_property
from denote.reporting.layer_words import layer_words

PROBES = {
    "linear": "a linear probe", "neuron": "the best single neuron", "sparse": "a probe of few neurons",
    "mlp": "an MLP probe", "centroid": "a probe of class means",
}  # fmt: skip
"""Kinds of probes in words; a user's own is called by its name."""
CONTROLS = {
    "input_auroc": "raw input", "untrained_auroc": "untrained", "control_auroc": "shuffled labels",
}  # fmt: skip
"""Columns with the AUROC of the same probe elsewhere."""
MOST_NAMED = 3
"""Attributes that are named where more stand together; the others are counted."""
KEY = ["attribute", "family"]
"""What tells attributes apart."""
CHANCE = 0.05
"""Share of comparisons with the raw input that chance decides: each has an interval of 95 %."""


@dataclass(frozen=True)
class Captured:
    """What one probe reads, by one rule: decisive at some hidden layer in half of the networks or more.

    Attributes:
        networks: Whose states.
        probe: Kind of the probe.
    """

    networks: Networks
    probe: str

    @cached_property
    def asked(self) -> pl.DataFrame:
        """One row per attribute of ``first_decisive``; of a probe with several sizes the largest."""
        rows = self.networks.tables["first_decisive"].filter(pl.col("probe") == self.probe)
        return rows.filter(pl.col("k").eq_missing(pl.lit(rows["k"].max(), pl.Int64)))

    @cached_property
    def hidden(self) -> bool:
        """Whether hidden layers were observed; else all layers count."""
        return len(hidden_cells(self._cells, self.networks.tables["layers"])) > 0

    @cached_property
    def _cells(self) -> pl.DataFrame:
        rows = self.networks.tables["cells"].filter(pl.col("probe") == self.probe, reads_state())
        return rows.filter(pl.col("k").eq_missing(pl.lit(rows["k"].max(), pl.Int64)))

    @cached_property
    def layers(self) -> pl.DataFrame:
        """Whether every attribute is decisive at every layer, by depth: `decisive_layers` of those that count."""
        return decisive_layers(self._counted)

    @cached_property
    def _counted(self) -> pl.DataFrame:
        cells = self._cells
        return hidden_cells(cells, self.networks.tables["layers"]) if self.hidden else cells

    @cached_property
    def scored(self) -> pl.DataFrame:
        """One row per attribute with a score: ``first``, where it is decisive first, and ``lost`` at the last layer."""
        last = self.layers["layer"].last() if len(self.layers) else None
        found = self.layers.group_by(KEY).agg(
            first=pl.col("layer").filter("passes").first(),
            lost=pl.col("passes").any() & (~pl.col("passes")).filter(pl.col("layer") == pl.lit(last, pl.String)).any(),
        )
        return self.asked.filter(pl.col("n_models") > 0).join(found, on=KEY, how="left", maintain_order="left")

    @cached_property
    def reached(self) -> pl.DataFrame:
        """The attributes that are decisive at some layer."""
        return self.scored.filter(pl.col("first").is_not_null())

    @cached_property
    def aurocs(self) -> dict[str, float]:
        """Mean AUROC over cells, and of the controls, by column; without those not run."""
        cells = self.networks.read.filter(pl.col("probe") == self.probe, pl.col("auroc").is_not_null())
        means = cells.select(pl.col("auroc", *CONTROLS).mean()).row(0, named=True)
        return {column: mean for column, mean in means.items() if mean is not None}

    @property
    def who(self) -> str:
        """``a linear probe``."""
        return PROBES.get(self.probe, f"the probe {clean(self.probe)}")

    @property
    def of(self) -> str:
        """``11 of 14``."""
        return f"{len(self.reached):,} of {len(self.scored):,}"

    @property
    def unscored(self) -> str:
        """``20 more could not be scored``, or nothing."""
        more = len(self.asked) - len(self.scored)
        return f"{more:,} more could not be scored" if more else ""

    @property
    def where(self) -> str:
        """``at a hidden layer``."""
        return f" at a {'hidden ' * self.hidden}layer"

    @property
    def whose(self) -> str:
        """``in most networks``, as `decisive_layers` counts them; nothing of a single one."""
        numbers = self.layers["n_models"].unique().to_list()
        n = numbers[0] if len(numbers) == 1 else 0
        words = {0: " in half the networks or more", 1: "", 2: " in one or both networks"}
        return words.get(n, " in most networks" if n % 2 else words[0])

    def named(self, attributes: Sequence[str], most: int) -> str:
        """Attributes as they stand in a sentence; of more than ``most`` the number."""
        if len(attributes) > most:
            return f"{len(attributes):,}"
        return listed([clean(plain_property(name, self.networks.classes)) for name in attributes], most)

    def begins(self) -> str:
        """``all first at hidden_1``: where attributes are decisive first, the layers with most attributes first."""
        groups = self.reached.group_by("first", maintain_order=True).agg("attribute")
        by_size = groups.sort(pl.col("attribute").list.len(), descending=True, maintain_order=True).rows()
        first = "first " * (self.layers["layer"].n_unique() > 1)
        if len(by_size) == 1 and len(self.reached) > 1:
            return f"all {first}at {clean(layer_words(by_size[0][0]))}"
        named = [
            f"{self.named(names, MOST_NAMED)} {first}at {clean(layer_words(layer))}" for layer, names in by_size[:3]
        ]
        later = sum(len(names) for _, names in by_size[3:])
        return ", ".join([*named, *([f"{later} at other layers"] if later else [])])

    def lost(self, most: int) -> str:
        """``lost by hidden_6: class 6, class 9 and prime``: decisive before, but not at the last layer."""
        names = self.reached.filter("lost")["attribute"].to_list()
        last = clean(layer_words(str(self.layers["layer"].last())))
        return f"lost by {last}: {self.named(names, most)}" if names else ""

    def twice(self) -> str:
        """``10 at two layers in a row in the median network``: a stricter count, that of ``first_layer``."""
        if self.reached["n_censored"].is_null().all():
            return ""
        return f"{self.reached['first_layer'].count():,} at two layers in a row in the median network"

    def never(self, most: int) -> str:
        """``never: odd and loop``; of many only a few are named."""
        names = self.scored.filter(pl.col("first").is_null())["attribute"].to_list()
        told = listed([clean(plain_property(name, self.networks.classes)) for name in names], most)
        return f"never: {told}" if names else ""

    @property
    def unequal(self) -> str:
        """Say where attributes have different numbers of rows, which moves what is decisive, too."""
        return "" if self.asked["equal_rows"].all() else " Numbers of rows differ, which moves this, too."


def captured_told(networks: Networks, rule: Rule) -> Told | None:
    """Say how many attributes are decisive, from which layers on, and which are not; None where none was asked for.

    Args:
        networks: Whose states.
        rule: The rule that decided the tables.
    """
    if networks.probe is None:
        return None
    usual = Captured(networks, networks.probe)
    who = f"{usual.who[0].upper()}{usual.who[1:]}"
    if usual.scored.is_empty():
        said = f"{who} could score no attribute; the column note of cells.parquet says why"
        return Told([[f"{said}."]], f"{said}.", said, "none scored")
    head, ruled, at = (
        f"{who} reads {usual.of} attributes decisively",
        f" ({decisive_rule(rule)})",
        usual.where + usual.whose,
    )
    beside, few, gain = _beside(usual), _beside(usual, few=True), _gain(usual)
    begins, missing = usual.begins(), _parts(usual.unscored)
    every = _parts(begins, usual.lost(6), usual.twice(), usual.never(6), usual.unscored)
    return Told(
        [
            [f"{head}{ruled}{at}{every}.{usual.unequal}{_weaker(networks)} {beside}{gain}"],
            [f"{head}{ruled}{at}{_parts(begins, usual.lost(6), usual.never(4))}{missing}. {few}{gain}"],
            [f"{head}{ruled}{usual.whose}{_parts(begins, usual.lost(MOST_NAMED))}{missing}. {few}"],
            [f"{head}{ruled}{at}{missing}. {few}"],
            [f"{head}{at}{missing}. {few}"],
        ],
        f"{head}{at}{missing}. {beside}{gain}",
        f"{usual.of} attributes decisive{missing}{'; ' * bool(few)}{few[:1].lower()}{few[1:].rstrip('.')}",
        f"{usual.of} attributes decisive{missing}",
    )


def _parts(*parts: str) -> str:
    """Put a semicolon before each part that is known."""
    return "".join(f"; {part}" for part in parts if part)


def _weaker(networks: Networks) -> str:
    """Say how many attributes the other probes read."""
    others = [Captured(networks, probe) for probe in networks.probes if probe != networks.probe]
    said = listed([f"{each.who} reads {len(each.reached):,}" for each in others if len(each.scored)], 4)
    return f" {said[0].upper()}{said[1:]}." if said else ""


def _beside(usual: Captured, *, few: bool = False) -> str:
    """Say how well the probe reads on average, beside the same probe elsewhere.

    Args:
        usual: The probe that is told about.
        few: Leave shuffled labels out.
    """
    means = usual.aurocs
    if "auroc" not in means:
        return ""
    shown = {name: words for name, words in CONTROLS.items() if name in means and not (few and name == "control_auroc")}
    controls = ", ".join(f"{words} {proportion(means[name])}" for name, words in shown.items())
    return f"Mean AUROC {proportion(means['auroc'])}" + (f" ({controls})." if controls else "; no control was run.")


def _gain(usual: Captured) -> str:
    """Say how often layers give more or less than the input does; nothing where that was not compared.

    Comparisons are counted, not attributes: of these chance decides a known share, of attributes at some layer more
    the more layers there are.
    """
    audit = usual.networks.tables["audit"].filter(pl.col("probe") == usual.probe).drop_nulls(["verdict", "input_gain"])
    if audit.is_empty():
        return ""
    better, worse = (int((audit["verdict"] == verdict).sum()) for verdict in (MORE, LESS))
    chance = math.ceil(CHANCE * len(audit))
    return (
        f" Beside the input: {better:,} of {len(audit):,} comparisons better, {worse:,} worse "
        f"(by chance up to {chance:,})."
    )


def captured_number(networks: Networks) -> Number | None:
    """Return how many attributes are decisive, and the mean AUROC beside that on the raw input."""
    usual = None if networks.probe is None else Captured(networks, networks.probe)
    if usual is None or usual.scored.is_empty():
        return None
    beside = "raw input not compared"
    if "input_auroc" in usual.aurocs:
        mean, raw = (proportion(usual.aurocs[name]) for name in ("auroc", "input_auroc"))
        beside = f"mean AUROC {mean}, raw input {raw}"
    return Number("attributes decisive", usual.of, f"{usual.unscored}; {beside}" if usual.unscored else beside)
