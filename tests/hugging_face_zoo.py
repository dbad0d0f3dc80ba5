"""Architectures of Hugging Face transformers, small and at random, and batches that they take."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from denote.data.batch import Batch, Named

transformers = pytest.importorskip("transformers")

LENGTHS = (7, 5, 3)
WIDE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
TEXT = {**WIDE, "vocab_size": 40, "max_position_embeddings": 32, "pad_token_id": 0}
GROUPED = {**TEXT, "num_key_value_heads": 1}
IMAGE = {**WIDE, "image_size": 16, "patch_size": 4}
SOUND = {**WIDE, "conv_dim": (8, 8), "conv_stride": (5, 4), "conv_kernel": (10, 4), "num_feat_extract_layers": 2,
         "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}  # fmt: skip
BART = {"vocab_size": 40, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 32,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}  # fmt: skip

ENCODERS: dict[str, dict[str, Any]] = {
    "bert": TEXT,
    "roberta": {**TEXT, "pad_token_id": 1},
    "xlm-roberta": {**TEXT, "pad_token_id": 1},
    "distilbert": {"vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24},
    "albert": {**TEXT, "embedding_size": 8},  # one block, called once a layer
    "electra": {**TEXT, "embedding_size": 8},
    "deberta-v2": {**TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "mpnet": {**TEXT, "pad_token_id": 1},
    "modernbert": {**TEXT, "global_attn_every_n_layers": 2, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1,
                   "eos_token_id": 2},
}  # fmt: skip
DECODERS: dict[str, dict[str, Any]] = {
    "gpt2": {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32},
    "gpt_neo": {"vocab_size": 40, "hidden_size": 16, "num_layers": 2, "num_heads": 2, "intermediate_size": 24,
                "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 32},
    "gpt_neox": TEXT,
    "opt": {**TEXT, "ffn_dim": 24, "word_embed_proj_dim": 16},
    "bloom": {"vocab_size": 40, "hidden_size": 16, "n_layer": 2, "n_head": 2},
    "llama": GROUPED,
    "mistral": GROUPED,
    "qwen2": GROUPED,
    "gemma2": {**GROUPED, "head_dim": 8},
    "phi": TEXT,
    "mixtral": {**GROUPED, "num_local_experts": 2},  # experts get some of the positions only
    "mamba": {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
}  # fmt: skip
BOTH: dict[str, dict[str, Any]] = {
    "t5": {"vocab_size": 40, "d_model": 16, "num_layers": 2, "num_heads": 2, "d_ff": 24, "d_kv": 8},
    "bart": BART,
    "pegasus": BART,
    "marian": BART,
}
IMAGES: dict[str, dict[str, Any]] = {
    "vit": IMAGE,
    "deit": IMAGE,
    "dinov2": IMAGE,
    "beit": IMAGE,
    "swin": {"image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 2],
             "window_size": 2},
    "convnext": {"hidden_sizes": [8, 16], "depths": [2, 2], "num_stages": 2, "image_size": 16},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 2], "layer_type": "basic"},
}  # fmt: skip
SOUNDS: dict[str, dict[str, Any]] = {"wav2vec2": SOUND, "hubert": SOUND, "wavlm": SOUND}
SPECTRA: dict[str, dict[str, Any]] = {
    "audio-spectrogram-transformer": {**WIDE, "patch_size": 4, "frequency_stride": 4, "time_stride": 4,
                                      "max_length": 16, "num_mel_bins": 8},
}  # fmt: skip

FAMILIES = {
    "encoder": ENCODERS, "decoder": DECODERS, "both": BOTH, "image": IMAGES, "sound": SOUNDS, "spectrum": SPECTRA,
}  # fmt: skip
NAMES = [(kind, name) for kind, names in FAMILIES.items() for name in names]


def built(name: str, settings: dict[str, Any]) -> nn.Module:
    """The architecture at a random initialisation, in the mode that models are made in."""
    torch.manual_seed(0)
    network: nn.Module = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(name, **settings))
    return network.train()


def texts(width: int, padding: int, *, with_decoder: bool = False) -> Named:
    """Three sequences of 7, 5 and 3 tokens, and padding of any token up to a width."""
    draws = torch.Generator().manual_seed(1)
    ids = torch.randint(3, 40, (3, 12), generator=draws)[:, :width]
    mask = torch.arange(width) < torch.tensor(LENGTHS)[:, None]
    ids = ids.masked_fill(~mask, padding)
    tensors = {"input_ids": ids, "attention_mask": mask.long()}
    if with_decoder:
        tensors |= {"decoder_input_ids": ids, "decoder_attention_mask": mask.long()}
    return Named(tensors, mask)


def batches(kind: str) -> tuple[Batch, Batch]:
    """Two batches of other sizes; of texts the same, padded otherwise."""
    draws = torch.Generator().manual_seed(1)
    if kind in ("encoder", "decoder", "both"):
        return texts(7, 0, with_decoder=kind == "both"), texts(9, 5, with_decoder=kind == "both")
    shape = {"image": (3, 16, 16), "sound": (400,), "spectrum": (16, 8)}[kind]
    return torch.randn(3, *shape, generator=draws), torch.randn(2, *shape, generator=draws)
