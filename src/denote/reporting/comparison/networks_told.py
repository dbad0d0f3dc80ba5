"""What is compared with what, over which unit, and which settings differ."""

from __future__ import annotations

from denote.comparison.compare import Contrast, named
from denote.comparison.observers import HEADLINE
from denote.comparison.pairing import NETWORKS, PAIRS, ROWS
from denote.numbers import count
from denote.reporting.answer.told import Told
from denote.reporting.answer.words import clean, listed
from denote.reporting.page.machine_paths import without_machine

MOST_SETTINGS = (8, 4, 2, 1)
"""Settings that are named, ever fewer."""
LONGEST_VALUE = 40


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
        f"{head}; {brief}.",
        f"against {clean(contrast.baseline.shown)} (baseline), {on}; {brief}",
        brief,
    )


def unit_words(contrast: Contrast) -> str:
    """``8 pairs of networks (the same networks), sign flips``."""
    pairing, how = contrast.pairing, tests_words(contrast)
    if pairing.unit == PAIRS:
        left = f"; {count(pairing.left_out, 'network')} without a partner left out" if pairing.left_out else ""
        return f"{brief_unit(contrast)} ({pairing.reason}{left}), {how}"
    if pairing.unit == NETWORKS:
        return f"{brief_unit(contrast)} ({pairing.reason}), {how}"
    return brief_unit(contrast)


def brief_unit(contrast: Contrast) -> str:
    """``8 pairs of networks``, ``8 and 6 networks, not paired`` or ``1 network each, over test rows only``."""
    ours, others = contrast.pairing.numbers
    if contrast.pairing.unit == PAIRS:
        return f"{ours} pairs of networks"
    networks = count(ours, "network") + " each" if ours == others else f"{ours} and {others} networks"
    return f"{networks}, {'not paired' if contrast.pairing.unit == NETWORKS else 'over test rows only'}"


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
    left = f"; {count(len(layers.left_out), 'layer')} left out" if layers.left_out else ""
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
    versions = [[f"{listed(said, most)}{note}."] for most in MOST_SETTINGS if most == 1 or most <= len(said) + 1]
    return Told(versions, f"{number}: {listed(said, 3)}.", listed(said, 3), number)


def known_words(contrast: Contrast) -> str:
    """Say where settings are not known, as of an observation in memory; nothing where they are."""
    known = bool(contrast.baseline.jobs and contrast.other.jobs)
    return "" if known else " as far as tables tell (settings are not known)"


def setting_words(contrast: Contrast) -> list[str]:
    """``probe.linear.l2 0.001 -> 0.1`` of every setting that differs."""
    return [
        f"{clean(each.key, 48)} {shown_value(each.baseline)} -> {shown_value(each.other)}" for each in contrast.settings
    ]


def shown_value(text: str) -> str:
    """Return the value of a setting as it stands in a sentence, without the machine's folders."""
    return clean(str(without_machine(text)), LONGEST_VALUE)
