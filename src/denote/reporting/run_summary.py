"""Numbers by which tracked runs are sorted: few names, the same in every run; what is undefined is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.figures.curves import one_size
from denote.interventions.words import USED, verdict
from denote.observers.kinds import reads_state
from denote.reporting.chance import families, one_p_value, value_range
from denote.reporting.curve_records import MOST_OF_PROBES, TAKEN
from denote.reporting.findings import shares
from denote.reporting.run_config import comma_list

Tables = Mapping[str, pl.DataFrame]
Numbers = dict[str, Any]

OF_TESTS = ("n", "hits", "below_05", "expected_05")
"""What is said of every family of tests."""


def summary(tables: Tables, named: Sequence[str] = ()) -> Numbers:
    """Return what runs are sorted and compared by.

    ``auroc/best`` and ``auroc/ATTRIBUTE`` are the best over layers (of an attribute the mean over networks): they are
    chosen on *test*, to sort runs by, and are no estimates. Where a run has several probes each has these numbers under
    its own name, too (``linear/auroc/best``), and where it has several families each has its ``folded``. Baselines,
    which read no neuron, are in none of them.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        named: Attributes that have keys of their own; one that is called like a key that is here anyway has none.
    """
    cells, by_model = _of_observers(tables), tables["label_proportion_by_model"]
    found: Numbers = {**_of_cells(cells, named), **_of_neurons(by_model)}
    probes, searched = sorted(cells["probe"].unique()), sorted(by_model["family"].unique())
    for probe in probes if len(probes) > 1 else ():
        few = named[: MOST_OF_PROBES // len(probes)]
        of_probe = _of_cells(cells.filter(pl.col("probe") == probe), few)
        found |= {f"{probe}/{name}": value for name, value in of_probe.items()}
    for family in searched if len(searched) > 1 else ():
        of_family = _of_neurons(by_model.filter(pl.col("family") == family))
        found |= {f"{family}/{name}": value for name, value in of_family.items()}
    models = pl.concat([tables[name].select("object_model", "object_accuracy") for name in ("cells", "neurons")])
    found["object_accuracy"] = models.unique("object_model")["object_accuracy"].mean()
    found |= _ablation(tables["neurons"])
    found["verdict"] = _verdict(tables["depth_verdicts"])
    alarms = tables["null_check"]["alarm"].drop_nulls()
    found["null_alarm"] = bool(alarms.any()) if alarms.len() else None
    return known(found)


def checks(tables: Tables, rule: Rule) -> Numbers:
    """Return counts, tests and checks: what says how far the numbers of `summary` can be believed.

    Counts are called ``n_...``: a plain ``cells`` is the table of that name.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``, decided.
        rule: The rule that decided them.
    """
    neurons, cells = tables["neurons"], _of_observers(tables)
    return known(
        {
            "n_cells": cells.height,
            "n_decisive": int(cells["decisive"].fill_null(value=False).sum()),
            "n_neurons": _distinct(neurons),
            "n_live": _distinct(neurons.filter(pl.col("live").fill_null(value=False))),
            "n_denoting": int(neurons["denotes"].fill_null(value=False).sum()),
            **_range("power/detectable_auroc", cells["detectable_auroc"]),
            **_range("max_statistic/p_value", one_p_value(tables["scan"])),
            **_tests(tables, rule),
            **_null_check(tables["null_check"]),
            **shares(tables["duplicates"]),
        }
    )


def known(values: Mapping[str, Any]) -> Numbers:
    """Return the values that are defined."""
    return {key: value for key, value in values.items() if value is not None}


def _of_observers(tables: Tables) -> pl.DataFrame:
    """Cells of whole states, without those of baselines."""
    return one_size(tables["cells"]).filter(reads_state())


def _of_cells(cells: pl.DataFrame, named: Sequence[str]) -> Numbers:
    best = cells.group_by("attribute", "object_model").agg(pl.col("auroc").max()).group_by("attribute")
    by_attribute = dict(best.agg(pl.col("auroc").mean()).iter_rows())
    return {
        "auroc/best": cells["auroc"].max(),
        "auroc/mean": cells["auroc"].mean(),
        "decisive_share": cells["decisive"].cast(pl.Float64).mean(),
        **{f"auroc/{attribute}": by_attribute.get(attribute) for attribute in named if attribute not in TAKEN},
    }


def _of_neurons(by_model: pl.DataFrame) -> Numbers:
    return {name: by_model[name].mean() for name in ("share_denoting", "label_proportion", "folded")}


def _ablation(neurons: pl.DataFrame) -> Numbers:
    """Share of the tested denoting neurons that networks are shown to use, and what ablating one costs on average."""
    tested = neurons.filter(verdict().is_not_null() & pl.col("denotes").fill_null(value=False))
    is_used = tested.select(verdict() == USED).to_series().cast(pl.Float64)
    return {"used_share": is_used.mean(), "ablation_effect/mean": tested["ablation_effect"].mean()}


def _verdict(verdicts: pl.DataFrame) -> str | None:
    """The verdict that was planned, else those that were reached, of trained networks."""
    of_trained = verdicts.filter(pl.col("trained").fill_null(value=True))
    planned = of_trained.filter(pl.col("planned").fill_null(value=False))
    reached = comma_list((planned if planned.height else of_trained)["verdict"].drop_nulls())
    return None if reached is None else str(reached)


def _distinct(neurons: pl.DataFrame) -> int:
    """Count neurons, each once however many families searched it."""
    return neurons.unique(["object_model", "layer", "pooling", "neuron"]).height


def _range(name: str, values: pl.Series) -> Numbers:
    """Least and largest of a column, absent where nothing is known."""
    span = value_range(values)
    return {} if span is None else {f"{name}/least": span[0], f"{name}/most": span[1]}


def _tests(tables: Tables, rule: Rule) -> Numbers:
    """Of every family of tests their number, hits and what chance would give."""
    return {f"tests/{name}/{of}": value for name, values in _counts(tables, rule) for of, value in values}


def _counts(tables: Tables, rule: Rule) -> Iterator[tuple[str, Iterator[tuple[str, float]]]]:
    for family in families(tables, rule):
        values = (family.n_tests, family.hits, family.below[0], family.expected[0])
        yield family.name.replace(", ", "/"), zip(OF_TESTS, values, strict=True)


def _null_check(null_check: pl.DataFrame) -> Numbers:
    """Of every scan the replicates with a hit, and whether the alarm rang; absent where nothing was checked."""
    found: Numbers = {}
    for (scan,), rows in null_check.filter(pl.col("n_replicates") > 0).group_by(["scan"], maintain_order=True):
        found |= {f"null_check/{scan}/{name}": rows[name].sum() for name in ("n_with_hit", "n_replicates", "expected")}
        found[f"null_check/{scan}/alarm"] = bool(rows["alarm"].any())
    return found
