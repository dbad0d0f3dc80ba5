"""Frames that figures and reports draw from: curves of a sweep, and profiles of scores over layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.attributes.family_words import family_name
from denote.errors import DenoteError, one_of
from denote.files import slug
from denote.numbers import count_range
from denote.observers.kinds import built_in_probes
from denote.tables import CELLS_KEY

COLUMNS = ("dataset", "architecture", "trained", "epoch", "family")


@dataclass(frozen=True, order=True)
class Curve:
    """One line of label proportion over depth; object models are its unit of repetition.

    Attributes:
        family: The family the neurons were searched over.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    family: str

    @property
    def title(self) -> str:
        """``mnist, mlp-8x128-relu, sets of classes``; says when the network is untrained, or at a chosen epoch."""
        return f"{self.network}, {family_name(self.family)}"

    @property
    def network(self) -> str:
        """The title without the family."""
        state = ", untrained" if not self.trained else f", epoch {self.epoch}" if self.epoch is not None else ""
        return f"{self.dataset}, {self.architecture}{state}"

    @property
    def slug(self) -> str:
        """A file name without spaces or signs."""
        parts = [self.dataset, self.architecture, "" if self.trained else "untrained", self.family]
        parts.insert(3, f"epoch{self.epoch}" if self.trained and self.epoch is not None else "")
        return "-".join(slug(part) for part in parts if part)

    def of(self, frame: pl.DataFrame, columns: Sequence[str] = COLUMNS) -> pl.DataFrame:
        """Return the rows of a table that equal this curve in some columns, by default in all that make a curve."""
        return frame.filter(
            *(pl.col(column).eq_missing(pl.lit(getattr(self, column), frame.schema[column])) for column in columns)
        )


def curves(frame: pl.DataFrame) -> list[Curve]:
    """The curves a table holds, in the order of its rows."""
    return [Curve(*row) for row in frame.select(COLUMNS).unique(maintain_order=True).iter_rows()]


def something_denotes(by_depth: pl.DataFrame) -> bool:
    """Return whether a neuron, or a neuron of a control, denotes anything in some rows of the by-depth table."""
    shares = (f"{control}share_denoting" for control in ("", "rotated_", "untrained_"))
    return bool((pl.Series([by_depth[share].max() for share in shares], dtype=pl.Float64).fill_null(0) > 0).any())


def choose(frame: pl.DataFrame, **wanted: str | bool | int | None) -> Curve:
    """The one curve of ``frame`` with these values; None stands for any, of several epochs the last.

    Raises:
        DenoteError: if no curve or more than one answers.
    """
    asked = {key: value for key, value in wanted.items() if value is not None}
    found = [curve for curve in curves(frame) if all(getattr(curve, key) == value for key, value in asked.items())]
    if "epoch" not in asked and found:
        last = max((curve.epoch for curve in found if curve.epoch is not None), default=None)
        found = [curve for curve in found if curve.epoch == last]
    if len(found) != 1:
        titles = [curve.title for curve in (found or curves(frame))]
        came = ", ".join(f"{key}={value}" for key, value in asked.items()) or "nothing asked"
        raise DenoteError("figure", f"{len(found)} curves answer to {came}", one_of(came, titles))
    return found[0]


def depth_order(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per layer (``layer depth relative_depth``), from the first to the last; without ``layer=state``."""
    return (
        frame.filter(pl.col("depth").is_not_null())
        .select("layer", "depth", "relative_depth")
        .unique(subset="layer", keep="first", maintain_order=True)
        .sort("depth", "layer")
    )


def layer_labels(frame: pl.DataFrame, between: str = "\n", most: int = 24) -> dict[str, str]:
    """Names of layers with the class of their module, as far as it is known.

    Args:
        frame: Rows with ``layer`` and, from `runs.module_classes.with_module_classes`, ``module_class``.
        between: What stands between the two; by default the class has a line of its own.
        most: Letters of a name and of a class; longer ones lose their middle, as names of layers differ at both ends.
    """
    labels = {layer: short(layer, most) for layer in frame["layer"].unique()}
    if "module_class" in frame.columns:
        for layer, module_class in frame.select("layer", "module_class").unique().drop_nulls().iter_rows():
            labels[layer] = f"{short(layer, most)}{between}{short(module_class, most)}"
    return labels


def short(name: str, most: int) -> str:
    """Take the middle out of a name that is longer than ``most`` letters."""
    half = (most - 1) // 2
    return name if len(name) <= most else f"{name[:half]}…{name[half + 1 - most :]}"


def is_head() -> pl.Expr:
    """The network's last layer: relative depth counts all layers, so the last one is at 1 whatever was selected."""
    return pl.col("relative_depth") == 1


def is_untested() -> pl.Expr:
    """The head of a by-depth table: what the tests of depth leave out, which not every network has."""
    return pl.coalesce("is_head", is_head()).fill_null(value=False)


def head_names(rows: pl.DataFrame, head: pl.Expr) -> list[str]:
    """Return the layers that are a head, none where there is no other layer."""
    return rows.filter(head)["layer"].unique().to_list() if rows["layer"].n_unique() > 1 else []


def finite(frame: pl.DataFrame, column: str) -> Float[np.ndarray, " row"]:
    """A column as numbers, nan where it is null."""
    return frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def grid(
    frame: pl.DataFrame, rows: tuple[str, Sequence[object]], columns: tuple[str, Sequence[object]], value: str
) -> Float[np.ndarray, "row column"]:
    """Return the numbers of a long table as a matrix, nan where one is null or missing.

    Args:
        frame: One row per number.
        rows: The column that says which row a number is in, and its values from top to bottom; others are left out.
        columns: The same from left to right.
        value: The column of the numbers.
    """
    places = [{name: place for place, name in enumerate(names)} for _, names in (rows, columns)]
    numbers = np.full((len(rows[1]), len(columns[1])), np.nan)
    for row, column, number in frame.drop_nulls(value).select(rows[0], columns[0], value).iter_rows():
        if row in places[0]:
            numbers[places[0][row], places[1][column]] = number
    return numbers


def thinned(labels: Sequence[object], most: int) -> list[int]:
    """Places of at most ``most`` of the labels, evenly spaced, the first and the last among them."""
    if len(labels) <= most:
        return list(range(len(labels)))
    return sorted({round(i * (len(labels) - 1) / (most - 1)) for i in range(most)})


def usual_probe(probes: Iterable[str]) -> str:
    """The one probe that is shown where there is room for one: linear, or else the first."""
    there = list(dict.fromkeys(probes))
    references = (probe for probe in there if probe in built_in_probes() and built_in_probes()[probe].is_reference)
    return next(references, there[0])


def some(names: Sequence[str], most: int) -> str:
    """The first names in one string, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


PROFILE_KEY = ("dataset", "architecture", "trained", "epoch", "probe", "k", "family", "attribute")
"""Columns that identify a profile over depth; object models and probe seeds are averaged over."""

_LAYER = ("layer", "depth", "relative_depth", "pooling")


_SCORES = ("auroc", "balanced_accuracy", "untrained_auroc", "input_auroc", "label_proportion")

_LEAVES_OUT = pl.col("k") < pl.col("n_neurons")
"""True for observers that read only some of the neurons."""


def drawn_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that a figure of one network shows: trained ones where there are any, at the best or last epoch."""
    if cells["trained"].any():
        cells = cells.filter("trained")
    last = None if cells["epoch"].null_count() else cells["epoch"].max()
    return cells.filter(pl.col("epoch").eq_missing(last))


def network_names(frame: pl.DataFrame) -> str:
    """Return datasets and architectures of a table in one string."""
    columns = (frame[name].unique(maintain_order=True) for name in ("dataset", "architecture"))
    return ", ".join(name for column in columns for name in column)


def mean_over(n_models: pl.Series) -> str:
    """``mean over 3 object models``; of one there is no mean."""
    return (
        "1 object model" if set(n_models.drop_nulls()) == {1} else f"mean over {count_range(n_models, 'object model')}"
    )


def one_size(cells: pl.DataFrame) -> pl.DataFrame:
    """One row per cell: of a probe with several sizes the largest that leaves neurons out, else all neurons.

    Args:
        cells: Rows of ``cells.parquet``.
    """
    cell = [column for column in CELLS_KEY if column != "k"]
    kept = pl.coalesce(pl.col("k").filter(_LEAVES_OUT).max(), pl.col("k").max()).over(cell)
    return cells.filter(pl.col("k").is_null() | (pl.col("k") == kept))


def profiles(cells: pl.DataFrame) -> pl.DataFrame:
    """Means over object models of each attribute's scores at each layer.

    Args:
        cells: Rows of ``cells.parquet``.

    Returns:
        One row per ``PROFILE_KEY`` and layer with ``n_models``, those that have an AUROC, the mean ``auroc``,
        ``balanced_accuracy``, ``untrained_auroc``, ``input_auroc`` (null where no model has one), ``label_proportion``,
        ``decisive_share``, the share of object models with a score in which the cell is decisive, as `first_decisive`
        counts them, and ``decisive_of_all``, the same of all object models in ``cells`` of this dataset, architecture
        and epoch: one without a score keeps it below 1. Probe seeds are averaged inside a model first. A probe with
        several sizes enters with `one_size`; its ``k`` is then the largest in the network, since a narrow layer has
        fewer to give; ``input_auroc`` is that of this size, null at layers that have another.
    """
    from denote.evidence.first_decisive import passes  # loads scipy: only what makes profiles waits for it

    network = ("dataset", "architecture", "trained", "epoch", "probe")
    most = pl.coalesce(pl.col("k").filter(_LEAVES_OUT).max(), pl.col("k").max()).over(network)
    n_all = pl.col("object_model").n_unique().over("dataset", "architecture", "trained", "epoch")
    cells = cells.with_columns(n_all=n_all)
    cells = one_size(cells).with_columns(k=most, input_auroc=pl.when(pl.col("k").eq_missing(most)).then("input_auroc"))
    scores = [pl.col(c).mean() for c in _SCORES]
    key = [*PROFILE_KEY, *_LAYER, *(name for name in ("module_class",) if name in cells.columns)]
    within = cells.group_by(*key, "object_model", maintain_order=True).agg(
        *scores,
        passes().cast(pl.Float64).alias("decisive"),
        pl.col("note").drop_nulls().first(),
        pl.col("n_all").first(),
    )
    return (
        within.group_by(key, maintain_order=True)
        .agg(
            pl.col("auroc").count().alias("n_models"),
            *scores,
            pl.col("decisive").mean().fill_null(0.0).alias("decisive_share"),
            (pl.col("decisive").sum() / pl.col("n_all").first()).alias("decisive_of_all"),
            pl.col("note").drop_nulls().first(),
        )
        .sort("depth", nulls_last=True, maintain_order=True)
    )
