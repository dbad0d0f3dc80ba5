"""Named streams: a draw has its own generator, which depends on its name and keys and on nothing else."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch

from denote.streams import stream, stream_seed, torch_stream

NAMES = [("a",), ("a", 1), ("a", 1, 11), ("a", 11, 1), ("a", 111), ("a1", 1), ("a", "b"), ("ab",), ("b", 1)]


def test_other_names_or_keys_are_other_streams_also_where_their_text_runs_together() -> None:
    for one, other in combinations(NAMES, 2):
        assert stream_seed(*one) != stream_seed(*other), f"{one} and {other} share a stream"  # type: ignore[arg-type]


def test_equal_names_and_keys_draw_alike_whatever_was_drawn_before() -> None:
    first = stream("a", 1).random(5)
    np.random.default_rng().random(3)
    np.testing.assert_array_equal(stream("a", 1).random(5), first)
    np.testing.assert_array_equal(stream("a", "1").random(5), first)  # as text, as keys of a config are
    drawn = torch.rand(5, generator=torch_stream("a", 1))
    torch.rand(3)
    assert torch.equal(torch.rand(5, generator=torch_stream("a", 1)), drawn)


def test_a_stream_is_the_same_in_every_release() -> None:
    assert stream_seed("shuffled", 0, 3) == 3278320923884907625
