"""What results of one network and of a sweep say alike: the answer, the neurons that denote, the verdict on depth."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from denote.denotation.depth.plan import LEAST_MODELS
from denote.errors import ConfigError, one_of
from denote.observation.result import Evidence

if TYPE_CHECKING:
    from denote.evidence.rule import Rule
    from denote.reporting.answer import Answer

MOST_LINES = 1_000
"""Lines of findings: more than any answer has, so that nothing is shortened."""

CELLS_FIRST = ("layer", "attribute", "probe", "auroc", "balanced_accuracy", "decisive", "label_proportion")
NEURONS_FIRST = ("layer", "neuron", "property", "balanced_accuracy", "denotes", "label_proportion", "family")
CONTROLS_FIRST = ("control", "layer", "neuron", "property", "attribute", "balanced_accuracy", "auroc")
"""Columns that come first in Python; files keep the order of their contract."""

_INTERVAL = {"balanced_accuracy_interval_low": "low", "balanced_accuracy_interval_high": "high"}
_DENOTING = ("layer", "neuron", "property", "balanced_accuracy", "low", "high", "label_proportion")
_NETWORK = ("dataset", "architecture", "epoch", "seed")


@dataclass(frozen=True)
class DepthVerdict:
    """Whether label proportion depends on depth.

    Attributes:
        text: The answer in sentences; for too few networks how many would do.
        p_value: Of the primary test, of the first kind of network that has a verdict; None where there is none. The
            text says the test that carries the verdict.
        n_models: Networks that were compared, at most per architecture.
        needed: How many more networks of one architecture a verdict needs; 0 where there are enough.
    """

    text: str
    p_value: float | None
    n_models: int
    needed: int

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    __repr__ = __str__  # what a notebook shows is to be read


class Result(Evidence):
    """Tables with what they say: the face that `ObservationResult` and `SweepResult` share."""

    @property
    def cells(self) -> pl.DataFrame:
        """Columns of ``tables.CELLS``, layer, attribute, probe and scores first."""
        return _led(self.tables["cells"], CELLS_FIRST)

    @property
    def neurons(self) -> pl.DataFrame:
        """Columns of ``tables.NEURONS``, layer, neuron, property and score first: one row per neuron and family."""
        return _led(self.tables["neurons"], NEURONS_FIRST)

    @property
    def controls(self) -> pl.DataFrame:
        """Columns of ``tables.CONTROLS``: the replicates behind the control columns."""
        return _led(self.tables["controls"], CONTROLS_FIRST)

    def findings(self) -> list[str]:
        """Say what was found in sentences, as the terminal and reports do; first what speaks against it."""
        from denote.reporting.answer.contents import BELIEVE, NEXT

        blocks = [block for block in self._answer.blocks if block.question not in (BELIEVE, NEXT)]
        return [*(doubt.text for doubt in self._answer.doubts), *(line for block in blocks for line in block.lines)]

    def denoting(self) -> pl.DataFrame:
        """Return the neurons that denote, the best first, with what they denote in plain words.

        Returns:
            One row per neuron and property: ``layer neuron property balanced_accuracy``, the ends ``low`` and ``high``
            of its 95 % interval, ``label_proportion``, and of ``dataset architecture epoch seed`` what differs.
        """
        from denote.reporting.answer.networks import networks_of
        from denote.reporting.answer.words import plain_property

        found = self.tables["neurons"].filter("denotes")
        named = {networks.dataset: networks.classes for networks in networks_of(self._sweep_tables)}
        words = [
            plain_property(name, named.get(dataset, ())) for dataset, name in found.select("dataset", "property").rows()
        ]
        every = self.tables["neurons"]
        differing = [name for name in _NETWORK if every[name].n_unique() > 1]
        order = ("balanced_accuracy", "q_value")
        return (
            found.with_columns(property=pl.Series(words, dtype=pl.String))
            .unique([*_NETWORK, "object_model", "layer", "neuron", "property"], keep="first", maintain_order=True)
            .rename(_INTERVAL)
            .sort(order, descending=[True, False], nulls_last=True, maintain_order=True)
            .select(*_DENOTING, *differing)
        )

    def verdict(self) -> DepthVerdict:
        """Say whether label proportion depends on depth, or how many networks would answer that.

        Returns:
            The answer in sentences with the p-value of the primary test; printing it shows the sentences.
        """
        from denote.reporting.answer.depth_change import DepthChange, depth_told
        from denote.reporting.answer.networks import networks_of

        found = networks_of(self._sweep_tables)
        told = [(networks, depth) for networks in found if (depth := depth_told(networks)) is not None]
        said = []
        for networks, depth in told:
            name = f"{networks.place}: " if len(told) > 1 else ""
            said.append(f"{name}{' '.join(depth.versions[0][0].split())}")
        verdicts = (DepthChange(networks).judged for networks, _ in told if networks.trained)
        judged = next((row for row in verdicts if row is not None), None)
        n_models = max((networks.n_models for networks in found), default=0)
        return DepthVerdict(
            "\n".join(said) or "No neuron was searched, so nothing is known of depth.",
            None if judged is None else judged["p_value"],
            n_models,
            max(0, LEAST_MODELS - n_models),
        )

    def __getitem__(self, table: str) -> pl.DataFrame:
        """Return a table by its name: ``result["scan"]``; completion lists the names.

        Args:
            table: One of ``result.tables``.

        Raises:
            ConfigError: if there is no such table.
        """
        if table not in self.tables:
            raise ConfigError("result", f"there is no table {table!r}", one_of(str(table), self.tables))
        return self.tables[table]

    def _ipython_key_completions_(self) -> list[str]:
        """Return the names of tables, for completion in IPython and Jupyter."""
        return sorted(self.tables)

    def __dir__(self) -> list[str]:
        """Return what is public, and what Python needs, so that completion shows nothing else."""
        return [name for name in super().__dir__() if not name.startswith("_") or name.endswith("__")]

    @property
    @abstractmethod
    def _sweep_tables(self) -> dict[str, pl.DataFrame]:
        """The tables of a sweep, of one observation those of a sweep of one."""

    @cached_property
    def _answer(self) -> Answer:
        from denote.reporting.answer import answer

        return answer(self._sweep_tables, rule=self._rule, most_lines=MOST_LINES)

    @property
    @abstractmethod
    def _rule(self) -> Rule:
        """The rule that decided the tables."""

    def _short(self) -> list[str]:
        """The answer as far as it stands above a table: what speaks against it, then a sentence for each question."""
        return [*(doubt.text for doubt in self._answer.doubts), *self._answer.sentences]


def _led(frame: pl.DataFrame, first: Sequence[str]) -> pl.DataFrame:
    """Return a frame with some of its columns before the others."""
    there = [name for name in first if name in frame.columns]
    return frame.select(*there, pl.exclude(there))
