"""The rule on noise: neurons that know nothing, each with the best of 40 attributes, must all abstain."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float32

from denote.attributes.labels import NULL, Family, Labels
from denote.denotation.judging.decisions import decide_neurons
from denote.denotation.search.candidates import search
from denote.denotation.search.held_out_scores import score_candidates
from denote.denotation.search.properties import Settings, family_halves
from denote.evidence.rule import Rule
from denote.streams import stream
from simulations.row import Row

ROWS, NEURONS, ATTRIBUTES = 1_000, 512, 40
"""Half of the rows are *fit*, half *test*."""


def run(seeds: int) -> list[Row]:
    """Seeds in which any neuron denotes, and how far the best ones are from it."""
    best, fit, tested, denoting = np.array([_of(judged(*noise(seed))) for seed in range(seeds)]).T
    note = f"of {seeds} seeds; {int(tested.sum())} neurons were tested"
    chosen, held = (f"mean of the largest {each.mean():.3f}" for each in (fit, best))
    return [
        Row("noise_neurons", "seeds with a neuron that denotes", int((denoting > 0).sum()), most=0, note=note),
        Row("noise_neurons", "largest balanced accuracy on fit, where it was chosen", fit.max(), note=chosen),
        Row("noise_neurons", "largest balanced accuracy on test", best.max(), note=held),
    ]


def noise(seed: int) -> tuple[Float32[np.ndarray, "row neuron"], Labels]:
    """A state and attributes with label proportions drawn from U(.05, .5)."""
    state = stream("noise neurons", seed, "state").standard_normal((ROWS, NEURONS), dtype=np.float32)
    proportions = stream("noise neurons", seed, "proportions").uniform(0.05, 0.5, ATTRIBUTES)
    values = (stream("noise neurons", seed, "labels").random((ROWS, ATTRIBUTES)) < proportions).astype(np.int8)
    return state, Labels(tuple(f"a{a}" for a in range(ATTRIBUTES)), ("named",) * ATTRIBUTES, values)


def judged(state: Float32[np.ndarray, "row neuron"], labels: Labels) -> pl.DataFrame:
    """Every neuron with its property, chosen on the even rows and judged on the odd ones, after the rule."""
    fit, test = np.arange(0, len(state), 2), np.arange(1, len(state), 2)
    rule, settings = Rule(), Settings()
    found = search(state[fit], family_halves(Family("named", labels), fit, test), settings)
    scores = score_candidates(state[test], found, rule.null, settings.memory)
    chosen = found.properties.fit_labels(found.index)
    positive, rows = (chosen == 1).sum(axis=1), (chosen != NULL).sum(axis=1)
    enough = np.minimum.reduce([positive, rows - positive, scores.n_positive, scores.n_negative]) >= rule.min_rows
    n_test = scores.n_positive + scores.n_negative
    frame = pl.DataFrame({
        "live": found.live, "p_value": np.where(enough, scores.p_value, np.nan),
        "balanced_accuracy": scores.balanced_accuracy, "fit_balanced_accuracy": found.score,
        "on_proportion": scores.on_proportion, "label_proportion": scores.n_positive / n_test,
        "n_fit": rows, "n_positive_fit": positive, "n_test": n_test, "n_positive_test": scores.n_positive,
    })  # fmt: skip
    return decide_neurons(frame.with_columns(pl.col(pl.Float64).fill_nan(None), family=pl.lit("named")), rule)


def _of(decided: pl.DataFrame) -> tuple[float, ...]:
    """Largest scores on test and on fit, numbers of neurons that were tested and that denote."""
    best, fit = decided["balanced_accuracy"].max(), decided["fit_balanced_accuracy"].max()
    return best, fit, decided["p_value"].count(), decided["denotes"].sum()
