"""Probes and the observers that they return: one per attribute, for a layer's attributes at once; kept on disk."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from denote.digests import check
from denote.errors import StateError, StoreError
from denote.files import atomic_write
from denote.notes import Note
from denote.observers.reading import (
    BLOCK,
    UNBOUNDED,
    Groups,
    Resources,
    State,
    Values,
    as_array,
    as_tensor,
    device_of,
    row_blocks,
    rows_of,
    threads_worth,
)
from denote.observers.rough import Rough
from denote.observers.row_shards import WHOLE, RowShards
from denote.observers.threads import own_threads

FEW_ROWS = 255
"""Most rows that a byte counts."""


@dataclass(frozen=True)
class Observer:
    """The observers of one layer, one column per attribute. A sample has the attribute where its score is > 0.

    A column that could not be fitted is NaN throughout, with the reason in ``notes``.

    Attributes:
        probe: Kind of probe that was fitted.
        weights: Weight of each neuron, in raw units of the state; of each hidden unit where there is a hidden layer.
        bias: Intercept in raw units.
        converged: Whether the fit reached its tolerance, or with a hidden layer ended before its last epoch; True for
            closed forms, False where there is no fit.
        gradient_norm: Norm of the objective's gradient at the end, on the scale the fit was made; 0 for closed forms,
            NaN with a hidden layer, whose fit is no certified optimum.
        notes: Why a column has no fit, or a remark on its fit, or None.
        k: Number of neurons that a sparse probe may use, all of them for its dense end; None for the others.
        neuron: The one neuron that is read, -1 without fit; None unless the probe reads one.
        threshold: The neuron is on strictly above it.
        direction: +1 where being on means the attribute, -1 where it means its negation.
        fit_balanced_accuracy: Balanced accuracy of that neuron on *fit*.
        l2: Penalty of each attribute, where the fit has one.
        spread: Standard deviation of every neuron on *fit*, where it was noted.
        band: Largest |relevance| that observers of shuffled labels reach, per attribute; NaN or None where not known.
        hidden: Weights of a hidden layer of rectified units that all attributes share, in raw units of the state; None
            where the scores are linear in the state.
        hidden_bias: Its intercepts.
    """

    probe: str
    weights: Float64[np.ndarray, "input attribute"]
    bias: Float64[np.ndarray, " attribute"]
    converged: Bool[np.ndarray, " attribute"]
    gradient_norm: Float64[np.ndarray, " attribute"]
    notes: tuple[str | None, ...]
    k: int | None = None
    neuron: Int[np.ndarray, " attribute"] | None = None
    threshold: Float64[np.ndarray, " attribute"] | None = None
    direction: Int[np.ndarray, " attribute"] | None = None
    fit_balanced_accuracy: Float64[np.ndarray, " attribute"] | None = None
    l2: Float64[np.ndarray, " attribute"] | None = None
    spread: Float64[np.ndarray, " neuron"] | None = None
    band: Float64[np.ndarray, " attribute"] | None = None
    hidden: Float64[np.ndarray, "neuron width"] | None = None
    hidden_bias: Float64[np.ndarray, " width"] | None = None

    @classmethod
    def linear(
        cls, weights: Float64[np.ndarray, "neuron attribute"], bias: Float64[np.ndarray, " attribute"], labels: Values
    ) -> Observer:
        """Observers whose score is ``state @ weights + bias``, of a probe in closed form.

        Args:
            weights: In raw units of the state.
            bias: Intercepts.
            labels: What they were fitted to; a column without both labels has no fit, whatever its weights.
        """
        return cls.in_closed_form("linear", weights, bias, unfit_notes(labels))

    @classmethod
    def in_closed_form(
        cls,
        probe: str,
        weights: Float64[np.ndarray, "neuron attribute"],
        bias: Float64[np.ndarray, " attribute"],
        notes: tuple[Note | None, ...],
    ) -> Observer:
        """Observers of a probe in closed form, NaN in the columns that have a note.

        Args:
            probe: Kind of probe.
            weights: In raw units of the state.
            bias: Intercepts.
            notes: Why a column has no fit, or None.
        """
        able = np.array([reason is None for reason in notes], dtype=bool)
        norm = np.where(able, 0.0, np.nan)
        return cls(probe, np.where(able, weights, np.nan), np.where(able, bias, np.nan), able, norm, notes)

    @property
    def n_neurons(self) -> int:
        """How many neurons a state must have to be read."""
        return len(self.weights if self.hidden is None else self.hidden)

    @property
    def fitted(self) -> Bool[np.ndarray, " attribute"]:
        """Which columns have a fit."""
        fitted: np.ndarray = ~np.isnan(self.bias)
        return fitted

    @property
    def has_map(self) -> bool:
        """Whether every neuron has a weight whose `relevance` is known."""
        return self.hidden is None and self.spread is not None

    @property
    def size(self) -> int | None:
        """``k`` where it leaves neurons out, else None: what the same observers of another state are matched by."""
        return self.k if self.k is not None and self.k < len(self.weights) else None

    @property
    def relevance(self) -> Float64[np.ndarray, "neuron attribute"]:
        """Weight times standard deviation of the neuron, signed: what the scores rely on.

        Raises:
            ValueError: if there is a hidden layer, so that a neuron has no weight of its own, or the standard
                deviations were not noted.
        """
        if self.hidden is not None:
            raise ValueError("an observer with a hidden layer has no single weight per neuron")
        if self.spread is None:
            raise ValueError("this observer does not know how its neurons vary")
        relevance: Float64[np.ndarray, "neuron attribute"] = self.weights * self.spread[:, None]
        return relevance

    def at(self, columns: slice | Int[np.ndarray, " column"]) -> Observer:
        """The observers of some of the attributes."""
        names = ("bias", "converged", "gradient_norm", "neuron", "threshold", "direction", "fit_balanced_accuracy")
        values = {name: getattr(self, name) for name in (*names, "l2", "band")}
        columnwise: dict[str, Any] = {
            name: value if value is None else value[columns] for name, value in values.items()
        }
        notes = tuple(np.array(self.notes, dtype=object)[columns])
        return replace(self, weights=self.weights[:, columns], notes=notes, **columnwise)

    def scores(self, state: State) -> Float64[np.ndarray, "sample attribute"]:
        """Decision scores, in float64 so that large activations keep their order; NaN without fit.

        Raises:
            StateError: if the state has another number of neurons.
        """
        if state.shape[1] != self.n_neurons:
            raise StateError("state", f"has {state.shape[1]} neurons", f"the observer reads {self.n_neurons}")
        if self.neuron is not None and self.direction is not None:
            # -1 marks a column without fit: it reads some neuron, and its NaN bias makes every score NaN.
            used, place = np.unique(self.neuron, return_inverse=True)
            read: np.ndarray = as_array(state[:, used])[:, place].astype(np.float64) * self.direction + self.bias
            return read
        scores = np.empty((len(state), len(self.bias)))
        where = device_of(state)
        weights, bias = as_tensor(self.weights).to(where).double(), as_tensor(self.bias).to(where).double()
        hidden = [as_tensor(one).to(where).double() for one in (self.hidden, self.hidden_bias) if one is not None]

        def of_block(task: tuple[slice, Tensor]) -> None:
            rows, seen = task[0], task[1].double()
            if hidden:
                seen = torch.addmm(hidden[1], seen, hidden[0]).clamp_min_(0)
            scores[rows] = torch.addmm(bias, seen, weights).cpu().numpy()

        # A block is as small as its widest stage asks for.
        widest = max(self.n_neurons, len(self.weights), 1)
        blocks = row_blocks(state, BLOCK * self.n_neurons // widest)
        with own_threads(threads_worth(state), where) as threads:
            for _ in threads.in_order(of_block, blocks):
                pass
        return scores


@dataclass(frozen=True)
class FitData:
    """Everything that a probe is fitted to.

    Attributes:
        state: Activations ``[sample, neuron]`` of *fit*.
        labels: 1, 0, or -1 for rows that are left out of that column only.
        seed: Names what is drawn: ``probe_seed``.
        resources: What the fit may use; it shapes no result beyond rounding.
        groups: Group of every row, where rows of a group are not independent.
    """

    state: State
    labels: Values
    seed: int = 0
    resources: Resources = UNBOUNDED
    groups: Groups | None = None

    def at(self, rows: Int[np.ndarray, " row"]) -> FitData:
        """Return the same on some of the rows."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, state=rows_of(self.state, rows), labels=self.labels[rows], groups=groups)


class Probe(ABC):
    """Settings of a kind of observer, with the function that fits it.

    A probe of one's own derives from it; its class is named in ``probe.NAME._target_``, and its results have that name.

    Attributes:
        joint: Whether attributes that are fitted together shape each other's fit, by weights that they share.
        reads_neurons: Whether it picks single neurons, so that what it can read depends on the basis of the state.
        is_baseline: Whether it reads no neuron, so that there is nothing to learn from a curve of it.
    """

    joint: bool = False
    reads_neurons: bool = False
    is_baseline: bool = False

    @property
    def kind(self) -> str:
        """Name of the kind in ``probe=``, and of its results in the tables."""
        return type(self).__name__.lower()

    @property
    def has_map(self) -> bool:
        """Whether its observers weigh every neuron, so that their weights are a map that can be checked and drawn.

        Observers with a hidden layer have none, whatever their probe says.
        """
        return not self.reads_neurons

    @abstractmethod
    def fit(
        self,
        state: State,
        labels: Values,
        seed: int = 0,
        resources: Resources = UNBOUNDED,
        groups: Groups | None = None,
    ) -> Observer:
        """Fit all attributes on one part.

        Args:
            state: Finite activations ``[sample, neuron]``.
            labels: 1, 0, or -1 for rows that are left out of that column only.
            seed: ``probe_seed``; only probes that draw anything look at it.
            resources: What the fit may use; it shapes no result.
            groups: Group of every row; only probes that hold rows out look at it: they hold out whole groups.

        Returns:
            An observer per attribute, in the order of the columns; a column without both labels has none.
        """

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes (see `fit`)."""
        return self.fit(data.state, data.labels, data.seed, data.resources, data.groups)

    def rough(self, purpose: Rough) -> Probe:
        """Return the probe for refits that need not be exact, as what is reported of them has noise of its own."""
        return self

    def fit_sizes(self, data: FitData) -> tuple[Observer, ...]:
        """Fit one set of observers per number of neurons, the smallest first; most probes have one size."""
        return (self.fit_data(data),)


class BuiltInProbe(Probe):
    """A probe of denote's own: it is fitted to a bundle, and `fit` makes one of its arguments.

    Its class says in plain values what `denote.observers.kinds.ProbeKind` lists, ``kind`` at least; its settings are
    annotated with the values that they may have (`denote.config.settings`).
    """

    def fit(
        self,
        state: State,
        labels: Values,
        seed: int = 0,
        resources: Resources = UNBOUNDED,
        groups: Groups | None = None,
    ) -> Observer:
        """See `Probe`."""
        return self.fit_data(FitData(state, labels, seed, resources, groups))

    @abstractmethod
    def fit_data(self, data: FitData) -> Observer:
        """See `Probe`."""


def class_counts(labels: Values) -> tuple[Int[np.ndarray, " attribute"], Int[np.ndarray, " attribute"]]:
    """Numbers of positive and of negative rows of every attribute."""
    counts = np.zeros((2, labels.shape[1]), dtype=np.int64)
    for start in range(0, len(labels), FEW_ROWS):  # so few that their counts fit into a byte: five times as fast
        some = labels[start : start + FEW_ROWS]
        counts += [(some == label).view(np.uint8).sum(axis=0, dtype=np.uint8) for label in (1, 0)]
    positives, negatives = counts
    return positives, negatives


def unfit_notes(labels: Values, part: str | None = None, shards: RowShards = WHOLE) -> tuple[Note | None, ...]:
    """Say why an attribute cannot be fitted on these rows (it needs both classes), or None.

    Args:
        labels: Of the rows.
        part: Name of an inner part of *fit*; None for the whole.
        shards: The processes that hold rows.
    """
    positives, negatives = (of_all.numpy() for of_all in shards.totals(*map(torch.from_numpy, class_counts(labels))))
    code, values = ("one_label", {}) if part is None else ("one_inner_label", {"part": part})
    return tuple(
        None if p and n else Note.of(code, positive=p, negative=n, **values)
        for p, n in zip(positives, negatives, strict=True)
    )


_ARRAYS = tuple(field.name for field in fields(Observer) if field.name not in ("probe", "k", "notes"))


def save_observers(path: Path, observers: Mapping[str, Observer]) -> None:
    """Write named observers (for example one per layer and probe) to one file.

    Args:
        path: The file, replaced at once or not at all.
        observers: By name; a name holds no ``|``.
    """
    arrays, facts = {}, {}
    for name, observer in observers.items():
        if "|" in name:
            raise ValueError(f"observer name {name!r} holds '|'")
        facts[name] = {"probe": observer.probe, "k": observer.k, "notes": observer.notes}
        for field in _ARRAYS:
            value = getattr(observer, field)
            if value is not None:
                arrays[f"{name}|{field}"] = np.ascontiguousarray(value)
    with atomic_write(path) as temporary:
        save_file(arrays, temporary, metadata={"observers": json.dumps(facts)})


def load_observers(path: Path) -> dict[str, Observer]:
    """Read what ``save_observers`` wrote, bit for bit.

    Raises:
        StoreError: if the file is missing, damaged or holds something else.
    """
    try:
        check(path)
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["observers"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        observers = {}
        for name, fact in facts.items():
            of_observer = {field: arrays[f"{name}|{field}"] for field in _ARRAYS if f"{name}|{field}" in arrays}
            observers[name] = Observer(**of_observer, probe=fact["probe"], k=fact["k"], notes=tuple(fact["notes"]))
        return observers
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise StoreError(str(path), f"holds no observers ({type(problem).__name__})") from problem
