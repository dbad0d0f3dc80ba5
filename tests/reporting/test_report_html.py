"""report.html is whole, asks for nothing but the files beside it, and takes no markup from names."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.reporting.jobs import Job
from denote.reporting.page import render
from denote.reporting.page.repeat import Recipe, repeat
from denote.reporting.report import Picture, Report

VOID = {"meta", "link", "img", "br", "input"}
HOSTILE = "<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects tags, their attributes and the text outside of scripts, and checks that tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def data(self) -> dict[str, Any]:
        """The data of its scripts."""
        unpacked: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(self.raw["script"][0])))
        return unpacked


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report.read_text(encoding="utf-8"))


def test_names_never_become_markup(page: Page) -> None:
    assert page.open == []
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    assert all(not name.startswith("on") and name != "style" for _, attributes in page.tags for name in attributes)
    assert f"demo {HOSTILE}" in page.text
    assert "</pre><script>alert(1)</script>" in page.text
    assert page.data["title"] == f"demo {HOSTILE}"


def test_the_policy_allows_this_style_and_this_script_and_no_request(page: Page) -> None:
    (policy,) = [a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for source, text in (("style", page.raw["style"][0]), ("script", page.raw["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    embedded = [a.get("src") for tag, a in page.tags if tag in ("img", "script", "iframe") and a.get("src")]
    assert all(address and address.startswith("data:image/png") for address in embedded)


def test_scripts_of_the_page_cannot_end_their_element(page: Page) -> None:
    script = page.raw["script"][1]
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)
    assert script.startswith('"use strict"; (() => {')


def test_every_script_and_style_is_in_the_page() -> None:
    folder = Path(render.__file__).parent
    assert sorted(render.SCRIPTS) == sorted(file.name for file in folder.glob("*.js"))
    assert sorted({*render.STYLES, *render.COMPARISON_STYLES}) == sorted(file.name for file in folder.glob("*.css"))


def test_links_lead_somewhere_and_headings_are_nested(page: Page) -> None:
    ids = {a["id"] for _, a in page.tags if "id" in a}
    links = [a["href"] or "" for tag, a in page.tags if tag == "a"]
    within = {link[1:] for link in links if link.startswith("#")}
    assert {link.split("=")[0] for link in within - ids} == {"neuron", "cell"}  # opened by the script
    elsewhere = {link for link in links if not link.startswith("#")}
    assert elsewhere == {"https://arxiv.org/abs/2103.08315", "figures/map.png", "figures/map.svg"}
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
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
        "Can it be believed? do not believe it",
        "What would change it",
    ],
)
def test_what_a_sceptical_reader_looks_for_is_there(page: Page, sentence: str) -> None:
    assert sentence in page.text


def test_rows_are_capped_and_counted(page: Page) -> None:
    neurons = synthetic.neuron_table(3, 9, 32)
    denoting = len(neurons.filter(pl.col("denotes")))
    assert f"{denoting - 100} more rows in neurons.parquet" in page.text


def test_the_rotated_control_changes_what_may_be_concluded() -> None:
    text = Page(Report("t", [], synthetic.all_tables(2, 4, 16), []).html()).text
    assert "nothing here supports" not in text
    assert "random directions of each layer" in text


def test_a_sweep_without_results_still_has_a_report() -> None:
    page = Page(Report("t", [], synthetic.empty_tables(), []).html())
    assert "Nothing was observed" in page.text
    assert page.data["neurons"]["n"] == 0


def test_what_all_jobs_were_told_stands_once_and_what_is_each_ones_own_beside_it() -> None:
    told = [Recipe(f"job {seed}", ["experiment=demo", f"seed={seed}"], {"seed": seed, "split": 0}) for seed in (0, 1)]
    (sheet,) = repeat(told).sheets
    assert sheet.caption == "Overrides that all jobs share: experiment=demo."
    assert [row[:3] for row in sheet.rows] == [
        ("job 0", "seed=0", "seed 0, split 0"),
        ("job 1", "seed=1", "seed 1, split 0"),
    ]
    assert not repeat([])


def test_no_absolute_path_of_the_machine_is_in_the_page(tmp_path: Path) -> None:
    data, spaced = tmp_path / "data" / "people.csv", str(tmp_path / "my data" / "people.csv")
    asked = ["experiment=table", f"dataset.path={data}", f"dataset.more=[{data},{data}]", "attribute.where=a / b > 1"]
    contents = Report(
        title="t",
        status=[Job("one", "failed", f"{data}: no such file")],
        tables=synthetic.all_tables(2, 4, 16),
        figures=[Picture(tmp_path / "sweep" / "figures" / "map.png", "A map.")],
        warnings=[f"'{data}' has copied rows"],
        config={"dataset": {"path": str(data), "others": [spaced], "address": "https://example.org/a/b.csv"}},
        command=f"denote {' '.join(asked)}",
        again=f"denote-report sweep={tmp_path / 'multirun' / 'demo'}",
        recipes=[Recipe("one", asked, {"seed": 0}, "standard", tmp_path / "sweep" / "one" / "report.html")],
        undrawn=[f"To draw them: denote-report sweep={tmp_path / 'multirun' / 'demo'}"],
    )
    page = Page(contents.html(tmp_path / "sweep"))
    assert str(tmp_path) not in page.html + json.dumps(page.data)
    assert tmp_path.parent.name not in page.html + json.dumps(page.data)
    for kept in ("dataset.path=people.csv", "dataset.more=[people.csv,people.csv]", "attribute.where=a / b > 1",
                 "https://example.org/a/b.csv", "denote-report sweep=demo", "people.csv: no such file"):  # fmt: skip
        assert kept in page.text
