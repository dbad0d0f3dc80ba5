"""The report warns where the by-depth table puts together what is no replication."""

from denote.reporting.answer.table_warnings import pooled
from denote.tables import NEURONS, table

ROW = {
    "dataset": "d", "architecture": "a", "trained": True, "seed": 0, "object_model": "m", "layer": "hidden_1",
    "pooling": "none", "neuron": 0, "probe_seed": 0,
}  # fmt: skip


def warned(*changes: dict) -> list[str]:
    return pooled(table([ROW, *({**ROW, **change} for change in changes)], NEURONS))


def test_replicates_of_other_seeds_are_no_reason() -> None:
    assert warned({"seed": 1, "object_model": "n"}, {"neuron": 1}, {"layer": "hidden_2", "pooling": "mean"}) == []


def test_each_kind_of_pooling_is_named() -> None:
    assert "layer.pooling" in warned({"pooling": "max"})[0]
    assert "probe_seed" in warned({"probe_seed": 1})[0]
    assert "replicates" in warned({"object_model": "n"})[0]


def test_an_empty_table_is_no_reason() -> None:
    assert pooled(table([], NEURONS)) == []
