"""The networks of a report and their layers, and the numbers under which other tables name them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

NETWORK = ["object_model", "dataset", "architecture", "trained", "epoch", "seed"]
PLACE = ["object_model", "layer", "pooling"]


def models_of(tables: Mapping[str, pl.DataFrame], sources: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Return one row per network with its number ``model``, its label ``key`` and its data's ``source``.

    Args:
        tables: Those of ``tables.JOB_TABLES``.
        sources: By network a name that no other data has; the data set's name where it is not known.
    """
    known = {name: (sources or {}).get(name) for table in ("cells", "neurons", "layers")
             for name in tables[table]["object_model"].unique()}  # fmt: skip
    source = pl.col("object_model").replace_strict(known, default=None, return_dtype=pl.String)
    seen = [tables[name].select(*NETWORK, "object_accuracy") for name in ("cells", "neurons", "layers")]
    order = ["dataset", "architecture", "epoch", "seed", "object_model"]
    return (
        pl.concat(seen)
        .group_by(NETWORK)
        .agg(pl.col("object_accuracy").drop_nulls().first())
        .sort(pl.col("trained").not_(), *order, nulls_last=True)
        .with_row_index("model")
        .with_columns(pl.col("model").cast(pl.Int64), key=_key(), source=pl.coalesce(source, "dataset").fill_null(""))
        .rename({"object_accuracy": "accuracy"})
    )


def _key() -> pl.Expr:
    """``seed 0``, after what else tells the networks of a report apart."""
    parts = [
        pl.when(pl.col(name).n_unique() > 1).then(text)
        for name, text in {
            "dataset": pl.col("dataset"),
            "architecture": pl.col("architecture"),
            "trained": pl.when(pl.col("trained").not_()).then(pl.lit("untrained")),
            "epoch": pl.format("epoch {}", "epoch"),
        }.items()
    ]
    seed = pl.format("seed {}", "seed").fill_null("the network")
    return pl.concat_str(*parts, seed, separator=", ", ignore_nulls=True)


def layers_of(tables: Mapping[str, pl.DataFrame], models: pl.DataFrame) -> pl.DataFrame:
    """Return one row per layer of every network, in order of depth, with its number ``layer_index``.

    Args:
        tables: Those of ``tables.JOB_TABLES``.
        models: As `models_of` returns them.
    """
    columns = [*PLACE, "depth", "relative_depth"]
    seen = pl.concat([tables[name].select(columns) for name in ("layers", "neurons", "cells")])
    places = seen.unique(PLACE, keep="first", maintain_order=True)
    measured = tables["layers"].select(*PLACE, "n_neurons", "n_live", "is_head", "module_class")
    sizes = tables["cells"].group_by(PLACE).agg(pl.col("n_neurons").max().alias("cells_n_neurons"))
    return (
        places.join(models.select("object_model", "model"), on="object_model")
        .join(measured.unique(PLACE, keep="first"), on=PLACE, how="left", nulls_equal=True)
        .join(sizes, on=PLACE, how="left", nulls_equal=True)
        .with_columns(pl.coalesce("n_neurons", "cells_n_neurons").alias("n_neurons"))
        .sort("model", "depth", "layer", "pooling", nulls_last=True)
        .with_row_index("layer_index")
        .with_columns(pl.col("layer_index").cast(pl.Int64))
    )


def numbered(table: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Return a table with ``model`` and ``layer`` as numbers, in place of names; its rows keep their order.

    Args:
        table: With the columns of `PLACE`.
        layers: As `layers_of` returns them.
    """
    numbers = layers.select(*PLACE, "model", "layer_index")
    joined = table.join(numbers, on=PLACE, how="left", nulls_equal=True, maintain_order="left")
    return joined.drop(PLACE).rename({"layer_index": "layer"})
