"""Does ablation tell what a network uses, where it is known? Counts over networks that are made for it.

python scripts/simulate_ablation.py --only planted --networks 100
python scripts/simulate_ablation.py --only null --networks 200
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import nn

import denote
from denote.data.samples import CLASSES, TensorInputs
from denote.evidence.corrections import benjamini_hochberg
from denote.interventions.ablated import Ablated, AblationSettings
from denote.interventions.ablation import LayerAblation
from denote.interventions.edits import Displace, Distance, Donors, Resample
from denote.interventions.matching import matched, outgoing_norm
from denote.interventions.passes import layer_passes
from denote.interventions.task_scores import TaskScores
from denote.states.listing import list_layers

sys.path.append(str(Path(__file__).parents[1] / "tests" / "interventions"))
from planted_uses import CAUSAL, REDUNDANT, Reads, planted

LEVEL = 0.05


def planted_networks(networks: int) -> None:
    """Count the networks in which causal, bystanding and redundant neurons are told apart."""
    kinds: Mapping[str, tuple[dict[int, float], dict[int, str]]] = {
        "causal": (CAUSAL, {0: "used"}),
        "bystander": (CAUSAL, {1: "not shown to be used"}),
        "redundant": (REDUNDANT, dict.fromkeys((2, 3), "used only together with others that denote the same")),
    }
    for kind, (weights, expected) in kinds.items():
        right = 0
        for seed in range(networks):
            inputs, labels = planted(seed, rows=800)
            found = denote.observe(
                Reads(weights), inputs, {"label": labels}, layers="copy", trained_on="none", evidence="quick",
                interventions="ablate", progress="none", seed=seed,
            ).neurons.filter("denotes", pl.col("neuron").is_in(list(expected)))  # fmt: skip
            words = {
                neuron: text.partition(":")[0] for neuron, text in found.select("neuron", "causal_evidence").rows()
            }
            right += words == expected
        print(f"{kind}: told in {right} of {networks} networks")


WIDTH = 384
SUBJECTS = 20


def null_networks(networks: int) -> None:
    """Count the random networks in which neurons at random have a corrected effect beside others of the same layer.

    Of the four ways to compare, `as ablated` is the one that is used: `moved`, along matched neurons, and `directions`
    where few of these cost as much. `resampled` is what matching alone would give: on rows where a neuron is on, other
    neurons that are resampled move less.
    """
    ways: Mapping[str, Callable[..., float]] = {
        "as ablated": _as_ablated, "moved": _moved, "resampled": _resampled, "directions": _directions,
    }  # fmt: skip
    hits, small, tests = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0), dict.fromkeys(ways, 0)
    for seed in range(networks):
        for way, p_values in _random_network(seed, ways).items():
            hits[way] += bool((benjamini_hochberg(p_values) <= LEVEL).any())
            small[way] += int((p_values <= LEVEL).sum())
            tests[way] += int(np.isfinite(p_values).sum())
    for way in ways:
        share = small[way] / max(1, tests[way])
        print(
            f"{way}: a corrected effect in {hits[way]} of {networks} networks; p <= .05 in {share:.3f} of {tests[way]}"
        )


def _random_network(seed: int, ways: Mapping[str, Callable[..., float]]) -> dict[str, np.ndarray]:
    """P-values of some neurons of a random network, for each way to compare."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    network = nn.Sequential(nn.Linear(32, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 64), nn.ReLU(), nn.Linear(64, 10))
    for module in network:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=(2 / module.in_features) ** 0.5)
    rows = generator.normal(size=(800, 32)).astype(np.float32)
    inputs, fit, test = TensorInputs(rows), np.arange(400), np.arange(400, 800)
    layer = list_layers(network, inputs[np.arange(3)])[1]
    with torch.no_grad():
        classes = network(torch.from_numpy(rows)).argmax(1).numpy()
    with layer_passes(network, layer, inputs, fit) as passes:
        donors = Donors.of(*passes.values())
    with layer_passes(network, layer, inputs, test) as passes:
        state, on_fit = passes.values()[0].numpy(), donors.values.numpy()
        threshold = np.quantile(on_fit, 0.7, axis=0)
        norm = outgoing_norm(network, layer, inputs[fit[:4]])
        assert norm is not None  # noqa: S101
        features = {"variance": on_fit.var(0), "on": (on_fit > threshold).mean(0), "outgoing norm": norm}
        scores = TaskScores(CLASSES, classes[test], 10)
        made = LayerAblation(passes, donors, scores, features, AblationSettings(draws=1, directions=199, seed=seed))
        subjects = generator.choice(WIDTH, SUBJECTS, replace=False)
        allowed = np.ones(WIDTH, dtype=bool)
        allowed[subjects] = False
        p_values: dict[str, list[float]] = {way: [] for way in ways}
        for neuron in subjects.tolist():
            on = state[:, neuron] > threshold[neuron]
            others = matched(features, neuron, allowed)
            for way, compare in ways.items():
                p_values[way].append(compare(made, neuron, on, others, threshold) if len(others) >= 19 else np.nan)
    return {way: np.array(found) for way, found in p_values.items()}


def _rank(observed: float, random: np.ndarray) -> float:
    return float((1 + (random >= observed).sum()) / (1 + len(random)))


def _drops(made: LayerAblation, edits: list, on: np.ndarray) -> np.ndarray:
    return np.array([made._drop(scores.score[0], on) for _, scores in made._scored(edits)])


def _moved(made: LayerAblation, neuron: int, on: np.ndarray, others: np.ndarray, threshold: np.ndarray) -> float:
    like, axes = Resample([neuron], made.donors, made.drawn[0]), torch.eye(WIDTH)
    far = Distance(like)
    edits = [Displace(axes[other], far, torch.from_numpy(on)) for other in others]
    return _rank(_drops(made, [like], on)[0], _drops(made, edits, on))


def _resampled(made: LayerAblation, neuron: int, on: np.ndarray, others: np.ndarray, threshold: np.ndarray) -> float:
    edits = [Resample([int(other)], made.donors, made.drawn[0]) for other in (neuron, *others)]
    drops = _drops(made, edits, on)
    return _rank(drops[0], drops[1:])


def _directions(made: LayerAblation, neuron: int, on: np.ndarray, others: np.ndarray, threshold: np.ndarray) -> float:
    return _as_ablated(made, neuron, on, np.empty(0), threshold)


def _as_ablated(made: LayerAblation, neuron: int, on: np.ndarray, others: np.ndarray, threshold: np.ndarray) -> float:
    """The p-value of a job: by matched neurons or, where these cost less, by directions."""
    subject = Ablated(on.astype(np.int8), np.zeros(len(made.donors), dtype=np.int8), (neuron,))
    compared = made.subject(subject, [int(other) for other in others]).comparison
    assert compared is not None  # noqa: S101
    return compared.p_value


CLAIMS = {"planted": planted_networks, "null": null_networks}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=CLAIMS, help="one claim; all without")
    parser.add_argument("--networks", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, claim in CLAIMS.items():
        if arguments.only in (None, name):
            claim(arguments.networks)
