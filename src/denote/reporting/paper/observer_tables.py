"""How well observers read every attribute at every layer, one table per probe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import polars as pl

from denote.evidence.rule import Rule, rule_in_full
from denote.figures.attribute_by_depth import ordered_rows
from denote.figures.curves import profiles, thinned
from denote.files import slug
from denote.numbers import NULL, Estimate, decimals_of, interval, proportion
from denote.reporting.answer.networks import Networks
from denote.reporting.paper.table import PaperTable, over_some, paper_table
from denote.reporting.paper.widths import fits
from denote.reporting.sheet import Column, Row

MOST_LAYERS, LEAST_LAYERS = 8, 2
"""Side by side on a page, and where they are too wide for more."""
MOST_BESIDE = 3
"""Layers up to which intervals stand beside their numbers, where there is room."""

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
    profile = profiles(cells)
    for (probe,), own in cells.group_by(["probe"], maintain_order=True):
        if own["auroc"].is_not_null().any():
            yield _table_that_fits(networks, str(probe), own, profile.filter(pl.col("probe") == probe), rule)


def _poolings_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the pooling of a layer beside its name, where it was observed in several."""
    several = pl.col("pooling").n_unique().over("layer") > 1
    return rows.with_columns(layer=pl.when(several).then(pl.format("{} ({})", "layer", "pooling")).otherwise("layer"))


def _table_that_fits(
    networks: Networks, probe: str, cells: pl.DataFrame, profile: pl.DataFrame, rule: Rule
) -> PaperTable:
    """Return the table with as many layers, evenly spaced, as fit on a page beside the controls that were made."""
    layers = profile["layer"].unique(maintain_order=True).to_list()
    rows = _rows(networks, probe, cells, profile, layers)
    choices = [(layers, False)] if len(layers) <= MOST_BESIDE else []
    numbers = range(min(MOST_LAYERS, len(layers)), min(LEAST_LAYERS, len(layers)) - 1, -1)
    choices += [([layers[place] for place in thinned(layers, most)], True) for most in numbers]
    for shown, stacked in choices:
        table = _table(networks, probe, cells, rows, shown, rule, stacked=stacked)
        if fits(table):
            break
    return table


def _table(
    networks: Networks,
    probe: str,
    cells: pl.DataFrame,
    rows: list[Row],
    shown: list[str],
    rule: Rule,
    *,
    stacked: bool,
) -> PaperTable:
    layers = cells["layer"].unique()
    decimals = decimals_of(score.value for row in rows for layer in shown if (score := row[f"auroc {layer}"]))
    controls = [name for name in CONTROLS if any(row[name] is not None for row in rows)]
    columns: list[Column] = [
        ("attribute", lambda row: row["attribute"]),
        ("p", lambda row: proportion(row["label_proportion"])),
        *((layer, partial(_score, layer, decimals)) for layer in shown),
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
        stacked=stacked,
        remark=partial(_networks, networks.n_models),
        probe=f"{probe} (at most {max(sizes)} neurons)" if sizes else probe,
        of=networks.place,
        over="means and 95 % t-intervals over networks" if networks.n_models > 1 else "95 % intervals over test rows",
        marks=" in every network, (*): in some" if networks.n_models > 1 else "",
        rule=rule_in_full(rule)[0],
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


def _score(layer: str, decimals: int, row: Row) -> str:
    """Write ``.97* [.95, .98]``."""
    estimate: Estimate[float] | None = row[f"auroc {layer}"]
    if estimate is None:
        return NULL
    value, bracket, rest = interval(estimate, decimals=decimals).partition(" ")
    return f"{value}{row[f'decisive {layer}']}{bracket}{rest}"


def _control(name: str, row: Row) -> str:
    return proportion(row[name])


def _networks(n_models: int, title: str, row: Row) -> str:
    """Say how many networks a mean is over, where it is not all of them."""
    n = row["n_models"].get(title)
    return "" if n in (None, n_models) else over_some(n, n_models)


def _rows(networks: Networks, probe: str, cells: pl.DataFrame, profile: pl.DataFrame, layers: list[str]) -> list[Row]:
    """Return a row per attribute: its score at every layer, and its controls where it is read best."""
    first = networks.tables["first_decisive"]
    order, _ = ordered_rows(profile, first.filter(pl.col("probe") == probe), len(profile))
    scores = _scores(networks, probe, cells)
    controls = _means(cells)
    rows: list[Row] = []
    for attribute in order:
        own = {row["layer"]: row for row in profile.filter(pl.col("attribute") == attribute).iter_rows(named=True)}
        known = {layer: row["auroc"] for layer, row in own.items() if row["auroc"] is not None}
        best = max(known, key=lambda layer: known[layer], default=None)
        beside = controls.get((attribute, best), {})
        rows.append(
            {
                "attribute": attribute,
                "best": best,
                "label_proportion": next((each["label_proportion"] for each in own.values()), None),
                "note": next((each["note"] for each in own.values() if each["auroc"] is None), None),
                "note_codes": None,
                **{name: beside.get(name) for name in CONTROLS},
                **{f"auroc {layer}": scores.get((attribute, layer)) for layer in layers},
                **{f"decisive {layer}": _mark(own.get(layer)) for layer in layers},
                "n_models": {layer: row["n_models"] for layer, row in own.items()}
                | {title: beside.get(f"n {name}") for name, title in CONTROLS.items()},
            }
        )
    return rows


def _mark(row: Row | None) -> str:
    """``*`` where the cell is decisive in every network, ``(*)`` where it is in some; one without a score is not."""
    share = 0.0 if row is None or row["auroc"] is None else row["decisive_of_all"]
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


def _means(cells: pl.DataFrame) -> dict[tuple[str, str | None], Row]:
    """Return means of controls over the networks that have a score, by attribute and layer, and over how many.

    Probe seeds inside a network are averaged first.
    """
    within = cells.group_by("attribute", "layer", "object_model", maintain_order=True).agg(
        pl.col("auroc", *CONTROLS).mean()
    )
    means = [pl.col(name).mean() for name in CONTROLS]
    counts = [pl.col(name).count().alias(f"n {name}") for name in CONTROLS]
    scored = within.filter(pl.col("auroc").is_not_null())
    rows = scored.group_by("attribute", "layer", maintain_order=True).agg(*means, *counts)
    return {(row.pop("attribute"), row.pop("layer")): row for row in rows.iter_rows(named=True)}
