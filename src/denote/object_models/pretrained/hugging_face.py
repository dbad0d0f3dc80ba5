"""Networks of Hugging Face transformers, from a local folder or the Hub; code of a repository is never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from denote.errors import ConfigError, StoreError, one_of
from denote.object_models.pretrained.source import Pretrained, imported, name_of

HEADS: Mapping[str | None, str] = {
    None: "AutoModel",
    "sequence-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "masked-lm": "AutoModelForMaskedLM",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
    "image-classification": "AutoModelForImageClassification",
    "audio-classification": "AutoModelForAudioClassification",
}
"""Classes of transformers by ``architecture.task``; without one the network ends in its states."""

NEEDED = (
    "a folder with config.json and model.safetensors, or a Hub id; without a network download it where there is one "
    "(hf download ID --local-dir FOLDER) and name the folder"
)

ATTENTIONS = (None, "eager", "sdpa")
DTYPES = (None, "float32", "float16", "bfloat16")


class HuggingFace(Pretrained):
    """A pretrained network and its configuration.

    Args:
        dataset: What the dataset offers; not asked.
        name: A local folder or a Hub id.
        task: A key of `HEADS`.
        attention: ``eager`` gives the weights of attention too, as layers; None is the library's choice.
        dtype: Precision that the network runs in; None is that of the weights. States are float32.

    Raises:
        ConfigError: for an unknown task, or if transformers is not installed.
    """

    paths = ("name",)

    def __init__(
        self,
        dataset: Mapping[str, Any],
        name: str,
        task: str | None = None,
        attention: str | None = None,
        dtype: str | None = None,
    ) -> None:
        choices = (("task", task, HEADS), ("attention", attention, ATTENTIONS), ("dtype", dtype, DTYPES))
        for key, value, allowed in choices:
            if value not in allowed:
                names = ["null", *(name for name in allowed if name)]
                raise ConfigError(f"architecture.{key}", f"{value!r} is unknown", one_of(value, names))
        self.name, self.readable_id = name, "-".join(filter(None, (name_of(name), task)))
        asked = {"dtype": dtype and getattr(torch, dtype), "attn_implementation": attention}
        self._head, self._asked = HEADS[task], {key: value for key, value in asked.items() if value is not None}

    def fresh(self) -> nn.Module:
        """See `Pretrained`."""
        return _taking_batches(self._class.from_config(self._config, trust_remote_code=False, **self._asked))

    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """See `Pretrained`."""
        with _quiet():
            settings = {"config": self._config, "use_safetensors": True, "output_loading_info": True, "dtype": "auto"}
            network, info = self._had(self._class.from_pretrained, **(settings | self._asked))
        return _taking_batches(network), sorted(info["missing_keys"])

    @cached_property
    def _config(self) -> Any:
        return self._had(imported("transformers", "hub").AutoConfig.from_pretrained)

    @property
    def _class(self) -> Any:
        return getattr(imported("transformers", "hub"), self._head)

    def _had(self, read: Any, **arguments: Any) -> Any:
        """Return what is read from the folder or the Hub, with one line where it is not there."""
        try:
            return read(self.name, trust_remote_code=False, **arguments)
        except (OSError, ValueError, KeyError) as error:
            line = " ".join(str(error).split()).partition(". ")[0][:200]
            raise StoreError(f"architecture.name={self.name}", f"cannot be had: {line}", NEEDED) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own account of weights that lack or are left over: the notes of the tables have it."""
    logging = imported("transformers", "hub").utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _taking_batches(network: nn.Module) -> nn.Module:
    """Let a network be called with what batches hold, in its own precision."""
    network.register_forward_pre_hook(_as_they_are_called, with_kwargs=True)
    return network


def _as_they_are_called(network: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    dtype = next((weight.dtype for weight in network.parameters()), torch.float32)
    if "attention_mask" in named:
        named["attention_mask"] = named["attention_mask"].long()
    if _is_encoder_decoder(network) and "input_ids" in named and "decoder_input_ids" not in named:
        # The decoder reads the same sequence, so that positions and padding of both are those of the batch.
        named |= {"decoder_input_ids": named["input_ids"], "decoder_attention_mask": named.get("attention_mask")}
    return tuple(_cast(value, dtype) for value in arguments), {
        name: _cast(value, dtype) for name, value in named.items()
    }


def _is_encoder_decoder(network: nn.Module) -> bool:
    return bool(getattr(getattr(network, "config", None), "is_encoder_decoder", False))


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
