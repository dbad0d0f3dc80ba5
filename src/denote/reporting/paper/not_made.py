"""Which figures and tables a paper lacks, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from denote.reporting.answer.words import joined_words

TABLES = ("layers", "observers", "neurons", "depth_tests", "depth_verdicts")
FIGURES = ("label_proportion_by_depth", "depth_parts", "attribute_by_depth")
"""Kinds of files, what their names begin with."""
OF_NEURONS = {"layers", "neurons", "label_proportion_by_depth"}
OF_OBSERVERS = {"observers", "attribute_by_depth"}


def missing_kinds(names: Collection[str], kinds: Collection[str]) -> list[str]:
    """Return the kinds of which there is no file.

    Args:
        names: Of the files, with or without an ending.
        kinds: Some of `TABLES` and `FIGURES`.
    """
    stems = {name.split(".")[0] for name in names}
    return [kind for kind in kinds if not any(stem == kind or stem.startswith(f"{kind}-") for stem in stems)]


def not_made(tables: Mapping[str, pl.DataFrame], names: Collection[str], kinds: Collection[str]) -> Iterator[str]:
    """Say which kinds are missing and why, those of one reason together.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
        names: Of the files that were written.
        kinds: That the formats ask for.
    """
    of_reason: dict[str, list[str]] = {}
    for kind in missing_kinds(names, kinds):
        of_reason.setdefault(_reason(kind, tables), []).append(kind)
    for reason, missing in of_reason.items():
        yield f"There is no {joined_words(missing, 'or')}, as {reason}."


def _reason(kind: str, tables: Mapping[str, pl.DataFrame]) -> str:
    neurons = tables["neurons"]
    if kind in OF_OBSERVERS:
        return "no observer read an attribute of a layer with a depth"
    if neurons.is_empty():
        return "no neuron was searched"
    if not neurons["denotes"].any():
        return f"none of {neurons.select('object_model', 'layer', 'pooling', 'neuron').n_unique():,} neurons denotes"
    if kind in OF_NEURONS:
        return "no neuron of a layer with a depth denotes"
    if kind == "depth_parts":
        return "too few networks or random directions have a value at all compared layers"
    return "no network has layers to compare"
