"""Keys of tracked runs: few whatever the sweep's size, lists in the order of numbers, and only what all jobs share."""

import polars as pl
import synthetic_tables as synthetic

from denote.cli.checks import FAMILIES
from denote.evidence.rule import Rule
from denote.observers.kinds import built_in_probes
from denote.reporting.curve_records import MOST_NAMED, curves, depth_records
from denote.reporting.dashboard import BESIDE, OF_SWEEPS
from denote.reporting.run_config import comma_list, common, flat, options, swept
from denote.reporting.run_summary import checks, summary

OF_RUNS = {"denoting_neurons", "cells", *BESIDE, OF_SWEEPS, "status", "error", "n_jobs", "n_failed"}
"""Keys of tables, of how a run ended, and of a sweep's jobs."""

KINDS_OF_PICTURES, OF_TRAININGS = 25, 5
"""No more kinds of figures than ``captions.toml`` has; epoch, loss and score of training and validation."""


def with_every(frame: pl.DataFrame, column: str, values: tuple[str, ...]) -> pl.DataFrame:
    return pl.concat([frame.with_columns(pl.lit(value).alias(column)) for value in values])


def keys_of(tables: dict[str, pl.DataFrame], named: list[str]) -> set[str]:
    of_curves = {
        key
        for curve in curves(tables)
        for record in [*depth_records(curve.tables, named), summary(curve.tables, named)]
        for key in record
    }
    return of_curves | summary(tables, named).keys() | checks(tables, Rule()).keys() | OF_RUNS


def test_there_are_fewer_than_300_keys_with_everything_at_once() -> None:
    base = synthetic.all_tables(2, 3, 6)
    attributes = tuple(f"class={number}" for number in range(40))
    cells = with_every(base["cells"].filter(probe="linear", attribute="odd"), "probe", tuple(built_in_probes()))
    tables = base | {
        "cells": with_every(cells, "attribute", attributes),
        **{name: with_every(base[name], "family", FAMILIES) for name in ("label_proportion_by_model", "neurons")},
    }
    keys = keys_of(tables, list(attributes[:MOST_NAMED]))
    assert len(keys) + KINDS_OF_PICTURES + OF_TRAININGS < 300
    assert f"linear/auroc/{attributes[MOST_NAMED - 1]}" in keys
    larger = {name: frame.with_columns(dataset=pl.lit("b")) if "dataset" in frame.columns else frame
              for name, frame in tables.items()}  # fmt: skip
    both = {name: pl.concat([frame, larger[name]]) for name, frame in tables.items()}
    assert keys_of(both, list(attributes[:MOST_NAMED])) == keys


def test_curves_and_summary_agree_with_the_tables_over_networks() -> None:
    tables = synthetic.all_tables(3, 5, 16)
    (curve,) = curves(tables)
    records = depth_records(curve.tables, ["odd"])
    by_depth = tables["label_proportion_by_model"].group_by("depth").agg(pl.col("folded", "share_denoting").mean())
    for row in by_depth.iter_rows(named=True):
        for name in ("folded", "share_denoting"):
            shown = records[row["depth"]].get(f"subsets/{name}")
            assert shown is None if row[name] is None else abs(shown - row[name]) < 1e-12
    assert all(value is not None for record in records for value in record.values())
    assert summary(tables)["folded"] == tables["label_proportion_by_model"]["folded"].mean()


def test_what_reads_no_neuron_is_in_no_mean() -> None:
    tables = synthetic.all_tables(1, 3, 8)
    cells = tables["cells"]
    baseline = cells.filter(probe="linear").with_columns(probe=pl.lit("majority"), auroc=pl.lit(1.0), decisive=True)
    with_baseline = {**tables, "cells": pl.concat([cells.filter(pl.col("probe") != "majority"), baseline])}
    without = {**tables, "cells": cells.filter(pl.col("probe") != "majority")}
    assert summary(with_baseline, ["odd"]) == summary(without, ["odd"])
    for key in ("n_cells", "n_decisive"):
        assert checks(with_baseline, Rule())[key] == checks(without, Rule())[key]


def test_an_attribute_called_like_a_key_of_all_takes_it_from_nobody() -> None:
    tables = synthetic.all_tables(1, 3, 8)
    cells = tables["cells"].with_columns(pl.col("attribute").replace({"odd": "mean", "prime": "best"}))
    renamed = {**tables, "cells": cells}
    assert summary(renamed, ["mean", "best"]) == summary(tables)
    assert depth_records(renamed, ["mean", "best"]) == depth_records(tables)


def test_lists_are_sorted_and_short() -> None:
    assert comma_list([10, 9, None, 9]) == "9,10"
    assert comma_list([3]) == 3
    assert comma_list([]) is None
    assert comma_list([1, "all"]) == "1,all"
    assert comma_list(range(200)).endswith("99,and 100 more")
    assert flat({"layer": ["b", "a"], "depth": [None]}) == {"layer": "a,b"}


def test_names_are_those_of_options() -> None:
    config = {"attribute": {"where": None, "odd": {}}, "probe": {"linear": {}}, "control": {}, "seed": 0}
    typed = {**config, "evidence": {"level": "quick"}}
    assert options(typed) == {
        "attribute": ["odd"], "probe": ["linear"], "control": ["none"], "intervention": ["none"], "seed": [0],
        "evidence": ["quick"],
    }  # fmt: skip
    assert options({**typed, "attribute": {"where": "class > 3", "odd": {}}})["attribute"] == ["class > 3"]
    assert options({**typed, "attribute": {"where": {"big": "class > 3"}}})["attribute"] == ["big"]


def test_a_sweep_has_what_differs_as_lists_and_what_is_shared_as_it_is() -> None:
    jobs = [["seed=9", "probe=linear", "+a.b=x"], ["seed=10", "probe=linear", "+a.b=y"]]
    assert swept(jobs) == {"a.b": "x,y", "seed": "9,10"}
    one, other = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "d": [1], "e": 4}
    assert common([one, other]) == {"a": {"b": 1}, "d": [1]}
    assert common([one]) == one


def test_what_ablation_showed_has_two_numbers_where_there_was_one() -> None:
    plain = synthetic.all_tables(1, 5, 16)
    tables = synthetic.ablated(plain)
    tested = tables["neurons"].filter(pl.col("ablation_p").is_not_null())
    found = summary(tables)
    outputs = tables["layers"].filter("is_head")["layer"].implode()
    tested = tested.filter(pl.col("layer").is_in(outputs).not_())  # that outputs move with themselves is no finding
    assert found["used_share"] == (tested["neuron"] % 2 == 0).mean()
    assert found["ablation_effect/mean"] == tested["ablation_effect"].mean()
    assert not {"used_share", "ablation_effect/mean"} & summary(plain).keys()
    config = {"attribute": {"classes": {}}, "probe": {"linear": {}}, "control": {}, "seed": 0, "evidence": {}}
    assert options(config)["intervention"] == ["none"]
    assert options(config | {"intervention": {"ablate": {}}})["intervention"] == ["ablate"]
