"""Words cut into subwords: spans by hand, states that no neighbour changes, poolings against their plain formula."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from word_pieces import PIECES, word_pieces

from denote.data.batch import Named, Words, at_words, call
from denote.data.samples import of_tokens
from denote.data.sources.conllu import ConlluModule
from denote.data.tokens import SequenceInputs, WordInputs, cut_words, spans_of, word_inputs
from denote.errors import DataError, LayerError
from denote.object_models.architectures.transformer import Transformer
from denote.states.capture import capturing
from denote.states.listing import list_layers

transformers = pytest.importorskip("transformers")

FORMS = ["the", "walkers", "walk", "unwalked", "the", "dog", "s", "walk"]
LENGTHS = np.array([4, 3, 1])
BY_HAND = [(1, 2), (2, 4), (4, 5), (5, 8), (1, 2), (2, 3), (3, 4), (1, 2)]
POOLINGS = {
    "mean": lambda span: span.mean(0), "max": lambda span: span.amax(0), "first": lambda span: span[0],
    "last": lambda span: span[-1],
}  # fmt: skip


@pytest.fixture(scope="module")
def cut() -> WordInputs:
    tokens, spans = cut_words(word_pieces(), FORMS, LENGTHS)
    return WordInputs(tokens, np.repeat(np.arange(3), LENGTHS), spans[:, 0], spans[:, 1])


def test_words_lie_where_their_pieces_are(cut: WordInputs) -> None:
    assert list(zip(cut.start, cut.end, strict=True)) == BY_HAND  # type: ignore[arg-type]
    batch = cut[np.array([3, 7])]
    ids = batch.tensors["input_ids"]
    assert batch.words is not None
    assert batch.words.sequence.tolist() == [0, 1]
    assert [PIECES[token] for token in ids[0, 5:8]] == ["un", "##walk", "##ed"]
    assert ids[1].tolist() == [2, 5, 3, *[0] * 6]
    assert cut.n_tokens == len(PIECES)


def test_a_form_without_a_piece_is_the_unknown_token() -> None:
    tokens, spans = cut_words(word_pieces(), ["walk", "\u200b", "dog"], np.array([3]))
    assert tokens.ids.tolist() == [2, 5, 1, 10, 3]
    assert spans.tolist() == [[1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize(
    ("words", "said"),
    [([None, 0, 0, 2], "has no tokens"), ([0, 1, 0], "lie apart"), ([1, 2], "has no tokens")],
)
def test_words_without_tokens_of_their_own_are_refused(words: list[int | None], said: str) -> None:
    with pytest.raises(DataError, match=f"words: of row 3 .*{said}"):
        spans_of(words, "row 3")


def test_mistakes_of_tokenizers_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"dataset\.tokenizer: sentence 0 is cut into 9 tokens, and its network takes 8"
    ):
        cut_words(word_pieces(most=8), FORMS, LENGTHS)
    slow = SimpleNamespace(is_fast=False)
    with pytest.raises(DataError, match=r"dataset\.tokenizer: .*does not say of which word.*tokenizer\.json"):
        cut_words(slow, FORMS, LENGTHS)  # type: ignore[arg-type]  # only its kind is asked
    with pytest.raises(DataError, match=r"dataset\.tokenizer: .*cannot be had"):
        word_inputs(pl.Series("form", FORMS), LENGTHS, 1, str(tmp_path / "none"))


@settings(max_examples=25)
@given(st.data())
def test_poolings_of_words_are_their_plain_formulas(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    starts = np.concatenate([[1], 1 + np.cumsum(lengths)[:-1]])
    values = torch.from_numpy(np.random.default_rng(sum(lengths)).normal(size=(2, 2 + sum(lengths), 3)))
    rows = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, len(lengths) - 1)), min_size=1, max_size=9))
    row, word = (torch.tensor(each) for each in zip(*rows, strict=True))
    start = torch.from_numpy(starts)[word]
    words = Words(row, start, start + torch.tensor(lengths)[word])
    # What stands before, behind and between the asked words never enters.
    values[:, 0], values[:, -1] = torch.nan, torch.nan
    assert words.end is not None
    for pooling, formula in POOLINGS.items():
        expected = [formula(values[r, s:e]) for r, s, e in zip(row, words.start, words.end, strict=True)]
        torch.testing.assert_close(at_words(values, words, pooling), torch.stack(expected))


def network(inputs: Any) -> Transformer:
    torch.manual_seed(0)
    return Transformer((), 3, layers=2, width=16, heads=2, hidden=16, positions=32, **of_tokens(inputs)).eval()


def states(model: Transformer, inputs: Any, rows: np.ndarray, pooling: str) -> dict[str, Tensor]:
    with capturing(model, list_layers(model, inputs[rows[:1]], pooling)) as record:
        return record(inputs[rows])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_word_has_the_same_state_whatever_else_is_in_its_batch(cut: WordInputs, pooling: str) -> None:
    model = network(cut)
    together = states(model, cut, np.arange(len(cut)), pooling)
    for word in range(len(cut)):
        alone = states(model, cut, np.array([word]), pooling)
        for name, state in alone.items():
            torch.testing.assert_close(together[name][word : word + 1], state, atol=1e-5, rtol=1e-5)
    with torch.inference_mode():
        batch = cut[np.arange(len(cut))]
        logits = call(model, batch)
    by_hand = [POOLINGS[pooling](logits[s, a:b]) for s, (a, b) in zip(cut.sequence, BY_HAND, strict=True)]
    torch.testing.assert_close(together["logits"], torch.stack(by_hand), atol=1e-5, rtol=1e-5)


def test_single_positions_have_one_pooling_and_cls_is_none_of_words(cut: WordInputs) -> None:
    single = WordInputs.of_tokens(SequenceInputs.of([[2, 5, 3], [4, 3]], n_tokens=12))
    model = network(single)
    assert {layer.pooling for layer in list_layers(model, single[np.array([0])], "max")} == {"token"}
    assert {layer.pooling for layer in list_layers(model, cut[np.array([0])], "last")} == {"last"}
    with pytest.raises(LayerError, match=r"layer\.pooling of embedding: cls is the first .* samples are words"):
        list_layers(model, cut[np.array([0])], "cls")


def test_a_network_without_room_for_the_tokens_says_so(cut: WordInputs) -> None:
    lookup = torch.nn.Embedding(5, 4)
    batch = Named({"input": cut[np.array([0])].tensors["input_ids"]})
    with pytest.raises(DataError, match=r"inputs: the network has no place for \(9,\) tokens with ids up to 9"):
        call(lookup, batch)


LINE = "{}\t{}\t_\t{}\t_\t_\t0\tdep\t_\t_\n"


def treebank(folder: Path, sentences: int = 60) -> Path:
    """Sentences of the words above, NOUN and VERB in turn."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(sentences):
        forms = rng.choice(sorted(set(FORMS)), size=rng.integers(2, 6))
        lines += [LINE.format(at, form, "VERB" if "walk" in form else "NOUN") for at, form in enumerate(forms, 1)]
        lines.append("\n")
    path = folder / "small.conllu"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_treebank_is_read_by_a_pretrained_network(tmp_path: Path) -> None:
    from denote.object_models.pretrained.hugging_face import HuggingFace

    word_pieces().save_pretrained(tmp_path / "net")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.AutoConfig.for_model("bert", vocab_size=len(PIECES), max_position_embeddings=32, **sizes)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "net")
    module = ConlluModule(
        treebank(tmp_path), tokenizer=str(tmp_path / "net"), split={"group": "sentence"}, needs_object=False
    )
    module.setup()
    source = HuggingFace({}, str(tmp_path / "net"), attention="eager")
    every = list_layers(source.network, module.samples.inputs[np.array([0])], "first", of="modules")
    heads = [layer for layer in every if layer.kind == "heads"]
    assert heads
    chosen = [*[layer for layer in every if layer.name == "encoder.layer.1"], *heads]
    rows = np.arange(9)
    with capturing(source.network, chosen) as record:
        found = record(module.samples.inputs[rows])
    batch = module.samples.inputs[rows]
    with torch.inference_mode():
        whole = source.network(**batch.tensors, output_attentions=True)
    assert batch.words is not None
    words = batch.words
    assert words.end is not None
    first = whole.last_hidden_state[words.sequence, words.start]
    torch.testing.assert_close(found["encoder.layer.1"], first, atol=1e-5, rtol=1e-5)
    for word, (s, a, b) in enumerate(zip(words.sequence, words.start, words.end, strict=True)):
        most = whole.attentions[0][s, :, a:b].flatten(1).amax(1)
        torch.testing.assert_close(found[heads[0].name][word], most, atol=1e-5, rtol=1e-5)


def test_a_sequence_may_have_no_words() -> None:
    assert spans_of([None, None], "row 0").shape == (0, 2)
