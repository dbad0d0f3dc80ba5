"""How object models were trained, in the sentences of a methods section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from denote.numbers import count, setting
from denote.reporting.answer.networks import Networks

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "stochastic gradient descent"}


def training_sentences(networks: Networks, trainings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Say how some networks were trained; nothing of networks that were trained elsewhere, or not at all.

    Args:
        networks: Whose training.
        trainings: Settings of ``trainer.*`` by the key of the object model.
    """
    own = [trainings[key] for key in networks.observed["object_model"].unique(maintain_order=True) if key in trainings]
    if not own or not networks.trained or networks.epoch == 0 or not networks.trained_here:
        return

    def each(key: str, write: Any = setting) -> str:
        """Write a setting; where networks differ in it, all its values."""
        return " or ".join(dict.fromkeys("none" if one.get(key) is None else write(one[key]) for one in own))

    it = "It was" if networks.n_models == 1 else "They were"
    settings = [
        f"learning rate {each('lr')}",
        f"weight decay {each('weight_decay')}",
        f"batches of {each('batch_size', count)} rows",
        f"at most {each('max_epochs', count)} epochs",
        f"patience {each('patience', count)}, in epochs without a lower validation loss",
    ]
    yield f"{it} trained by {each('optimizer', _optimizer)} ({', '.join(settings)})."
    chose = "" if networks.epoch is not None else " and chose the best epoch"
    share = f"a share of {each('validation_share')} (validation_share)"
    yield f"Of the object rows {share} gave that loss{chose}; the others set the weights."


def _optimizer(name: object) -> str:
    return OPTIMIZERS.get(str(name), str(name))
