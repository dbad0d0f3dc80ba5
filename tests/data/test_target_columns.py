"""What a network learns of a table: a class, a number, or several labels."""

import numpy as np
import polars as pl
import pytest

from denote.data.learned import target_of
from denote.data.samples import CLASSES, LABELS, NUMERIC
from denote.data.sources.arrays import ArraysModule
from denote.data.sources.table import TableModule
from denote.errors import DataError

N = 200
RANDOM = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        "price": (RANDOM.normal(size=N) * 3e5 + 1e6).round(2),
        "owner": RANDOM.random(N) < 0.5,
        "flag": RANDOM.integers(0, 2, N),
        "credit": np.array(["bad", "good"])[RANDOM.integers(0, 2, N)],
        "town": np.array(["a", "b", "c"])[RANDOM.integers(0, 3, N)],
        "same": [7.5] * N,
    }
)


def test_numbers_are_learned_as_they_are():
    target = target_of(TABLE, "price", NUMERIC)
    assert (target.name, target.task, target.classes) == ("price", NUMERIC, ())
    np.testing.assert_allclose(target.values, TABLE["price"], rtol=1e-6)


def test_labels_are_columns_of_two_values_and_the_later_one_is_yes():
    target = target_of(TABLE, ["owner", "flag", "credit"], LABELS)
    assert target.classes == ("owner", "flag", "credit=good")
    expected = TABLE.select("owner", "flag", pl.col("credit") == "good").cast(pl.Int64).to_numpy()
    assert target.values.tolist() == expected.tolist()
    assert target.at(np.array([3, 1])).values.tolist() == expected[[3, 1]].tolist()


@pytest.mark.parametrize(
    ("names", "task", "said"),
    [
        ("price", CLASSES, r"'price' holds numbers such as .*dataset\.task=numeric"),
        (["owner", "flag"], CLASSES, r"2 columns \(owner, flag\) .*dataset\.task=labels"),
        ("town", NUMERIC, r"'town' holds String.*numbers"),
        ("same", NUMERIC, r"'same' has one value only \(7\.5\)"),
        (["owner", "town"], LABELS, r"'town' has 3 different values \(a, b, c\)"),
        (["owner", "twon"], LABELS, r"no column 'twon'; did you mean 'town'"),
        ([], LABELS, r"\[\] came; allowed: a column, or a list"),
        ("price", "number", r"dataset\.task: 'number' is unknown; .*numeric"),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_line(names, task, said):
    with pytest.raises(DataError, match=said):
        target_of(TABLE, names, task)


def test_a_missing_target_is_counted_and_placed_whatever_the_task():
    gaps = TABLE.with_columns(pl.when(pl.Series(range(N)) != 5).then(pl.col("price", "flag")))
    for names, task in (("price", NUMERIC), (["flag"], LABELS)):
        with pytest.raises(DataError, match=r"missing in 1 of 200 rows, the first is row 5 from 0"):
            target_of(gaps, names, task)
    infinite = TABLE.with_columns(price=pl.when(pl.Series(range(N)) != 5).then("price").otherwise(float("inf")))
    with pytest.raises(DataError, match=r"infinite, first in row 5 from 0"):
        target_of(infinite, "price", NUMERIC)


def test_targets_are_no_inputs_and_arrays_know_tasks_too(tmp_path):
    TABLE.write_parquet(tmp_path / "t.parquet")
    module = TableModule(tmp_path / "t.parquet", ["owner", "flag"], task=LABELS)
    module.setup()
    assert {name.partition("=")[0] for name in module.samples.inputs.names} == {"price", "credit", "town"}
    assert module.learned.n_classes == 2
    np.save(tmp_path / "x.npy", np.zeros((N, 3), dtype=np.float32))
    arrays = ArraysModule(tmp_path / "x.npy", tmp_path / "t.parquet", "price", task=NUMERIC)
    arrays.setup()
    assert abs(float(arrays.learned.targets[arrays.parts.object].mean())) < 1e-5
