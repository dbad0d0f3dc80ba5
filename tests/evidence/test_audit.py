"""Layers beside the raw input: an interval over rows and networks, which says what it cannot decide."""

import numpy as np
import polars as pl
import pytest

from denote.evidence.audit import audit, over_rows_and_models
from denote.evidence.bootstrap import AurocBootstrap, Resampling
from denote.evidence.rule import LESS, MORE, UNDECIDED
from denote.evidence.scores import Ranking
from denote.numbers import Estimate
from denote.tables import AUDIT, CELLS, NEURONS, table

N_POSITIVE, N_NEGATIVE = 60, 140
LABELS = np.repeat([1, 0], [N_POSITIVE, N_NEGATIVE]).astype(np.int8)[:, None]


def heard(scores, draws=100):
    bootstrap = AurocBootstrap(Resampling.of(len(LABELS), None, 0, draws), 1)
    ranking = Ranking(scores[:, None], LABELS)
    bootstrap.hear(slice(0, 1), ranking)
    auroc, _ = bootstrap.interval(ranking.auroc)
    return bootstrap, auroc


def gain(layer, other):
    bootstrap, auroc = layer
    found, _ = bootstrap.gain(auroc, other[1], other[0].areas)
    return Estimate(*(float(each[0]) for each in (found.value, found.low, found.high)))


def covers_zero(seed, models=3, shift=0.7):
    """Whether the interval of equal observers, which err on the same rows in part, holds 0."""
    random = np.random.default_rng(seed)
    shared, signal = random.normal(size=len(LABELS)), shift * LABELS[:, 0]
    draw = lambda: heard(signal + np.sqrt(0.5) * shared + np.sqrt(0.5) * random.normal(size=len(LABELS)))  # noqa: E731
    other = draw()
    gains = [gain(draw(), other) for _ in range(models)]
    found = over_rows_and_models([g.value for g in gains], [g.low for g in gains], [g.high for g in gains])
    return found.low <= 0 <= found.high


def test_the_interval_holds_zero_where_layer_and_input_are_alike():
    assert np.mean([covers_zero(seed) for seed in range(40)]) >= 0.9


def test_pairing_rows_makes_the_interval_narrower_than_that_of_either():
    random = np.random.default_rng(0)
    scores = 0.7 * LABELS[:, 0] + random.normal(size=len(LABELS))
    near = heard(scores + 0.1 * random.normal(size=len(LABELS)))
    found = gain(near, heard(scores))
    assert found.high - found.low < 0.3 * float(near[1].high[0] - near[1].low[0])


def test_a_perfect_input_still_leaves_room_for_other_rows():
    """No draw of rows changes an AUROC of 1; its interval is wider than its draws."""
    perfect = heard(LABELS[:, 0].astype(float))
    found = gain(perfect, perfect)
    assert found.value == 0
    assert found.low < -0.005
    assert found.high > 0.005


def test_rows_that_networks_share_do_not_average_out():
    alike = over_rows_and_models([0.1] * 8, [0.0] * 8, [0.2] * 8)
    assert (alike.low, alike.high) == pytest.approx((0.0, 0.2))
    apart = over_rows_and_models([0.0, 0.2], [-0.1, 0.1], [0.1, 0.3])
    assert apart.high - apart.value > 0.1
    alone = over_rows_and_models([0.1], [0.05], [0.2])
    assert (alone.low, alone.high) == pytest.approx((0.05, 0.2))


def cell(attribute, gain, *, seed=0, layer="a", half=0.05, note=None, probe="linear"):
    known = gain is not None
    return {
        "dataset": "d", "architecture": "n", "trained": True, "seed": seed, "object_model": str(seed), "layer": layer,
        "depth": 0, "pooling": "none", "probe": probe, "attribute": attribute, "family": "columns", "n_test": 100,
        "n_positive_test": 30, "label_proportion": 0.3, "note": note,
        **({"auroc": 0.7 + gain, "auroc_low": 0.6 + gain, "auroc_high": 0.8 + gain, "input_auroc": 0.7,
            "untrained_auroc": 0.6, "input_gain": gain, "input_gain_low": gain - half, "input_gain_high": gain + half}
           if known else {}),
    }  # fmt: skip


def test_a_verdict_is_given_only_where_rows_and_networks_agree():
    gains = {"kept": (0.01, 0.0), "lost": (-0.2, -0.21), "brought out": (0.2, 0.21), "unsure": (-0.3, 0.1)}
    cells = [cell(name, g, seed=seed) for name, pair in gains.items() for seed, g in enumerate(pair)]
    cells += [cell("rare", None, seed=seed, note="too few rows: 3 yes") for seed in range(2)]
    neuron = {
        "dataset": "d", "architecture": "n", "trained": True, "object_model": "0", "layer": "a", "pooling": "none",
        "family": "columns", "denotes": True,
    }  # fmt: skip
    neurons = [{**neuron, "neuron": 0, "property": "lost"}, {**neuron, "neuron": 3, "property": "NOT lost"}]
    found = audit(table(cells, CELLS), table(neurons, NEURONS))
    assert dict(found.schema) == AUDIT
    assert dict(found.select("attribute", "verdict").iter_rows()) == {
        "kept": UNDECIDED, "lost": LESS, "brought out": MORE, "unsure": UNDECIDED, "rare": None,
    }  # fmt: skip
    assert dict(found.select("attribute", "n_denoting").iter_rows())["lost"] == 2
    assert dict(found.select("attribute", "n_denoting").iter_rows())["kept"] == 0
    assert found.filter(pl.col("attribute") == "rare")["note"].to_list() == ["too few rows: 3 yes"]


def test_without_a_raw_input_there_is_nothing_to_compare():
    cells = table([cell("x", None)], CELLS)
    assert audit(cells, table([], NEURONS)).is_empty()
