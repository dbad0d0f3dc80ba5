"""What the pair scan finds where there is nothing: normal noise against random labels.

python scripts/simulate.py --only noise
"""

from __future__ import annotations

import numpy as np

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.corrections import ScanSettings, benjamini_hochberg
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.pair_scan import join_layers, scan_layer
from denote.observers.neuron import rank_neurons
from denote.streams import stream

Q = 0.05
WIDE = (1000, 512, 40)
"""Rows, neurons and attributes, whose label proportions are uniform in [.05, .5]."""
LONG = (200, 4096, 0.2)
"""Rows, neurons and the label proportion of one attribute."""
SPARSE = (2000, 0.001, 0.01)
"""Rows, and the least share of rows where a neuron is active and where an attribute holds; at most half of them."""

GOALS = {
    "seeds with a hit": (None, 21),
    "seeds with a max-statistic p <= .05": (None, 21),
    "seeds with an alarm": (None, 2),
    "one attribute: seeds with a hit": (None, 21),
    "sparse: seeds with a hit": (None, 21),
}
"""Of 200 seeds a level of .05 gives more than 21 in fewer than 1 of 1,000 runs, and one of .0003 more than 2."""


def run(seeds: int, draws: int = 200) -> dict[str, float]:
    """Counts of seeds and means over seeds.

    Args:
        seeds: Number of data sets.
        draws: Permutations of each scan.
    """
    wide, long = [scanned(seed, draws) for seed in range(seeds)], [chosen(seed) for seed in range(seeds)]
    few = [sparse(seed) for seed in range(seeds)]
    return {
        "seeds": seeds,
        "seeds with a hit": sum(each["hits"] > 0 for each in wide),
        "seeds with a Bonferroni hit": sum(each["bonferroni"] > 0 for each in wide),
        "seeds with a max-statistic p <= .05": sum(each["max_p_value"] <= Q for each in wide),
        "seeds with an alarm": sum(each["alarm"] for each in wide),
        **{f"mean {name}": _mean(wide, name) for name in ("below .05", "below .001", "attributes below .001")},
        "mean best AUROC": _mean(wide, "best AUROC"),
        "one attribute: seeds with a hit": sum(each["hits"] > 0 for each in long),
        "one attribute: mean below .05": _mean(long, "below .05"),
        "one attribute: mean best AUROC": _mean(long, "best AUROC"),
        "one attribute: mean AUROC of that neuron held out": _mean(long, "held out"),
        "sparse: seeds with a hit": sum(each["hits"] > 0 for each in few),
        "sparse: seeds with a hit of usual Mann-Whitney tests": sum(each["usual hits"] > 0 for each in few),
    }


def scanned(seed: int, draws: int) -> dict[str, float]:
    """A whole scan, as a job makes it."""
    rows, neurons, attributes = WIDE
    noise = stream("noise", seed)
    values = (noise.random((rows, attributes)) < noise.uniform(0.05, 0.5, attributes)).astype(np.int8)
    state = noise.standard_normal((rows, neurons), dtype=np.float32)
    names = tuple(f"attribute {number}" for number in range(attributes))
    place = {"object_model": f"noise {seed}", "layer": "noise", "pooling": "none"}
    labels, live = Labels(names, ("named",) * attributes, values), np.ones(neurons, dtype=bool)
    name = place["object_model"]
    data = FitTestData(Halves(state[:0], state), Halves(labels, labels))  # of the layer *test* alone is scanned
    found = join_layers([scan_layer(data, live, place, ScanSettings(name, Q, draws))], name, Q, name)
    p_value, max_p = found.pairs["p_value"].to_numpy(), found.scan["max_p_value"].drop_nulls()
    best = found.scan["best_auroc"].to_numpy()
    return {
        "hits": int(found.pairs["carries"].sum()),
        "bonferroni": int((p_value <= Q / (neurons * attributes)).sum()),
        "max_p_value": float(max_p.min()) if len(max_p) else 1.0,
        "alarm": bool(found.null_check["alarm"].fill_null(False).item()),
        "below .05": int(found.scan["below_05"].sum()),
        "below .001": int(found.scan["below_001"].sum()),
        "attributes below .001": int((found.scan["below_001"] > 0).sum()),
        "best AUROC": float(0.5 + np.abs(best - 0.5).max()),
    }


def chosen(seed: int) -> dict[str, float]:
    """The best of many neurons for one attribute on few rows, and the same neuron on others."""
    rows, neurons, proportion = LONG
    noise = stream("noise, one attribute", seed)
    labels = (np.arange(rows) < round(rows * proportion)).astype(np.int8)[:, None]
    here, held_out = (rank_neurons(noise.standard_normal((rows, neurons), dtype=np.float32), labels) for _ in range(2))
    best = np.abs(here.auroc[:, 0] - 0.5).argmax()
    sign = np.sign(here.auroc[best, 0] - 0.5)
    p = here.skewed_p_value[:, 0]
    return {
        "hits": int((benjamini_hochberg(p) <= Q).sum()),
        "below .05": int((p < 0.05).sum()),
        "best AUROC": float(0.5 + abs(here.auroc[best, 0] - 0.5)),
        "held out": float(0.5 + sign * (held_out.auroc[best, 0] - 0.5)),
    }


def sparse(seed: int) -> dict[str, int]:
    """Neurons that are seldom active against rare labels: ties make the rank sums skewed."""
    rows, least_active, least_label = SPARSE
    noise = stream("noise, sparse", seed)
    active, held = (np.geomspace(least, 0.5, n) for least, n in ((least_active, WIDE[1]), (least_label, WIDE[2])))
    state = noise.random((rows, WIDE[1]), dtype=np.float32) * (noise.random((rows, WIDE[1])) < active)
    ranking = rank_neurons(state, (noise.random((rows, WIDE[2])) < held).astype(np.int8))
    both = {"hits": ranking.skewed_p_value, "usual hits": ranking.p_value}
    return {name: int((benjamini_hochberg(p.ravel()) <= Q).sum()) for name, p in both.items()}


def _mean(seeds: list[dict[str, float]], name: str) -> float:
    return float(np.mean([each[name] for each in seeds]))
