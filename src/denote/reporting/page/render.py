"""Put a page together: template, style, scripts and data in one file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

STYLES = ("page.css", "charts.css", "explorer.css")
COMPARISON_STYLES = ("page.css", "charts.css", "compare.css")
SCRIPTS = (
    *("core.js", "filters.js", "charts.js", "neuron_charts.js", "scores.js", "heatmap_table.js", "heatmap.js"),
    *("curves.js", "depth_drawing.js", "depth.js", "card.js", "table.js", "inputs.js", "neuron.js", "start.js"),
)
"""In the order in which they are put together; they share one function's names."""


def render(contents: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    Args:
        contents: Names of the template ``page.html`` and their values. Every text is escaped, as names come from
            users' files; ``data`` is text without any sign of HTML.
    """
    return _rendered("page.html", _joined(STYLES), _script(), contents)


def render_comparison(contents: Mapping[str, Any]) -> str:
    """Return the page of a comparison as HTML, which has no script.

    Args:
        contents: Names of the template ``compare.html`` and their values, likewise.
    """
    return _rendered("compare.html", _joined(COMPARISON_STYLES), "", contents)


def _rendered(template: str, style: str, script: str, contents: Mapping[str, Any]) -> str:
    scripts = {"script": script} if script else {}
    html: str = _template(template).render(**contents, **scripts, style=style, policy=policy(style, script))
    return html


def policy(style: str, script: str) -> str:
    """Return a content policy that allows this style and this script, pictures inside the page, and nothing else.

    Args:
        style: Text of the page's style element.
        script: Text of its script element; empty where it has none.
    """
    allowed = {"style-src": style, **({"script-src": script} if script else {})}
    hashes = [f"{source} '{_hash(text)}'" for source, text in allowed.items()]
    return "; ".join(["default-src 'none'", "img-src data:", *hashes, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _script() -> str:
    return f'"use strict"; (() => {{\n{_joined(SCRIPTS)}}})();\n'


@cache
def _joined(names: tuple[str, ...]) -> str:
    return "\n".join(_read(name) for name in names)


def _read(name: str) -> str:
    return files("denote.reporting.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Any:
    loader = DictLoader({each: _read(each) for each in (name, "sections.html")})
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
