"""report.html is whole, needs nothing else, and takes no markup from names."""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.reporting.report import Report

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Collects tags, their attributes and the text, and checks that tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report.read_text())


def test_names_never_become_markup(page: Page) -> None:
    assert page.open == []
    assert all(tag != "script" for tag, _ in page.tags)
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "demo <img src=x onerror=alert(1)>" in page.text
    assert "</pre><script>alert(1)</script>" in page.text


def test_it_needs_no_other_file(page: Page) -> None:
    addresses = [a[key] for _, a in page.tags for key in ("src", "href") if a.get(key)]
    assert addresses
    assert all(address and address.startswith(("data:", "#")) for address in addresses)
    images = [a for tag, a in page.tags if tag == "img"]
    assert [(image["src"] or "").partition(";")[0] for image in images] == ["data:image/png", "data:image/svg+xml"]
    assert all(image.get("alt") for image in images)


def test_links_lead_somewhere_and_headings_are_nested(page: Page) -> None:
    ids = {a["id"] for _, a in page.tags if "id" in a}
    assert {(a["href"] or "")[1:] for tag, a in page.tags if tag == "a"} <= ids
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(
    "sentence",
    [
        "our operationalisation",
        "nothing here supports the claim that single neurons are special",
        "2 jobs: 1 finished, 1 failed",
        "attribute.where: no column",
        "Null check: 7 of 20 shuffled replicates of the cells had a corrected hit",
        "mlp seed 3 is at chance",
        'denote -m "attribute.where=class < 5"',
        "logits (head: not tested)",
        "too few positive rows in test (12 < 20)",
        "more rows in neurons.parquet",
    ],
)
def test_what_a_sceptical_reader_looks_for_is_there(page: Page, sentence: str) -> None:
    assert sentence in page.text


def test_rows_are_capped_and_counted(report: Path) -> None:
    neurons = synthetic.neuron_table(3, 9, 32)
    denoting = len(neurons.filter(pl.col("denotes")))
    assert f"{denoting - 100} more rows in neurons.parquet" in report.read_text()


def test_the_rotated_control_changes_what_may_be_concluded(tmp_path: Path) -> None:
    tables = synthetic.all_tables(2, 4, 16)
    text = Report(title="t", status=[], tables=tables, figures=[]).write(tmp_path).read_text()
    assert "nothing here supports" not in text
    assert "random directions of each layer" in text


def test_a_sweep_without_results_still_has_a_report(tmp_path: Path) -> None:
    text = Page(
        Report(title="t", status=[], tables=synthetic.empty_tables(), figures=[]).write(tmp_path).read_text()
    ).text
    assert "Nothing was observed" in text
