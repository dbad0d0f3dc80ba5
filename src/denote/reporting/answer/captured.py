"""Which attributes are read decisively, by which probe, from which layer on, beside raw input and controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from denote.evidence.rule import LESS, MORE, Rule, decisive_rule
from denote.numbers import proportion
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed, plain_property

PROBES = {
    "linear": "a linear probe", "neuron": "the best single neuron", "sparse": "a probe of few neurons",
    "mlp": "an MLP probe", "centroid": "a probe of class means",
}  # fmt: skip
"""Kinds of probes in words; a user's own is called by its name."""
CONTROLS = {
    "input_auroc": "raw input", "untrained_auroc": "untrained networks", "control_auroc": "shuffled labels",
}  # fmt: skip
"""Columns with the AUROC of the same probe elsewhere."""
MOST_NAMED = 3
"""Attributes of one layer that are named; of more the number is told."""
CHANCE = 0.05
"""Share of comparisons with the raw input that are decided by chance: each has an interval of 95 %."""


@dataclass(frozen=True)
class Captured:
    """What one probe reads.

    Attributes:
        networks: Whose states.
        probe: Kind of the probe.
    """

    networks: Networks
    probe: str

    @cached_property
    def first(self) -> pl.DataFrame:
        """One row per attribute: where it becomes decisive; of a probe with several sizes the largest."""
        rows = self.networks.tables["first_decisive"].filter(pl.col("probe") == self.probe, pl.col("n_models") > 0)
        return rows.filter(pl.col("k").eq_missing(pl.lit(rows["k"].max(), pl.Int64)))

    @cached_property
    def where(self) -> str:
        """Column that says where an attribute is decisive: from a layer on takes two hidden layers."""
        return "first_layer" if self.first["n_censored"].is_not_null().any() else "decisive_at"

    @cached_property
    def reached(self) -> pl.DataFrame:
        """The attributes that become decisive."""
        return self.first.filter(pl.col(self.where).is_not_null())

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
        """``10 of 14``."""
        return f"{len(self.reached):,} of {len(self.first):,}"

    def named(self, attributes: Sequence[str], most: int) -> str:
        """Attributes as they stand in a sentence."""
        return listed([clean(plain_property(name, self.networks.classes)) for name in attributes], most)

    def layers(self) -> str:
        """From which layers on, the layers with most attributes first."""
        groups = self.reached.group_by(self.where, maintain_order=True).agg("attribute")
        by_size = groups.sort(pl.col("attribute").list.len(), descending=True, maintain_order=True).rows()
        since = "{} from {} on" if self.where == "first_layer" else "{} at {}"
        if len(by_size) == 1 and len(self.reached) > MOST_NAMED:
            return since.format("all", clean(by_size[0][0]))
        named = [since.format(self._group(names), clean(layer)) for layer, names in by_size[:3]]
        later = sum(len(names) for _, names in by_size[3:])
        return ", ".join([*named, *([f"{later} at other layers"] if later else [])])

    def _group(self, names: Sequence[str]) -> str:
        return self.named(names, MOST_NAMED) if len(names) <= MOST_NAMED else str(len(names))

    def rest(self, most: int) -> str:
        """``not odd and loop``: the attributes that do not become decisive; of many only a few."""
        names = self.first.filter(pl.col(self.where).is_null())["attribute"].to_list()
        return f"not {self.named(names, most if len(names) <= most else MOST_NAMED)}" if names else ""

    def placed(self, most: int) -> str:
        """Where attributes become decisive, and which do not."""
        return "".join(f"; {part}" for part in (self.layers(), self.rest(most)) if part)


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
    if usual.first.is_empty():
        said = f"{who} could score no attribute; the column note of cells.parquet says why"
        return Told([[f"{said}."]], f"{said}.", said, "none scored")
    head, ruled = f"{who} reads {usual.of} attributes decisively", f" ({decisive_rule(rule)})"
    beside, few, gain = _beside(usual), _beside(usual, few=True), _gain(usual)
    return Told(
        [
            [f"{head}{ruled}{usual.placed(6)}.{_weaker(networks)} {beside}{_gain(usual, 4)}"],
            [f"{head}{ruled}{usual.placed(6)}. {beside}{gain}"],
            [f"{head}{ruled}{usual.placed(4)}. {few}"],
            [f"{head}{ruled}. {few}"],
            [f"{head}. {few}"],
        ],
        f"{head}. {beside}{gain}",
        f"{usual.of} attributes decisive{'; ' * bool(few)}{few[:1].lower()}{few[1:].rstrip('.')}",
        f"{usual.of} attributes decisive",
    )


def _weaker(networks: Networks) -> str:
    """Say how many attributes the other probes read."""
    others = [Captured(networks, probe) for probe in networks.probes if probe != networks.probe]
    said = listed([f"{each.who} reads {len(each.reached):,}" for each in others if len(each.first)], 4)
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


def _gain(usual: Captured, most: int = 0) -> str:
    """Say whether layers give more than the input does; nothing where that was not compared.

    Args:
        usual: The probe that is told about.
        most: Attributes that are named.
    """
    audit = usual.networks.tables["audit"].filter(pl.col("probe") == usual.probe).drop_nulls(["verdict", "input_gain"])
    if audit.is_empty():
        return ""
    better, worse = (audit.filter(pl.col("verdict") == verdict) for verdict in (MORE, LESS))
    if len(better) + len(worse) <= CHANCE * len(audit):
        return " Beside the input: no clear gain or loss."
    parts = []
    for word, rows in (("better", better), ("worse", worse)):
        names = rows["attribute"].unique(maintain_order=True).to_list()
        parts += [f"{len(names)} {word}{f' ({usual.named(names, most)})' if most else ''}"] if names else []
    return f" Beside the input, attributes at some layer: {', '.join(parts)}."


def captured_number(networks: Networks) -> Number | None:
    """Return how many attributes are decisive, beside the raw input."""
    usual = None if networks.probe is None else Captured(networks, networks.probe)
    if usual is None or usual.first.is_empty():
        return None
    beside = "raw input not compared"
    if "input_auroc" in usual.aurocs:
        mean, raw = (proportion(usual.aurocs[name]) for name in ("auroc", "input_auroc"))
        beside = f"mean AUROC {mean}, raw input {raw}"
    return Number("attributes decisive", usual.of, beside)
