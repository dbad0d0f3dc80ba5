"""The networks of a result: one group per dataset, architecture and epoch, whose seeds are replicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from denote.figures.curves import one_size, usual_probe
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state
from denote.reporting.answer.words import clean

Tables = Mapping[str, pl.DataFrame]

COLUMNS = ["dataset", "architecture", "trained", "epoch"]
NEURON = ["object_model", "layer", "pooling", "neuron"]


@dataclass(frozen=True)
class Networks:
    """Networks of one architecture on one dataset, at one epoch, and the rows of the tables about them.

    Attributes:
        dataset: Its name.
        architecture: Readable id.
        trained: False for networks at their initialisation.
        epoch: Of training, where one was chosen.
        tables: Those of ``tables.SWEEP_TABLES``, of these networks alone where rows tell networks apart.
        earlier: Other epochs at which these networks were observed, too.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    tables: Tables
    earlier: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """``mlp-6x64-relu``; says where networks are untrained."""
        return f"{'' if self.trained else 'untrained '}{clean(self.architecture)}"

    @property
    def place(self) -> str:
        """``mlp-6x64-relu on digits``."""
        return f"{self.name} on {clean(self.dataset)}"

    @cached_property
    def observed(self) -> pl.DataFrame:
        """One row per network and layer."""
        columns = ["object_model", "object_accuracy", "layer", "depth", "relative_depth"]
        frames = [self.tables[name].select(columns) for name in ("cells", "neurons", "layers")]
        return pl.concat(frames).unique(["object_model", "layer"], maintain_order=True)

    @cached_property
    def n_models(self) -> int:
        """Number of networks."""
        return self.observed["object_model"].n_unique()

    @property
    def trained_here(self) -> bool:
        """True where denote trained them: of others more seeds give the same networks again."""
        known = pl.concat([self.tables[name]["trained_on"] for name in ("cells", "neurons")])
        return known.null_count() == len(known) and self.observed["object_accuracy"].null_count() == 0

    @cached_property
    def searched(self) -> pl.DataFrame:
        """Rows of the neurons of single layers; of all layers side by side where nothing else was observed."""
        neurons = self.tables["neurons"]
        placed = neurons.filter(pl.col("depth").is_not_null())
        return placed if len(placed) else neurons

    @cached_property
    def n_neurons(self) -> int:
        """Number of neurons that were searched, live or not."""
        return self.searched.select(NEURON).n_unique()

    @cached_property
    def live(self) -> int:
        """Number of neurons that are not constant."""
        return self.searched.filter("live").select(NEURON).n_unique()

    @cached_property
    def read(self) -> pl.DataFrame:
        """Cells of probes that read neurons, one per size of a probe."""
        return one_size(self.tables["cells"]).filter(reads_state())

    @cached_property
    def probes(self) -> list[str]:
        """Kinds of probes that read neurons."""
        return self.read["probe"].unique(maintain_order=True).to_list()

    @property
    def probe(self) -> str | None:
        """The probe that is told about first."""
        return usual_probe(self.probes) if self.probes else None

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes, where a table holds them, in the order of the data."""
        return self._rates["class"].unique(maintain_order=True).to_list()

    @cached_property
    def _rates(self) -> pl.DataFrame:
        rates = self.tables["on_rates"]
        return rates.filter(pl.col("object_model").is_in(self.observed["object_model"].implode()))

    @cached_property
    def largest_class(self) -> float | None:
        """Accuracy of always naming the most frequent class; None where numbers of rows by class are not known."""
        shares = self.read.filter(pl.col("family") == "classes")["label_proportion"]
        if len(shares):
            return _number(shares.max())
        one = self._rates.unique(["class", "object_model"]).group_by("class").agg(pl.col("n_rows").mean())
        total = float(one["n_rows"].sum() or 0)
        return float(one["n_rows"].max()) / total if total else None  # type: ignore[arg-type]

    def counted(self) -> str:
        """``3 networks``, or ``3 untrained networks``."""
        return count(self.n_models, "network" if self.trained else "untrained network")

    @cached_property
    def accuracy(self) -> str | None:
        """``.90`` or ``.90 to .92`` over networks; None where it is not known."""
        known = self.observed["object_accuracy"].drop_nulls()
        if known.is_empty():
            return None
        low, high = (proportion(float(end)) for end in (known.min(), known.max()))  # type: ignore[arg-type]
        return low if low == high else f"{low} to {high}"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def networks_of(tables: Tables) -> list[Networks]:
    """Split tables by networks: trained ones where there are any, of several epochs of one the last.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
    """
    rows = pl.concat([tables[name].select(COLUMNS) for name in ("cells", "neurons", "layers")])
    rows = rows.with_columns(pl.col("trained").fill_null(value=True)).unique()
    if rows["trained"].any():
        rows = rows.filter("trained")
    kinds = rows.group_by("dataset", "architecture", "trained").agg(pl.col("epoch").sort(nulls_last=True))
    return [_networks(tables, row) for row in kinds.sort("dataset", "architecture").iter_rows(named=True)]


def _networks(tables: Tables, row: Mapping[str, Any]) -> Networks:
    *earlier, epoch = row["epoch"]
    key = (row["dataset"], row["architecture"], row["trained"], epoch)
    return Networks(*key, _of(tables, key), tuple(earlier))


def _of(tables: Tables, key: tuple[object, ...]) -> dict[str, pl.DataFrame]:
    """The rows of some networks; tables that do not tell networks apart are left as they are."""
    values = dict(zip(COLUMNS, key, strict=True))
    own = {}
    for name, frame in tables.items():
        known = [column for column in COLUMNS if column in frame.columns]
        equal = [
            pl.col(column).eq_missing(pl.lit(values[column], frame.schema[column]))
            | (pl.col(column).is_null() if column in ("architecture", "trained") else False)
            for column in known
        ]
        own[name] = frame.filter(*equal) if equal else frame
    return own
