"""On-rates are plain shares of each class's rows above the threshold, whatever the blocks."""

import numpy as np
import polars as pl
import pytest

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.denotation.atlas import on_rates
from denote.streams import stream
from denote.tables import NEURONS, ON_RATES, table


def family(codes: np.ndarray, names: tuple[str, ...]) -> Family:
    return SubsetFamily("subsets", Labels((), (), np.empty((len(codes), 0), np.int8)), codes, names)


def neurons(thresholds: list[float | None], live: list[bool]) -> pl.DataFrame:
    rows = [
        {
            "layer": "fc",
            "pooling": "none",
            "neuron": i,
            "family": "subsets",
            "probe_seed": 0,
            "threshold": cut,
            "live": on,
        }
        for i, (cut, on) in enumerate(zip(thresholds, live, strict=True))
    ]
    return table(rows, NEURONS)


@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_rates_are_shares_of_the_rows_of_each_class(memory: int) -> None:
    rng = stream("on rates")
    state, codes = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(-1, 3, 60)
    cut = [float(state[7, 0]), 0.2, None, 0.1]
    found = on_rates(neurons(cut, [True, True, True, False]), state, family(codes, ("a", "b", "c", "never")), memory)
    assert set(found.columns) <= set(ON_RATES)
    assert found.select("neuron", "class").rows() == [(i, c) for i in (0, 1) for c in "abc"]
    for neuron, name, rate, n in found.select("neuron", "class", "on_rate", "n_rows").iter_rows():
        rows = [i for i in range(60) if codes[i] == "abc".index(name)]
        assert (rate, n) == (pytest.approx(sum(state[i, neuron] > cut[neuron] for i in rows) / len(rows)), len(rows))


def test_a_family_without_classes_has_none() -> None:
    labels = Family("named", Labels(("odd",), ("named",), np.zeros((5, 1), np.int8)))
    assert on_rates(neurons([0.0], [True]), np.ones((5, 1), np.float32), labels).is_empty()
