"""Treebanks: every line against what it says, words of one sentence sharing a row, a vocabulary of the object part."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from denote.attributes.expressions import evaluate_where
from denote.attributes.rules import columns
from denote.data.sources.conllu import ConlluModule, read_conllu
from denote.data.tokens import PADDING, UNKNOWN, SequenceInputs
from denote.errors import DataError

LINE = "{}\t{}\t{}\t{}\t_\t{}\t0\t{}\t_\t_\n"
SMALL = (
    "# sent_id = one\n"
    + "1-2\tIsn't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    + LINE.format(1, "Is", "be", "AUX", "Number=Sing|Tense=Pres", "cop")
    + LINE.format(2, "n't", "not", "PART", "_", "advmod")
    + "2.1\tghost\t_\t_\t_\t_\t_\t_\t_\t_\n"
    + LINE.format(3, "it", "it", "PRON", "Number=Sing", "root")
    + "\n# sent_id = two\n"
    + LINE.format(1, "Dogs", "dog", "NOUN", "Number=Plur", "nsubj")
    + LINE.format(2, "_", "_", "SYM", "_", "root")
    + "\n"
)


def written(folder, text=SMALL):
    path = folder / "small.conllu"
    path.write_text(text, encoding="utf-8")
    return path


def test_words_are_rows_with_their_annotations(tmp_path):
    samples = ConlluModule(written(tmp_path)).load()
    table = samples.table
    assert table["form"].to_list() == ["Is", "n't", "it", "Dogs", "_"]
    assert table["upos"].to_list() == ["AUX", "PART", "PRON", "NOUN", "SYM"]
    assert table["Number"].to_list() == ["Sing", None, "Sing", "Plur", None]
    assert table["Tense"].to_list() == ["Pres", None, None, None, None]
    assert table["capitalised"].to_list() == [True, False, False, True, False]
    assert table["position"].to_list() == [1, 2, 3, 1, 2]
    assert table["sentence_length"].to_list() == [3, 3, 3, 2, 2]
    assert table["sentence"].to_list() == [0, 0, 0, 1, 1]
    assert evaluate_where("position = 1", table).tolist() == [1, 0, 0, 1, 0]
    assert evaluate_where("Number = 'Plur'", table).tolist() == [0, -1, 0, 1, -1]


def test_words_of_a_sentence_share_a_row_of_the_batch(tmp_path):
    samples = ConlluModule(written(tmp_path), min_count=1).load().fitted(np.arange(5))
    batch = samples.inputs[np.array([4, 0, 2])]
    assert batch.tensors["input_ids"].shape == (2, 3)
    assert batch.mask.tolist() == [[True, True, True], [True, True, False]]
    assert batch.tensors["input_ids"][1, 2] == PADDING
    assert (len(batch), batch.words.sequence.tolist(), batch.words.start.tolist()) == (3, [1, 0, 0], [1, 0, 2])
    own = batch.tensors["input_ids"][batch.words.sequence, batch.words.start]
    assert [samples.inputs.vocabulary[token] for token in own] == ["_", "Is", "it"]
    assert samples.inputs.shape == (3,)


def test_the_vocabulary_is_that_of_the_rows_fitted_on(tmp_path):
    inputs = ConlluModule(written(tmp_path), min_count=1).load().fitted(np.array([0, 1, 2])).inputs
    assert set(inputs.vocabulary[2:]) == {"Is", "n't", "it"}
    assert inputs[np.array([3])].tensors["input_ids"].tolist() == [[UNKNOWN, UNKNOWN]]
    assert inputs.n_tokens == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\tIs\tbe\n", r"small\.conllu line 1 has 3 columns; needed: 10"),
        (SMALL + LINE.format(2, "a", "a", "X", "_", "x"), r"line 12 is word '2' where 1 is next"),
        (LINE.format(1, "a", "a", "X", "Number", "x"), r"line 1 has the feature 'Number'"),
        (LINE.format(1, "", "a", "X", "_", "x"), r"line 1 is a word without a form"),
        ("# nothing\n", r"has no words"),
        ("1 Is be AUX\n", r"line 1 has no tab; needed: 10 columns, separated by tabs"),
        (LINE.format("1.0", "a", "a", "X", "_", "x"), r"line 1 is word '1\.0' where 1 is next"),
        (LINE.format("2-3", "a", "a", "X", "_", "x"), r"line 1 is word '2-3' where 1 is next"),
        (LINE.format("1-", "a", "a", "X", "_", "x"), r"line 1 is word '1-' where 1 is next"),
        (LINE.format(1, "a", "a", "X", "Number=Sing,", "x"), r"line 1 has the feature 'Number=Sing,'"),
        (LINE.format(1, "a", "a", "X", "A=B|A=C", "x"), r"line 1 has the feature 'A' twice; needed: A=B,C"),
    ],
)
def test_a_broken_line_is_named(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read_conllu(written(tmp_path, text))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_may_end_and_files_may_begin_as_they_do(tmp_path, end, mark):
    text = SMALL.rstrip("\n").replace("\n", end)
    path = tmp_path / "small.conllu"
    path.write_bytes((mark + text + end + end + mark + text + end * 4 + " " + end + "\t\t" + end).encode())
    forms = [[word.values["form"] for word in words] for words in read_conllu(path)]
    assert forms == 2 * [["Is", "n't", "it"], ["Dogs", "_"]]


def test_quotation_marks_are_characters_and_empty_fields_no_values(tmp_path):
    text = LINE.format(1, '"', '"', "PUNCT", "_", "punct") + LINE.format(
        2, "it's \u2028", "", " X ", "A=_", "nsubj:pass"
    )
    text += LINE.format(3, '"so', "_", "", "", "_") + LINE.format("3.1", "gone", "_", "_", "_", "_") + "\n"
    table = ConlluModule(written(tmp_path, text), target="form").load().table
    assert table["form"].to_list() == ['"', "it's \u2028", '"so']
    assert table["lemma"].to_list() == ['"', None, None]
    assert table["upos"].to_list() == ["PUNCT", "X", None]
    assert table["deprel"].to_list() == ["punct", "nsubj:pass", None]
    assert "A" not in table.columns


def test_a_file_that_is_no_utf8_is_named_with_its_line(tmp_path):
    path = tmp_path / "old.conllu"
    path.write_bytes(
        LINE.format(1, "Maus", "Maus", "X", "_", "x").encode()
        + LINE.format(2, "é", "é", "X", "_", "x").encode("latin-1")
    )
    with pytest.raises(DataError, match=r"old\.conllu line 2 is no text in UTF-8") as error:
        read_conllu(path)
    assert len(str(error.value).splitlines()) == 1


def test_a_value_of_several_is_neither_yes_nor_no(tmp_path, caplog):
    features = ["PronType=Int", "Case=Acc|PronType=Int,Rel", "PronType=Rel", "PronType=Prs"]
    sentence = "".join(
        LINE.format(row, f"w{row}", "_", ("PRON", "DET")[row % 2], feature, "root")
        for row, feature in enumerate(features, start=1)
    )
    samples = ConlluModule(written(tmp_path, 40 * (sentence + "\n"))).load()
    labels = columns("columns", samples, names=["PronType"]).labels
    assert labels.names == ("PronType=Int", "PronType=Prs", "PronType=Rel")
    assert np.unique(labels.values[1::4]).tolist() == [-1]
    assert (labels.values == 1).sum(0).tolist() == [40, 40, 40]
    assert (labels.values == 0).sum(0).tolist() == [80, 80, 80]
    assert samples.table["Case"].null_count() == 120
    assert "40 values of features are one or another, so null (not known): PronType=Int,Rel (40)" in caplog.text


def test_a_sentence_that_is_there_twice_and_a_feature_called_as_a_column_are_said(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        text = SMALL.replace("Number=Plur", "Number=Plur|position=2")
        table = ConlluModule(written(tmp_path, text + text)).load().table
    assert "2 values of sent_id stand at several sentences, such as one" in caplog.text
    assert "the features position are left out" in caplog.text
    assert table["position"].max() == 3


def test_a_target_that_is_no_column_or_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"did you mean 'upos'"):
        ConlluModule(written(tmp_path), target="uposs").load()
    with pytest.raises(DataError, match=r"'Number' is missing in 2 of 5 rows"):
        ConlluModule(written(tmp_path), target="Number").load()


def test_sequences_are_padded_to_the_longest_of_their_batch():
    inputs = SequenceInputs.of([[5, 6, 7], [8], [9, 4]], n_tokens=10, padding=3)
    batch = inputs[np.array([1, 2])]
    assert batch.tensors["input_ids"].tolist() == [[8, 3], [9, 4]]
    assert torch.equal(batch.tensors["attention_mask"].bool(), batch.mask)
    assert (batch.words, inputs.shape, len(inputs)) == (None, (3,), 3)


@pytest.mark.skipif("DENOTE_TEST_DATA" not in os.environ, reason="DENOTE_TEST_DATA names no folder with a treebank")
def test_a_real_treebank():
    path = Path(os.environ["DENOTE_TEST_DATA"]) / "en_ewt-ud-dev.conllu"
    module = ConlluModule(path, split={"group": "sentence"})
    module.setup()
    samples, parts = module.samples, module.parts
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.split("\t")[0].isdigit()]
    assert samples.table["form"].to_list() == [line.split("\t")[1] for line in lines]
    assert samples.table["sentence"].n_unique() == 2001
    assert len(samples.classes) == 17
    sentences = samples.table["sentence"].to_numpy()
    assert not set(sentences[parts.fit]) & set(sentences[parts.test])
    rows = np.random.default_rng(0).permutation(len(samples))[:500]
    batch = samples.inputs[rows]
    own = batch.tensors["input_ids"][batch.words.sequence, batch.words.start]
    forms = samples.table["form"].gather(rows).to_list()
    assert all(samples.inputs.vocabulary[t] in (form, "<unk>") for t, form in zip(own, forms, strict=True))
    assert batch.mask.sum(1).tolist() == samples.table["sentence_length"].gather(
        np.array([np.flatnonzero(sentences == s)[0] for s in np.unique(sentences[rows])])
    ).to_list()  # fmt: skip
