"""Treebanks: every line against what it says, words of one sentence sharing a row, a vocabulary of the object part."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from denote.attributes.expressions import evaluate_where
from denote.data.conllu import ConlluModule, read_conllu
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
    ],
)
def test_a_broken_line_is_named(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read_conllu(written(tmp_path, text))


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
