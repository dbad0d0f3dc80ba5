"""Where the report is, and one command that goes on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from denote.config.levels import FULL, QUICK, STANDARD
from denote.denotation.depth import plan
from denote.reporting.answer.depth_change import DepthChange
from denote.reporting.answer.fit import INDENT, WIDTH
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.told import Versions
from denote.reporting.jobs import REFUSED, Job

SEEDS = 8
"""Networks that a sweep for a verdict trains: with 6 or 7 one test has little room after correction."""
REPORT = "report.html"
OBSERVE = "observe(...)"
"""Stands for the command where a call in Python observed: no command line knows its network."""


def next_versions(found: Sequence[Networks], jobs: Sequence[Job], folder: Path | None, command: str) -> Versions:
    """Name the report and the command that goes on; nothing where nothing was saved.

    Args:
        found: What was observed.
        jobs: How the jobs ended.
        folder: That of the results.
        command: What the user typed; empty where it is not known, `OBSERVE` where a call in Python observed.
    """
    if folder is None:
        return []
    report = folder / REPORT
    path = str(relative(report)) if report.is_file() else f"{relative(folder)}/ holds the tables"
    step = _step(found, jobs)
    if step is None:
        return [[path]]
    why, changes = step
    if command == OBSERVE:
        return [[path, f"{why}: {_in_python(changes)}"]]
    whole = f"{why}: {changed(command, changes)}"
    known = bool(command) and len(whole) <= WIDTH - INDENT
    said = whole if known else f"{why}: the same command{' with ' * bool(changes)}{' '.join(changes)}"
    joined = f"{path}; {said[0].lower()}{said[1:]}"
    return [[path, said], [joined]] if len(joined) <= WIDTH - INDENT else [[path, said]]


def _step(found: Sequence[Networks], jobs: Sequence[Job]) -> tuple[str, list[str]] | None:
    """Return why to go on, and the settings to change: what failed first, then evidence, then networks."""
    if any(job.failed and job.status != REFUSED for job in jobs):
        return "What is missing", []
    levels = {level for networks in found for level in networks.tables["layers"]["evidence_level"].drop_nulls()}
    if QUICK.name in levels:
        return "Controls", [f"evidence={STANDARD.name}"]
    searched = [networks for networks in found if networks.live and networks.trained and networks.trained_here]
    few = all(networks.n_models < plan.LEAST_MODELS for networks in searched)
    if few and any(DepthChange(networks).family for networks in searched):  # else more networks have no value, either
        return "A verdict on depth", ["-m", f"seed={','.join(map(str, range(SEEDS)))}"]
    return None if FULL.name in levels else ("More permutations and curves", [f"evidence={FULL.name}"])


def _in_python(changes: Sequence[str]) -> str:
    """Return the call that goes on: another level of evidence, or more networks."""
    key, _, value = changes[-1].partition("=") if changes else ("", "", "")
    if key == "seed":
        return f"observe(..., model_seed=S) {SEEDS} networks, and merge what they save"
    return f'observe(..., {key}="{value}")' if key else OBSERVE


def changed(command: str, changes: Sequence[str]) -> str:
    """Return a command with some settings in place of those of the same key.

    Args:
        command: As it was typed: its name, then flags and overrides.
        changes: ``KEY=VALUE`` or a flag.
    """
    if not command:
        return ""
    name, *given = shlex.split(command)
    keys = {change.partition("=")[0] for change in changes}
    kept = [word for word in given if word.partition("=")[0] not in keys]
    flags = [change for change in changes if change.startswith("-")]
    return shlex.join([name, *flags, *kept, *(change for change in changes if change not in flags)])


def relative(path: Path) -> Path:
    """Return a path from here where it lies below, else as it is."""
    path, here = path.resolve(), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
