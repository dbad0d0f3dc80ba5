"""The shuffled control: the attributes' own labels in random order. Can the observer find what is not there?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from denote.config.settings import Count
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples, LabelControl
from denote.evidence.label_controls import DRAWS, Draw, LabelDraws, Refits, shuffled
from denote.notes import Note
from denote.numbers import mean_of_defined
from denote.observers.rough import Rough

if TYPE_CHECKING:
    from denote.evidence.bootstrap import AurocBootstrap
    from denote.evidence.measuring import Columns, Hear
    from denote.observers.observer import Observer


@dataclass(frozen=True)
class Shuffled(LabelControl):
    """Permuted labels, *fit* and *test* apart.

    Attributes:
        draws: Refits of every cell.
        neuron_draws: Searches of every neuron.
    """

    draws: Count = DRAWS
    neuron_draws: Count = 3

    name = "shuffled"
    columns = (
        "control_auroc",
        "selectivity",
        "selectivity_low",
        "selectivity_high",
        "relevance_band",
        "n_outside_band",
    )
    order = 10
    of_all_rows = False

    def prepare(self, samples: ControlSamples) -> LabelDraws | str:
        """See `LabelControl`."""
        if not self.draws:
            return self.off()
        return ShuffledDraws(samples, self.draws)


@dataclass(frozen=True)
class ShuffledDraws(LabelDraws):
    """Draws of permuted labels.

    Attributes:
        samples: What is permuted.
        n_draws: How many orders.
    """

    samples: ControlSamples
    n_draws: int

    name = Shuffled.name
    has_band = True

    def draws(self) -> Iterator[Draw]:
        """See `LabelDraws`; labels of a draw are made when it is asked for."""
        fit, test = self.samples.labels.fit, self.samples.labels.test
        for number in range(self.n_draws):
            values = shuffled(Halves(fit.values, test.values), self.samples.probe_seed, number, self.samples.groups)
            permuted = Halves(replace(fit, values=values.fit), replace(test, values=values.test))
            yield Draw(self.name, number, permuted, rough=Rough.BAND)

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """``control_auroc``, the mean over draws, and ``selectivity``, the real AUROC minus that."""
        mean = mean_of_defined([columns["auroc"] for columns in drawn])
        return {"control_auroc": mean, "selectivity": real["auroc"] - mean, "note": [None] * len(mean)}

    def hears(self, bootstrap: AurocBootstrap) -> Hear | None:
        """The draws of test rows hold the noise of this control, too."""
        return bootstrap.hear_shuffled

    def intervals(self, real: Columns, refits: Refits, bootstrap: AurocBootstrap | None) -> Columns:
        """``selectivity_low`` and ``selectivity_high``."""
        from denote.evidence.measuring import auroc_of

        if bootstrap is None:
            return {"note": [Note.of("no_bootstrap").about("selectivity_low, selectivity_high")] * len(real["auroc"])}
        drawn = np.stack([columns["auroc"] for columns in refits.columns])
        interval, reasons = bootstrap.selectivity(auroc_of(real), drawn)
        return {**interval.columns("selectivity"), "note": list(reasons)}

    def band(self, observer: Observer, refits: Refits) -> Columns:
        """``relevance_band`` and ``n_outside_band``: what the heat map shows is beyond."""
        from denote.evidence.relevance_band import relevance_band

        return relevance_band(observer, refits.largest)
