"""What a class of your own derives from and is made of (docs/extending.md)."""

from denote.attributes.families import AttributeFamily
from denote.data.module import SamplesModule
from denote.data.parts import Halves
from denote.data.samples import Samples, TensorInputs
from denote.evidence.own import Control
from denote.keys import digest, digest_array
from denote.observers.observer import Observer, Probe
from denote.observers.reading import as_array

__all__ = [
    "AttributeFamily", "Control", "Halves", "Observer", "Probe", "Samples", "SamplesModule", "TensorInputs", "as_array",
    "digest", "digest_array",
]  # fmt: skip
