"""What an observation is asked to do: which observers, by which rule, held against which controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from denote.denotation.search.thresholds import ENTRY_ROWS, Settings, Thresholds
from denote.evidence import control_task, max_statistic, permutations, random_subsets, resampling
from denote.evidence.own import Control
from denote.evidence.rule import Rule
from denote.observers.observer import Probe


@dataclass(frozen=True)
class Controls:
    """Which controls are run (METHOD section 5); 0 or False leaves one out.

    Attributes:
        shuffles: Refits of every cell with permuted labels.
        neuron_shuffles: Searches of every neuron under permuted labels.
        rotations: Random rotations of every layer that are searched like the layer itself.
        twins: Untrained networks of the same architecture.
        raw_input: Whether the observers also read the input itself.
        subsets: Random class subsets of each size that a set of classes is compared with.
        tasks: Draws of the control task; its types come with the facts.
        own: Controls of the user's own, by name.
    """

    shuffles: int = permutations.DRAWS
    neuron_shuffles: int = 3
    rotations: int = 3
    twins: int = 3
    raw_input: bool = True
    subsets: int = 0
    tasks: int = 0
    own: Mapping[str, Control] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Mapping[str, Any] | None], own: Mapping[str, Control] | None = None) -> Controls:
        """From the ``control`` group of a config; an option that is not there is a control that is not run."""

        def number(option: str, key: str, default: int) -> int:
            return int((options[option] or {}).get(key, default)) if option in options else 0

        return cls(
            shuffles=number("shuffled", "draws", cls.shuffles),
            neuron_shuffles=number("shuffled", "neuron_draws", cls.neuron_shuffles),
            rotations=number("rotated", "rotations", cls.rotations),
            twins=number("untrained", "twins", cls.twins),
            raw_input="raw_input" in options and bool((options["raw_input"] or {}).get("enabled", True)),
            subsets=number("random_subset", "subsets", random_subsets.DRAWS),
            tasks=number("control_task", "draws", control_task.DRAWS),
            own=own or {},
        )


@dataclass(frozen=True)
class Asked:
    """What is done with states, attributes and observers; all of it shapes results.

    Attributes:
        probes: The observers, by option.
        rule: When a cell is decisive and a neuron denotes.
        controls: Which controls are run.
        probe_seed: Names the random draws.
        thresholds: Quantile thresholds of the subset search, or ``all``.
        permutations: Draws of the max-statistic test of the pair scan; 0 leaves it out.
        bootstraps: Draws of the bootstrap over test rows.
        equal_rows: Rows of each label per part to which every attribute is resampled, ``auto``, or None for all rows.
        stability: Whether every neuron is searched again, on other rows and with other thresholds.
        examples: Denoting neurons per layer and family whose inputs are listed; 0 lists none.
        curves: Whether learning curves, redundancy and description length are computed.
    """

    probes: Mapping[str, Probe]
    rule: Rule = field(default_factory=Rule)
    controls: Controls = field(default_factory=Controls)
    probe_seed: int = 0
    thresholds: Thresholds = 64
    permutations: int = max_statistic.DRAWS
    bootstraps: int = resampling.DRAWS
    equal_rows: int | Literal["auto"] | None = None
    stability: bool = True
    examples: int = 3
    curves: bool = False

    @property
    def search(self) -> Settings:
        """How neurons are searched."""
        return Settings(self.thresholds, self.rule.decisive, formula_rows=max(ENTRY_ROWS, self.rule.min_rows))
