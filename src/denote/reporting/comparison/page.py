"""compare.html: the answer, figures, settings, neurons and depth, and the evidence, in one file without a script."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from denote.comparison.compare import Comparison, Contrast
from denote.comparison.naming import contrast_name
from denote.numbers import count
from denote.reporting.answer.contents import ALARM, Answer, Number
from denote.reporting.answer.words import clean, listed
from denote.reporting.comparison.compose import comparison_answer, contrast_numbers
from denote.reporting.comparison.depth_told import curve_words, parts_words, verdict_words
from denote.reporting.comparison.figures import curve_figure, heat_map, score_figure
from denote.reporting.comparison.neurons_told import neurons_told, only_words, overlap_words, shown_family
from denote.reporting.comparison.sheets import evidence_sections, settings_section, undefined_dashed
from denote.reporting.page.machine_paths import without_machine
from denote.reporting.page.render import render_comparison

MOST_LINES, LONGEST_NAME = 1_000, 300
NO_PARTS = "What the change over depth is made of cannot be told: too few layers at which enough neurons denote."
READING = (
    "The first result is the baseline; every difference is the other result minus the baseline.",
    "The unit is the network. Networks of one initialisation are compared pair by pair, others by Welch's t-test; "
    "fewer than three are compared over test rows only, which says nothing of other networks.",
    "Means over attributes are the headline: one family of tests for each pair of results and networks. With six pairs "
    "or more signs of whole networks are flipped together, and p-values are corrected for the largest of all (Westfall "
    "and Young); else t-tests are corrected by Benjamini and Hochberg. Single cells are a family of their own.",
    "Intervals are of one difference each, 95 %, and not corrected.",
    "Where layers differ, those of nearest relative depth are compared.",
    "That a verdict on depth is reached in one result and not in the other is no difference between them.",
)


def comparison_page(comparison: Comparison, again: Sequence[str] = ()) -> str:
    """Return the page of a comparison as HTML.

    Args:
        comparison: What was compared.
        again: The arguments of the command that repeats it; empty where no command can, as of results in memory.
    """
    answer = _on_page(comparison_answer(comparison, most_lines=MOST_LINES))
    names = [clean(side.shown) for side in comparison.results]
    firsts = {contrast.other.name: contrast for contrast in reversed(comparison.contrasts)}
    return render_comparison(
        {
            "title": f"{listed(names[1:], 3)} against {names[0]}",
            "answer": answer,
            "badge_class": _badge_class(answer),
            "made": f"{count(len(names), 'result')}; baseline: {names[0]}{_left_out(comparison)}",
            "contrasts": [_contrast(comparison, contrast) for contrast in comparison.contrasts],
            "settings": [settings_section(contrast) for contrast in reversed(firsts.values())],
            "reading": (*READING, *_whole_names(comparison)),
            "again": shlex.join(["denote-compare", *without_machine(again)]) if again else "",
        }
    )


def _left_out(comparison: Comparison) -> str:
    """``; 1 left out: NAME (why)``: what was asked for and is not below stands where a reader begins."""
    said = [f"{clean(each.name)} ({without_machine(each.reason)})" for each in comparison.left_out]
    return f"; {len(said)} left out: {'; '.join(said)}" if said else ""


def _on_page(answer: Answer) -> Answer:
    """Write arrows that no line ends within."""
    return replace(
        answer,
        sentences=tuple(map(_with_arrows, answer.sentences)),
        numbers=_numbers_on_page(answer.numbers),
    )


def _numbers_on_page(numbers: Sequence[Number]) -> tuple[Number, ...]:
    return tuple(
        replace(number, value=undefined_dashed(number.value), beside=_with_arrows(number.beside)) for number in numbers
    )


def _with_arrows(text: str) -> str:
    return text.replace(" -> ", "\u00a0→ ")


def _whole_names(comparison: Comparison) -> list[str]:
    """Say what the names are that this page shows cut."""
    cut = [result for result in comparison.results if result.shown != result.name]
    return [f"{clean(result.shown)} is {clean(result.name, LONGEST_NAME)}." for result in cut]


def _badge_class(answer: Answer) -> str:
    if not answer.doubts:
        return "fine"
    return "alarm" if any(doubt.level == ALARM for doubt in answer.doubts) else "caution"


def _contrast(comparison: Comparison, contrast: Contrast) -> dict[str, Any]:
    return {
        "heading": contrast_name(comparison, contrast, clean),
        "numbers": _numbers_on_page(contrast_numbers(contrast)),
        "scores": score_figure(contrast),
        "heat": heat_map(contrast),
        "curves": curve_figure(contrast),
        "said": _said(contrast),
        "evidence": evidence_sections(contrast),
    }


def _said(contrast: Contrast) -> list[tuple[str, list[str]]]:
    """Say what neurons denote and how that goes over depth, a name and its sentences each."""
    family, told = shown_family(contrast), neurons_told(contrast)
    if family is None or told is None:
        return [("Neurons", ["No family of attributes was searched in both."])]
    parts = parts_words(contrast, family)
    said = [
        ("Neurons", [told.sentence]),
        ("In one only", [only_words(contrast, family), overlap_words(contrast, family)]),
        ("Verdicts", [verdict_words(contrast, family)]),
        ("Interpretation", [parts or NO_PARTS]),
        ("Curves", [curve_words(contrast, family)]),
    ]
    return [(name, kept) for name, sentences in said if (kept := [_with_arrows(text) for text in sentences if text])]
