"""What a user may take instead of `denote.observe` on one state: fits of all attributes, AUROCs of all pairs.

All get the same rows: observers are fitted on *fit* and scored on *test*, pairs of a neuron and an attribute are scored
on *test*. Fits minimise the objective of `denote.observers.linear`. Loops too slow to be run whole are run over some of
the columns or pairs, and say what share that is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int, Int8
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve
from torch import Tensor, nn
from torchmetrics.functional.classification import binary_auroc

from benchmarks.linear import BATCH, EPOCHS, L2
from denote.streams import torch_stream

NEWTON_STEPS, SMALL_GRADIENT = 50, 1e-6
"""A column of the batched Newton method ends after so many steps, or where the norm of its gradient is this small."""

HALVINGS = 10
"""Times that a Newton step is halved while the loss does not fall."""


@dataclass(frozen=True)
class Task:
    """One state and its attributes.

    Attributes:
        fit: States standardised on *fit*, which no contender is charged for.
        test: Likewise.
        fit_labels: 1 or 0.
        test_labels: 1 or 0.
        columns: Attributes that slow fits are run over.
        pairs: Neuron and attribute of the pairs that slow scans are run over.
        device: Where torch runs.
    """

    fit: Float32[np.ndarray, "fit_row neuron"]
    test: Float32[np.ndarray, "test_row neuron"]
    fit_labels: Int8[np.ndarray, "fit_row attribute"]
    test_labels: Int8[np.ndarray, "test_row attribute"]
    columns: Int[np.ndarray, " column"]
    pairs: Int[np.ndarray, "pair 2"]
    device: str = "cpu"

    @property
    def n_attributes(self) -> int:
        """Number of attributes."""
        return self.fit_labels.shape[1]

    @property
    def column_share(self) -> float:
        """Share of the attributes that slow fits are run over."""
        return len(self.columns) / self.n_attributes

    @property
    def pair_share(self) -> float:
        """Share of the pairs that slow scans are run over."""
        return len(self.pairs) / (self.fit.shape[1] * self.n_attributes)

    @cached_property
    def scored(self) -> Int8[np.ndarray, "test_row column"]:
        """Labels by which fits are compared."""
        return self.test_labels[:, self.columns]


@dataclass(frozen=True)
class Answer:
    """What a contender hands back.

    Attributes:
        share: Share of the work that was done.
        scores: Logits of the columns of the task, of fits.
        auroc: Of the pairs of the task, of scans; NaN where the contender does not tell.
    """

    share: float
    scores: Float[np.ndarray, "test_row column"] | None = None
    auroc: Float64[np.ndarray, " pair"] | None = None

    def quality(self, task: Task) -> dict[str, float]:
        """Mean held-out AUROC and balanced accuracy over the columns of the task."""
        if self.scores is None:
            return {}
        columns = list(zip(task.scored.T, self.scores.T, strict=True))
        return {
            "auroc": float(np.mean([roc_auc_score(label, score) for label, score in columns])),
            "balanced_accuracy": float(
                np.mean([balanced_accuracy_score(label, score > 0) for label, score in columns])
            ),
        }


def scikit_learn_fits(task: Task, solver: str) -> Answer:
    """A loop of scikit-learn's logistic regressions by its default tolerance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [
            LogisticRegression(C=1 / (2 * len(task.fit) * L2), class_weight="balanced", solver=solver).fit(
                task.fit, task.fit_labels[:, column]
            )
            for column in task.columns
        ]
    return Answer(task.column_share, np.stack([model.decision_function(task.test) for model in models], axis=1))


def torch_newton_fits(task: Task) -> Answer:
    """Iteratively reweighted least squares in torch: a product for the gradients of all columns, a Hessian for each."""
    fit, test = (_with_intercept(torch.from_numpy(part).to(task.device)) for part in (task.fit, task.test))
    labels = torch.from_numpy(task.fit_labels[:, task.columns]).to(fit)
    scores = test @ _newton(fit, labels)
    return Answer(task.column_share, scores.cpu().numpy())


def _with_intercept(values: Tensor) -> Tensor:
    return torch.cat([values, values.new_ones(len(values), 1)], dim=1)


def _newton(x: Float32[Tensor, "row k"], labels: Float32[Tensor, "row column"]) -> Float32[Tensor, "k column"]:
    """Minimise the balanced logistic loss + ``L2`` * squared norm of the weights; the last of them is the intercept."""
    sign = 1 - 2 * labels
    pull = torch.where(labels > 0, 0.5 / labels.sum(0), 0.5 / (1 - labels).sum(0))
    penalty = torch.full((x.shape[1], 1), L2, device=x.device)
    penalty[-1] = 0
    weights = torch.zeros(x.shape[1], labels.shape[1], device=x.device)
    moving = torch.arange(labels.shape[1], device=x.device)

    def loss(at: Tensor, of: Tensor) -> Tensor:
        total = (pull[:, of] * nn.functional.softplus(sign[:, of] * (x @ at))).sum(0, dtype=torch.float64)
        return total + (penalty * at.square()).sum(0, dtype=torch.float64)

    for _ in range(NEWTON_STEPS):
        some = weights[:, moving]
        wrong = torch.sigmoid(sign[:, moving] * (x @ some))
        gradient = x.T @ (pull[:, moving] * sign[:, moving] * wrong) + 2 * penalty * some
        moves = gradient.norm(dim=0) > SMALL_GRADIENT
        moving, some, wrong, gradient = moving[moves], some[:, moves], wrong[:, moves], gradient[:, moves]
        if not len(moving):
            break
        curvature = pull[:, moving] * wrong * (1 - wrong)
        hessian = torch.stack([(x * column[:, None]).T @ x for column in curvature.T])
        hessian.diagonal(dim1=1, dim2=2).add_(2 * penalty[:, 0])
        step = torch.cholesky_solve(gradient.T[..., None], torch.linalg.cholesky(hessian))[..., 0].T
        before, left = loss(some, moving), torch.ones(len(moving), device=x.device)
        for _ in range(HALVINGS):
            worse = loss(some - left * step, moving) > before
            left = torch.where(worse, left / 2, left)
            if not worse.any():
                break
        left = torch.where(loss(some - left * step, moving) > before, 0.0, left)
        weights[:, moving] = some - left * step
        moving = moving[left > 0]  # the others have gone as far as float32 lets them
    return weights


def adam_fits(task: Task, seed: int) -> Answer:
    """Mini-batch Adam on all columns at once, as a probe is written that nobody thinks about."""
    x, y = torch.from_numpy(task.fit).to(task.device), torch.from_numpy(task.fit_labels).float().to(task.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Linear(x.shape[1], y.shape[1]).to(task.device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=2 * L2)
    weight = (1 - y.mean(0)) / y.mean(0)
    draws = torch_stream("benchmark Adam", seed)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x), generator=draws).split(BATCH):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(x[batch]), y[batch], pos_weight=weight).backward()
            optimiser.step()
    with torch.no_grad():
        scores = model(torch.from_numpy(task.test).to(task.device))
    return Answer(1.0, scores.cpu().numpy()[:, task.columns])


def scikit_learn_scan(task: Task) -> Answer:
    """A loop of ``roc_auc_score`` over pairs."""
    return _over_pairs(task, lambda label, value: float(roc_auc_score(label, value)))


def scikit_learn_thresholds(task: Task) -> Answer:
    """A loop of ``roc_curve`` over pairs on *fit*: the best threshold of each, which the search of `observe` finds."""
    for neuron, attribute in task.pairs:
        fpr, tpr, thresholds = roc_curve(task.fit_labels[:, attribute], task.fit[:, neuron], drop_intermediate=False)
        thresholds[np.abs(tpr - fpr).argmax()]
    return Answer(task.pair_share)


def torchmetrics_scan(task: Task) -> Answer:
    """A loop of torchmetrics' exact AUROC over pairs; it takes scores for logits, in float64 so that none saturates."""

    def auroc(label: np.ndarray, value: np.ndarray) -> float:
        return float(binary_auroc(torch.from_numpy(value.astype(np.float64)), torch.from_numpy(label)))

    return _over_pairs(task, auroc)


def _over_pairs(task: Task, score: Callable[[np.ndarray, np.ndarray], float]) -> Answer:
    found = [score(task.test_labels[:, attribute], task.test[:, neuron]) for neuron, attribute in task.pairs]
    return Answer(task.pair_share, auroc=np.array(found))


def rank_scan(task: Task) -> Answer:
    """Ranks of every neuron and one product with the labels: all AUROCs, as an expert gets them; no p-values."""
    positives = task.test_labels.sum(0, dtype=np.float64)
    negatives = len(task.test) - positives
    sums = stats.rankdata(task.test, axis=0).T @ task.test_labels.astype(np.float64)
    auroc = (sums - positives * (positives + 1) / 2) / (positives * negatives)
    return Answer(1.0, auroc=auroc[tuple(task.pairs.T)])
