"""A fast tokenizer whose pieces are known, for tests of subwords."""

from __future__ import annotations

from typing import Any

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "walk", "##ers", "un", "##walk", "##ed", "dog", "s"]


def word_pieces(most: int = 64) -> Any:
    """A fast tokenizer with a start and an end, whose pieces are known."""
    import tokenizers
    import transformers

    model = tokenizers.models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]")  # noqa: S106
    cut = tokenizers.Tokenizer(model)
    cut.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    cut.normalizer = tokenizers.normalizers.Replace("\u200b", "")
    cut.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=cut, pad_token="[PAD]", unk_token="[UNK]", model_max_length=most  # noqa: S106
    )  # fmt: skip
