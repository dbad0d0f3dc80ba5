"""The networks of a result: one group per dataset, architecture and epoch, whose seeds are replicates."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import polars as pl

from denote.denotation.network_groups import NetworkGroup, Tables, groups_of
from denote.figures.curves import one_size, usual_probe
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state
from denote.reporting.answer.words import clean

NEURON = ["object_model", "layer", "pooling", "neuron"]


@dataclass(frozen=True)
class Networks(NetworkGroup):
    """Networks of one architecture on one dataset, at one epoch, and what is told of them."""

    @classmethod
    def of(cls, group: NetworkGroup) -> Networks:
        """Return a group of networks as one that is told about."""
        return cls(**{field.name: getattr(group, field.name) for field in fields(NetworkGroup)})

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
    return [Networks.of(group) for group in groups_of(tables)]
