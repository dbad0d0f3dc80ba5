"""Estimate how long jobs take by those that are finished, and find what a sweep will not be able to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from denote.config.keys import digest
from denote.config.levels import left_out, level_of
from denote.denotation.depth.plan import LEAST_DISTINCT, LEAST_LAYERS, LEAST_MODELS, too_few_networks
from denote.reporting.forecast import Duration

CHOOSING = ("epoch", "save_epochs", "path", "trained")
"""Keys of the architecture that choose among weights: jobs that differ in them take about as long."""

OF_A_KIND = ("dataset", "attribute", "layer", "probe", "control", "intervention", "evidence", "trainer")
"""Groups in which jobs of one kind are equal."""

WITHOUT_CONTROL = {
    "untrained": "no untrained control: nothing will tell what training adds",
    "rotated": "no rotated control: nothing will tell whether single neurons are special",
    "shuffled": "no shuffled control: nothing will tell what observers learn by heart (selectivity is null)",
    "raw_input": "no raw_input control: nothing will tell what the inputs give away by themselves",
}
"""Sentences on what cannot be said without a control."""


MANY = "*"
"""Stands for layers or attributes that a config does not name one by one."""


@dataclass(frozen=True)
class FinishedJob:
    """The facts of a finished job that foretell others like it.

    Attributes:
        kind: See `kind_of`.
        timings: Seconds by step, with their ``total``.
        table_bytes: Bytes of its tables and observers.
    """

    kind: str
    timings: Mapping[str, float]
    table_bytes: int


def kind_of(config: Mapping[str, Any]) -> str:
    """Return a key that is equal for jobs that take about as long: they differ in seeds, epochs and weights.

    Args:
        config: A resolved config.
    """
    architecture = {key: value for key, value in config["architecture"].items() if key not in CHOOSING}
    return digest([architecture, *(config.get(group) for group in OF_A_KIND)])


def duration(kinds: Sequence[str], n_trainings: int, finished: Iterable[FinishedJob]) -> Duration:
    """Estimate how long jobs take: the median of those of their kind, and as many trainings as are needed.

    Args:
        kinds: Kind of every job that would be run.
        n_trainings: Networks that have to be trained.
        finished: Jobs that were run.
    """
    by_kind: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for job in finished:
        if job.kind in set(kinds) and "total" in job.timings:
            by_kind[job.kind].append(job.timings)
    known = [kind for kind in kinds if kind in by_kind]
    without = {
        kind: median(timings["total"] - timings.get("object model", 0.0) for timings in jobs)
        for kind, jobs in by_kind.items()
    }
    # A job that loads its network says nothing of how long a training takes: the longest is one.
    training = max((t.get("object model", 0.0) for jobs in by_kind.values() for t in jobs), default=0.0)
    share = n_trainings * len(known) / len(kinds) if kinds else 0.0
    return Duration(
        sum(without[kind] for kind in known) + training * share, len(known), sum(map(len, by_kind.values()))
    )


def asks_about_depth(configs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether jobs look at enough layers and attributes for label proportions to be compared over depth.

    Args:
        configs: Resolved configs of all jobs.
    """
    layers = {layer for config in configs for layer in _layers_asked(config["layer"]["select"])}
    attributes = {name for config in configs for name in _attributes_asked(config["attribute"])}
    return (MANY in layers or len(layers) >= LEAST_LAYERS) and (MANY in attributes or len(attributes) >= LEAST_DISTINCT)


def _layers_asked(select: Any) -> list[str]:
    """The layers by name or number; `MANY` for a pattern; all layers side by side have no depth."""
    entries = [str(entry) for entry in (select if isinstance(select, (list, tuple)) else [select])]
    return [MANY if entry == "all" or set(entry) & set("*?[") else entry for entry in entries if entry != "state"]


def _attributes_asked(attribute: Mapping[str, Any]) -> list[str]:
    """The attributes that are named one by one; `MANY` for a rule that makes several, or a class of the user's own."""
    where = attribute.get("where")
    if where:
        return list(where) if isinstance(where, Mapping) else [str(where)]
    kinds = {name: (option or {}).get("kind") for name, option in attribute.items() if name != "where"}
    return [name if kind == "where" else MANY for name, kind in kinds.items()]


def cannot_say(configs: Sequence[Mapping[str, Any]], most_networks: int, n_layers: Sequence[int]) -> list[str]:
    """Return what the sweep will not be able to say, whatever its jobs find.

    Args:
        configs: Resolved configs of all its jobs.
        most_networks: Largest number of trained networks of one architecture.
        n_layers: How many layers the jobs observe, where that is known.
    """
    if not configs:
        return []
    said = []
    if most_networks == 0:
        said.append("no trained network: nothing will tell what training adds")
    elif most_networks < LEAST_MODELS:
        said.append(too_few_networks(most_networks))
    if n_layers and max(n_layers) < LEAST_LAYERS:
        said.append(f"a test of depth needs {LEAST_LAYERS} layers or more; these jobs observe {max(n_layers)}")
    said += [sentence for name, sentence in WITHOUT_CONTROL.items() if not any(name in c["control"] for c in configs)]
    return said + _left_out_by_levels(configs)


def _left_out_by_levels(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    left: dict[str, list[str]] = {}
    for config in configs:
        level = level_of(config)
        nulls = [name for name, value in level.evidence.items() if value is None]
        names = [*sorted(left_out(level, config["control"])), *nulls]
        left[level.name] = list(dict.fromkeys([*left.get(level.name, ()), *names]))
    return [
        f"evidence={name} leaves out {', '.join(names)}: evidence=standard adds them to the same jobs"
        for name, names in left.items()
        if names
    ]
