"""Noise read by a linear observer: scored on the rows it was fitted on, and as denote does.

With 512 neurons and 1,000 rows a regression that is scored on its own rows looks nearly right. Fitted on one half and
scored on the other it must be at chance, and its intervals must say so.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from denote.evidence.intervals import auroc_interval, newcombe_balanced_accuracy
from denote.evidence.scores import auroc, confusion
from denote.observers.linear import LinearProbe
from denote.streams import stream
from simulations.coverage import holds
from simulations.row import Row

ROWS, NEURONS, ATTRIBUTES = 1_000, 512, 10


def run(seeds: int) -> list[Row]:
    """Scores and coverage of the true value, .5."""
    leaked = np.array([leaking(*noise(seed)) for seed in range(seeds)])
    found = [held_out(*noise(seed)) for seed in range(seeds)]
    rows = [
        Row("leak", "accuracy on the rows of the fit (scikit-learn's defaults)", leaked.mean(), 0.87, 0.92,
            f"{seeds} seeds, from {leaked.min():.3f} to {leaked.max():.3f}; ORACLES 7"),
    ]  # fmt: skip
    for name, least, most in (("balanced accuracy", 0.92, 0.97), ("AUROC", 0.93, None)):
        scores, covers = (np.concatenate([each[name][place] for each in found]) for place in (0, 1))
        rows.append(Row("leak", f"{name} on held-out rows", scores.mean(), 0.49, 0.51, f"{len(scores)} observers"))
        rows.append(Row("leak", f"{name}: intervals that cover .5", covers.mean(), least, most))
    return rows


def noise(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A state and fair coins."""
    state = stream("leak", seed, "state").standard_normal((ROWS, NEURONS), dtype=np.float32)
    return state, stream("leak", seed, "labels").integers(0, 2, (ROWS, ATTRIBUTES)).astype(np.int8)


def leaking(state: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of the first attribute's regression on all rows, scored on the same rows."""
    return float(LogisticRegression().fit(state, labels[:, 0]).score(state, labels[:, 0]))


def held_out(state: np.ndarray, labels: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores of all attributes on the half that was not fitted, and whether their intervals hold .5."""
    fit, test = np.arange(0, ROWS, 2), np.arange(1, ROWS, 2)
    scores = LinearProbe().fit(state[fit], labels[fit]).scores(state[test])
    counts, area = confusion(scores > 0, labels[test]), auroc(scores, labels[test])
    bounds = {
        "balanced accuracy": newcombe_balanced_accuracy(counts.tp, counts.n_positive, counts.tn, counts.n_negative),
        "AUROC": auroc_interval(area, counts.n_positive, counts.n_negative),
    }
    scored = {"balanced accuracy": counts.balanced_accuracy, "AUROC": area}
    return {name: (scored[name], holds(bound, 0.5)) for name, bound in bounds.items()}
