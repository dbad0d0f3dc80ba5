"""Ablate a layer: every neuron once, the neurons that denote and the observers that are decisive in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, Int8

from denote.denotation.search.candidates import search
from denote.denotation.search.properties import family_halves
from denote.interventions.ablated import Ablated, AblationSettings
from denote.interventions.ablation import LayerAblation
from denote.interventions.edits import Donors
from denote.interventions.kinds import Ablate
from denote.interventions.matching import outgoing_norm
from denote.interventions.passes import LayerPasses
from denote.interventions.rows import ablation_rows, neuron_rows, of_task
from denote.interventions.words import NEURON, OBSERVER, TOGETHER, TOP
from denote.notes import Note
from denote.observation.layer_run import LayerRun
from denote.observers.neuron import live_neurons
from denote.observers.observer import Observer
from denote.observers.reading import moments
from denote.progress import counted
from denote.streams import stream

MOST_DONORS = 1024
"""Inputs of *fit* whose states are held to be put in the place of others'."""

LEAST_DONORS = 25
"""Inputs whose states are held however large these are."""

DONOR_BYTES = 256 << 20
"""Bytes that the states of more may take: a number, as results must not depend on the memory of a machine."""

TRIED = 8
"""Rows on which the weights that read a layer are looked for."""


def n_donors(size: int) -> int:
    """Return how many inputs' states are held, by the numbers of one state."""
    return max(LEAST_DONORS, min(MOST_DONORS, DONOR_BYTES // (4 * max(1, size))))


@dataclass(frozen=True)
class AblatedLayer:
    """A layer that is ablated.

    Attributes:
        at: The layer.
        ablate: How.
    """

    at: LayerRun
    ablate: Ablate

    def rows(self) -> Iterator[dict[str, Any]]:
        """Ablate every neuron once, and denoting neurons and observers in full.

        Raises:
            LayerError: if nothing can be put in the layer's place.
        """
        self.at.check_is_place()
        donor_rows = self._donor_rows()
        with self.at.passes(donor_rows) as passes:
            donors = Donors.of(*passes.values())
        with self.at.passes(self.at.info.parts.test) as passes:
            is_live = live_neurons(self.at.state.stored(self.at.info.parts.fit))
            ablation, remark = self._ablation(passes, donors, is_live)
            live = np.flatnonzero(is_live).tolist()
            yield from neuron_rows(ablation.all_neurons(live))
            denoting = self.at.denoting
            references = sorted(set(live) - set(denoting["neuron"].to_list()))
            subjects = counted("ablation", list(self._subjects(donor_rows)), alike=False)
            results = [ablation.subject(subject, references) for subject in subjects]
            surer = ablation.surer(results, references, self.n_tests)
            for _, result in zip(counted("random directions", results, alike=False), surer, strict=True):
                for row in ablation_rows(result, self.ablate.draws):
                    yield of_task(row, remark)

    @property
    def n_tests(self) -> int:
        """Denoting neurons and decisive observers of all layers, about as many as are corrected together."""
        tables = self.at.observation
        flags = (tables.neurons["denotes"], tables.cells["decisive"])
        return sum(int(flag.fill_null(value=False).sum()) for flag in flags)

    def _donor_rows(self) -> Int[np.ndarray, " row"]:
        """Rows of *fit* whose states are put in the place of others'."""
        fit, most = self.at.info.parts.fit, n_donors(self.at.sizes.layer)
        if len(fit) <= most:
            return fit
        drawn = stream("donors of fit", self.at.settings.probe_seed).choice(len(fit), most, replace=False)
        return fit[np.sort(drawn)]

    def _ablation(
        self, passes: LayerPasses, donors: Donors, live: Bool[np.ndarray, " neuron"]
    ) -> tuple[LayerAblation, Note | None]:
        """The layer ready to be ablated, and a remark on what its outputs are held against."""
        task, remark = self.at.task_of(passes.baseline())
        info, parts = self.at.info, self.at.info.parts
        settings = AblationSettings(
            draws=self.ablate.draws,
            directions=self.ablate.directions,
            min_rows=self.at.settings.rule.min_rows,
            seed=self.at.settings.probe_seed,
        )
        names = np.array([*info.class_names, ""], dtype=object)
        classes = names[info.classes[parts.test]] if info.classes is not None and info.class_names else None
        groups = None if info.groups is None else info.groups.test
        return LayerAblation(passes, donors, task, self._features(), settings, groups, classes, live), remark

    def _features(self) -> dict[str, Float[np.ndarray, " neuron"]]:
        """What neurons are matched by, as measured on *fit*."""
        fit = self.at.state.stored(self.at.info.parts.fit)
        features = {"variance": moments(fit).variance.numpy(), "on-proportion": self._on_proportion()}
        batch = self.at.run.inputs[self.at.info.parts.fit[:TRIED]].to(self.at.run.device)
        norm = outgoing_norm(self.at.run.network, self.at.state.layer, batch)
        return features if norm is None else {**features, "outgoing norm": norm}

    def _on_proportion(self) -> Float[np.ndarray, " neuron"]:
        """Share of rows on which every neuron is on, at the threshold of its best property; 0 where it has none."""
        best = self.at.neurons.sort("fit_balanced_accuracy", descending=True, nulls_last=True, maintain_order=True)
        best = best.unique("neuron", keep="first", maintain_order=True)
        share = np.zeros(self.at.state.layer.n_neurons)
        share[best["neuron"].to_numpy()] = best["on_proportion"].fill_null(0.0).to_numpy()
        return share

    def _subjects(self, donor_rows: Int[np.ndarray, " row"]) -> Iterator[Ablated]:
        """What is ablated in full: denoting neurons, all that denote one property together, observers."""
        donors = np.searchsorted(self.at.info.parts.fit, donor_rows)
        for family in self.at.info.families:
            own = self.at.denoting.filter(pl.col("family") == family.name)
            if own.is_empty():
                continue
            halves = family_halves(family, self.at.info.parts.fit, self.at.info.parts.test)
            columns = own["neuron"].to_numpy()
            fit = self.at.state.stored(self.at.info.parts.fit)[:, columns]
            found = search(fit, halves, self.at.settings.search)
            labels = [
                (found.properties.test_labels(int(index)), found.properties.fit_labels(int(index))[donors])
                for index in found.index
            ]
            yield from _of_neurons(own, labels)
        yield from self._observers(donors)

    def _observers(self, donors: Int[np.ndarray, " donor"]) -> Iterator[Ablated]:
        """The decisive observers of the layer, and the neurons that each of them relies on most."""
        for cell in self.at.decisive(self.ablate.observers):
            labels = self.at.labels(cell.column)
            of_cell = {"property": cell.attribute, "probe": cell.probe, "k": cell.k}
            of_cell["probe_seed"] = self.at.settings.probe_seed
            held = (labels.test, labels.fit[donors])
            yield from _of_observer(cell.observer, cell.column, held, of_cell, self.ablate.top)


Labels = tuple[Int8[np.ndarray, " row"], Int8[np.ndarray, " donor"]]


def _of_neurons(own: pl.DataFrame, labels: Sequence[Labels]) -> Iterator[Ablated]:
    """Every denoting neuron alone, and all that denote one property together."""
    together: dict[str, list[int]] = {}
    for index, row in enumerate(own.iter_rows(named=True)):
        columns = {name: row[name] for name in ("family", "property", "probe_seed")}
        together.setdefault(row["property"], []).append(index)
        neuron = {"subject_kind": NEURON, "subject": str(row["neuron"]), "neuron": row["neuron"]}
        yield Ablated(*labels[index], neurons=(row["neuron"],), columns={**columns, **neuron})
    for name, members in together.items():
        if len(members) < 2:
            continue
        neurons = tuple(sorted(own["neuron"].to_list()[index] for index in members))
        columns = {"family": own["family"][0], "property": name, "probe_seed": own["probe_seed"][0]}
        subject = {"subject_kind": TOGETHER, "subject": ", ".join(map(str, neurons))}
        yield Ablated(*labels[members[0]], neurons=neurons, columns={**columns, **subject}, apart=True)


def _of_observer(
    observer: Observer, column: int, labels: Labels, columns: Mapping[str, Any], top: int
) -> Iterator[Ablated]:
    """The direction that a linear observer reads, or its one neuron; and the neurons it relies on most."""
    if observer.hidden is not None:
        return  # no one direction
    columns = {**columns, "subject_kind": OBSERVER}
    if observer.neuron is not None:
        neuron = int(observer.neuron[column])
        yield Ablated(*labels, neurons=(neuron,), columns={**columns, "subject": str(neuron), "neuron": neuron})
        return
    weights = observer.weights[:, column]
    if not np.isfinite(weights).all() or not weights.any():
        return
    direction = (weights / np.linalg.norm(weights)).astype(np.float32)
    yield Ablated(*labels, direction=direction, columns={**columns, "subject": "direction"})
    if top and observer.spread is not None:
        relevance = np.abs(weights * observer.spread)
        most = np.sort(np.argsort(-relevance, kind="stable")[: min(top, int((relevance > 0).sum()))])
        named = {"subject_kind": TOP, "subject": ", ".join(map(str, most.tolist()))}
        yield Ablated(*labels, neurons=tuple(most.tolist()), columns={**columns, **named})
