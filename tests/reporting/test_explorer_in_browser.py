"""A browser filters, sorts and searches neurons as the tables would, and its address says what is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explored
import polars as pl
import pytest
from conftest import Visits

if TYPE_CHECKING:
    from playwright.sync_api import Page

Show = Callable[[str], "Page"]
PER_PAGE = 50
SORTS = {
    "Layer": "depth", "Neuron": "neuron", "Balanced accuracy": "balanced_accuracy",
    "Label proportion": "label_proportion", "Folded": "folded", "On": "on_proportion",
    "Untrained": "untrained_balanced_accuracy",
    "Random directions": "rotated_share", "Rival": "rival_balanced_accuracy",
}  # fmt: skip


def listed(page: "Page") -> list[int]:
    """Rows of the frame in the table, in their order."""
    return page.evaluate("[...document.querySelectorAll('#neurons tr[data-at]')].map((row) => Number(row.dataset.at))")


def count(page: "Page") -> str:
    return page.inner_text("#count")


def choose(page: "Page", name: str, value: str) -> None:
    page.select_option(f"#filters [name={name}]", value)


def search(page: "Page", text: str) -> None:
    """Type and wait until the search has run."""
    page.fill("#filters [name=search]", text)
    page.wait_for_function(
        "(text) => new URLSearchParams(location.hash.slice(1)).get('search') === (text || null)", arg=text
    )


def test_sorting_equals_the_tables_and_nulls_are_last(show: Show, neurons: pl.DataFrame) -> None:
    page = show("denotes=all")
    for title, column in SORTS.items():
        button = page.locator("#neurons thead").get_by_role("button", name=title, exact=True)
        for _ in range(2):
            button.click()
            way = page.locator("#neurons th[aria-sort]").get_attribute("aria-sort")
            order = neurons.sort(column, descending=way == "descending", nulls_last=True, maintain_order=True)
            assert listed(page) == order["at"].head(PER_PAGE).to_list(), (title, way)
        page.get_by_role("button", name="Last").click()
        assert listed(page)[-1] == order["at"][-1]


def test_text_sorts_as_people_count(show: Show, neurons: pl.DataFrame) -> None:
    page = show("denotes=denoting&sort=property&descending=false")
    known = neurons.filter("denotes")
    assert sorted(listed(page)) == known["at"].to_list()[:PER_PAGE] or len(known) > PER_PAGE
    shown = page.locator("#neurons td.property").all_inner_texts()
    in_order = page.evaluate(
        "(texts) => texts.every((text, at) => !at || texts[at - 1].localeCompare(text, 'en', {numeric: true}) <= 0)",
        shown,
    )
    assert in_order


@pytest.mark.parametrize(
    ("name", "value", "passes"),
    [
        ("denotes", "denoting", pl.col("denotes")),
        ("denotes", "abstaining", pl.col("live") & ~pl.col("denotes").fill_null(value=False)),
        ("denotes", "dead", ~pl.col("live")),
        ("model", "1", pl.col("model") == 1),
        ("layer", "blocks.2", pl.col("layer") == "blocks.2"),
    ],
)
def test_filters_equal_the_tables(show: Show, neurons: pl.DataFrame, name: str, value: str, passes: pl.Expr) -> None:
    page = show("denotes=all")
    choose(page, name, value)
    expected = neurons.filter(passes)
    assert count(page).startswith(f"{len(expected)} of {len(neurons)} neurons.")
    assert set(listed(page)) <= set(expected["at"])


@pytest.mark.parametrize("text", ["blocks.2", "unit 4", "BLOCKS.1 7", "class in", "0, 3", "nothing like this"])
def test_search_finds_layer_number_and_property(show: Show, neurons: pl.DataFrame, text: str) -> None:
    page = show("denotes=all")
    search(page, text)
    haystack = pl.concat_str("layer", "name", "neuron", "property", separator=" ", ignore_nulls=True).str.to_lowercase()
    words = [
        haystack.str.contains(rf"(^|\D){word}(\D|$)") if word.isdigit() else haystack.str.contains(word, literal=True)
        for word in text.lower().split()
    ]
    expected = neurons.filter(pl.all_horizontal(words))
    assert count(page).startswith(f"{len(expected)} of {len(neurons)} neurons.")
    if not len(expected):
        assert "No neuron passes these filters." in page.inner_text("#neurons")


def test_an_address_shows_the_same_again(show: Show, visits: Visits, explorer: Path) -> None:
    page = show("")
    choose(page, "denotes", "abstaining")
    choose(page, "layer", "blocks.3")
    choose(page, "metric", "auroc")
    search(page, "unit")
    page.locator("#neurons thead").get_by_role("button", name="On", exact=True).click()
    seen, text, heat = listed(page), count(page), page.inner_text("#heatmap")
    again = visits.open(explorer, page.evaluate("location.hash"))
    assert (listed(again), count(again), again.inner_text("#heatmap")) == (seen, text, heat)
    assert again.input_value("#filters [name=denotes]") == "abstaining"
    assert again.input_value("#filters [name=search]") == "unit"


def test_back_and_forward_walk_through_what_was_shown(show: Show) -> None:
    page = show("")
    first = count(page)
    choose(page, "denotes", "all")
    page.locator("#neurons tbody a").first.click()
    assert page.locator("#neuron").is_visible()
    page.go_back()
    assert page.locator("#neuron").is_hidden()
    assert count(page) != first
    page.go_back()
    assert count(page) == first
    assert page.input_value("#filters [name=denotes]") == "denoting"
    page.go_forward()
    page.go_forward()
    assert page.locator("#neuron").is_visible()


@pytest.mark.parametrize(
    "state",
    [
        "neuron=99999",
        "layer=gone&metric=nope&sort=constructor&model=-1",
        f"attribute={explored.HOSTILE}&family=__proto__&denotes=constructor",
        "__proto__=1&toString=2",
        "neuron=%F0%9F&cell=1e3",
    ],
)
def test_an_address_that_means_nothing_is_told_and_ignored(show: Show, state: str) -> None:
    page = show(state)
    assert "which this report does not have" in count(page)
    seen = listed(page)
    assert seen == listed(show(""))


def test_all_of_it_works_by_keyboard(show: Show, neurons: pl.DataFrame) -> None:
    page = show("denotes=all")
    page.focus("#filters [name=search]")
    page.keyboard.type("blocks.3")
    page.wait_for_function("() => location.hash.includes('search')")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('th')?.dataset.key") == "neuron":
            break
    page.keyboard.press("Enter")
    first = neurons.filter(pl.col("layer") == "blocks.3").sort("neuron", maintain_order=True)["at"][0]
    assert listed(page)[0] == first
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "A":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('#neuron h3')")
    page.keyboard.press("Shift+Tab")
    for _ in range(3):
        if page.evaluate("document.activeElement.textContent") == "Back to the table":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"#neuron={first}"


def test_the_focus_comes_back_to_a_neuron_on_another_page_of_the_table(show: Show) -> None:
    page = show("denotes=all")
    page.get_by_role("button", name="Last").click()
    last = listed(page)[-1]
    page.locator("#neurons tbody a").last.click()
    page.get_by_role("link", name="Back to the table").click()
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"#neuron={last}"


def test_names_of_users_are_text(visits: Visits, report: Path, two_networks: dict[str, Any], tmp_path: Path) -> None:
    names = [explored.HOSTILE, "__proto__", "constructor", "</script><script>document.title='run'</script>", "toString"]
    text = json.dumps(two_networks)
    for old, new in zip(["blocks.0", "blocks.1", "odd", "prime", "subsets"], names, strict=True):
        text = text.replace(json.dumps(old), json.dumps(new))
    page = visits.open(explored.with_data(report, json.loads(text), tmp_path / "hostile.html"), "#denotes=all")
    title = page.title()
    choose(page, "layer", explored.HOSTILE)
    assert explored.HOSTILE in page.locator("#neurons tbody").inner_text()
    choose(page, "layer", "__proto__")
    assert listed(page)
    choose(page, "attribute", "constructor")
    page.evaluate("location.hash = '#neuron=3'")
    page.wait_for_selector("#neuron h3")
    assert explored.HOSTILE in page.inner_text("#neuron")
    assert page.title() == title
    assert page.locator("#explore img").count() == 0
