"""What was observed, on what, and how well the networks do."""

from __future__ import annotations

from denote.data.trained_on import NONE, UNKNOWN
from denote.numbers import count, proportion
from denote.reporting.answer.contents import Number
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean


def observed_told(networks: Networks) -> Told:
    """Say how many networks and layers were observed, on which data, and the networks' accuracy beside guessing.

    Args:
        networks: The observed ones.
    """
    layers, who = count(networks.observed["layer"].n_unique(), "layer"), networks.counted()
    head = f"{who} ({clean(networks.architecture)}) on {clean(networks.dataset)}: {_accuracy(networks)}"
    size = f", {count(networks.n_neurons, 'neuron')}, {networks.live:,} of them live (they vary)"
    full = f"{head}; {layers}{size if networks.live else ''}."
    more = [sentence for sentence in (_left_out(networks), _epochs(networks)) if sentence]
    return Told(
        [[" ".join([full, *more])], [f"{head}; {layers}."]],
        f"{head}.",
        f"{who}, {layers}, {_accuracy(networks)}",
        f"{who} each, {_accuracy(networks)}",
    )


def _accuracy(networks: Networks) -> str:
    if networks.accuracy is None:
        return "accuracy not known"
    guess = networks.largest_class
    return f"accuracy {networks.accuracy} (guessing {'not known' if guess is None else proportion(guess)})"


def _left_out(networks: Networks) -> str:
    """Say where rows that a given network was trained on are known and left out."""
    words = networks.tables["neurons"]["trained_on"].drop_nulls().unique().to_list()
    known = [word for word in words if word not in (NONE, UNKNOWN)]
    return "The rows that it was trained on are left out of fit and test." if known else ""


def _epochs(networks: Networks) -> str:
    epochs = ", ".join(map(str, networks.earlier))
    return f"This is epoch {networks.epoch}; the report also has epochs {epochs}." if epochs else ""


def accuracy_number(networks: Networks) -> Number | None:
    """Return the accuracy beside that of guessing the largest class."""
    if networks.accuracy is None:
        return None
    guess = networks.largest_class
    beside = f"guessing {'not known' if guess is None else proportion(guess)}"
    return Number("accuracy", networks.accuracy, beside)
