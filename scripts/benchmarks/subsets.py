"""The subset search: seconds beside one sort, and what quantiles miss of the best over every gap."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int
from sklearn.datasets import load_digits
from torch import nn

from benchmarks.measure import Row, timed
from benchmarks.neuron import WARM, slim
from benchmarks.states import Bench, recorded
from denote.denotation.search.held_out_scores import balanced_accuracies
from denote.denotation.search.properties import Settings, Thresholds
from denote.denotation.search.subset_search import Subsets, search_subsets
from denote.object_models.architectures.mlp import MLP
from denote.observers.sorted_columns import column_blocks, sorting_orders
from denote.streams import stream, stream_seed

SORTED_AT_ONCE = 1_000
"""Neurons."""

SMALL = (4_000, 1_000, 10)
"""Rows (half of them *fit*), neurons and classes of the drawn state in which quantiles are compared with all gaps."""

LAYERS, WIDTH, EPOCHS, BATCH = 3, 128, 30, 32
"""Of the network that is trained on half of the digits."""


@dataclass(frozen=True)
class Case:
    """Activations of *fit* and of *test*, with the class of every row."""

    name: str
    fit: Float32[np.ndarray, "row neuron"]
    fit_codes: Int[np.ndarray, " row"]
    test: Float32[np.ndarray, "row neuron"]
    test_codes: Int[np.ndarray, " row"]


def subsets(bench: Bench) -> list[Row]:
    """One large search, with quantiles and with every gap; and on smaller states how far the two are apart."""
    a = bench.arguments
    rows = [row for case in (_drawn_case(a.seed), *_digits(a)) for row in _gap(case)]
    values, codes = drawn(a.subset_rows, a.subset_neurons, a.subset_classes, a.seed)
    return [*_large(values, codes, a.subset_classes), *rows]


def drawn(
    rows: int, neurons: int, classes: int, seed: int
) -> tuple[Float32[np.ndarray, "row neuron"], Int[np.ndarray, " row"]]:
    """A quarter each of planted subsets (d' = 6), graded classes, rectified noise and noise; classes of equal size."""
    draws = stream("benchmark subsets", seed)
    codes, quarter = draws.permutation(np.arange(rows) % classes), neurons // 4
    values = draws.standard_normal((rows, neurons), dtype=np.float32)
    shares = draws.uniform(0.05, 0.95, quarter)
    planted = (draws.random((classes, quarter)) < shares).astype(np.float32)
    graded = draws.standard_normal((classes, quarter), dtype=np.float32)
    values[:, :quarter] += 6 * planted[codes]
    values[:, quarter : 2 * quarter] += graded[codes]
    np.maximum(values[:, 2 * quarter : 3 * quarter], 0, out=values[:, 2 * quarter : 3 * quarter])
    return values, codes


def _large(values: np.ndarray, codes: np.ndarray, classes: int) -> list[Row]:
    floor = timed(lambda: [sorting_orders(block) for _, block in column_blocks(values, SORTED_AT_ONCE)]).seconds
    rows = []
    for thresholds in (64, "all"):
        first = timed(lambda t=thresholds: search_subsets(slim(values), codes, classes, Settings(t))).seconds
        ours = timed(lambda t=thresholds: search_subsets(values, codes, classes, Settings(t))).seconds
        rows.append(
            Row(
                "subsets", "drawn", f"{values.shape[1]} neurons x {len(values)} rows x {classes} classes, {thresholds}",
                ours, floor="one sort of every neuron", floor_s=floor,
                note=f"first call, {WARM} neurons: {first:.2g} s",
                more={"first_call_s": first},
            )
        )  # fmt: skip
    return rows


def _gap(case: Case) -> list[Row]:
    """Quantiles beside every gap: scores on fit and on test, and how often the subset is another."""
    classes = int(case.fit_codes.max()) + 1

    def search(thresholds: Thresholds) -> tuple[float, Subsets, np.ndarray]:
        run = timed(lambda: search_subsets(case.fit, case.fit_codes, classes, Settings(thresholds)))
        labels = run.result.masks[:, case.test_codes].astype(np.int8)
        return run.seconds, run.result, balanced_accuracies(case.test.T, run.result.threshold, labels)

    every_s, every, every_test = search("all")
    has: Bool[np.ndarray, " neuron"] = ~np.isnan(every.score)
    rows = []
    for thresholds in (16, 64, 256):
        seconds, found, test = search(thresholds)
        gaps = (every.score - found.score)[has]
        more = {
            "fit_gap": float(gaps.mean()),
            "largest_fit_gap": float(gaps.max()),
            "test_gap": float((every_test - test)[has].mean()),
            "other_subset": float((found.masks != every.masks).any(axis=1)[has].mean()),
        }
        note = (
            f"every gap scores {more['fit_gap']:+.5f} on fit (at most {more['largest_fit_gap']:+.4f}) and "
            f"{more['test_gap']:+.5f} on test; another subset in {more['other_subset']:.3f} of {has.sum()} neurons"
        )
        what = f"{thresholds} quantiles"
        rows.append(Row("subsets", case.name, what, seconds, "every gap", every_s, note=note, more=more))
    return rows


def _drawn_case(seed: int) -> Case:
    values, codes = drawn(*SMALL, seed)
    half = len(values) // 2
    return Case("drawn", values[:half], codes[:half], values[half:], codes[half:])


def _digits(a: Namespace) -> list[Case]:
    """The hidden layers of a network trained on half of the digits, observed on the other half."""
    pictures, targets = load_digits(return_X_y=True)
    order = stream("benchmark digits", a.seed).permutation(len(targets))
    inputs, classes = torch.from_numpy(pictures[order] / 16).float(), torch.from_numpy(targets[order])
    trained = len(order) // 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed("benchmark digits network", a.seed))
        model = MLP((inputs.shape[1],), 10, LAYERS, WIDTH)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(EPOCHS):
        rows = torch.from_numpy(stream("benchmark digits order", a.seed, epoch).permutation(trained))
        for batch in rows.split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), classes[batch]).backward()
            optimiser.step()
    outs = [np.empty((len(order) - trained, WIDTH), dtype=np.float32) for _ in range(LAYERS)]
    recorded(model, inputs[trained:], outs)
    codes, half = classes[trained:].numpy(), (len(order) - trained) // 2
    return [
        Case(f"digits, layer {depth}", out[:half], codes[:half], out[half:], codes[half:])
        for depth, out in enumerate(outs)
    ]
