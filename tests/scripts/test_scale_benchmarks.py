"""What the benchmarks of extraction and of a large table compare is the same work. No time is looked at."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.extraction import CASES, bare, by_hand, made, ours
from benchmarks.table import COLUMNS, drawn

from denote.errors import ConfigError
from denote.states.listing import list_layers

ROWS = np.arange(40)


@pytest.mark.parametrize("name", CASES)
def test_every_way_writes_as_much_and_the_loop_by_hand_the_same(name: str, tmp_path: Path) -> None:
    network, inputs = made(CASES[name], len(ROWS))
    layers = list_layers(network, inputs[ROWS[:1]])
    for way in (ours, bare, by_hand):
        (tmp_path / way.__name__).mkdir()
        way(network, inputs, ROWS, layers, tmp_path / way.__name__)
    for layer in layers:
        (recorded,) = (tmp_path / "ours").rglob(f"{layer.name}.npy")
        states = np.load(recorded)
        assert (tmp_path / "bare" / layer.name).stat().st_size == states.nbytes
        hooked = np.fromfile(tmp_path / "by_hand" / layer.name, np.float32).reshape(states.shape)
        np.testing.assert_array_equal(hooked, states)


def test_the_table_has_its_columns_and_gaps() -> None:
    asked = Namespace(table_rows=500, table_attributes=20, seed=0)
    table = drawn(asked)
    assert table.equals(drawn(asked))
    assert table.shape == (500, COLUMNS)
    assert table["target"].null_count() == 0
    assert sum(column.null_count() > 0 for column in table) >= 8
    with pytest.raises(ConfigError, match="table-attributes"):
        drawn(Namespace(table_rows=500, table_attributes=COLUMNS, seed=0))
