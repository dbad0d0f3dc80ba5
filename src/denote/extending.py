"""Classes that your own dataset, attribute, probe or control derives from: docs/how-to/extending.md.

Example:
    >>> import numpy as np
    >>> import polars as pl
    >>> from denote.extending import AttributeFamily, Control, Halves, Observer, Probe, Samples, TensorInputs
    >>> from denote.extending import SamplesModule, as_array, digest, digest_array

    A dataset:

    >>> values = np.arange(12, dtype=np.float32).reshape(6, 2)
    >>> targets = np.array([0, 1, 0, 1, 0, 1])
    >>> class Numbers(SamplesModule):
    ...     def load(self) -> Samples:
    ...         table = pl.DataFrame({"odd": targets})
    ...         key = digest(["numbers", digest_array(values)])
    ...         return Samples("numbers", TensorInputs(values), targets, ("even", "odd"), table, "odd", key)
    >>> samples = Numbers().load()
    >>> len(samples), samples.has_classes
    (6, True)

    A family of attributes:

    >>> class Odd(AttributeFamily):
    ...     def attributes(self, samples):
    ...         return {"odd": samples.targets == 1}
    >>> Odd().attributes(samples)["odd"].sum()
    np.int64(3)

    A probe:

    >>> class Means(Probe):
    ...     def fit(self, state, labels, seed, resources=None, groups=None):
    ...         state = as_array(state)
    ...         weights = np.stack([state[y == 1].mean(0) - state[y == 0].mean(0) for y in labels.T], axis=1)
    ...         return Observer.linear(weights, -state.mean(0) @ weights, labels)
    >>> Means().fit(values, targets[:, None].astype(np.int8), seed=0).weights.ravel().tolist()
    [2.0, 2.0]

    A control:

    >>> class Halved(Control):
    ...     def change(self, state, labels, random):
    ...         return Halves(state.fit / 2, state.test / 2), labels
    >>> Halved().change(Halves(values, values), Halves(targets, targets), np.random.default_rng(0))[0].fit.max()
    np.float32(5.5)
"""

from denote.attributes.families import AttributeFamily
from denote.config.keys import digest, digest_array
from denote.data.module import SamplesModule
from denote.data.parts import Halves
from denote.data.samples import Samples, TensorInputs
from denote.evidence.user_controls import Control
from denote.observers.observer import Observer, Probe
from denote.observers.reading import as_array

__all__ = [
    "AttributeFamily",
    "Control",
    "Halves",
    "Observer",
    "Probe",
    "Samples",
    "SamplesModule",
    "TensorInputs",
    "as_array",
    "digest",
    "digest_array",
]
