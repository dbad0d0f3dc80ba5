"""Datasets of the Hugging Face library from local copies, by the loader that also serves the Hub."""

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from denote.data.sources.huggingface import HuggingFaceModule
from denote.errors import DataError

CONF = Path(__file__).parents[3] / "conf" / "dataset"

if importlib.util.find_spec("datasets") is None:

    def test_without_the_library_it_is_named():
        with pytest.raises(DataError, match=r"pip install -e '\.\[hub\]'"):
            HuggingFaceModule("x", "image", "label", "image").load()

    pytest.skip("Hugging Face datasets is not installed", allow_module_level=True)

datasets = pytest.importorskip("datasets")
CLASSES = ["cat", "dog", "eel"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Neither the network nor the user's cache."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def written(folder, features, columns, held_out):
    for name, rows in (("train", slice(None, -held_out)), ("test", slice(-held_out, None))):
        part = {column: values[rows] for column, values in columns.items()}
        datasets.Dataset.from_dict(part, datasets.Features(features)).to_parquet(str(folder / f"{name}.parquet"))
    return str(folder)


def pictures(folder, n=30):
    images = [Image.new("RGB", (12, 8), (8 * number, 0, 255)) for number in range(n)]
    labels = [number % 3 for number in range(n)]
    features = {"img": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES), "big": datasets.Value("bool")}
    columns = {"img": images, "label": labels, "big": [number > 9 for number in range(n)]}
    return written(folder, features, columns, 10)


def test_images_with_their_table_and_the_predefined_split(tmp_path):
    module = HuggingFaceModule(pictures(tmp_path), "img", "label", "image", size=4)
    module.setup()
    samples = module.samples
    pixels = samples.inputs[np.arange(30)]
    assert pixels.shape == (30, 3, 4, 4)
    np.testing.assert_allclose(pixels[:, 0, 0, 0], 8 * np.arange(30) / 255, atol=1e-6)
    assert samples.table["label"].to_list() == [CLASSES[number % 3] for number in range(30)]
    assert samples.table["big"].sum() == 20
    assert module.parts.object.tolist() == list(range(20))
    assert module.parts.observed.tolist() == list(range(20, 30))


def test_transparent_images_show_the_background(tmp_path):
    images = [Image.new("RGBA", (4, 4), (0, 0, 0, 255 * (number % 2))) for number in range(12)]
    features = {"img": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}
    path = written(tmp_path, features, {"img": images, "label": [number % 3 for number in range(12)]}, 4)
    for background, seen in (("white", 1), ([0, 0, 255], 1 / 3)):
        samples = HuggingFaceModule(path, "img", "label", "image", size=4, background=background).load()
        np.testing.assert_allclose(samples.inputs[np.arange(12)].mean((1, 2, 3)), np.tile([seen, 0], 6), atol=1e-6)


def test_images_of_kinds_for_which_pillow_runs_programs_are_refused(tmp_path):
    file = tmp_path / "x.eps"
    Image.new("RGB", (4, 4)).save(file)
    features = {"img": datasets.Image(decode=False), "label": datasets.ClassLabel(names=CLASSES)}
    columns = {"img": [{"bytes": file.read_bytes(), "path": None}, None] * 6, "label": [i % 3 for i in range(12)]}
    module = HuggingFaceModule(written(tmp_path, features, columns, 4), "img", "label", "image")
    with pytest.raises(DataError, match=r"12 of 12 images .* row 0 of 'img' \(no image of PNG.*row 1 .*there is none"):
        module.load()
    with pytest.raises(DataError, match=r"'label' holds .*, no images; needed for dataset.kind=image"):
        HuggingFaceModule(module.path, "label", "label", "image").load()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": None}, "dataset.path: None; needed: a local folder"),
        ({"splits": ["train", "train"]}, r"dataset.splits: .*; allowed: a list of different names"),
        ({"inputs": "big"}, "row 0 of 'big' is no list of token ids"),
        ({"inputs": "big", "kind": "text", "tokenizer": "any"}, "row 0 of 'big' is no text"),
    ],
)
def test_splits_and_columns_that_cannot_be_used(tmp_path, settings, said, monkeypatch):
    monkeypatch.setattr("denote.data.sources.huggingface.load_tokenizer", lambda name: None)
    given = {"path": pictures(tmp_path), "inputs": "big", "target": "label", "kind": "ids"}
    with pytest.raises(DataError, match=said):
        HuggingFaceModule(**{**given, **settings}).load()


def test_the_columns_of_a_split_are_read_by_the_keys_of_every_table(tmp_path):
    images = [Image.new("RGB", (8, 8), (8 * number, 0, 255)) for number in range(12)]
    features = {"img": datasets.Image(), "label": datasets.Value("string"), "price": datasets.Value("string"),
                "id": datasets.Value("int64")}  # fmt: skip
    data = {"img": images, "label": ["a", "b"] * 6, "price": ["$5", "NULL", "$1,250.5"] * 4, "id": list(range(12))}
    path = written(tmp_path, features, data, 4)
    samples = HuggingFaceModule(path, "img", "label", "image", size=4, exclude=["id"]).load()
    assert samples.table["price"].to_list() == [5, None, 1250.5] * 4
    assert "id" not in samples.table.columns
    with pytest.raises(DataError, match=r"'label' is missing in 6 of 12 rows"):
        HuggingFaceModule(path, "img", "label", "image", size=4, missing=["b"]).load()


def test_one_split_is_dealt_and_rows_can_be_few(tmp_path):
    path = pictures(tmp_path)
    module = HuggingFaceModule(path, "img", "label", "image", splits=["train"], n=15)
    samples = module.load()
    assert (len(samples), samples.predefined) == (15, None)
    assert HuggingFaceModule(path, "img", "label", "image", splits=["train"], n=14).load().key != samples.key


def test_lists_of_token_ids(tmp_path):
    features = {"ids": datasets.List(datasets.Value("int64")), "label": datasets.ClassLabel(names=CLASSES)}
    columns = {"ids": [[number + 1] * (1 + number % 4) for number in range(24)], "label": [i % 3 for i in range(24)]}
    samples = HuggingFaceModule(written(tmp_path, features, columns, 8), "ids", "label", "ids").load()
    assert samples.inputs[np.array([2, 4])].tensors["input_ids"].tolist() == [[3, 3, 3], [5, 0, 0]]
    assert (samples.inputs.n_tokens, samples.inputs.shape) == (25, (4,))
    assert samples.table["n_tokens"].to_list() == [1, 2, 3, 4] * 6


def test_lists_of_words_are_samples_with_the_columns_beside_them(tmp_path):
    features = {
        "words": datasets.List(datasets.Value("string")),
        "tags": datasets.List(datasets.ClassLabel(names=["A", "B"])),
        "other": datasets.List(datasets.Value("int64")),
        "source": datasets.Value("string"),
    }
    columns = {
        "words": [["a", "b"], ["c"], [], ["a", "a", "d"]] * 4, "tags": [[0, 1], [0], [], [1, 1, 0]] * 4,
        "other": [[1]] * 16, "source": ["web", "news", "web", "mail"] * 4,
    }  # fmt: skip
    path = written(tmp_path, features, columns, 8)
    module = HuggingFaceModule(path, "words", "tags", "words", split={"group": "sentence"}, min_count=1)
    module.setup()
    samples = module.samples
    assert samples.table["words"].to_list() == ["a", "b", "c", "a", "a", "d"] * 4
    assert samples.table["tags"].to_list() == ["A", "B", "A", "B", "B", "A"] * 4
    assert samples.table["source"].to_list() == ["web", "web", "news", "mail", "mail", "mail"] * 4
    assert "other" not in samples.table.columns
    batch = samples.inputs[np.array([1, 5])]
    own = batch.tensors["input_ids"][batch.words.sequence, batch.words.start]
    assert [samples.inputs.vocabulary[token] for token in own] == ["b", "d"]
    assert module.parts.object.tolist() == list(range(12))


def tokenizer(folder):
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    known = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3, "news": 4}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))  # noqa: S106
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=model, pad_token="[PAD]", unk_token="[UNK]")  # noqa: S106
    fast.save_pretrained(folder)
    return str(folder)


def test_a_column_of_the_users_is_not_replaced_by_ours(tmp_path):
    features = {"ids": datasets.List(datasets.Value("int64")), "label": datasets.Value("int64"),
                "n_tokens": datasets.Value("int64")}  # fmt: skip
    columns = {"ids": [[1, 2]] * 12, "label": [row % 2 for row in range(12)], "n_tokens": [7] * 12}
    with pytest.raises(DataError, match=r"has a column 'n_tokens', .*; rename it"):
        HuggingFaceModule(written(tmp_path, features, columns, 4), "ids", "label", "ids").load()


def test_text_by_a_local_tokenizer(tmp_path):
    features = {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=CLASSES)}
    columns = {"text": ["good news", "bad", "bad bad old news"] * 8, "label": [0, 1, 2] * 8}
    (tmp_path / "data").mkdir()
    settings = {"tokenizer": tokenizer(tmp_path / "tokenizer"), "max_length": 3}
    path = written(tmp_path / "data", features, columns, 8)
    samples = HuggingFaceModule(path, "text", "label", "text", **settings).load()
    assert samples.inputs[np.array([0, 2])].tensors["input_ids"].tolist() == [[2, 4, 0], [3, 3, 1]]
    assert samples.inputs.n_tokens == 5
    assert samples.table["text"][0] == "good news"
    with pytest.raises(DataError, match=r"dataset\.tokenizer: is missing"):
        HuggingFaceModule(path, "text", "label", "text").load()
    with pytest.raises(DataError, match=r"dataset\.tokenizer: .*cannot be had.*local folder"):
        HuggingFaceModule(path, "text", "label", "text", tokenizer=str(tmp_path / "none")).load()


def test_every_token_of_a_text_is_a_sample(tmp_path):
    features = {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=CLASSES)}
    columns = {"text": ["good news", "bad", "bad bad old news"] * 8, "label": [0, 1, 2] * 8}
    (tmp_path / "data").mkdir()
    path = written(tmp_path / "data", features, columns, 8)
    settings = {"tokenizer": tokenizer(tmp_path / "tokenizer"), "unit": "token", "split": {"group": "sequence"}}
    module = HuggingFaceModule(path, "text", "label", "text", **settings)
    module.setup()
    table = module.samples.table
    assert table["token"].to_list()[:7] == ["good", "news", "bad", "bad", "bad", "[UNK]", "news"]
    assert table["position"].to_list()[:7] == [1, 2, 1, 1, 2, 3, 4]
    assert table["sequence"].to_list()[:7] == [0, 0, 1, 2, 2, 2, 2]
    assert table["label"].to_list()[:4] == [CLASSES[0], CLASSES[0], CLASSES[1], CLASSES[2]]
    batch = module.samples.inputs[np.array([6, 0])]
    assert batch.tensors["input_ids"][batch.words.sequence, batch.words.start].tolist() == [4, 2]
    sequences = table["sequence"].to_numpy()
    assert not set(sequences[module.parts.fit]) & set(sequences[module.parts.test])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unit": "word", "kind": "text"}, r"dataset\.unit: 'word' is unknown"),
        ({"unit": "token", "kind": "image"}, r"dataset\.unit: token, and the inputs are of kind image"),
        ({"unit": "token", "kind": "ids"}, r"dataset\.unit: token, and .*split\.group=sequence"),
    ],
)
def test_mistakes_about_tokens_as_samples(settings, said):
    with pytest.raises(DataError, match=said):
        HuggingFaceModule("x", "text", "label", **settings)


def test_what_cannot_be_had_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"'somebody/something' cannot be had.*dataset\.path=FOLDER"):
        HuggingFaceModule("somebody/something", "image", "label", "image").load()
    path = pictures(tmp_path)
    with pytest.raises(DataError, match=r'Unknown split "valid"'):
        HuggingFaceModule(path, "img", "label", "image", splits=["train", "valid"]).load()
    with pytest.raises(DataError, match=r"dataset\.inputs: there is no column 'image'; did you mean 'img'"):
        HuggingFaceModule(path, "image", "label", "image").load()
    with pytest.raises(DataError, match=r"dataset\.target: the table has no column 'labels'; did you mean 'label'"):
        HuggingFaceModule(path, "img", "labels", "image").load()
    with pytest.raises(DataError, match=r"dataset\.kind: 'picture' is unknown"):
        HuggingFaceModule(path, "img", "label", "picture")


def test_code_that_lies_beside_the_data_is_not_run(tmp_path):
    path = Path(pictures(tmp_path))
    trace = path / "trace"
    (path / f"{path.name}.py").write_text(f"open({str(trace)!r}, 'w')\n")
    with contextlib.suppress(DataError):
        HuggingFaceModule(str(path), "img", "label", "image").load()
    assert not trace.exists()


@pytest.mark.parametrize("option", ["mnist_hub", "fashion_mnist", "cifar10", "cifar100", "celeba"])
def test_ready_datasets_load_from_a_local_copy_of_their_columns(tmp_path, option):
    settings = yaml.safe_load((CONF / f"{option}.yaml").read_text(encoding="utf-8"))
    n = 12
    names = datasets.ClassLabel(names=CLASSES)
    features = {settings["inputs"]: datasets.Image(), settings["target"]: names}
    columns = {
        settings["inputs"]: [Image.new("RGB", (40, 50), (number, 0, 0)) for number in range(n)],
        settings["target"]: [number % 3 for number in range(n)],
    }
    if option == "cifar100":
        features["coarse_label"] = datasets.ClassLabel(names=["pet", "fish"])
        columns["coarse_label"] = [int(number % 3 == 2) for number in range(n)]
    if option == "celeba":
        features |= {"Smiling": datasets.Value("bool"), "Eyeglasses": datasets.Value("bool")}
        columns |= {"Smiling": [number % 2 == 0 for number in range(n)], "Eyeglasses": [True, False] * (n // 2)}
    chosen = {key: value for key, value in settings.items() if key != "defaults"}
    samples = HuggingFaceModule(**chosen | {"path": written(tmp_path, features, columns, 4)}).load()
    side, channels = settings.get("size", 32), settings.get("channels", 3)
    assert samples.inputs.shape == (channels, side, side)
    assert isinstance(samples.table, pl.DataFrame)
    assert set(columns) - {settings["inputs"]} == set(samples.table.columns)
