"""A real browser opens the report: silent, alone, accessible, and of use without its script and on paper."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explored
import numpy as np
import pytest
from conftest import Visits
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

Show = Callable[[str], "Page"]


def violations(page: "Page") -> list[str]:
    """What axe-core, with all its rules, finds in a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def greys(page: "Page") -> "np.ndarray[Any, Any]":
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))


@pytest.mark.parametrize("width", [1280, 390])
def test_no_rule_of_accessibility_is_broken(show: Show, two_networks: dict[str, Any], width: int) -> None:
    """First screen, explorer and evidence card are there in both schemes; the table in one, a neuron in the other."""
    neuron = two_networks["examples"]["columns"]["at"][0]
    schemes = ("light", "dark") if width > 1000 else ("dark", "light")
    for scheme, state in zip(schemes, ("", f"neuron={neuron}&"), strict=True):
        page = show(f"{state}denotes=all&cell=3")
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], (scheme, state)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_report_opens_alone_and_silently(visits: Visits, report: Path) -> None:
    page = visits.open(report, "#denotes=all")
    assert "<img src=x" in page.inner_text("#neurons")
    assert page.locator("img[src=x]").count() == 0


def test_tables_of_the_evidence_lead_to_neurons_and_cells(visits: Visits, report: Path) -> None:
    page = visits.open(report)
    page.evaluate("for (const part of document.querySelectorAll('#evidence details')) part.open = true")
    for kind, opened in (("neuron", "#neuron h3"), ("cell", "#card h3")):
        link = page.locator(f"#evidence a[href^='#{kind}=']").first
        name = link.inner_text()
        link.click()
        heading = page.inner_text(opened)
        assert name == heading if kind == "neuron" else heading.startswith(name)
        assert page.evaluate(f"document.activeElement.matches('{opened}')")


def test_this_test_would_see_an_error_and_a_request(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "loud.html"
    file.write_text(
        "<html data-ready=true><img src='http://127.0.0.1:9/x.png'><script>console.error('loud'); throw 1</script>"
    )
    loud = Visits(browser)
    loud.open(file)
    assert "loud" in loud.said
    assert loud.outside() == ["http://127.0.0.1:9/x.png"]


def test_without_scripts_the_answer_and_the_evidence_stand_there(visits: Visits, explorer: Path) -> None:
    page = visits.open(explorer, java_script_enabled=False)
    assert "JavaScript" in page.inner_text("noscript")
    assert page.locator("#explore").is_hidden()
    assert page.locator("#answer p").first.is_visible()
    assert page.locator("#evidence summary").first.is_visible()


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (
            lambda page, data: page.add_init_script("delete window.DecompressionStream"),
            "this browser is too old for it",
        ),
        (lambda page, data: data.clear(), "did not start"),
    ],
)
def test_what_fails_is_said_in_a_sentence(
    visits: Visits, browser: Any, report: Path, tmp_path: Path, breaks: Callable[[Any, dict[str, Any]], None], said: str
) -> None:
    page, data = browser.new_page(), {"models": {"n": 1}}
    breaks(page, data)
    file = explored.with_data(report, data or "bm90IGd6aXA=", tmp_path / "broken.html")
    page.goto(file.as_uri())
    page.wait_for_selector("#old-browser")
    assert said in page.inner_text("#old-browser")
    assert page.locator("#explore").is_hidden()
    assert page.locator("#answer p").first.is_visible()


def test_paper_is_white_and_holds_the_figures_in_the_dark_too(visits: Visits, explorer: Path) -> None:
    page = visits.open(explorer, color_scheme="dark")
    assert np.median(greys(page)) < 60
    page.emulate_media(media="print")
    printed = greys(page)
    assert np.median(printed) > 240
    assert (printed < 128).mean() > 0.005
    assert page.locator("#answer-heatmap").is_visible()


def empty(frame: dict[str, Any]) -> dict[str, Any]:
    bare = {
        name: {"levels": [], "codes": []} if isinstance(held, dict) else [] for name, held in frame["columns"].items()
    }
    return {**frame, "n": 0, "columns": bare}


def nothing_denotes(data: dict[str, Any]) -> dict[str, Any]:
    columns = data["neurons"]["columns"]
    return {"neurons": {**data["neurons"], "columns": {**columns, "denotes": [False] * data["neurons"]["n"]}}}


def one_layer(data: dict[str, Any]) -> dict[str, Any]:
    """Only rows of the first layer of the first network; layers and networks of the others go too."""

    def cut(frame: dict[str, Any], keep: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        kept = [at for at, row in enumerate(explored.rows(frame)) if keep(row)]
        columns = {
            name: {**held, "codes": [held["codes"][at] for at in kept]}
            if isinstance(held, dict)
            else [held[at] for at in kept]
            for name, held in frame["columns"].items()
        }
        return {**frame, "n": len(kept), "columns": columns}

    first = {
        name: cut(data[name], lambda row: row["layer"] == 0 and row["model"] == 0) for name in ("cells", "neurons")
    }
    layers, models = cut(data["layers"], lambda row: False), cut(data["models"], lambda row: row["seed"] == 0)
    layers = {"n": 1, "columns": {name: _first(held) for name, held in data["layers"]["columns"].items()}}
    return {**first, "layers": layers, "models": models, "examples": empty(data["examples"]), "on_rates": {}}


def _first(held: Any) -> Any:
    return {**held, "codes": held["codes"][:1]} if isinstance(held, dict) else held[:1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (lambda data: {"neurons": empty(data["neurons"]), "examples": empty(data["examples"]), "on_rates": {}},
         "This report has no neurons."),
        (lambda data: {"cells": empty(data["cells"])}, ""),
        (nothing_denotes, ""),
        (one_layer, ""),
        (lambda data: {"histograms": None, "curves": None, "by_model": None, "curve_names": []}, ""),
    ],
)  # fmt: skip
def test_a_report_that_lacks_something_shows_the_rest(
    visits: Visits, report: Path, two_networks: dict[str, Any], tmp_path: Path,
    changes: Callable[[dict[str, Any]], dict[str, Any]], sentence: str,
) -> None:  # fmt: skip
    data = {**two_networks, **changes(two_networks)}
    page = visits.open(explored.with_data(report, data, tmp_path / "report.html"))
    assert page.locator("#old-browser").is_hidden()
    assert page.locator("#explore").is_visible()
    assert f" of {data['neurons']['n']} neurons." in page.inner_text("#count")
    assert sentence in page.inner_text("#neurons")
