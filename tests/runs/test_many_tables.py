"""Tables of many jobs read together are those read one by one, in their order, whichever versions wrote them."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from denote import tables
from denote.digests import DamagedError
from denote.runs.record import with_digests, write_record
from denote.tables import NEURONS, read_table, read_table_of_many, table, write_table


@pytest.fixture(params=[2, 256])
def folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Jobs in another order than that of their names, one of an older version; read at once or in chunks."""
    monkeypatch.setattr(tables, "TOGETHER", request.param)
    folders = [tmp_path / name for name in ("c", "a", "d", "b", "e")]
    for number, folder in enumerate(folders):
        rows = [{"object_model": folder.name, "neuron": neuron, "note": None} for neuron in range(number)]
        frame = table(rows, NEURONS)
        write_table(folder, "neurons", frame.drop("note_codes", "causal_evidence") if folder.name == "d" else frame)
        write_record(folder, with_digests({"status": "finished"}, folder, ["neurons.parquet"]))
    return folders


def test_tables_read_together_are_those_read_one_by_one(folders: list[Path]) -> None:
    numbered = [
        read_table(folder, "neurons").with_columns(pl.lit(n, pl.Int64).alias("job")) for n, folder in enumerate(folders)
    ]
    assert_frame_equal(read_table_of_many(folders, "neurons", "job"), pl.concat(numbered))
    assert_frame_equal(read_table_of_many(folders, "neurons"), pl.concat(numbered).drop("job"))
    same = [folder for folder in folders if folder.name != "d"]
    assert_frame_equal(
        read_table_of_many(same, "neurons"), pl.concat([read_table(folder, "neurons") for folder in same])
    )


def test_the_damaged_one_of_many_is_named(folders: list[Path]) -> None:
    file = folders[3] / "neurons.parquet"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedError, match=r"b/neurons\.parquet"):
        read_table_of_many(folders, "neurons")
