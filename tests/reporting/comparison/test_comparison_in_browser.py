"""A real browser opens the page of a comparison: silent, alone, accessible, at both widths and in both schemes."""

from pathlib import Path

import pytest
from compared_results import result
from conftest import Visits
from test_report_in_browser import violations

from denote.comparison.compare import compare
from denote.reporting.comparison.page import comparison_page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compared") / "compare.html"
    path.write_text(comparison_page(compare([result(), result("b", renamed="x", seeds=[1, 2, 3])])), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_of_a_comparison_is_whole(visits: Visits, file: Path, width: int, scheme: str) -> None:
    page = visits.open(file, width=width, color_scheme=scheme)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg[role=img]").filter(visible=True).count() == 2
    assert page.locator("table.heat td.null").count() > 0
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert violations(page) == []
