"""The linear probe: all attributes, shuffled copies of them, a path of penalties."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Int8
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from torch import nn

from benchmarks.measure import Row, joined, products_within, said_of, spread_out, timed
from benchmarks.states import Bench, Recorded
from denote.observers.linear import LinearProbe
from denote.observers.observer import Observer
from denote.streams import stream, torch_stream

L2 = 1e-3
STRENGTHS = (1e-5, 1e-1)

ENOUGH = 1e-6
"""Objective gap from which a loop counts as accurate as ours."""

TIGHTER = [*(("float32", tol) for tol in (1e-4, 1e-5, 1e-6)), *(("float64", tol) for tol in (1e-6, 1e-7, 1e-8))]
"""Settings that are tried until a loop is accurate enough; only the first that is counts."""

EPOCHS, BATCH = 10, 32

CV_ATTRIBUTES = 2
"""Attributes that the slowest loop is run over."""


@dataclass(frozen=True)
class Problem:
    """The objective that all solve, on the standardised state.

    Attributes:
        float32: The state standardised.
        float64: Likewise.
        mean: Of every neuron.
        scale: Standard deviation of every neuron; 1 for constant ones, which are 0.
        labels: 1 or 0.
    """

    float32: Float[np.ndarray, "sample neuron"]
    float64: Float64[np.ndarray, "sample neuron"]
    mean: Float64[np.ndarray, " neuron"]
    scale: Float64[np.ndarray, " neuron"]
    labels: Int8[np.ndarray, "sample attribute"]

    @classmethod
    def of(cls, state: Recorded) -> Problem:
        """Standardise a state."""
        exact = state.values.astype(np.float64)
        mean, scale = exact.mean(0), exact.std(0)
        constant = (state.values == state.values[0]).all(0)
        scale[constant] = 1
        exact -= mean
        exact /= scale
        exact[:, constant] = 0
        return cls(exact.astype(np.float32), exact, mean, scale, state.labels)

    def fit(self, attribute: int, precision: str, **settings: Any) -> Fit:
        """One attribute by scikit-learn, and how long it took."""
        n = len(self.labels)
        model = LogisticRegression(C=1 / (2 * n * L2), class_weight="balanced", **settings)
        x, y = getattr(self, precision), self.labels[:, attribute]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = perf_counter()
            model.fit(x, y)
            seconds = perf_counter() - start
        weights, bias = model.coef_[0].astype(np.float64), float(model.intercept_[0])
        full = int(model.n_iter_[0]) >= model.max_iter
        return Fit(seconds, weights, self.objective(attribute, weights, bias), full)

    def ours(self, observer: Observer, attribute: int) -> Fit:
        """One attribute of an observer, on the standardised scale."""
        raw = observer.weights[:, attribute]
        weights = raw * self.scale
        bias = float(observer.bias[attribute] + self.mean @ raw)
        return Fit(0.0, weights, self.objective(attribute, weights, bias), not observer.converged[attribute])

    def objective(self, attribute: int, weights: Float64[np.ndarray, " neuron"], bias: float) -> float:
        """Mean balanced logistic loss + L2 * squared norm of the weights."""
        y = self.labels[:, attribute]
        loss = np.logaddexp(0, np.where(y == 1, -1, 1) * (self.float64 @ weights + bias))
        return float((loss[y == 1].mean() + loss[y == 0].mean()) / 2 + L2 * weights @ weights)


@dataclass(frozen=True)
class Fit:
    """One attribute's fit.

    Attributes:
        seconds: Of the fit alone.
        weights: On the standardised scale.
        objective: In float64.
        cut_short: Whether it used up its iterations.
    """

    seconds: float
    weights: Float64[np.ndarray, " neuron"]
    objective: float
    cut_short: bool

    def gap(self, best: Fit) -> float:
        """How far the objective is above the best."""
        return (self.objective - best.objective) / best.objective

    def error(self, best: Fit) -> float:
        """Relative distance of the coefficients from the best."""
        return float(np.linalg.norm(self.weights - best.weights) / np.linalg.norm(best.weights))


def linear(bench: Bench, name: str) -> list[Row]:
    """All attributes against loops over scikit-learn and over mini-batch Adam, and against its own products."""
    state, a = bench.state(name), bench.arguments
    ours = timed(lambda: LinearProbe(l2=L2).fit(state.values, state.labels), a.repeats)
    products, whole = products_within(lambda: LinearProbe(l2=L2).fit(state.values, state.labels), a.repeats)
    problem, chosen = Problem.of(state), spread_out(a.attributes, a.sample)
    best = [problem.fit(i, "float64", solver="newton-cholesky", tol=1e-10, max_iter=1_000) for i in chosen]
    fits = [problem.ours(ours.result, i) for i in chosen]
    gap, error = _worst_gap(fits, best), max(fit.error(to) for fit, to in zip(fits, best, strict=True))
    scale = a.attributes / len(chosen)
    sampled = said_of(len(chosen), a.attributes, "attributes")
    loops = [
        ("scikit-learn loop, float32, defaults", [problem.fit(i, "float32") for i in chosen]),
        ("scikit-learn loop, float64, defaults", [problem.fit(i, "float64") for i in chosen]),
        ("scikit-learn loop, gap <= 1e-6", [_as_accurate(problem, i, to) for i, to in zip(chosen, best, strict=True)]),
        ("scikit-learn loop, newton-cholesky, float64", best),
    ]
    what = f"{a.attributes} attributes"
    measured: dict[str, Any] = {"objective_gap": gap, "coefficient_error": error}
    rows = [
        Row(
            "linear", name, what, ours.seconds, called, sum(fit.seconds for fit in loop) * scale, **measured,
            note=joined(sampled, _shortfall(loop)), more={"alternative_gap": _worst_gap(loop, best)},
        )
        for called, loop in loops
    ]  # fmt: skip
    epoch = _adam_epoch(problem, int(chosen[len(chosen) // 2]), a.seed)
    rows.append(
        Row(
            "linear", name, what, ours.seconds, f"mini-batch Adam loop, {EPOCHS} epochs of batches of {BATCH}",
            epoch * EPOCHS * a.attributes, **measured,
            note=f"loop: 1 of {a.attributes} attributes, 1 of {EPOCHS} epochs, scaled up",
        )
    )  # fmt: skip
    unfinished = np.count_nonzero(~ours.result.converged)
    rows.append(
        Row(
            "linear", name, what, ours.seconds, floor="its own matrix products", floor_s=products,
            times_floor=whole / products if products else None, **measured,
            note=joined(state.note, f"products inside a profiled run of {whole:.3g} s on one thread",
                        ours.said(a.repeats), f"{unfinished} attributes did not converge" if unfinished else ""),
            more={"profiled_s": whole},
        )
    )  # fmt: skip
    return rows


def shuffled(bench: Bench, name: str) -> list[Row]:
    """The attributes together with shuffled copies of each."""
    state, a = bench.state(name), bench.arguments
    labels = with_shuffles(state.labels, a.draws, a.seed)
    one = timed(lambda: LinearProbe(l2=L2).fit(state.values, state.labels), a.repeats)
    ours = timed(lambda: LinearProbe(l2=L2).fit(state.values, labels), a.repeats)
    problem = Problem.of(Recorded(name, state.values, labels, ""))
    columns = labels.shape[1]
    chosen = a.attributes + spread_out(columns - a.attributes, a.sample)
    loop = [problem.fit(i, "float32") for i in chosen]
    return [
        Row(
            "shuffled", name, f"{columns} columns", ours.seconds, "scikit-learn loop, float32, defaults",
            sum(fit.seconds for fit in loop) * columns / len(chosen), times_one=ours.seconds / one.seconds,
            note=joined(f"one: the {a.attributes} attributes alone, {one.seconds:.3g} s", ours.said(a.repeats),
                        said_of(len(chosen), columns, "columns"), _shortfall(loop)),
        )
    ]  # fmt: skip


def path(bench: Bench, name: str) -> list[Row]:
    """Several penalties of which each attribute gets the best."""
    state, a = bench.state(name), bench.arguments
    strengths = tuple(np.geomspace(*STRENGTHS, a.strengths).tolist())
    one = timed(lambda: LinearProbe(l2=L2).fit(state.values, state.labels), a.repeats)
    ours = timed(lambda: LinearProbe(l2=strengths).fit(state.values, state.labels), a.repeats)
    chosen = spread_out(a.attributes, min(a.sample, CV_ATTRIBUTES))
    seconds = sum(_cross_validated(Problem.of(state), i, strengths, a.seed) for i in chosen)
    return [
        Row(
            "path", name, f"{a.strengths} penalties", ours.seconds, "LogisticRegressionCV loop, float32, one split",
            seconds * a.attributes / len(chosen), times_one=ours.seconds / one.seconds,
            note=joined(f"one: a single penalty, {one.seconds:.3g} s", "ours includes choosing and refitting",
                        ours.said(a.repeats), said_of(len(chosen), a.attributes, "attributes")),
        )
    ]  # fmt: skip


def with_shuffles(labels: Int8[np.ndarray, "sample attribute"], draws: int, seed: int) -> Int8[np.ndarray, "sample _"]:
    """The labels and, behind them, copies of all with their rows permuted."""
    copies = [labels[stream("benchmark shuffles", seed, draw).permutation(len(labels))] for draw in range(draws)]
    return np.concatenate([labels, *copies], axis=1)


def _worst_gap(fits: Sequence[Fit], best: Sequence[Fit]) -> float:
    return max(fit.gap(to) for fit, to in zip(fits, best, strict=True))


def _shortfall(fits: Sequence[Fit]) -> str:
    short = sum(fit.cut_short for fit in fits)
    return f"{short} of {len(fits)} used up their iterations" if short else ""


def _as_accurate(problem: Problem, attribute: int, best: Fit) -> Fit:
    """The first of the settings that is accurate enough; it alone counts, as if one had known it."""
    for precision, tolerance in TIGHTER:
        fit = problem.fit(attribute, precision, tol=tolerance, max_iter=10_000)
        if fit.gap(best) <= ENOUGH:
            break
    return fit


def _adam_epoch(problem: Problem, attribute: int, seed: int) -> float:
    """Seconds of one epoch."""
    x, y = torch.from_numpy(problem.float32), torch.from_numpy(problem.labels[:, attribute]).float()
    model = nn.Linear(x.shape[1], 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=2 * L2)
    weight = (1 - y.mean()) / y.mean()
    start = perf_counter()
    for batch in torch.randperm(len(x), generator=torch_stream("benchmark Adam", seed)).split(BATCH):
        optimiser.zero_grad()
        scores = model(x[batch])[:, 0]
        nn.functional.binary_cross_entropy_with_logits(scores, y[batch], pos_weight=weight).backward()
        optimiser.step()
    return perf_counter() - start


def _cross_validated(problem: Problem, attribute: int, strengths: Sequence[float], seed: int) -> float:
    """Seconds that scikit-learn takes to choose among the penalties on a fifth of the rows and to fit again."""
    y = problem.labels[:, attribute]
    order: Int[np.ndarray, " sample"] = stream("benchmark split", seed).permutation(len(y))
    # A rare attribute of a small state may fall on one side only; both sides take every fifth row of each label.
    place = np.empty(len(y), dtype=np.int64)
    place[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y))
    split = [(np.flatnonzero(place % 5 != 0), np.flatnonzero(place % 5 == 0))]
    model = LogisticRegressionCV(
        Cs=[1 / (2 * len(y) * l2) for l2 in strengths], cv=split, class_weight="balanced", scoring="neg_log_loss"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = perf_counter()
        model.fit(problem.float32, y)
        return perf_counter() - start
