"""Token ids as a raw input: counts of a sample's own tokens, never of padding or of other words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denote.data.samples import TensorInputs
from denote.data.tokens import SequenceInputs, WordInputs
from denote.states.pooling import TokenCounts, are_token_ids, ids_of

SEQUENCES = SequenceInputs.of([[2, 5, 5], [3], [7, 2]], n_tokens=9)


def test_sequences_are_bags_of_the_ids_of_fit() -> None:
    counts = TokenCounts.of(SEQUENCES, np.array([0, 1]))
    assert counts.ids.tolist() == [2, 3, 5]
    assert counts[np.array([0, 2]), slice(None)].tolist() == [[1, 0, 2], [1, 0, 0]]
    assert counts[:, slice(1, 2)].tolist() == [[0], [1], [0]]
    assert counts.shape == (3, 3)


def test_words_are_their_own_ids() -> None:
    single = TokenCounts.of(WordInputs.of_tokens(SEQUENCES), np.arange(6))
    assert single[np.array([1, 3, 5]), slice(None)].tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]
    spans = WordInputs(SEQUENCES, np.array([0, 0, 2]), np.array([0, 1, 0]), np.array([1, 3, 2]))
    assert TokenCounts.of(spans, np.arange(3))[:, slice(None)].tolist() == [[1, 0, 0], [0, 2, 0], [1, 0, 1]]


def test_numbers_are_no_ids() -> None:
    numbers = TensorInputs(torch.zeros(2, 3))[np.array([0])]
    assert not are_token_ids(numbers)
    with pytest.raises(TypeError, match="without token ids"):
        ids_of(numbers)
