"""What is shown of an input is what a person knows it by, small enough, and comes back as it was."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import save_file

from denote.attributes.labels import Labels
from denote.data.batch import Named
from denote.data.memory.given_inputs import HeldInputs
from denote.data.parts import Parts
from denote.data.samples import Inputs, TensorInputs
from denote.data.sources.recorded_states import RecordedInputs
from denote.data.tokens import SequenceInputs, WordInputs, readable
from denote.errors import StoreError
from denote.observation import input_pictures, inputs_shown
from denote.observation.arguments import SampleInfo
from denote.observation.input_pictures import in_bytes, planes_of, smaller, sprite_of
from denote.observation.input_texts import LONGEST_TEXT, LONGEST_VALUE, MOST_VALUES
from denote.observation.inputs_shown import BEFORE, NOT_SHOWN, SPRITE, InputsShown, shown_inputs
from denote.streams import stream


def info_of(inputs: Inputs | None, table: pl.DataFrame | None = None) -> SampleInfo:
    parts = Parts(np.arange(0), np.array([0, 2]), np.array([1, 3]))
    return SampleInfo(parts, [], Labels((), (), np.empty((4, 0), np.int8)), inputs=inputs, table=table)


def examples_of(*samples: int, ranks: list[int] | None = None) -> pl.DataFrame:
    return pl.DataFrame({"sample": samples, "rank": ranks or [0] * len(samples)}).cast(pl.Int64)


def shown(inputs: Inputs | None, table: pl.DataFrame | None = None, *samples: int) -> InputsShown:
    return shown_inputs(info_of(inputs, table), examples_of(*(samples or (3, 1))))


def written(found: InputsShown, folder: Path) -> InputsShown:
    found.write(folder)
    read = InputsShown.read(folder)
    assert read is not None
    return read


def test_pictures_come_back_as_tiles_those_of_low_rank_first(tmp_path: Path) -> None:
    values = torch.arange(5 * 2 * 3).reshape(5, 2, 3).to(torch.uint8)
    found = shown_inputs(info_of(TensorInputs(values, 30)), examples_of(4, 1, 4, 3, ranks=[2, 1, 0, 5]))
    read = written(found, tmp_path)
    assert read.rows["sample"].to_list() == [4, 1, 3]
    assert (read.tile, read.columns, dict(read.entries)) == (
        (3, 2), 32, {4: {"sprite": 0}, 1: {"sprite": 1}, 3: {"sprite": 2}},
    )  # fmt: skip
    low, high = 6, 29  # of the three
    for sample, picture in read.pictures.items():
        np.testing.assert_allclose(picture, 255 * (values[sample].double().numpy() - low) / (high - low), atol=0.51)
    assert read.mean is not None
    np.testing.assert_allclose(read.mean, values[[0, 2]].float().mean(0).numpy() / 30, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "tile"),
    [
        ((4, 6), (4, 6)), ((1, 4, 6), (4, 6)), ((3, 4, 6), (4, 6, 3)), ((4, 4, 6), (4, 6, 4)), ((5, 6, 3), (5, 6, 3)),
        ((5, 6, 4), (5, 6, 4)), ((1, 1), (1, 1)), ((3, 1000, 500), (96, 48, 3)), ((1, 1, 5000), (1, 96)),
    ],
)  # fmt: skip
def test_every_kind_of_picture_has_tiles(shape: tuple[int, ...], tile: tuple[int, ...]) -> None:
    found = shown(TensorInputs(stream("pictures").random((4, *shape), dtype=np.float32)))
    assert {picture.shape for picture in found.pictures.values()} == {tile}
    assert list(found.pictures) == [1, 3]


def test_opacity_is_no_colour() -> None:
    pictures = np.stack([np.full((1, 2, 2), level) for level in (0.0, 2.0, 1.0, 0.5)], axis=1).astype(np.float32)
    assert in_bytes(pictures)[0, 0, 0].tolist() == [0, 255, 128, 128]


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.0])
def test_pictures_without_contrast_or_finite_numbers_are_black(value: float) -> None:
    assert not in_bytes(np.full((2, 1, 3, 3), value, np.float32)).any() or np.isinf(value)


def test_large_pictures_become_means_over_areas() -> None:
    pictures = np.arange(2 * 200 * 100, dtype=np.float32).reshape(1, 2, 200, 100)
    found = smaller(pictures, 50)
    assert found.shape == (1, 2, 50, 25)
    np.testing.assert_allclose(found[0, 1, 2, 3], pictures[0, 1, 8:12, 12:16].mean(), rtol=1e-6)


def test_a_sprite_stays_small_by_smaller_tiles_and_then_by_fewer() -> None:
    noise = stream("noise").random((300, 3, 40, 20), dtype=np.float32)
    sizes = {}
    for largest in (10**6, 200_000, 60_000):
        made = sprite_of(lambda part: noise[part], len(noise), largest=largest)
        assert made is not None
        assert len(made.png) <= largest
        sizes[largest] = (made.tile, made.n_tiles)
    assert sizes[10**6] == ((20, 40), 300)
    assert sizes[200_000][0][1] < 40
    assert sizes[200_000][1] == 300
    assert sizes[60_000][0] == (8, 16)
    assert sizes[60_000][1] < 300


def test_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_shown, "LARGEST_TEXTS", 20)
    monkeypatch.setattr(input_pictures, "MOST_PIXELS", input_pictures.SHORTEST_SIDE**2)
    rows = shown(None, pl.DataFrame({"a": ["first", "second", "third", "fourth"]}))
    assert rows.rows.height == 1
    pictures = shown(TensorInputs(torch.rand(4, 2, 2)))
    assert list(pictures.pictures) == [1]
    for found in (rows, pictures):
        assert "1 input of 2 left out" in found.notes[-1]


def test_rows_of_a_table_are_as_they_were_typed(tmp_path: Path) -> None:
    class Columns(TensorInputs):
        names = ("amount", "purpose=car")

    table = pl.DataFrame(
        {
            "amount": [1, 2, None, 0.1 + 0.2], "__proto__": ["a", '</script>"', "c", None],
            "day": [date(2020, 1, number) for number in (1, 2, 3, 4)], "day.year": [2020] * 4,
            "sure": [True, False, None, True], "listed": [[1], [2, 3], [], [4]], "long": ["x" * 1000] * 4,
            "binary": [b"\xff", b"a", b"", b"\x00"],
        },
        strict=False,
    )  # fmt: skip
    read = written(shown(Columns(torch.randn(4, 2)), table), tmp_path)
    assert read.sprite is None
    row: Any = read.entries[1]["row"]
    assert (row["amount"], row["__proto__"], row["day"], row["sure"]) == ("2", '</script>"', "2020-01-02", "False")
    assert len(row["long"]) == LONGEST_VALUE
    assert row["long"].endswith("…")
    assert "day.year" not in row
    third: Any = read.entries[3]["row"]
    assert (third["amount"], third["__proto__"]) == ("0.3", None)


def test_numbers_without_names_are_shown_by_their_place() -> None:
    found = shown(TensorInputs(torch.arange(4 * 60).reshape(4, 60).float() / 8), pl.DataFrame({"odd": [0, 1, 0, 1]}))
    row: Any = found.entries[1]["row"]
    assert (row["input 0"], row["input 1"], row["odd"], len(row)) == ("7.5", "7.625", "1", MOST_VALUES + 1)
    assert "of 60" in found.notes[0]
    switches = shown(HeldInputs({"": torch.tensor([[0, 1], [1, 0], [0, 0], [1, 1]], dtype=torch.bool)}))
    assert switches.entries[3] == {"row": {"input 0": "1", "input 1": "1"}}


def test_words_are_shown_in_their_sentence(tmp_path: Path) -> None:
    sentences = SequenceInputs.of([[2, 3], [4, 5]], 6)
    words = WordInputs(sentences, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), texts=["The", "end", "Go", "on" * 99])
    read = written(shown(words), tmp_path)
    assert read.entries[1] == {"words": ["The", "end"], "at": 1}
    assert read.entries[3]["at"] == 1
    assert len(read.entries[3]["words"][1]) < 99
    unknown = shown(WordInputs(sentences, words.sequence, words.start))
    assert unknown.entries[1] == {"words": ["2", "3"], "at": 1}
    assert "numbers of tokens" in unknown.notes[0]


def test_long_sentences_are_cut_around_the_word() -> None:
    texts = [str(number) for number in range(100)]
    words = WordInputs(SequenceInputs.of([range(100)], 100), np.zeros(100, int), np.arange(100), texts=texts)
    entry: Any = shown(words, None, 50).entries[50]
    assert entry["words"][entry["at"]] == "50"
    assert len(entry["words"]) == 25


def test_texts_are_shown_and_without_them_numbers_of_tokens() -> None:
    numbers = SequenceInputs.of([[1], [2, 3], [4, 5, 6], [7]], 8)
    found = shown(replace(numbers, texts=["a", "b\n\u2028é", "c", "d" * 5000]))
    assert found.entries[1] == {"text": "b\n\u2028é"}
    assert len(found.entries[3]["text"]) == LONGEST_TEXT
    ids = shown(numbers)
    assert ids.entries[1] == {"text": "2 3"}
    held = HeldInputs({"input_ids": torch.tensor([[1, 0], [2, 3], [4, 0], [5, 6]])})
    assert shown(held).entries[3] == {"text": "5 6"}


def test_of_states_the_columns_are_shown_and_why() -> None:
    states = RecordedInputs({"fc": np.zeros((4, 3), np.float32)})
    for inputs in (states, None):
        found = shown(inputs, pl.DataFrame({"odd": [0, 1, 0, 1]}))
        assert found.entries[3] == {"row": {"odd": "1"}}
        assert "only states" in found.notes[0]
    nothing = shown(None)
    assert nothing.rows.is_empty()
    assert "only states" in nothing.notes[0]


@pytest.mark.parametrize("shape", [(2, 5, 6), (1, 2, 3, 4), (2, 0, 3)])
def test_other_shapes_are_named(shape: tuple[int, ...]) -> None:
    found = shown(TensorInputs(torch.zeros(4, *shape)))
    assert str(shape) in found.notes[0]
    assert found.rows.is_empty()


def test_pictures_by_name_of_an_argument_are_pictures() -> None:
    class ByName(TensorInputs):
        def __getitem__(self, rows: Any) -> Any:
            return Named({"pixel_values": super().__getitem__(rows)})

    assert len(shown(ByName(torch.rand(4, 3, 5, 5))).pictures) == 2


def test_nothing_is_kept_of_what_may_not_be_shown(tmp_path: Path) -> None:
    shown(TensorInputs(torch.rand(4, 2, 2))).write(tmp_path)
    found = shown_inputs(info_of(TensorInputs(torch.rand(4, 2, 2))), examples_of(1), is_asked=False)
    read = written(found, tmp_path)
    assert (read.notes, read.rows.height, read.sprite, read.mean) == ((NOT_SHOWN,), 0, None, None)
    assert [file.name for file in tmp_path.iterdir()] == ["inputs.parquet"]


def test_without_examples_there_is_a_mean() -> None:
    found = shown_inputs(info_of(TensorInputs(torch.ones(4, 2, 2))), examples_of())
    assert found.mean is not None
    assert (found.rows.height, found.sprite, float(found.mean.min())) == (0, None, 1.0)


def test_images_of_before_are_read(tmp_path: Path) -> None:
    assert InputsShown.read(tmp_path) is None
    images = np.linspace(0, 1, 2 * 9, dtype=np.float32).reshape(2, 3, 3)
    save_file({"samples": np.array([5, 8]), "inputs": images, "mean": images[0]}, tmp_path / BEFORE)
    read = InputsShown.read(tmp_path)
    assert read is not None
    assert list(read.pictures) == [5, 8]
    np.testing.assert_allclose(read.pictures[8] / 255, images[1], atol=0.002)


@pytest.mark.parametrize("name", [SPRITE, BEFORE, "inputs.safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    if name != BEFORE:
        shown(TensorInputs(torch.rand(4, 2, 2))).write(tmp_path)
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(StoreError, match=name):
        InputsShown.read(tmp_path)


def test_subwords_are_read_without_the_marks_of_tokenizers() -> None:
    assert readable(["[CLS]", "un", "##read", "##able"]) == "[CLS] unreadable"
    assert readable(["\u0120The", "\u0120end", "ing"]) == "The ending"


def test_planes_are_told_from_other_shapes() -> None:
    assert planes_of(np.zeros((2, 2, 5, 5), np.float32)) is None
    assert planes_of(np.zeros((2, 5), np.float32)) is None
