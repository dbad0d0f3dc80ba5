"""What is compared with what, over which unit, and which settings differ."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from denote.comparison.compare import Contrast, named
from denote.comparison.matching import read_attributes
from denote.comparison.observers import HEADLINE
from denote.comparison.pairing import NETWORKS, PAIRS, ROWS
from denote.numbers import count
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed, plain_property
from denote.reporting.layer_words import layer_words
from denote.reporting.page.machine_paths import without_machine

MOST_SETTINGS = (8, 4, 2, 1)
"""Settings that are named, ever fewer."""
LONGEST_VALUE = 40
MOST_LAYERS = 3
"""Layers that are named of those that are left out."""
MOST_ATTRIBUTES = 3
"""Attributes that are named of either result where none is read in both."""
NOT_IN_BOTH, NO_PROBE = "No attribute is read in both", "No probe is the same in both"
LONGEST_KEY = 48
MOST_KEYS, FEW_KEYS = 24, 6
"""Settings of which the keys alone are named, and where there is less room."""


def networks_told(contrast: Contrast) -> Told:
    """Say what is compared, and whether pairs of networks, networks or test rows are the unit.

    Args:
        contrast: What is compared.
    """
    kinds = [clean(named(group)) for group in contrast.groups]
    who = kinds[0] if kinds[0] == kinds[1] else f"{kinds[1]} against {kinds[0]}"
    on = f"{who} on {clean(contrast.groups[0].dataset)}"
    head = f"{clean(contrast.other.shown)} against {clean(contrast.baseline.shown)} (baseline): {on}"
    unit, brief = unit_words(contrast), f"{brief_unit(contrast)}{brief_test(contrast)}"
    layers = layers_words(contrast)
    return Told(
        [[f"{head}; {unit}. {layers}"], [f"{head}; {brief}. {layers}"], [f"{head}; {brief}."]],
        f"{head}; {brief}.{f' {layers}' if contrast.layers.left_out else ''}",
        f"against {clean(contrast.baseline.shown)} (baseline), {on}; {brief}",
        brief,
    )


def unit_words(contrast: Contrast) -> str:
    """``8 pairs of networks (the same networks), sign flips``."""
    pairing, how = contrast.pairing, tests_words(contrast)
    left = f"; {count(pairing.left_out, 'network')} without a partner left out" if pairing.left_out else ""
    if pairing.unit == PAIRS:
        return f"{brief_unit(contrast)} ({pairing.reason}{left}), {how}"
    if pairing.unit == NETWORKS:
        return f"{brief_unit(contrast)} ({pairing.reason}), {how}"
    return f"{brief_unit(contrast)} ({pairing.partners}{left})" if pairing.has_partners else brief_unit(contrast)


def brief_unit(contrast: Contrast) -> str:
    """``8 pairs of networks``, ``8 and 6 networks, not paired`` or ``1 network each, over test rows only``."""
    ours, others = contrast.pairing.numbers
    if contrast.pairing.unit == PAIRS:
        return f"{ours} pairs of networks"
    networks = count(ours, "network") + " each" if ours == others else f"{ours} and {others} networks"
    return f"{networks}, {'not paired' if contrast.pairing.unit == NETWORKS else 'over test rows only'}"


def shares_rows(contrast: Contrast) -> bool:
    """Return whether both results are judged on the same test rows, as far as settings and numbers of rows tell.

    Args:
        contrast: What is compared.
    """
    if any(setting.key.startswith("split") for setting in contrast.settings):
        return False
    rows = [
        group.tables["cells"].group_by("attribute").agg(pl.col("n_test", "n_positive_test").max())
        for group in contrast.groups
    ]
    joined = rows[0].join(rows[1], on="attribute")
    others = [pl.col(name) != pl.col(f"{name}_right") for name in ("n_test", "n_positive_test")]
    return not joined.select(pl.any_horizontal(others).any()).item()


def wider_words(contrast: Contrast) -> str:
    """Say where intervals over test rows treat rows as unpaired that both results share; nothing elsewhere.

    Args:
        contrast: What is compared.
    """
    if contrast.pairing.unit != ROWS or not shares_rows(contrast):
        return ""
    return "Intervals are wider than paired ones would be: both have the same test rows."


def brief_test(contrast: Contrast) -> str:
    """``, Welch's t``; nothing over test rows."""
    return "" if contrast.pairing.unit == ROWS else f", {tests_words(contrast)}"


def tests_words(contrast: Contrast) -> str:
    """Name the test of the headline."""
    tests = contrast.rows(HEADLINE)["test"].drop_nulls().unique(maintain_order=True).to_list()
    default = "paired t" if contrast.pairing.unit == PAIRS else "Welch's t"
    return tests[0] if tests else default


def layers_words(contrast: Contrast) -> str:
    """Say how layers are compared, and how many are left out."""
    layers = contrast.layers
    left_out = listed([clean(layer_words(name)) for name in layers.left_out], MOST_LAYERS)
    left = f"; {count(len(layers.left_out), 'layer')} left out ({left_out})" if layers.left_out else ""
    if layers.by_depth:
        pairs = count(len(layers.pairs), "pair")
        return f"Layers differ: {pairs} of nearest relative depth{left}."
    same = count(len(layers.pairs), "layer")
    return f"{same} in both{left}." if left else f"The same {same}."


def settings_told(contrast: Contrast) -> Told:
    """Name the settings that differ.

    Args:
        contrast: What is compared.
    """
    note = known_words(contrast)
    said = setting_words(contrast)
    if not said:
        none = f"None differs{note}"
        return Told([[f"{none}."]], f"No setting differs{note}.", none.lower(), "none")
    number = f"{count(len(said), 'setting')} {'differs' if len(said) == 1 else 'differ'}{note}"
    told = [_with_keys(contrast, most) for most in MOST_SETTINGS if most == 1 or most <= len(said) + 1]
    versions = [[f"{each}{note}."] for each in (*told, _with_keys(contrast, 1, FEW_KEYS))]
    return Told(versions, f"{number}: {_with_keys(contrast, 2)}.", _with_keys(contrast, 2, FEW_KEYS), number)


def _with_keys(contrast: Contrast, most: int, most_keys: int = MOST_KEYS) -> str:
    """Name the first settings with their values, and of the others the keys: each of them may be the cause."""
    others = key_words([clean(each.key, LONGEST_KEY) for each in contrast.settings[most:]][:most_keys])
    more = max(0, len(contrast.settings) - most - most_keys)
    also = f"; also {others}{f' and {more} more' if more else ''}" if others else ""
    return f"{listed(setting_words(contrast)[:most], most)}{also}"


def key_words(keys: Sequence[str]) -> str:
    """``seed, architecture (layers, width)``: settings of one group stand together.

    Args:
        keys: Of settings, with dots.
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        group, _, name = key.partition(".")
        groups.setdefault(group, []).append(name)
    alone = {group: ".".join(filter(None, (group, *names))) for group, names in groups.items() if len(names) == 1}
    return ", ".join(
        alone.get(group) or f"{group} ({', '.join(name or 'itself' for name in names)})"
        for group, names in groups.items()
    )


def known_words(contrast: Contrast) -> str:
    """Say where settings are not known, as of an observation in memory; nothing where they are."""
    known = bool(contrast.baseline.jobs and contrast.other.jobs)
    return "" if known else " as far as tables tell (settings are not known)"


def setting_words(contrast: Contrast) -> list[str]:
    """``probe.linear.l2 0.001 -> 0.1`` of every setting that differs."""
    return [
        f"{clean(each.key, LONGEST_KEY)} {shown_value(each.baseline)} -> {shown_value(each.other)}"
        for each in contrast.settings
    ]


def shown_value(text: str) -> str:
    """Return the value of a setting as it stands in a sentence, without the machine's folders."""
    return clean(str(without_machine(text)), LONGEST_VALUE)


def nothing_read_words(contrast: Contrast) -> str:
    """``No attribute is read in both: mlp reads odd; convnet reads prime.``; nothing where neither has an observer.

    Args:
        contrast: What is compared, without scores that both have.
    """
    asked = [read_attributes(group) for group in contrast.groups]
    if not any(asked):
        return ""
    if set(asked[0]) & set(asked[1]):
        return f"{NO_PROBE}, so no scores are compared."
    names = [clean(side.shown) for side in (contrast.baseline, contrast.other)]
    reads = [f"{name} reads {_attribute_names(each)}" for name, each in zip(names, asked, strict=True)]
    return f"{NOT_IN_BOTH}: {'; '.join(reads)}."


def _attribute_names(attributes: Sequence[str]) -> str:
    return listed([clean(plain_property(name)) for name in attributes], MOST_ATTRIBUTES) if attributes else "none"
