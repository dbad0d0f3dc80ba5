"""The page of a neuron and the card of a cell say what the tables say of them, and lead on."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explored
import polars as pl
from conftest import Visits

if TYPE_CHECKING:
    from playwright.sync_api import Page

Show = Callable[[str], "Page"]

LIT = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data[0]"


def share(number: float) -> str:
    return f"{number:.2f}".removeprefix("0")


def test_a_neuron_that_denotes_has_its_evidence_beside_controls(show: Show, neurons: pl.DataFrame) -> None:
    neuron = neurons.filter("denotes").row(0, named=True)
    page = show(f"neuron={neuron['at']}")
    assert page.inner_text("#neuron h3") == f"{neuron['layer']}, {neuron['name']}"
    assert page.inner_text("#neuron .verdict").removeprefix("✓").strip().startswith(f"Denotes {neuron['plain']}:")
    scores = page.inner_text("#neuron .scores")
    for column in ("rival", "untrained", "input", "control"):
        name = "rival_balanced_accuracy" if column == "rival" else f"{column}_balanced_accuracy"
        assert share(neuron[name]) in scores
    assert neuron["rival"] in scores
    assert page.locator("#neuron svg[role=img]").count() >= 2
    page.click("#neuron summary")
    assert neuron["card"] in page.inner_text("#neuron details")


def test_others_that_denote_the_same_are_linked_here_and_in_other_seeds(show: Show, neurons: pl.DataFrame) -> None:
    denoting = neurons.filter("denotes")
    shared = denoting.filter(pl.col("property").is_duplicated())["property"][0]
    same = denoting.filter(pl.col("property") == shared)
    page = show(f"neuron={same['at'][0]}")
    section = page.locator("#neuron section").filter(has_text="Others that denote the same")
    links = {link.get_attribute("href") for link in section.locator("a").all()}
    assert links == {f"#neuron={at}" for at in same["at"][1:]}
    section.locator("a").first.click()
    assert page.inner_text("#neuron .verdict").removeprefix("✓").strip().startswith("Denotes")
    assert page.evaluate("document.activeElement.matches('#neuron h3')")


def test_neurons_follow_each_other_in_the_order_of_the_table(show: Show) -> None:
    page = show("sort=neuron&descending=false")
    order = page.evaluate("[...document.querySelectorAll('#neurons tr[data-at]')].map((row) => row.dataset.at)")
    page.locator("#neurons tbody a").first.click()
    assert page.get_by_role("link", name="Previous neuron").count() == 0
    page.get_by_role("link", name="Next neuron").click()
    assert f"neuron={order[1]}" in page.evaluate("location.hash")
    page.get_by_role("link", name="Previous neuron").click()
    assert f"neuron={order[0]}" in page.evaluate("location.hash")


def test_a_dead_neuron_and_one_that_abstains_have_pages_that_say_why(show: Show, neurons: pl.DataFrame) -> None:
    dead = neurons.filter(~pl.col("live"))["at"][0]
    page = show(f"neuron={dead}")
    assert "Dead: its activation is the same for every input" in page.inner_text("#neuron")
    assert "None are shown" in page.inner_text("#neuron .inputs")
    abstaining = neurons.filter(pl.col("live") & ~pl.col("denotes")).row(0, named=True)
    page = show(f"neuron={abstaining['at']}")
    verdict = page.inner_text("#neuron .verdict")
    assert "Denotes nothing by the rule" in verdict
    assert f"balanced accuracy {share(abstaining['balanced_accuracy'])} is below .95" in verdict
    assert "the q-value .900 is above .050" in verdict
    assert "inputs are kept for neurons that denote" in page.inner_text("#neuron .inputs")


def test_a_neuron_of_too_few_inputs_says_so(
    visits: Visits, report: Path, two_networks: dict[str, Any], neurons: pl.DataFrame, tmp_path: Path
) -> None:
    at = neurons.filter(pl.col("live") & ~pl.col("denotes"))["at"][0]
    columns = two_networks["neurons"]["columns"]
    few = {**columns, "fewest": [12 if row == at else 100 for row in range(two_networks["neurons"]["n"])]}
    data = {**two_networks, "neurons": {**two_networks["neurons"], "columns": few}}
    page = visits.open(explored.with_data(report, data, tmp_path / "report.html"))
    page.evaluate(f"location.hash = '#neuron={at}'")
    page.wait_for_selector("#neuron .verdict")
    assert "only 12 inputs on one side of the property, of at least 25" in page.inner_text("#neuron .verdict")


KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "picture": lambda sample: {"sprite": [0, sample % explored.TILES]},
    "row": lambda sample: {"row": {"age": f"{sample} years", explored.HOSTILE: "yes"}},
    "words": lambda sample: {"words": ["the", f"cat{sample}", "sat"], "at": 1},
    "text": lambda sample: {"text": f"text of {sample} <b>"},
}


def test_inputs_are_pictures_rows_and_words(
    visits: Visits, report: Path, two_networks: dict[str, Any], tmp_path: Path
) -> None:
    columns = two_networks["examples"]["columns"]
    order = {at: number for number, at in enumerate(dict.fromkeys(columns["at"]))}
    samples = [1000 * order[at] + sample for at, sample in zip(columns["at"], columns["sample"], strict=True)]
    made = list(KINDS.values())
    inputs = {"mnist": {str(sample): made[sample // 1000 % 4](sample) for sample in samples}}
    examples = {**two_networks["examples"], "columns": {**columns, "sample": samples}}
    data = {**two_networks, "inputs": inputs, "examples": examples}
    page = visits.open(explored.with_data(report, data, tmp_path / "report.html"))
    shown = page.locator("#neuron .inputs")
    for kind, at in zip(KINDS, order, strict=False):
        page.evaluate(f"location.hash = '#neuron={at}'")
        page.wait_for_function(f"() => document.querySelector('#neuron')?.dataset.at === '{at}'")
        if kind == "picture":
            page.wait_for_function(
                f"() => [...document.querySelectorAll('#neuron canvas')].every((c) => ({LIT})(c) > 90)"
            )
            assert shown.locator("canvas[role=img][aria-label]").count() == 24
        if kind == "row":
            assert explored.HOSTILE in shown.locator("thead").first.inner_text()
            assert shown.locator("tbody tr").count() == 24
        if kind == "words":
            assert shown.locator("mark").first.inner_text().startswith("cat")
        if kind == "text":
            assert "<b>" in shown.inner_text()
        assert shown.locator(".wrong").count() == 2


def test_a_report_without_inputs_says_why(
    visits: Visits, report: Path, two_networks: dict[str, Any], tmp_path: Path
) -> None:
    at = two_networks["examples"]["columns"]["at"][0]
    told = {**two_networks, "inputs": {}, "sprites": [], "inputs_note": "Inputs are left out: report.inputs=false."}
    page = visits.open(explored.with_data(report, told, tmp_path / "report.html"), f"#neuron={at}")
    assert page.locator("#neuron .inputs p").inner_text() == "Inputs are left out: report.inputs=false."


def test_a_click_in_the_heat_map_opens_the_card_of_the_cell(show: Show, two_networks: dict[str, Any]) -> None:
    page = show("")
    assert page.locator("#card").is_hidden()
    page.locator("#heatmap [data-cell]").first.click()
    cell = explored.rows(two_networks["cells"])[
        int(page.evaluate("new URLSearchParams(location.hash.slice(1)).get('cell')"))
    ]
    layer = explored.rows(two_networks["layers"])[cell["layer"]]["layer"]
    card = page.locator("#card")
    assert card.locator("h3").inner_text() == f"{cell['attribute']} in {layer}"
    scores = card.locator(".scores").inner_text()
    assert all(share(cell[name]) in scores for name in ("input_auroc", "untrained_auroc", "control_auroc"))
    assert card.locator("tbody a").count() == 2
    assert page.evaluate("document.activeElement.matches('#card h3')")
    page.get_by_role("link", name="Close the card").click()
    assert card.is_hidden()
    assert page.evaluate("document.activeElement.closest('#heatmap') !== null")


def test_a_card_leads_to_the_neurons_that_denote_the_attribute(
    visits: Visits, report: Path, two_networks: dict[str, Any], neurons: pl.DataFrame, tmp_path: Path
) -> None:
    denoting = neurons.filter("denotes").row(0, named=True)
    levels = two_networks["neurons"]["columns"]["property"]["levels"]
    renamed = ["NOT odd" if name == denoting["property"] else name for name in levels]
    columns = two_networks["neurons"]["columns"]
    named = {**columns, "property": {**columns["property"], "levels": renamed}}
    data = {**two_networks, "neurons": {**two_networks["neurons"], "columns": named}}
    cells, layers = explored.rows(data["cells"]), explored.rows(data["layers"])
    cell = next(
        at
        for at, row in enumerate(cells)
        if row["attribute"] == "odd" and layers[row["layer"]]["layer"] == denoting["layer"]
    )
    page = visits.open(explored.with_data(report, data, tmp_path / "report.html"), f"#cell={cell}")
    page.locator("#card a[href*=attribute]").click()
    expected = neurons.filter(
        pl.col("denotes") & (pl.col("property") == denoting["property"]) & (pl.col("layer") == denoting["layer"])
    )
    assert page.inner_text("#count").startswith(f"{len(expected)} of")
