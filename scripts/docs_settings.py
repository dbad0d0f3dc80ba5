"""Hook of MkDocs: put every file of conf/, whose comments explain each key, where the page on settings asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MARK = "<!-- every file of conf/ -->"
CONF = Path(__file__).resolve().parents[1] / "conf"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark by the settings; MkDocs calls this for every page."""
    return markdown.replace(MARK, settings()) if MARK in markdown else markdown


def settings(conf: Path = CONF) -> str:
    """Return the top config and the options of every group as Markdown, a heading for each group.

    Args:
        conf: The folder that holds them.
    """
    parts = ["## What every job has", _block(conf / "config.yaml")]
    for group in sorted({path.parent for path in conf.rglob("*.yaml")} - {conf}):
        parts.append(f"## `{group.relative_to(conf).as_posix()}`")
        for option in sorted(group.glob("*.yaml")):
            parts += [f"### `{group.relative_to(conf).as_posix()}={option.stem}`", _block(option)]
    return "\n\n".join(parts)


def _block(path: Path) -> str:
    return f"```yaml\n{path.read_text(encoding='utf-8').strip()}\n```"
