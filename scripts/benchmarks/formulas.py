"""The formula search: seconds, and what a beam misses of the best formula there is."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from time import process_time

import numpy as np
from jaxtyping import Bool, Float, Float32, Int8

from benchmarks.measure import Row, timed
from benchmarks.neuron import WARM, slim
from benchmarks.states import Bench
from denote.attributes.labels import Formulas, Labels
from denote.denotation.search.formula_search import AND, OR, Formula, FoundFormulas, search_formulas
from denote.denotation.search.held_out_scores import balanced_accuracy
from denote.streams import stream

LENGTH, BEAMS = 3, (8, 32, 128)
EVERY = 2_048
"""A beam that holds all pairs of the smaller case, so that all formulas of three are tried."""

PENALTIES = (1e-9, 0.001, 0.0025, 0.005, 0.01, 0.02)

DISTANCES = (6.0, 4.0, 2.0, 0.0)
"""d' of planted formulas, a quarter of the neurons each."""


def formulas(bench: Bench) -> list[Row]:
    """One large search; on smaller states how far beams are from all formulas, and what penalties do."""
    a = bench.arguments
    values, atoms, _ = drawn(a.formula_rows, a.formula_neurons, a.formula_atoms, a.seed)
    timed(lambda: search(slim(values), atoms, Formulas.beam))
    start = process_time()
    large = timed(lambda: search(values, atoms, Formulas.beam))
    on_processor = process_time() - start
    what = f"{values.shape[1]} neurons x {len(values)} rows x {atoms.shape[1]} atoms, length {LENGTH}"
    note = f"{on_processor:.3g} s of the processor; compiled before, with {WARM} neurons"
    return [Row("formulas", "drawn", what, large.seconds, note=note), *_beams(a), *_penalties(a)]


def drawn(
    rows: int, neurons: int, n_atoms: int, seed: int
) -> tuple[Float32[np.ndarray, "row neuron"], Int8[np.ndarray, "row atom"], list[Formula]]:
    """Independent atoms of label proportion .05 to .5, and neurons that know formulas of one to three of them."""
    draws = stream("benchmark formulas", seed)
    atoms = (draws.random((rows, n_atoms)) < draws.uniform(0.05, 0.5, n_atoms)).astype(np.int8)
    values = draws.standard_normal((rows, neurons), dtype=np.float32)
    planted = [_formula(draws, atoms) for _ in range(neurons)]
    for neuron, formula in enumerate(planted):
        values[:, neuron] += DISTANCES[neuron % len(DISTANCES)] * (formula.labels(atoms) == 1)
    return values, atoms, planted


def _formula(draws: np.random.Generator, atoms: Int8[np.ndarray, "row atom"]) -> Formula:
    """A formula that holds for .05 to .95 of the rows."""
    while True:
        n = int(draws.integers(1, LENGTH + 1))
        found = Formula(
            tuple(map(int, draws.permutation(atoms.shape[1])[:n])), tuple(map(bool, draws.integers(0, 2, n))),
            tuple((AND, OR)[each] for each in draws.integers(0, 2, n - 1)),
        )  # fmt: skip
        if 0.05 <= found.labels(atoms).mean() <= 0.95:
            return found


def search(
    values: Float32[np.ndarray, "row neuron"], atoms: Int8[np.ndarray, "row atom"], beam: int = Formulas.beam,
    penalty: float = Formulas.penalty,
) -> FoundFormulas:  # fmt: skip
    """The search, with atoms named by their places."""
    n = atoms.shape[1]
    labels = Labels(tuple(f"a{place}" for place in range(n)), ("formulas",) * n, atoms)
    return search_formulas(values, atoms, Formulas(labels, LENGTH, beam, penalty))


@dataclass(frozen=True)
class Judged:
    """What a search found: its penalised score on fit, its score on test, how it stands to what was planted."""

    seconds: float
    fit: Float[np.ndarray, " neuron"]
    test: Float[np.ndarray, " neuron"]
    same: Bool[np.ndarray, " neuron"]
    longer: Bool[np.ndarray, " neuron"]


def _judged(
    values: np.ndarray, atoms: np.ndarray, planted: list[Formula], beam: int = Formulas.beam,
    penalty: float = Formulas.penalty,
) -> Judged:  # fmt: skip
    half, names = len(values) // 2, [f"a{place}" for place in range(atoms.shape[1])]
    ran = timed(lambda: search(values[:half], atoms[:half], beam, penalty))
    found = [formula for formula in ran.result.formulas if formula is not None]
    length, truth = (np.array([len(formula) for formula in each]) for each in (found, planted))
    on = values[half:] > ran.result.threshold
    test = [balanced_accuracy(own, formula.labels(atoms[half:])) for own, formula in zip(on.T, found, strict=True)]
    same = [formula.name(names) == other.name(names) for formula, other in zip(found, planted, strict=True)]
    fit = ran.result.score - penalty * (length - 1)
    return Judged(ran.seconds, fit, np.array(test), np.array(same), length > truth)


def _beams(a: Namespace) -> list[Row]:
    case = drawn(4_000, min(200, a.formula_neurons), min(20, a.formula_atoms), a.seed)
    every, rows = _judged(*case, beam=EVERY), []
    for beam in BEAMS:
        found = _judged(*case, beam=beam)
        for place, distance in enumerate(DISTANCES):
            own = slice(place, None, len(DISTANCES))
            gap, test = (every.fit - found.fit)[own], (every.test - found.test)[own].mean()
            more = {"fit_gap": float(gap.mean()), "largest_fit_gap": float(gap.max())}
            note = (
                f"all formulas score {gap.mean():+.5f} on fit (at most {gap.max():+.4f}) and {test:+.5f} on test; what "
                f"is planted is found by {found.same[own].mean():.2f} (all formulas: {every.same[own].mean():.2f})"
            )
            what = f"beam {beam}, d' = {distance:g}"
            rows.append(Row("formulas", "drawn", what, found.seconds, "all", every.seconds, note=note, more=more))
    return rows


def _penalties(a: Namespace) -> list[Row]:
    case, rows = drawn(4_000, min(400, a.formula_neurons), min(40, a.formula_atoms), a.seed + 1), []
    for penalty in PENALTIES:
        found = _judged(*case, penalty=penalty)
        for place, distance in enumerate(DISTANCES[:-1]):
            own = slice(place, None, len(DISTANCES))
            same, longer = found.same[own].mean(), found.longer[own].mean()
            note = f"as planted {same:.2f}, longer {longer:.2f}, on test {found.test[own].mean():.4f}"
            rows.append(Row("formulas", "drawn", f"penalty {penalty:g}, d' = {distance:g}", found.seconds, note=note))
    return rows
