"""On-rates are plain shares of each class's rows above the threshold, whatever the blocks."""

import numpy as np
import polars as pl
import pytest

from denote.attributes.labels import Classes
from denote.denotation.atlas import MOST_CLASSES, on_rates
from denote.observers import reading
from denote.streams import stream
from denote.tables import NEURONS, ON_RATES, table


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


@pytest.mark.parametrize("numbers", [1, 1 << 20])
def test_rates_are_shares_of_the_rows_of_each_class(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BLOCK", numbers)
    rng = stream("on rates")
    state, codes = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(-1, 3, 60)
    cut = [float(state[7, 0]), 0.2, None, 0.1]
    found = on_rates(neurons(cut, [True, True, True, False]), state, Classes(codes, ("a", "b", "c", "never")))
    assert set(found.columns) <= set(ON_RATES)
    assert found.select("neuron", "class").rows() == [(i, c) for i in (0, 1) for c in "abc"]
    for neuron, name, rate, n in found.select("neuron", "class", "on_rate", "n_rows").iter_rows():
        rows = [i for i in range(60) if codes[i] == "abc".index(name)]
        assert (rate, n) == (pytest.approx(sum(state[i, neuron] > cut[neuron] for i in rows) / len(rows)), len(rows))


def test_of_many_classes_a_neuron_keeps_those_that_are_least_like_all() -> None:
    codes = np.repeat(np.arange(MOST_CLASSES + 30), 4)
    names = tuple(f"class {code}" for code in range(codes.max() + 1))
    state = np.stack([codes == 50, codes != 90], axis=1).astype(np.float32)
    found = on_rates(neurons([0.5, 0.5], [True, True]), state, Classes(codes, names))
    assert found.group_by("neuron", maintain_order=True).len().rows() == [(0, MOST_CLASSES), (1, MOST_CLASSES)]
    assert found.filter(neuron=0, on_rate=1)["class"].to_list() == ["class 50"]
    assert found.filter(neuron=1, on_rate=0)["class"].to_list() == ["class 90"]
    assert found.group_by("neuron").agg((pl.col("class").str.slice(6).cast(pl.Int64).diff() > 0).all())["class"].all()


def test_without_rows_that_have_a_class_there_are_none() -> None:
    nothing = Classes(np.full(5, -1), ("a",))
    assert on_rates(neurons([0.0], [True]), np.ones((5, 1), np.float32), nothing).is_empty()
