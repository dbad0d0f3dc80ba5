"""Put the answer of a comparison together: blocks for a terminal, sentences and numbers for a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from denote.comparison.compare import Comparison, Contrast
from denote.comparison.naming import contrast_name
from denote.comparison.pairing import PAIRS, ROWS
from denote.reporting.answer.compose import believe
from denote.reporting.answer.contents import BELIEVE, CAPTURED, DEPTH, NEURONS, NEXT, Answer, Number
from denote.reporting.answer.fit import MOST_LINES, WIDTH, Draft, fitted
from denote.reporting.answer.told import Told, Versions, together
from denote.reporting.answer.words import clean, listed
from denote.reporting.comparison.depth_told import depth_told
from denote.reporting.comparison.doubts import comparison_doubts
from denote.reporting.comparison.networks_told import networks_told, settings_told, tests_words
from denote.reporting.comparison.neurons_told import neurons_number, neurons_told
from denote.reporting.comparison.observers_told import observers_numbers, observers_told

COMPARED, SETTINGS = "Compared", "Settings"
TELL: dict[str, Callable[[Contrast], Told | None]] = {
    COMPARED: networks_told, SETTINGS: settings_told, CAPTURED: observers_told, NEURONS: neurons_told,
    DEPTH: depth_told,
}  # fmt: skip
"""What is told, in the order of every surface."""


def comparison_answer(
    comparison: Comparison, page: Path | None = None, *, most_lines: int = MOST_LINES, width: int = WIDTH
) -> Answer:
    """Say what differs, how sure that is, and what speaks against it.

    Args:
        comparison: What was compared.
        page: The page with everything behind it, which is named; None where nothing was saved.
        most_lines: Lines of a terminal that all blocks together may take.
        width: Columns of these lines.
    """
    doubts = comparison_doubts(comparison)
    told = {question: _told(comparison, tell) for question, tell in TELL.items()}
    drafts = [Draft(question, together(told[question])) for question in told]
    ends = [Draft(BELIEVE, believe(doubts, "see compare.html")), Draft(NEXT, _next(comparison, page))]
    blocks = fitted([*drafts, *ends], most_lines, width)
    sentences = tuple(_sentence(named) for question, named in told.items() if named and question != SETTINGS)
    return Answer(_question(comparison), blocks, sentences, _numbers(comparison), tuple(doubts))


def _sentence(named: Sequence[tuple[str, Told]]) -> str:
    """Return what the first screen says: of one contrast, or the values of several as a sentence."""
    if len(named) == 1:
        return named[0][1].sentence
    values = together(named)[-1][0]
    return f"{values[:1].upper()}{values[1:]}"


def _told(comparison: Comparison, tell: Callable[[Contrast], Told | None]) -> list[tuple[str, Told]]:
    pairs = [(contrast_name(comparison, contrast, clean), tell(contrast)) for contrast in comparison.contrasts]
    return [(name, told) for name, told in pairs if told is not None]


def _next(comparison: Comparison, page: Path | None) -> Versions:
    lines = [] if page is None else [str(page)]
    few = any(contrast.pairing.unit == ROWS for contrast in comparison.contrasts)
    more = ["Over networks: make both with three seeds or more, best the same eight (seed=0,1,2,3,4,5,6,7)."]
    return [[*lines, *more], lines or more] if few else [lines] if lines else []


def _question(comparison: Comparison) -> str:
    baseline, *others = comparison.results
    names = listed([clean(other.shown) for other in others], 3)
    return f"How {'does' if len(others) == 1 else 'do'} {names} differ from {clean(baseline.shown)}?"


def _numbers(comparison: Comparison) -> tuple[Number, ...]:
    """The numbers of one contrast, whose networks a sentence names; those of several stand in their sections."""
    if len(comparison.contrasts) > 1:
        return ()
    return contrast_numbers(comparison.contrasts[0])[:-1]


def contrast_numbers(contrast: Contrast) -> tuple[Number, ...]:
    """Return the numbers of a contrast, how many networks it compares last.

    Args:
        contrast: What is compared.
    """
    ours, others = contrast.pairing.numbers
    is_paired = contrast.pairing.unit == PAIRS
    label = "pairs of networks" if is_paired else "networks each" if ours == others else "networks"
    how = "over test rows only" if contrast.pairing.unit == ROWS else tests_words(contrast)
    beside = how if is_paired or contrast.pairing.unit == ROWS else f"not paired, {how}"
    networks = Number(label, str(ours) if ours == others else f"{ours} and {others}", beside)
    neurons = neurons_number(contrast)
    found: Sequence[Number] = [*observers_numbers(contrast), *([neurons] if neurons else []), networks]
    return tuple(found)
