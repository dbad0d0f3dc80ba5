"""Which attributes are read decisively, by which probe, from which layer on, beside raw input and controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from denote.evidence.rule import LESS, MORE, Rule
from denote.numbers import count, proportion, setting
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean, listed, plain_property

PROBES = {"linear": "a linear probe", "neuron": "the best single neuron", "mlp": "an MLP probe"}
CONTROLS = {
    "input_auroc": "from the raw input", "untrained_auroc": "from untrained networks",
    "control_auroc": "with shuffled labels",
}  # fmt: skip


@dataclass(frozen=True)
class Captured:
    """What one probe reads.

    Attributes:
        networks: Whose states.
        probe: Kind of the probe.
    """

    networks: Networks
    probe: str

    @property
    def first(self) -> pl.DataFrame:
        """One row per attribute: where it becomes decisive; of a probe with several sizes the largest."""
        rows = self.networks.tables["first_decisive"].filter(pl.col("probe") == self.probe, pl.col("n_models") > 0)
        return rows.filter(pl.col("k").eq_missing(pl.lit(rows["k"].max(), pl.Int64)))

    @property
    def where(self) -> str:
        """Column that says where an attribute is decisive: two layers in a row are needed to say from where on."""
        return "first_layer" if self.first["n_censored"].is_not_null().any() else "decisive_at"

    @property
    def reached(self) -> pl.DataFrame:
        """The attributes that become decisive."""
        return self.first.filter(pl.col(self.where).is_not_null())

    def named(self, attributes: Sequence[str]) -> list[str]:
        """Names of attributes as they stand in sentences."""
        return [clean(plain_property(name, self.networks.classes)) for name in attributes]

    def of(self) -> str:
        """``10 of 14``."""
        return f"{len(self.reached):,} of {len(self.first):,}"

    def layers(self) -> str:
        """From which layers on: the most frequent one with the number of its attributes, the others by name."""
        groups = self.reached.group_by(self.where, maintain_order=True).agg("attribute")
        by_size = groups.sort(pl.col("attribute").list.len(), descending=True, maintain_order=True).rows()
        if not by_size:
            return ""
        since = "from {} on" if self.where == "first_layer" else "at {}"
        (layer, most), *others = by_size
        said = [f"{'all' if not others else len(most)} {since.format(clean(layer))}"]
        said += [f"{listed(self.named(names), 3)} {since.format(clean(at))}" for at, names in others[:2]]
        later = sum(len(names) for _, names in others[2:])
        return ", ".join([*said, *([f"{later} elsewhere"] if later else [])])

    def rest(self) -> str:
        """``not odd, loop``: the attributes that do not become decisive."""
        names = self.first.filter(pl.col(self.where).is_null())["attribute"].to_list()
        return f"not {listed(self.named(names), 6)}" if names else ""


def decisive_rule(rule: Rule) -> str:
    """Say in full when a cell is decisive."""
    return (
        f"balanced accuracy at least {setting(rule.decisive)}, its lower end at least {setting(rule.null)}, "
        f"q <= {setting(rule.q)}, {rule.min_rows} rows with and without the attribute"
    )


def captured_versions(networks: Networks, rule: Rule) -> list[list[str]]:
    """Return the block's lines, from the fullest to the shortest; nothing where no attribute was read.

    Args:
        networks: Whose states.
        rule: The rule that decided the tables.
    """
    if networks.probe is None:
        return []
    one = Captured(networks, networks.probe)
    who = PROBES.get(one.probe, f"the probe {clean(one.probe)}")
    if one.first.is_empty():
        return [[f"No attribute has a score with {who}: the column note of cells.parquet says why."]]
    whole = [
        f"{who[0].upper()}{who[1:]} reads {one.of()} attributes decisively ({decisive_rule(rule)})"
        + "".join(f"; {part}" for part in (one.layers(), one.rest()) if part)
        + f".{_others(networks)}",
        *beside_input(networks),
    ]
    short = [f"{one.of()} attributes are read decisively by {who}{_raw(networks)}."]
    return [whole, [whole[0]], short]


def _others(networks: Networks) -> str:
    probes = [probe for probe in networks.read["probe"].unique(maintain_order=True) if probe != networks.probe]
    said = [
        f"{PROBES.get(probe, clean(probe))} {Captured(networks, probe).of()}"
        for probe in probes[:3]
        if len(Captured(networks, probe).first)
    ]
    return f" {'; '.join(said)[0].upper()}{'; '.join(said)[1:]}." if said else ""


def mean_aurocs(networks: Networks) -> dict[str, float]:
    """Return the mean AUROC of the usual probe over cells, and of its controls, by column; without those not run."""
    cells = networks.read.filter(pl.col("probe") == networks.probe, pl.col("auroc").is_not_null())
    means = {column: cells[column].mean() for column in ("auroc", *CONTROLS)}
    return {column: float(mean) for column, mean in means.items() if isinstance(mean, int | float)}


def beside_input(networks: Networks) -> list[str]:
    """Say how well the probe reads, beside the same probe elsewhere, and whether layers give more than the input."""
    means = mean_aurocs(networks)
    if "auroc" not in means:
        return []
    controls = [f"{words} {proportion(means[column])}" for column, words in CONTROLS.items() if column in means]
    said = f"Mean AUROC {proportion(means['auroc'])}" + "".join(f", {control}" for control in controls)
    return [f"{said or ''}.{_compared(networks)}" if controls else f"{said}; no control was run."]


def _compared(networks: Networks) -> str:
    audit = networks.tables["audit"].filter(pl.col("probe") == networks.probe)
    verdicts = audit.drop_nulls("verdict")
    better, worse = (verdicts.filter(pl.col("verdict") == verdict) for verdict in (MORE, LESS))
    compared = len(verdicts.filter(pl.col("input_gain").is_not_null()))
    if not compared:
        return ""
    chance = 0.05 * compared
    if len(better) + len(worse) <= chance:
        return f" No clear difference from the input ({len(better) + len(worse)} of {count(compared, 'comparison')})."
    named = Captured(networks, networks.probe or "").named
    parts = [
        f"{word} than from the input: {listed(named(rows['attribute'].unique(maintain_order=True).to_list()), 5)}"
        for word, rows in (("better", better), ("worse", worse))
        if len(rows)
    ]
    return f" {'; '.join(parts).capitalize()[0]}{'; '.join(parts)[1:]}."


def _raw(networks: Networks) -> str:
    means = mean_aurocs(networks)
    if not {"auroc", "input_auroc"} <= means.keys():
        return ""
    return f" (mean AUROC {proportion(means['auroc'])}, from the raw input {proportion(means['input_auroc'])})"


def captured_number(networks: Networks) -> Number | None:
    """Return how many attributes are decisive, beside the raw input."""
    if networks.probe is None or Captured(networks, networks.probe).first.is_empty():
        return None
    means = mean_aurocs(networks)
    beside = (
        f"AUROC {proportion(means['auroc'])}; raw input {proportion(means['input_auroc'])}"
        if {"auroc", "input_auroc"} <= means.keys()
        else "raw input: not compared"
    )
    return Number("attributes decisive", Captured(networks, networks.probe).of(), beside)
