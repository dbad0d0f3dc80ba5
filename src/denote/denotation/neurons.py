"""One row of evidence for every neuron of a layer: its property, its held-out scores, its controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int8

from denote.attributes.labels import NULL, Family
from denote.data.parts import Halves
from denote.denotation.coordinates import best_coordinates
from denote.denotation.scores import Scores, balanced_accuracies, enough, score_neurons
from denote.denotation.search import Candidates, Settings, search
from denote.denotation.shuffles import shuffled
from denote.evidence.rule import Rule
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks
from denote.states.layers import Layer
from denote.tables import note

Row = dict[str, Any]


@dataclass(frozen=True)
class Controls:
    """What the neurons are held against (METHOD section 5); an empty control leaves its column null.

    Attributes:
        shuffles: Searches under shuffled labels.
        untrained: The same layer's state in each untrained twin, at the same rows.
        raw_input: The inputs as a state, at the same rows.
    """

    shuffles: int = 3
    untrained: Sequence[Halves[State]] = field(default=())
    raw_input: Halves[State] | None = None


def observe_neurons(
    state: Halves[State],
    family: Halves[Family],
    layer: Layer,
    neuron_names: Sequence[str],
    rule: Rule,
    probe_seed: int,
    controls: Controls | None = None,
    settings: Settings | None = None,
    groups: Halves[Int[np.ndarray, " row"]] | None = None,
) -> list[Row]:
    """Find and judge what every neuron of a layer denotes within one family.

    Args:
        state: Activations on fit and test.
        family: The family at the same rows.
        layer: The layer these are the neurons of.
        neuron_names: One name per neuron.
        rule: Thresholds of the rule; ``q_value`` and ``denotes`` are left to :func:`decide_neurons`.
        probe_seed: Seed of the shuffles.
        controls: Defaults to three shuffles and nothing else.
        settings: Of the search.
        groups: Group of every row where there are groups.

    Returns:
        One row per neuron with columns of ``tables.NEURONS`` apart from those that tell the object model. A dead neuron
        has its identity and ``live`` only.
    """
    controls = controls or Controls()
    settings = settings or Settings(decisive=rule.decisive)
    found = search(state.fit, family, settings)
    rows = _rows(state, found, layer, neuron_names, rule, probe_seed, family.fit.name, settings, groups)
    columns = {
        "control_balanced_accuracy": _under_shuffles(state, family, probe_seed, controls, settings, groups),
        "untrained_balanced_accuracy": _mean(
            [_beside(twin, found, settings) for twin in controls.untrained], len(found.index)
        ),
        "input_balanced_accuracy": _mean(
            [_beside(other, found, settings) for other in [controls.raw_input] if other is not None], len(found.index)
        ),
    }
    for neuron, row in enumerate(rows):
        if row["live"]:
            row.update({column: _number(values[neuron]) for column, values in columns.items()})
            row["note"] = note(row["note"], _not_run(controls))
    return rows


def replicate(
    state: Halves[State],
    family: Halves[Family],
    layer: Layer,
    neuron_names: Sequence[str],
    rule: Rule,
    probe_seed: int,
    control: str,
    draw: int,
    settings: Settings | None = None,
    groups: Halves[Int[np.ndarray, " row"]] | None = None,
) -> list[Row]:
    """The identical search on a state where the answer is the control's: an untrained twin's, a rotated one.

    Args:
        state: The control's activations on fit and test.
        family: The family at the same rows.
        layer: The layer of the object model that these stand beside.
        neuron_names: One name per neuron.
        rule: Thresholds of the rule.
        probe_seed: Seed of the job, carried along.
        control: ``untrained`` or ``rotated``.
        draw: Which twin or rotation.
        settings: Of the search.
        groups: Group of every row where there are groups.

    Returns:
        Rows with columns of ``tables.CONTROLS``; they are decided by :func:`decide_replicates`.
    """
    settings = settings or Settings(decisive=rule.decisive)
    found = search(state.fit, family, settings)
    rows = _rows(state, found, layer, neuron_names, rule, probe_seed, family.fit.name, settings, groups)
    return [{"control": control, "draw": draw, **row} for row in rows]


def score_candidates(
    test: State,
    found: Candidates,
    null: float,
    settings: Settings,
    groups: Int[np.ndarray, " row"] | None = None,
) -> Scores:
    """Held-out scores of every neuron against the property chosen for it; nan where it has none.

    Args:
        test: Activations ``[row, neuron]`` on the test rows; a block of neurons is read at a time.
        found: Properties chosen on fit.
        null: ``Rule.null``.
        settings: For the memory a block may take.
        groups: Group of every test row.
    """
    blocks = _test_blocks(test, found, settings)
    return Scores.joined([score_neurons(values, cut, labels, null, groups) for values, cut, labels in blocks])


def _test_blocks(
    test: State, found: Candidates, settings: Settings
) -> Iterator[tuple[Float[np.ndarray, "neuron row"], Float[np.ndarray, " neuron"], Int8[np.ndarray, "neuron row"]]]:
    """Activations, thresholds and labels of their own properties, a block of neurons at a time."""
    n_rows = len(test)
    width = max(1, settings.memory // max(1, n_rows * 64))
    for start, values in column_blocks(test, width):
        index = found.index[start : start + width]
        labels = np.full((len(index), n_rows), NULL, dtype=np.int8)
        labels[index >= 0] = found.properties.test_labels(index[index >= 0])
        yield values, found.threshold[start : start + width], labels


def _rows(
    state: Halves[State],
    found: Candidates,
    layer: Layer,
    neuron_names: Sequence[str],
    rule: Rule,
    probe_seed: int,
    family: str,
    settings: Settings,
    groups: Halves[Int[np.ndarray, " row"]] | None,
) -> list[Row]:
    scores = score_candidates(state.test, found, rule.null, settings, groups.test if groups else None)
    fit = _Rows.of(found.properties.masks, found.properties.codes.fit)
    test = _Rows.of(found.properties.masks, found.properties.codes.test)
    rows = []
    for neuron, name in enumerate(neuron_names):
        row: Row = {
            "layer": layer.name, "depth": layer.depth, "relative_depth": layer.relative_depth,
            "pooling": layer.pooling, "neuron": neuron, "neuron_name": name, "probe_seed": probe_seed,
            "family": family, "live": bool(found.live[neuron]),
        }  # fmt: skip
        if found.live[neuron]:
            row.update(_evidence(found, scores, fit, test, neuron, rule))
        rows.append(row)
    return rows


@dataclass(frozen=True)
class _Rows:
    """Numbers of positive and negative rows of every property in one part."""

    positive: Int[np.ndarray, " property"]
    negative: Int[np.ndarray, " property"]

    @classmethod
    def of(cls, masks: np.ndarray, codes: np.ndarray) -> _Rows:
        size = np.bincount(codes[codes >= 0], minlength=masks.shape[1])
        return cls((masks == 1) @ size, (masks == 0) @ size)

    def total(self, which: int) -> int:
        return int(self.positive[which] + self.negative[which])

    def share(self, which: int) -> float:
        return float(self.positive[which] / self.total(which)) if self.total(which) else float("nan")


def _evidence(found: Candidates, scores: Scores, fit: _Rows, test: _Rows, neuron: int, rule: Rule) -> Row:
    which = int(found.index[neuron])
    if which < 0:
        return {"note": note(found.note, "no property: constant on the rows with labels, or none entered")}
    proportion = test.share(which)
    tested = bool(
        enough(fit.positive[which], fit.negative[which], rule.min_rows)
        and enough(test.positive[which], test.negative[which], rule.min_rows)
    )
    numbers = {
        "label_proportion": proportion, "folded_label_proportion": min(proportion, 1 - proportion),
        "threshold": found.threshold[neuron], "fit_balanced_accuracy": found.score[neuron],
        **{name: getattr(scores, name)[neuron] for name in (
            "balanced_accuracy", "balanced_accuracy_low", "tpr", "tnr", "precision", "auroc", "mcc", "on_proportion",
        )},
        "p_value": scores.p_value[neuron] if tested else float("nan"),
    }  # fmt: skip
    return {
        "property": found.properties.names[which],
        "direction": int(found.direction[neuron]),
        **{name: _number(value) for name, value in numbers.items()},
        "n_fit": fit.total(which),
        "n_test": test.total(which),
        "n_positive_fit": int(fit.positive[which]),
        "n_positive_test": int(test.positive[which]),
        "label_proportion_range": _range(found, test, neuron),
        "note": note(
            found.note,
            None if tested else f"not tested: fewer than {rule.min_rows} positive or negative rows",
            "never on in test: no precision" if scores.precision[neuron] != scores.precision[neuron] else None,
        ),
    }


def _range(found: Candidates, test: _Rows, neuron: int) -> str | None:
    smallest, largest = int(found.smallest[neuron]), int(found.largest[neuron])
    if smallest == largest:
        return None
    return f"{test.share(smallest):.2f}-{test.share(largest):.2f}"


def _under_shuffles(
    state: Halves[State],
    family: Halves[Family],
    probe_seed: int,
    controls: Controls,
    settings: Settings,
    groups: Halves[Int[np.ndarray, " row"]] | None,
) -> Float[np.ndarray, " neuron"]:
    """What the same neuron's search finds under shuffled labels, against the shuffled test labels."""
    scores = []
    for draw in range(controls.shuffles):
        known = shuffled(family, groups, probe_seed, draw)
        found = search(state.fit, known, settings)
        blocks = _test_blocks(state.test, found, settings)
        scores.append(np.concatenate([balanced_accuracies(*block) for block in blocks]))
    return _mean(scores, state.fit.shape[1])


def _beside(other: Halves[State], found: Candidates, settings: Settings) -> Float[np.ndarray, " neuron"]:
    """For every neuron's property, the best single coordinate of another state."""
    has = found.index >= 0
    which, inverse = np.unique(found.index[has], return_inverse=True)
    scores = np.full(len(has), np.nan)
    scores[has] = best_coordinates(other, found.properties, which, settings)[inverse]
    return scores


def _not_run(controls: Controls) -> str:
    """Why columns of controls are null, the same for all neurons."""
    ran = {
        "shuffled": controls.shuffles, "untrained": controls.untrained, "raw_input": controls.raw_input is not None,
        "rivals": False,
    }  # fmt: skip
    return f"not run: {', '.join(name for name, done in ran.items() if not done)}"


def _mean(draws: Sequence[Float[np.ndarray, " neuron"]], n_neurons: int) -> Float[np.ndarray, " neuron"]:
    """Mean over draws, neuron by neuron, of those that are defined."""
    values = np.array(draws).reshape(-1, n_neurons)
    defined = ~np.isnan(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0).sum(axis=0)
    mean: Float[np.ndarray, " neuron"] = np.divide(total, count, out=np.full(n_neurons, np.nan), where=count > 0)
    return mean


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
