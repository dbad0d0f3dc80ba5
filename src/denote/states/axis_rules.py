"""The rule for every operation, by the name that it has in torch, in Tensor and in functional alike."""

from __future__ import annotations

from denote.states import axis_moves as moves
from denote.states import axis_weights as weights
from denote.states.axes import HINT, NORMED, READ
from denote.states.axis_operation import Rule


def _under(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RESHAPES = _under(moves.in_another_shape, "view reshape flatten unflatten view_as reshape_as ravel _unsafe_view")
MOVES = _under(moves.moved, "permute transpose swapaxes swapdims movedim moveaxis T mT H mH t adjoint unsqueeze")
SQUEEZES = _under(moves.squeezed, "squeeze")

CASTS = "contiguous clone detach to float half double bfloat16 type type_as cpu cuda data alias expand expand_as"
POOLS = ("max_pool", "avg_pool", "lp_pool", "adaptive_max_pool", "adaptive_avg_pool", "max_unpool", "dropout")
DIMENSIONS = ("1d", "2d", "3d")

RULES: dict[str, Rule] = {
    **RESHAPES,
    **MOVES,
    **SQUEEZES,
    **{f"{kind}{n}": weights.convolution for kind in ("conv", "conv_transpose") for n in DIMENSIONS},
    **_under(weights.linear, "linear"),
    **_under(weights.bilinear, "bilinear"),
    **_under(weights.embedding, "embedding embedding_bag"),
    **_under(weights.last_normalised, "layer_norm rms_norm"),
    **_under(weights.product, "matmul __matmul__ mm bmm addmm baddbmm addbmm mv"),
    **_under(weights.reflected_product, "__rmatmul__"),
    **_under(weights.summed, "einsum"),
    **_under(weights.contracted, "tensordot"),
    **_under(weights.attended, "scaled_dot_product_attention"),
    **_under(weights.attended_by_heads, "multi_head_attention_forward"),
    **_under(weights.packed, "_pack_padded_sequence"),
    **_under(weights.unpacked, "_pad_packed_sequence"),
    **_under(moves.with_channels_second(NORMED), "batch_norm"),
    **_under(moves.with_channels_second(READ), "instance_norm group_norm prelu pixel_shuffle pixel_unshuffle"),
    **_under(moves.with_channels_second(HINT), "interpolate upsample local_response_norm"),
    **{f"{kind}{n}": moves.with_channels_second(HINT) for kind in POOLS for n in DIMENSIONS},
    **{f"max_pool{n}_with_indices": moves.with_channels_second(HINT) for n in DIMENSIONS},
    **_under(moves.gated, "glu"),
    **_under(moves.unfolded, "unfold"),
    **_under(moves.over_one, "mean sum amax amin std var logsumexp prod norm max min median nanmean nansum select"),
    **_under(moves.over_one, "any all argmax argmin"),
    **_under(moves.unbound, "unbind __iter__"),
    **_under(moves.stacked, "stack"),
    **_under(moves.joined, "cat concat concatenate"),
    **_under(moves.indexed, "__getitem__"),
    **_under(moves.written, "__setitem__"),
    **_under(moves.nothing, "new_zeros new_ones new_empty new_full new_tensor"),
}
"""By name; all others are `by_shape`."""

CARRIED_ON = {*RESHAPES, *MOVES, *SQUEEZES, *CASTS.split()}
"""Operations whose result holds the numbers that came in, and no others."""
