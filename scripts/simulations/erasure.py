"""After the erasure of a concept: what is not there must not be read (ORACLES 9).

LEACE (Belrose et al. 2023, arXiv 2306.03819) removes from a state all that a linear observer can fit, *on the rows it
was fitted on*. Two consequences say what can be asked of an observer:

- The promise is for observers whose scores are linear in the state and fitted to a convex loss or to class means:
  ``linear``, ``sparse`` and ``centroid``. A threshold on one neuron (``neuron``) and a hidden layer (``mlp``) may still
  read how the classes differ in spread or shape; they are reported.
- Fitted on *fit*, it leaves the linear observers with nothing at all. Fitted on all rows, it makes what is left in
  *fit* and in *test* cancel, so that what is learned on the one is wrong on the other: scores below chance, not at it.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import torch
from concept_erasure import LeaceEraser
from jaxtyping import Float, Int, Int8
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from denote.data.parts import Parts, SplitSettings
from denote.data.samples import Samples, TensorInputs
from denote.evidence.intervals import auroc_interval, newcombe_balanced_accuracy
from denote.evidence.scores import auroc, confusion
from denote.observers.observer import FitData, Observer
from denote.observers.probes import probe_from
from simulations.row import Row

ROWS, NEURONS = 2_048, 128
ORACLE = {2: (0.8862, 0.5015), 5: (0.6172, 0.2012), 10: (0.4976, 0.1011)}
"""Accuracy of a regression on the rows it was fitted on, before and after erasure, by number of classes."""
OFF = 0.0006
"""How far the accuracy may be from the oracle's: one row of 2,048, and what rounding took."""

HARDLY = 1e6
"""Scikit-learn's ``C``: hardly any penalty, as in the oracle."""

KINDS = {("linear", "sparse", "centroid"): 0, ("neuron",): None, ("mlp",): None}
"""Observers that are counted together, and the most that may beat majority after erasure."""

State = Float[np.ndarray, "row neuron"]
Classes = Int[np.ndarray, " row"]


def run(splits: int) -> list[Row]:
    """The oracle, then denote's observers on so many splits into *fit* and *test*."""
    rows = []
    for n_classes in ORACLE:
        state, classes = data(n_classes)
        rows += reproduced(state, classes, n_classes)
        for erased in ("nothing", "fit", "all"):
            for kinds, most in KINDS.items():
                found = [beating(state, classes, erased, kind, seed) for kind in kinds for seed in range(splits)]
                beats, areas = (np.concatenate([each[place] for each in found]) for place in (0, 1))
                what = f"{n_classes} classes, erased: {erased}: {', '.join(kinds)}"
                note = f"of {len(beats)} observers beat majority; mean AUROC {_mean(areas)}"
                goal = None if erased == "nothing" else most
                rows.append(Row("erasure", what, int(beats.sum()), most=goal, note=note))
    return rows


def data(n_classes: int) -> tuple[State, Classes]:
    """The oracle's state and classes."""
    state, classes = make_classification(
        ROWS, NEURONS, n_classes=n_classes, n_informative=n_classes, random_state=42
    )  # fmt: skip
    return state, classes


def reproduced(state: State, classes: Classes, n_classes: int) -> list[Row]:
    """The oracle with scikit-learn alone."""
    rows = []
    after = erase(state, classes, np.arange(len(classes)))
    for when, values, expected in zip(("before", "after"), (state, after), ORACLE[n_classes], strict=True):
        fitted = LogisticRegression(C=HARDLY, max_iter=1_000).fit(values, classes)
        what = f"{n_classes} classes, scikit-learn {when}: accuracy {expected}"
        note = f"largest coefficient {np.abs(fitted.coef_).max():.1e}"
        rows.append(Row("erasure", what, fitted.score(values, classes), expected - OFF, expected + OFF, note))
    return rows


def erase(state: State, classes: Classes, rows: Int[np.ndarray, " chosen"]) -> State:
    """All of the state after an erasure that was fitted on some rows."""
    values, indicators = torch.from_numpy(state), torch.nn.functional.one_hot(torch.from_numpy(classes))
    erased: State = LeaceEraser.fit(values[rows], indicators[rows])(values).numpy()
    return erased


def beating(state: State, classes: Classes, erased: str, kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each observer of one kind beats majority on test, and its AUROC; one observer per class and size.

    To beat majority is to have an interval of the AUROC or of the balanced accuracy that lies above .5, its score.

    Args:
        state: Before erasure.
        classes: Of every row.
        erased: Which rows the erasure is fitted on: ``nothing``, ``fit`` or ``all``.
        kind: Of probe.
        seed: Of the split.
    """
    parts = _parts(classes, seed)
    rows = {"nothing": None, "fit": parts.fit, "all": parts.observed}[erased]
    state = state if rows is None else erase(state, classes, rows)
    labels = indicators(classes)
    observers = probe_from(kind, {}).fit_sizes(FitData(state[parts.fit], labels[parts.fit]))
    found = [_against_majority(observer, state[parts.test], labels[parts.test]) for observer in observers]
    beats, areas = zip(*found, strict=True)
    return np.concatenate(beats), np.concatenate(areas)


def indicators(classes: Classes) -> Int8[np.ndarray, "row class"]:
    """One attribute per class; of two classes one is enough."""
    columns = (classes[:, None] == np.unique(classes)).astype(np.int8)
    return columns[:, 1:] if columns.shape[1] == 2 else columns


def _parts(classes: Classes, seed: int) -> Parts:
    table = pl.DataFrame({"class": classes})
    inputs = TensorInputs(np.zeros((len(classes), 1), np.uint8))
    names = tuple(map(str, np.unique(classes)))
    samples = Samples("erasure", inputs, classes, names, table, "class", "k")
    return SplitSettings(seed)(samples, needs_object=False)


def _against_majority(
    observer: Observer, state: State, labels: Int8[np.ndarray, "row class"]
) -> tuple[np.ndarray, np.ndarray]:
    scores = observer.scores(state)
    counts, area = confusion(scores > 0, labels), auroc(scores, labels)
    lows = (
        auroc_interval(area, counts.n_positive, counts.n_negative).low,
        newcombe_balanced_accuracy(counts.tp, counts.n_positive, counts.tn, counts.n_negative).low,
    )
    return (lows[0] > 0.5) | (lows[1] > 0.5), area


def _mean(areas: np.ndarray) -> str:
    defined = areas[~np.isnan(areas)]
    without = f", {len(areas) - len(defined)} without a fit" if len(defined) < len(areas) else ""
    return f"{defined.mean():.3f}{without}"
