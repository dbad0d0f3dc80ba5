"""Equal numbers of rows: exactly so, drawn independently of everything else, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from cell_observations import observe_cells

from denote.attributes.labels import Labels, equal_rows
from denote.data.parts import Halves
from denote.errors import ConfigError
from denote.evidence.rule import Rule
from denote.observers.linear import LinearProbe


def labels_of(values: dict[str, np.ndarray], cut: int) -> Halves[Labels]:
    columns = np.stack(list(values.values()), axis=1).astype(np.int8)
    names = Labels(tuple(values), ("named",) * len(values), columns)
    rows = np.arange(len(columns))
    return Halves(names.at(rows[:cut]), names.at(rows[cut:]))


def drawn(seed: int = 0, n: int = 2000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sparse = np.where(rng.random(n) < 0.3, rng.random(n) < 0.5, -1)
    return {"half": rng.random(n) < 0.5, "tenth": rng.random(n) < 0.1, "sparse": sparse, "rare": rng.random(n) < 0.01}


def test_every_attribute_keeps_that_many_of_each_label_in_each_part_and_no_label_changes() -> None:
    labels = labels_of(drawn(), 1000)
    found = equal_rows(labels, 60, 0)
    assert found.number == 60
    for before, after in ((labels.fit, found.labels.fit), (labels.test, found.labels.test)):
        assert after.names == before.names
        for label in (1, 0):
            np.testing.assert_array_equal((after.values == label).sum(0), [60, 60, 60, 0])
        kept = after.values >= 0
        np.testing.assert_array_equal(after.values[kept], before.values[kept])
    assert list(found.reasons) == ["rare"]
    least = min((half.values[:, 3] == 1).sum() for half in (labels.fit, labels.test))
    assert found.reasons["rare"] == f"equal rows: {least} rows of a label in a part, 60 needed"


def test_auto_takes_the_most_that_all_have_which_have_enough() -> None:
    labels = labels_of(drawn(), 1000)
    counts = np.min([(half.values == y).sum(0) for half in (labels.fit, labels.test) for y in (1, 0)], axis=0)
    found = equal_rows(labels, "auto", 0)
    assert found.number == counts[:3].min()
    assert set(found.reasons) == {"rare"}
    assert equal_rows(labels, "auto", 0, min_rows=1).number == counts[3]
    none = equal_rows(labels, "auto", 0, min_rows=900)
    assert (len(none.reasons), none.labels.fit.values.max()) == (4, -1)


def test_a_draw_depends_on_its_own_attribute_only() -> None:
    columns = drawn()
    among = equal_rows(labels_of(columns, 1000), 50, 7).labels
    alone = equal_rows(labels_of({"tenth": columns["tenth"]}, 1000), 50, 7).labels
    np.testing.assert_array_equal(among.fit.values[:, 1], alone.fit.values[:, 0])
    np.testing.assert_array_equal(among.test.values[:, 1], alone.test.values[:, 0])
    other = equal_rows(labels_of(columns, 1000), 50, 8).labels
    assert (among.fit.values[:, 0] != other.fit.values[:, 0]).any()
    twice = labels_of({"a": columns["half"], "b": columns["half"]}, 1000)
    drawn_twice = equal_rows(twice, 50, 7).labels.fit.values
    assert (drawn_twice[:, 0] != drawn_twice[:, 1]).any()


def test_fit_and_test_are_drawn_apart_even_where_their_labels_are_alike() -> None:
    half = np.arange(400) % 2
    draws = [equal_rows(labels_of({"half": np.tile(half, 2)}, 400), 50, seed).labels for seed in range(5)]
    for labels in draws:
        # Of 100 of 400 rows about 25 are drawn in both parts by chance; a shared stream gives all 100.
        shared = ((labels.fit.values >= 0) & (labels.test.values >= 0)).sum()
        assert 10 <= shared <= 45


@pytest.mark.parametrize("number", [0, -3, 2.5, True, "all"])
def test_other_numbers_are_refused(number: object) -> None:
    with pytest.raises(ConfigError, match=r"evidence\.equal_rows: .* allowed: auto, or an integer >= 1"):
        equal_rows(labels_of(drawn(), 1000), number, 0)  # type: ignore[arg-type]


def test_what_it_is_for_equal_effects_get_equal_intervals() -> None:
    """Five attributes that their neurons carry alike (d' = 1): the rarer, the wider the interval, until rows are equal.

    On 160 and 160 rows an AUROC of .76 has a standard error of .027, by which the intervals of equal rows still differ.
    """
    rng = np.random.default_rng(0)
    proportions = (0.02, 0.05, 0.1, 0.25, 0.5)
    n = 16_000
    columns = {f"p={p}": rng.permutation(np.arange(n) < p * n) for p in proportions}
    state = rng.standard_normal((n, 5)).astype(np.float32)
    state += np.stack(list(columns.values()), axis=1)
    labels = labels_of(columns, n // 2)
    halves = Halves(state[: n // 2], state[n // 2 :])

    def widths(of: Halves[Labels]) -> np.ndarray:
        cells = observe_cells(halves, of, LinearProbe(), Rule(), shuffles=0).cells
        width: np.ndarray = (cells["auroc_high"] - cells["auroc_low"]).to_numpy()
        return width

    before, after = widths(labels), widths(equal_rows(labels, "auto", 0).labels)
    assert (np.diff(before) < 0).all()
    assert before[0] > 3 * before[-1]
    assert after.max() < 1.2 * after.min()
