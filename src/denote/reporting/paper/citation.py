"""How the paper behind denote, and denote, are cited: what CITATION.cff says, which does not ship with the package."""

from __future__ import annotations

from collections.abc import Mapping

ALLEN = {
    "author": "Allen, E. E.",
    "title": "Neural Networks and Denotation",
    "year": "2021",
    "eprint": "2103.08315",
    "archiveprefix": "arXiv",
    "url": "https://arxiv.org/abs/2103.08315",
}
UNPUBLISHED = "% denote names no year and no address of its own: add those of the copy that was used."
"""BibTeX ignores what stands between entries; CITATION.cff has neither."""
SOFTWARE = {"author": "{The denote maintainers}", "title": "denote", "note": "Version {version}, Apache-2.0"}


def references(version: str) -> list[str]:
    """Return both references as text.

    Args:
        version: Of denote.
    """
    maker = SOFTWARE["author"].strip("{}")
    return [
        f"{ALLEN['author']} ({ALLEN['year']}). {ALLEN['title']}. arXiv:{ALLEN['eprint']}. {ALLEN['url']}",
        f"{maker}. {SOFTWARE['title']}, version {version} (computer software).",
    ]


def bibtex(version: str) -> str:
    """Return both references as BibTeX.

    Args:
        version: Of denote.
    """
    software = {**SOFTWARE, "note": SOFTWARE["note"].format(version=version)}
    own = f"{UNPUBLISHED}\n{_entry('denote', software)}"
    return "\n\n".join([_entry("allen2021denotation", ALLEN), own]) + "\n"


def _entry(key: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    lines = [f"  {name:{width}} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{key},", *lines, "}"])
