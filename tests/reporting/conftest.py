"""A report with hostile names, as both the parser and the browser read it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explored
import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.figures.canvas import save_figure
from denote.figures.relevance import draw_relevance
from denote.reporting.jobs import Job
from denote.reporting.report import Picture, Report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    tables = synthetic.all_tables(3, 9, 32)
    neurons = tables["neurons"].with_columns(neuron_name=pl.lit(f"unit {HOSTILE}"))
    figure = draw_relevance({HOSTILE: np.array([1.0, -2.0])}, {HOSTILE: (2,)}, HOSTILE)
    files = save_figure(figure, folder / "figures", "map", ("png", "svg"))
    contents = Report(
        title=f"demo {HOSTILE}",
        status=[Job("fine", "finished", seconds=3), Job(HOSTILE, "failed", f"attribute.where: no column '{HOSTILE}'")],
        tables={
            **tables,
            "neurons": neurons,
            "null_check": synthetic.null_check_table(3, alarm=True),
            "label_proportion_by_depth": synthetic.by_depth_table(neurons),
            "sensitivity": pl.DataFrame(
                {"decisive": [0.9, 0.95], "family": ["subsets", "subsets"], "n_denoting": [300, 250]}
            ),
        },
        figures=[Picture(path, f'"{HOSTILE}" by depth') for path in files],
        warnings=[f"mlp seed 3 is at chance. {HOSTILE}"],
        config={"attribute": {HOSTILE: "class IN (1, 3)"}, "note": "</pre><script>alert(1)</script>"},
        versions={"denote": "0.1.0"},
        command='denote -m "attribute.where=class < 5"',
    )
    return contents.write(folder)


@dataclass
class Visits:
    """Pages that a test opens; what they say and ask for is kept."""

    browser: "Browser"
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, file: Path, state: str = "", width: int = 1280, **options: Any) -> "Page":
        """Open a page in a context of its own, and wait until its script has drawn it or has given up."""
        page = self.browser.new_context(viewport={"width": width, "height": 800}, **options).new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri() + state)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready], #old-browser:not([hidden])", state="attached")
        return page

    def check(self) -> None:
        """A page that says something on its console, or asks for more than files and its own data, is at fault."""
        assert self.said == []
        assert self.outside() == []

    def outside(self) -> list[str]:
        """Addresses that are neither files nor data within a page."""
        return [url for url in self.asked if not url.startswith(("file:", "data:"))]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The Chromium of the system; of one module, as its driver keeps an event loop running."""
    tools = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for path in map(shutil.which, names) if path), None)
    if chromium is None:
        pytest.skip("no Chromium on PATH")
    with tools.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visits(browser: "Browser") -> "Iterator[Visits]":
    """Open pages that are closed after the test."""
    made, before = Visits(browser), list(browser.contexts)
    yield made
    for context in browser.contexts:
        if context not in before:
            context.close()
    made.check()


@pytest.fixture(scope="session")
def two_networks() -> dict[str, Any]:
    """The data of a report of two networks, see `explored`."""
    return explored.data_of_two_networks()


@pytest.fixture(scope="session")
def neurons(two_networks: dict[str, Any]) -> pl.DataFrame:
    """Its neurons as the table has them."""
    return explored.neurons_of(two_networks)


@pytest.fixture(scope="session")
def explorer(report: Path, two_networks: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two networks."""
    return explored.with_data(report, two_networks, tmp_path_factory.mktemp("explorer") / "report.html")


@pytest.fixture(scope="module")
def _explorer_page(browser: "Browser", explorer: Path) -> "tuple[Visits, Page]":
    visits = Visits(browser)
    return visits, visits.open(explorer)


@pytest.fixture
def show(_explorer_page: "tuple[Visits, Page]", explorer: Path) -> "Iterator[Callable[..., Page]]":
    """Show a state of the report of two networks, in one page that the module's tests share."""
    visits, page = _explorer_page

    def _show(state: str = "") -> "Page":
        page.evaluate("document.activeElement.blur()")
        page.goto(f"{explorer.as_uri()}#cell=")  # another address than the last one's, so that the next is a change
        page.goto(f"{explorer.as_uri()}#{state}")
        return page

    yield _show
    visits.check()
