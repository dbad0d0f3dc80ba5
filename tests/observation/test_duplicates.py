"""Copies of rows as every run counts them: inputs of all kinds, states, groups, parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import denote
from denote.api.results import ObservationResult
from denote.data.memory.given_inputs import HeldInputs
from denote.digests import DamagedError
from denote.evidence import near_copies
from denote.observation import Controls
from denote.observation.duplicates import Contents, duplicates
from denote.reporting.findings import copies_sentences, no_copies_sentences
from denote.runs.record import read_record, write_record
from denote.tables import DUPLICATES

N = 400
PARTS = {"object": np.arange(100), "fit": np.arange(100, 250), "test": np.arange(250, 400)}
NONE = Controls(shuffles=0, neuron_shuffles=0, rotations=0, twins=0, raw_input=False)
QUICK: dict[str, Any] = {
    "permutations": 0, "bootstraps": 0, "stability": False, "examples": 0, "thresholds": 8, "controls": NONE,
}  # fmt: skip


def drawn(n: int = N, width: int = 12) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, width)).astype(np.float32)


def observed(inputs: Any, **more: Any) -> ObservationResult:
    width = 12
    model = nn.Sequential(nn.Linear(width, 6), nn.ReLU())
    return denote.observe(
        model, inputs, {"odd": np.arange(N) % 2}, trained_on="none", **QUICK, **{"parts": PARTS} | more
    )


def rows_of(found: pl.DataFrame, kind: str) -> dict[str, int]:
    """Copies by ``part-other``, where there are some."""
    own = found.filter(pl.col("kind") == kind, pl.col("n_rows") > 0)
    return {f"{part}-{other}": n for part, other, n in own.select("part", "other", "n_rows").iter_rows()}


def test_exact_copies_are_counted_within_and_across_parts() -> None:
    inputs = drawn()
    inputs[250:253], inputs[253] = inputs[100:103], inputs[0]  # test of fit, test of object
    inputs[110], inputs[111] = inputs[0], inputs[0]  # two of fit of the same row of object, and of each other
    for given in (inputs, torch.from_numpy(inputs), TensorDataset(torch.from_numpy(inputs))):
        seen = observed(given)
        assert list(seen.tables["duplicates"].columns) == list(DUPLICATES)
        assert rows_of(seen.tables["duplicates"], "exact") == {
            "fit-object": 2, "test-object": 1, "fit-fit": 2, "test-fit": 4,
        }  # fmt: skip
        assert rows_of(seen.tables["duplicates"], "near") == {}
    (said,) = [each for each in seen.findings() if "4 of 150 test rows of data" in each]
    assert "groups=" in said
    assert seen.findings()[0] == said
    assert said in repr(seen)


@pytest.mark.parametrize(
    "kind", [torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.bool, torch.complex64]
)
def test_inputs_of_any_type_are_compared(kind: torch.dtype) -> None:
    values = (50 * torch.from_numpy(drawn(N, 40))).abs()
    inputs = (values > 30 if kind == torch.bool else values).to(kind)
    inputs[250] = inputs[100]
    found = Contents.of(HeldInputs({"": inputs}), np.arange(N))
    codes, counts = np.unique(found.code, return_counts=True)
    assert counts.max() == 2
    assert found.code[250] == found.code[100] == codes[counts == 2].item()
    assert found.points is not None
    named = Contents.of(HeldInputs({"a": inputs, "b": inputs[:, :2]}), np.arange(N))
    assert named.code[250] == named.code[100]


def test_a_number_a_row_is_compared() -> None:
    assert Contents.of(HeldInputs({"": torch.arange(N) // 2}), np.arange(N)).code.max() == N // 2 - 1


def test_minus_zero_equals_zero() -> None:
    inputs = drawn()
    inputs[:, 0] = 0
    inputs[250] = inputs[100]
    inputs[250, 0] = -0.0
    assert rows_of(observed(inputs).tables["duplicates"], "exact") == {"test-fit": 1}


def test_a_named_group_is_no_copy_and_the_same_row_in_another_group_is() -> None:
    inputs = np.repeat(drawn(N // 4), 4, axis=0)
    inputs += 0.1 * np.random.default_rng(1).standard_normal(inputs.shape).astype(np.float32)
    inputs[1], groups = inputs[0], np.arange(N) // 4
    plain = observed(inputs, parts=None).tables["duplicates"]
    assert rows_of(plain, "near")["test-fit"] > 150
    grouped = observed(inputs, groups=groups, parts=None).tables["duplicates"]
    assert rows_of(grouped, "near") == rows_of(grouped, "exact") == {}
    inputs[399] = inputs[200]
    found = observed(inputs, groups=groups, parts=None).tables["duplicates"]
    assert sum(rows_of(found, "exact").values()) in (1, 2)  # one of the other across parts, or each of the other


def test_without_inputs_states_are_compared() -> None:
    states = {"a": drawn()[:, :6], "b": drawn()[:, 6:]}
    states["a"][250], states["b"][250] = states["a"][100], states["b"][100]
    states["a"][251] = states["a"][101]  # alike in one layer only
    seen = denote.observe(states=states, attributes={"odd": np.arange(N) % 2}, parts=PARTS, **QUICK)
    found = seen.tables["duplicates"]
    assert found["of"].unique().to_list() == ["states"]
    assert rows_of(found, "exact") == {"test-fit": 1}
    assert "object" not in found["part"].to_list()


class Reads(nn.Module):
    """Takes token ids and what is padding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 8)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.embedding(input_ids) * attention_mask[..., None]
        return out


@pytest.mark.parametrize("unit", ["sample", "token"])
def test_padding_is_no_content_and_short_sequences_may_repeat(unit: str) -> None:
    rng = np.random.default_rng(0)
    ids, mask = rng.integers(1, 50, (N, 9)), np.ones((N, 9), dtype=np.int64)
    ids[250], ids[251, :8], ids[101, :8] = ids[100], 7, 7
    mask[251, 8] = mask[101, 8] = 0  # the same but for the padding, which is 7 8 times
    mask[:40, 2:] = 0
    ids[:40, :2] = 3  # short
    inputs = {"input_ids": ids, "attention_mask": mask}
    parts, attribute = PARTS, np.arange(N) % 2
    if unit == "token":
        sequence = np.repeat(np.arange(N), mask.sum(axis=1))
        parts = {name: np.flatnonzero(np.isin(sequence, rows)) for name, rows in PARTS.items()}
        attribute = np.arange(len(sequence)) % 2
    seen = denote.observe(Reads(), inputs, {"odd": attribute}, unit=unit, parts=parts, **QUICK)
    found = seen.tables["duplicates"]
    assert rows_of(found, "exact") == {"test-fit": 2 if unit == "sample" else 9 + 8}
    assert found.filter(pl.col("kind") == "near")["note"].unique().to_list() == ["not looked for: token ids"]


def test_several_tensors_are_compared_as_one() -> None:
    class Adds(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a + b

    a, b = drawn()[:, :6], drawn()[:, 6:]
    a[250], b[250], a[251] = a[100], b[100], a[101]
    seen = denote.observe(Adds(), {"a": a, "b": b}, {"odd": np.arange(N) % 2}, parts=PARTS, of="modules", **QUICK)
    assert rows_of(seen.tables["duplicates"], "exact") == {"test-fit": 1}


def test_a_table_of_few_values_repeats_and_has_no_copies() -> None:
    inputs = np.random.default_rng(0).integers(0, 2, (N, 12)).astype(np.float32)
    inputs[:, 3:] = 1
    found = observed(inputs).tables["duplicates"]
    assert rows_of(found, "exact") == rows_of(found, "near") == {}
    assert found.filter(pl.col("kind") == "exact")["n_equal"].min() == 100
    (said,) = no_copies_sentences(found)
    assert "none beyond chance" in said
    assert copies_sentences(found) == []


def test_of_many_rows_some_are_looked_at_and_what_they_show_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = np.repeat(drawn(N // 4), 4, axis=0)
    inputs += 0.1 * np.random.default_rng(1).standard_normal(inputs.shape).astype(np.float32)
    monkeypatch.setattr(near_copies, "WORK", 1)
    monkeypatch.setattr(near_copies, "LEAST_EXAMINED", 200)
    found = observed(inputs).tables["duplicates"].filter(pl.col("kind") == "near", pl.col("part") == "test")
    within = found.filter(pl.col("other") == "test")
    assert 0 < within["n_examined"].item() < 150
    assert within["n_rows"].item() > 140
    assert "200 of 400 different rows" in within["note"].item()
    assert "about" in copies_sentences(found)[0]


def test_they_are_saved_and_an_observation_of_an_older_denote_has_none(tmp_path: Path) -> None:
    seen = observed(drawn())
    folder = seen.save(tmp_path / "one" / "job")
    assert denote.load(folder).tables["duplicates"].equals(seen.tables["duplicates"])
    (folder / "duplicates.parquet").unlink()
    with pytest.raises(DamagedError, match="is gone"):
        denote.load(folder)
    record = read_record(folder) or {}
    older = {name: file for name, file in record["files"].items() if name != "duplicates.parquet"}
    write_record(folder, {**record, "files": older})
    assert denote.load(folder).tables["duplicates"].is_empty()


def test_nothing_is_read_where_there_are_no_rows() -> None:
    from denote.attributes.labels import Labels
    from denote.data.parts import Parts
    from denote.observation import SampleInfo

    none = np.arange(0)
    info = SampleInfo(Parts(none, none, none), [], Labels((), (), np.zeros((0, 0), np.int8)))
    assert duplicates([], info, "none").is_empty()
