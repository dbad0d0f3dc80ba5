"""One row of evidence for every neuron of a layer: its property, its held-out scores, its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from denote.attributes.labels import Family
from denote.data.parts import Halves
from denote.denotation.judging.attributes_passed import Mixing
from denote.denotation.judging.neuron_rows import Scored, evidence
from denote.denotation.judging.rivals import SimpleColumns, best_coordinates, best_rivals
from denote.denotation.search.candidates import Candidates, search
from denote.denotation.search.held_out_scores import score_candidates
from denote.denotation.search.properties import Settings
from denote.evidence import label_controls as permutations
from denote.evidence.controls.shuffled import Shuffled
from denote.evidence.rule import Rule
from denote.notes import Note, note
from denote.numbers import mean_of_defined
from denote.observers.reading import State
from denote.states.layers import Layer
from denote.tables import CONTROLS, NEURONS, OF_ROW, TEXT, Schema, empty, joined_notes, remark

Z = 1.959963984540054
"""Of the two-sided 95 % intervals."""


def selectivity(
    score: Float[np.ndarray, " neuron"],
    low: Float[np.ndarray, " neuron"],
    high: Float[np.ndarray, " neuron"],
    draws: Float[np.ndarray, "draw neuron"],
) -> dict[str, Float[np.ndarray, " neuron"]]:
    """Score minus mean shuffled score, with a 95 % interval.

    The distance of either end is sqrt(d^2 + z^2 s^2 / B): d is the distance of the score from that end of its own
    interval (Newcombe's square-and-add), s^2 the variance between the B draws, which holds the noise of the shuffled
    test rows too. A neuron's few draws say little of s^2, so it is pooled over the neurons of the layer.

    Args:
        score: Held-out scores.
        low: Lower and ...
        high: ... upper end of their 95 % intervals.
        draws: The same neurons' scores under shuffled labels; nan where undefined.

    Returns:
        ``selectivity``, ``selectivity_low``, ``selectivity_high``, in [-1, 1]; the ends are nan where no neuron has two
        draws, from which the variance could be known.
    """
    mean, count = mean_of_defined(draws), (~np.isnan(draws)).sum(axis=0)
    squares, freedom = np.nansum((draws - mean) ** 2), np.maximum(count - 1, 0).sum()
    variance = squares / freedom if freedom else np.nan
    value = score - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = Z * np.sqrt(variance / count)
    return {
        "selectivity": value,
        "selectivity_low": np.maximum(value - np.hypot(score - low, noise), -1.0),
        "selectivity_high": np.minimum(value + np.hypot(high - score, noise), 1.0),
    }


SHUFFLED = Shuffled.name
"""What the rows of neurons under shuffled labels are called in ``controls``, as those of cells are."""

Columns = Mapping[str, Float[np.ndarray, " neuron"] | pl.Series]


@dataclass(frozen=True)
class Neurons:
    """The neurons of a layer and how they are judged: what stays the same for the layer and for all its controls.

    Attributes:
        layer: The layer these are the neurons of.
        names: One name per neuron.
        rule: Thresholds of the rule; applying it is left to :mod:`denote.denotation.judging.decisions`.
        probe_seed: Seed of the shuffles.
        settings: Of the search; ``decisive`` is the rule's.
        groups: Group of every row where there are groups.
    """

    layer: Layer
    names: Sequence[str]
    rule: Rule = field(default_factory=Rule)
    probe_seed: int = 0
    settings: Settings = field(default_factory=Settings)
    groups: Halves[Int[np.ndarray, " row"]] | None = None

    def search(self, fit: State, family: Halves[Family]) -> Candidates:
        """The property of every neuron of a state of these neurons, chosen on *fit*."""
        return search(fit, family, replace(self.settings, decisive=self.rule.decisive))

    def scored(self, test: State, found: Candidates) -> Scored:
        """How what was found tells the rows of *test*."""
        groups = None if self.groups is None else self.groups.test
        return Scored(found, score_candidates(test, found, self.rule.null, self.settings.memory, groups), groups)

    def rows(self, searches: Sequence[Scored], family: str) -> pl.DataFrame:
        """Columns of ``tables.NEURONS`` for what one or several searches found: identity and evidence."""
        identity = {name: getattr(self.layer, name) for name in ("depth", "relative_depth", "pooling")}
        identity |= {"layer": self.layer.name, "probe_seed": self.probe_seed, "family": family}
        return evidence(searches, self.rule.min_rows).with_columns(
            *(pl.lit(value, dtype=NEURONS[name]).alias(name) for name, value in identity.items()),
            neuron=pl.Series(np.tile(np.arange(len(self.names)), len(searches))),
            neuron_name=pl.Series([*self.names] * len(searches), dtype=TEXT),
        )


@dataclass(frozen=True)
class NeuronReplicate:
    """The identical search where the answer is another's: an untrained twin, a rotated state, other labels or rows.

    Attributes:
        control: ``untrained``, ``rotated``, ``shuffled``, or a search of `searched_again`.
        draw: Which twin, rotation or shuffle.
        neurons: The neurons that these stand beside.
        family: Name of the family.
        scored: What was found, and how it scores.
    """

    control: str
    draw: int
    neurons: Neurons
    family: str
    scored: Scored

    @property
    def balanced_accuracy(self) -> Float[np.ndarray, " neuron"]:
        """Of every neuron on *test*; nan where no property was found."""
        return np.where(self.scored.found.index >= 0, self.scored.scores.balanced_accuracy, np.nan)


@dataclass(frozen=True)
class Controls:
    """What the neurons are held against (METHOD section 5); an empty control leaves its column null.

    Attributes:
        shuffles: Searches under shuffled labels.
        untrained: The same layer's state in each untrained twin, at the same rows.
        raw_input: The inputs as a state, at the same rows.
        columns: Simple columns of the attribute table, the rivals (METHOD section 6), at the same rows.
        replicates: What `shuffled_replicates` gives for as many shuffles; searched for where None.
        missing: Per control (by its name in ``control=``) why it is not there, other than that it is off.
    """

    shuffles: int = 3
    untrained: Sequence[Halves[State]] = field(default=())
    raw_input: Halves[State] | None = None
    columns: SimpleColumns | None = None
    replicates: Sequence[NeuronReplicate] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def remark(self) -> str | None:
        """Why columns of controls are null, the same for all neurons; None where all are there."""
        ran = {
            "shuffled": self.shuffles,
            "untrained": self.untrained,
            "raw_input": self.raw_input is not None,
            "rivals": self.columns is not None,
        }
        missing = [name for name, done in ran.items() if not done]
        off = ", ".join(name for name in missing if name not in self.missing)
        return note(
            Note.of("not_run", controls=off) if off else None,
            *(self.missing[name] for name in missing if name in self.missing),
            Note.of("one_shuffle") if self.shuffles == 1 else None,
        )


def observe_neurons(
    neurons: Neurons,
    state: Halves[State],
    family: Halves[Family],
    controls: Controls | None = None,
    mixing: Mixing | None = None,
    found: Candidates | None = None,
) -> pl.DataFrame:
    """Find and judge what every neuron of a layer denotes within one family.

    Args:
        neurons: The neurons and how they are judged.
        state: Their activations on fit and test.
        family: The family at the same rows.
        controls: Defaults to three shuffles and nothing else.
        mixing: How many attributes each of them passes (`attributes_passed`).
        found: What was chosen on *fit*; searched for where None.

    Returns:
        Columns of ``tables.NEURONS``, one row per neuron. Those that tell the object model, and what is only known once
        all neurons are (:func:`denote.denotation.judging.decisions.decide`), are null. A dead neuron has its identity,
        ``live`` and a note only.
    """
    controls = controls or Controls()
    found = found or neurons.search(state.fit, family)
    replicates = controls.replicates
    if replicates is None:
        replicates = shuffled_replicates(neurons, state, family, controls.shuffles)
    rows = neurons.rows([neurons.scored(state.test, found)], family.fit.name)
    columns = {
        **_under_shuffles(rows, replicates),
        "untrained_balanced_accuracy": _beside(neurons, found, controls.untrained, family.fit.every_threshold),
        "input_balanced_accuracy": _beside(
            neurons, found, [other for other in [controls.raw_input] if other], family.fit.every_threshold
        ),
        **_rivals(neurons, found, controls.columns),
    }
    if mixing is not None:
        columns["attributes_passed"] = pl.Series(mixing.attributes_passed)
    return _with_live(rows, columns, controls.remark)


def shuffled_family(
    family: Halves[Family], groups: Halves[Int[np.ndarray, " row"]] | None, probe_seed: int, draw: int
) -> Halves[Family]:
    """The family under one draw of the permutations that the cells' observers are refitted with, too.

    Args:
        family: The family at the fit and at the test rows.
        groups: Group of every row. Attributes that are constant in every group move with whole groups, and so do
            class codes, and the atoms of formulas if all are.
        probe_seed: Seed of the draws.
        draw: Which draw; the same for every layer, so that layers are compared under the same labels.
    """
    members = Halves(family.fit.members, family.test.members)
    # A row's classes, or atoms, are one thing: they move with whole groups all together or not at all.
    apart = groups is not None and family.fit.combines and not permutations.group_constant(members, groups).all()
    moved = permutations.shuffled(members, probe_seed, draw, None if apart else groups)
    return Halves(family.fit.with_members(moved.fit), family.test.with_members(moved.test))


def shuffled_replicates(
    neurons: Neurons, state: Halves[State], family: Halves[Family], n_draws: int
) -> list[NeuronReplicate]:
    """The identical search under shuffled labels, against the shuffled test labels; one per draw."""
    draws = (shuffled_family(family, neurons.groups, neurons.probe_seed, draw) for draw in range(n_draws))
    return [replicate(neurons, state, known, SHUFFLED, draw) for draw, known in enumerate(draws)]


def replicate(
    neurons: Neurons,
    state: Halves[State],
    family: Halves[Family],
    control: str,
    draw: int,
    found: Candidates | None = None,
) -> NeuronReplicate:
    """Search a control's state as that of the neurons is searched, and score what is found.

    Args:
        neurons: The neurons that these stand beside.
        state: The control's activations on fit and test.
        family: The family at the same rows.
        control: See `NeuronReplicate`.
        draw: Likewise.
        found: What was chosen on its *fit*; searched for where None.
    """
    scored = neurons.scored(state.test, found or neurons.search(state.fit, family))
    return NeuronReplicate(control, draw, neurons, family.fit.name, scored)


def replicate_rows(replicates: Sequence[NeuronReplicate]) -> pl.DataFrame:
    """Rows of replicates of the same neurons and family.

    Returns:
        Columns of ``tables.CONTROLS``; they are decided by :func:`denote.denotation.judging.decisions.decide`.
    """
    if not replicates:
        return empty(CONTROLS)
    first, n_neurons = replicates[0], [len(each.scored.found.index) for each in replicates]
    rows = first.neurons.rows([each.scored for each in replicates], first.family)
    named = {
        "control": pl.Series(np.repeat([each.control for each in replicates], n_neurons), dtype=TEXT),
        "draw": pl.Series(np.repeat([each.draw for each in replicates], n_neurons), dtype=CONTROLS["draw"]),
    }
    why = joined_notes(OF_ROW, remark(Note.of("control_alone"), pl.col("live")))
    return _complete(rows.with_columns(**named, **why), CONTROLS)


def _with_live(rows: pl.DataFrame, columns: Columns, why: str | None) -> pl.DataFrame:
    """Rows with more columns, and a remark, for live neurons."""
    values = pl.DataFrame(dict(columns), schema_overrides={name: NEURONS[name] for name in columns}, nan_to_null=True)
    live = pl.col("live")
    rows = rows.with_columns(values).with_columns(
        pl.when(live).then(pl.col(*columns)), **joined_notes(OF_ROW, remark(why, live))
    )
    return _complete(rows, NEURONS)


def _complete(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """All columns of a table, in its order; null where the rows have none."""
    return rows.select(
        pl.col(name) if name in rows.columns else pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items()
    )


def _under_shuffles(
    rows: pl.DataFrame, replicates: Sequence[NeuronReplicate]
) -> dict[str, Float[np.ndarray, " neuron"]]:
    """What the same neurons' search finds under shuffled labels, and by how much they beat it."""
    draws = np.array([each.balanced_accuracy for each in replicates]).reshape(len(replicates), len(rows))
    score, low, high = (
        rows.get_column(f"balanced_accuracy{end}").fill_null(float("nan")).to_numpy()
        for end in ("", "_interval_low", "_interval_high")
    )
    return {"control_balanced_accuracy": mean_of_defined(draws), **selectivity(score, low, high, draws)}


def _beside(
    neurons: Neurons, found: Candidates, others: Sequence[Halves[State]], every_threshold: bool
) -> Float[np.ndarray, " neuron"]:
    """For every neuron's property, the best single coordinate of other states; mean over them."""
    which, place = np.unique(found.index, return_inverse=True)
    scores = [
        best_coordinates(other, found.properties, which[which >= 0], neurons.settings, every_threshold)
        for other in others
    ]
    return mean_of_defined(np.array([_by_neuron(each, which, place) for each in scores]).reshape(-1, len(place)))


def _rivals(neurons: Neurons, found: Candidates, columns: SimpleColumns | None) -> Columns:
    """For every neuron's property, the best threshold of a simple column."""
    if columns is None:
        return {}
    which, place = np.unique(found.index, return_inverse=True)
    rivals = best_rivals(columns, found.properties, which[which >= 0], neurons.settings.memory)
    names = [None] * int(which[0] < 0) + list(rivals.names)
    return {
        "rival": pl.Series(names, dtype=TEXT).gather(place),
        "rival_balanced_accuracy": _by_neuron(rivals.balanced_accuracy, which, place),
    }


def _by_neuron(
    values: Float[np.ndarray, " property"], which: Int[np.ndarray, " index"], place: Int[np.ndarray, " neuron"]
) -> Float[np.ndarray, " neuron"]:
    """Values of distinct properties for the neurons that have them; nan for those without (index -1, sorted first)."""
    return np.asarray(np.concatenate([np.full(len(which) - len(values), np.nan), values])[place])
