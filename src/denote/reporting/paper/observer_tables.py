"""How well observers read every attribute at every layer, one table per probe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import polars as pl

from denote.evidence.rule import Rule, decisive_rule
from denote.figures.attribute_by_depth import ordered_rows
from denote.figures.curves import profiles, thinned
from denote.files import slug
from denote.numbers import NULL, Estimate, interval, proportion
from denote.reporting.answer.networks import Networks
from denote.reporting.paper.table import PaperTable, paper_table
from denote.reporting.sheet import Column, Row

MOST_LAYERS = 8
"""Side by side on a page."""
MOST_STACKED = 3
"""Layers up to which intervals stand beside their numbers."""

PERCENTILE = "percentile"
CONTROLS = {
    "control_auroc": "shuffled",
    "rotated_auroc": "random directions",
    "untrained_auroc": "untrained",
    "input_auroc": "raw input",
    "random_subset_percentile": PERCENTILE,
    "control_task_auroc": "control task",
}
"""By column of the cells how its control is called."""


def observer_tables(networks: Networks, rule: Rule) -> Iterator[PaperTable]:
    """Yield a table per probe that reads the layers of some networks.

    Args:
        networks: Whose cells.
        rule: The rule that decided them.
    """
    cells = _poolings_apart(networks.read.filter(pl.col("depth").is_not_null()))
    for (probe,), own in cells.group_by(["probe"], maintain_order=True):
        if own["auroc"].is_not_null().any():
            yield _table(networks, str(probe), own, rule)


def _poolings_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the pooling of a layer beside its name, where it was observed in several."""
    several = pl.col("pooling").n_unique().over("layer") > 1
    return rows.with_columns(layer=pl.when(several).then(pl.format("{} ({})", "layer", "pooling")).otherwise("layer"))


def _table(networks: Networks, probe: str, cells: pl.DataFrame, rule: Rule) -> PaperTable:
    layers = cells.sort("depth")["layer"].unique(maintain_order=True).to_list()
    shown = [layers[place] for place in thinned(layers, MOST_LAYERS)]
    rows = _rows(networks, probe, cells, shown)
    controls = [name for name in CONTROLS if any(row[name] is not None for row in rows)]
    columns: list[Column] = [
        ("attribute", lambda row: row["attribute"]),
        ("p", lambda row: proportion(row["label_proportion"])),
        *((layer, partial(_score, layer)) for layer in shown),
        *([("best at", lambda row: row["best"] or NULL)] if len(layers) > 1 else []),
        *((CONTROLS[name], partial(_control, name)) for name in controls),
    ]
    sizes = cells["k"].drop_nulls().to_list()  # a narrow layer has fewer neurons to give
    left_out = "" if len(shown) == len(layers) else f" {len(shown)} of {len(layers)} layers are shown."
    return paper_table(
        "paper_observers",
        f"observers-{slug(networks.dataset)}-{slug(networks.architecture)}-{slug(probe)}",
        columns,
        rows,
        file="seed_spread.parquet",
        stacked=len(shown) > MOST_STACKED,
        probe=f"{probe} (at most {max(sizes)} neurons)" if sizes else probe,
        of=networks.place,
        over="means and 95 % t-intervals over networks" if networks.n_models > 1 else "95 % intervals over test rows",
        marks=" in every network, (*): in some" if networks.n_models > 1 else "",
        rule=decisive_rule(rule),
        controls=_told(controls, several=len(layers) > 1),
        left_out=left_out,
    )


def _told(controls: list[str], *, several: bool) -> str:
    names = ", ".join(title for name in controls if (title := CONTROLS[name]) != PERCENTILE)
    among = " Percentile: among random sets of as many classes." if "random_subset_percentile" in controls else ""
    if not names:
        return among
    where = "at the layer read best, which was chosen by the score it shows" if several else "at the same layer"
    return f" The same observer's AUROC {where}: {names}.{among}"


def _score(layer: str, row: Row) -> str:
    """Write ``.97* [.95, .98]``."""
    estimate: Estimate[float] | None = row[f"auroc {layer}"]
    if estimate is None:
        return NULL
    value, bracket, rest = interval(estimate).partition(" ")
    return f"{value}{row[f'decisive {layer}']}{bracket}{rest}"


def _control(name: str, row: Row) -> str:
    return proportion(row[name])


def _rows(networks: Networks, probe: str, cells: pl.DataFrame, layers: list[str]) -> list[Row]:
    """Return a row per attribute: its score at every layer, and its controls where it is read best."""
    profile = profiles(cells)
    first = networks.tables["first_decisive"]
    order, _ = ordered_rows(profile, first.filter(pl.col("probe") == probe), len(profile))
    scores = _scores(networks, probe, cells)
    controls = _means(cells)
    rows: list[Row] = []
    for attribute in order:
        own = {row["layer"]: row for row in profile.filter(pl.col("attribute") == attribute).iter_rows(named=True)}
        known = {layer: row["auroc"] for layer, row in own.items() if row["auroc"] is not None}
        best = max(known, key=lambda layer: known[layer], default=None)
        row = {"attribute": attribute, "best": best, "label_proportion": None, "note": None, "note_codes": None}
        row |= controls.get((attribute, best), dict.fromkeys(CONTROLS))
        row["label_proportion"] = next((each["label_proportion"] for each in own.values()), None)
        row["note"] = next((each["note"] for each in own.values() if each["auroc"] is None), None)
        for layer in layers:
            row[f"auroc {layer}"] = scores.get((attribute, layer))
            row[f"decisive {layer}"] = _mark(own.get(layer))
        rows.append(row)
    return rows


def _mark(row: Row | None) -> str:
    """``*`` where the cell is decisive in every network, ``(*)`` where it is in some."""
    share = 0.0 if row is None or row["auroc"] is None else row["decisive_share"]
    return "*" if share == 1 else "(*)" if share > 0 else ""


def _scores(networks: Networks, probe: str, cells: pl.DataFrame) -> dict[tuple[str, str], Estimate[float]]:
    """Return AUROCs by attribute and layer: over networks, of one network over its rows."""
    if networks.n_models > 1:
        spread = _poolings_apart(networks.tables["seed_spread"].filter(pl.col("probe") == probe))
        size = ["attribute", "layer", "k"]
        spread = spread.join(cells, on=size, how="semi", nulls_equal=True, maintain_order="left")
        return {
            (row["attribute"], row["layer"]): Estimate.of(row, "auroc_mean", "auroc")
            for row in spread.drop_nulls("auroc_mean").iter_rows(named=True)
        }
    known = cells.drop_nulls("auroc").unique(["attribute", "layer"], keep="first", maintain_order=True)
    return {(row["attribute"], row["layer"]): Estimate.of(row, "auroc") for row in known.iter_rows(named=True)}


def _means(cells: pl.DataFrame) -> dict[tuple[str, str | None], dict[str, float | None]]:
    """Return the means of controls over networks by attribute and layer; of probe seeds inside a network first."""
    means = [pl.col(name).mean() for name in CONTROLS]
    within = cells.group_by("attribute", "layer", "object_model", maintain_order=True).agg(means)
    rows = within.group_by("attribute", "layer", maintain_order=True).agg(means)
    return {(row.pop("attribute"), row.pop("layer")): row for row in rows.iter_rows(named=True)}
