"""A real browser draws the heat map, the curves and the small charts; what it shows is what the data says."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import drawn_page as drawn
import pytest

from denote.reporting.page.render import COMPARISON_STYLES, SCRIPTS, STYLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    Draw = Callable[..., Page]


@pytest.fixture(scope="module")
def draw(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Draw]":
    """Open a page with a bundle; whatever any page says on its console fails the module's last test."""
    path = tmp_path_factory.mktemp("drawn") / "page.html"
    said: list[str] = []

    def _draw(data: dict[str, Any] | None = None, width: int = 1280, fragment: str = "") -> "Page":
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(drawn.write_page(path, data or drawn.bundle()).as_uri() + fragment)
        return page

    yield _draw
    assert said == []


@pytest.fixture(scope="module")
def opened(draw: "Draw") -> "Page":
    return draw()


@pytest.fixture
def page(opened: "Page") -> "Page":
    """The page with the usual bundle, as it is when it is opened."""
    opened.mouse.move(0, 0)
    opened.evaluate("document.activeElement.blur(); page.set({...page.defaults})")
    return opened


def texts(page: "Page", selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def row(page: "Page", attribute: str) -> list[str]:
    rows = "[...document.querySelectorAll('#heatmap tbody tr')]"
    own = f"{rows}.find((tr) => tr.cells[0].dataset.attribute === name)"
    return page.evaluate(f"(name) => [...{own}.querySelectorAll('[data-cell]')].map((td) => td.textContent)", attribute)


@pytest.mark.parametrize(
    ("decisive", "said"),
    [({2, 5}, "0 decisive at some hidden layer"), ({1}, "1 decisive at some hidden layer"), (set(), "0 decisive")],
)
def test_the_map_in_words_counts_attributes_as_the_answer_does(draw: "Draw", decisive: set[int], said: str) -> None:
    cells = [{**cell, "decisive": cell["attribute"] == "odd" and cell["layer"] in decisive} for cell in drawn.cells()]
    words = draw(drawn.bundle(cells=drawn.frame(cells))).locator("#heatmap p.visually-hidden").inner_text()
    assert f". {said}" in words
    assert "in half of the networks or more. " in words


def state(page: "Page") -> dict[str, Any]:
    return page.evaluate("({...page.state})")


def test_a_heat_map_shows_the_means_of_the_bundle_and_never_rounds_up_to_one(page: "Page") -> None:
    assert row(page, "odd") == [".993", ">.999", ".95"]
    assert row(page, drawn.HOSTILE) == ["1.00", ".85", ".71"]
    assert row(page, "rare") == ["", ".66", ".63"]
    assert texts(page, "#heatmap thead .name") == [
        "hidden_1",
        "hidden_2",
        "logits",
        "best layer",
        "raw input",
        "untrained",
    ]
    assert texts(page, "#heatmap tbody tr:first-child .beside")[1:] == [".90", ".82"]
    assert page.evaluate("[signedShare(0.004), signedShare(-0.02), signedShare(0.00001), signedShare(0)]") == [
        "+.004", "−.02", "+<.001", ".00",
    ]  # fmt: skip


def test_one_network_or_the_difference_to_a_control_can_be_shown(page: "Page") -> None:
    page.evaluate("page.set({model: 1})")
    assert row(page, "rare") == ["", "", ".64"]
    assert page.locator("#depth-curve [data-line='raw'] .model").get_attribute("data-model") == "1"
    assert "Thin lines: seed 1." in page.locator("#depth-curve .chart-note").inner_text()
    page.evaluate("page.set({model: 'all', metric: 'input_gain'})")
    assert row(page, "odd")[0] == "+.10"
    assert page.locator("#heatmap td[class^='d']").count() == 8
    assert "AUROC above the raw input" in page.locator("#heatmap figcaption").inner_text()


def test_decisive_cells_are_marked_by_more_than_colour(page: "Page") -> None:
    marked = page.evaluate(
        "[...document.querySelectorAll('#heatmap td.all')].map((td) => td.getAttribute('aria-label'))"
    )
    assert marked == [
        "odd at hidden_1: Balanced accuracy .993, decisive in 2 of 2",
        f"{drawn.HOSTILE} at hidden_1: Balanced accuracy 1.00, decisive in 2 of 2",
    ]
    assert page.locator("#heatmap td.some").get_attribute("aria-label") == (
        "odd at hidden_2: Balanced accuracy >.999, decisive in 1 of 2"
    )
    dot = "getComputedStyle(document.querySelector('#heatmap td.all'), '::after').width"
    assert page.evaluate(dot) == "6px"


def test_a_cell_without_a_value_is_hatched_and_says_why(page: "Page") -> None:
    cell = page.locator("#heatmap td.null")
    assert cell.get_attribute("aria-label") == f"rare at hidden_1: no value, {drawn.NOTE}"
    cell.hover()
    assert drawn.NOTE in page.locator(".tip").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_hovering_shows_value_controls_and_rows(page: "Page") -> None:
    page.locator("#heatmap td[aria-label^='odd at hidden_1']").hover()
    said = page.locator(".tip").inner_text()
    for part in (".993", ".991 to .994", "in 2 of 2", ".90", ".80", ".50", "540"):
        assert part in said


def test_a_heat_map_is_walked_through_and_opened_by_keys(page: "Page") -> None:
    assert page.locator("#heatmap [tabindex='0']").count() == 1
    page.locator("#heatmap [tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.split(" at ")[1].startswith("hidden_2")
    assert page.locator("#heatmap [aria-selected]").get_attribute("aria-label") == focused
    assert f"cell={state(page)['cell']}" in page.url
    page.evaluate("page.set({metric: 'auroc'})")  # drawn again, the focus stays where it is
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(focused.split(":")[0])
    assert page.evaluate("document.activeElement.tabIndex") == 0
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert focused.startswith(state(page)["attribute"])
    assert page.locator("#heatmap [tabindex='0']").count() == 1


def test_names_of_layers_and_attributes_filter(page: "Page") -> None:
    page.locator("#heatmap [data-layer='hidden_2']").click()
    assert state(page)["layer"] == "hidden_2"
    assert page.locator("#depth-curve [data-layer='hidden_2']").get_attribute("aria-pressed") == "true"
    page.locator("#heatmap [data-attribute='odd']").click()
    page.locator("#heatmap [data-layer='hidden_2']").click()
    assert (state(page)["layer"], state(page)["attribute"]) == ("", "odd")


def test_many_attributes_are_cut_and_the_reader_is_told(draw: "Draw") -> None:
    cells = [{**cell, "attribute": f"{cell['attribute']} {n}"} for n in range(20) for cell in drawn.cells()]
    page = draw(drawn.bundle(cells=drawn.frame(cells)))
    assert page.locator("#heatmap tbody tr").count() == 40
    assert "20 of 60 attributes are not shown" in page.locator("#heatmap .chart-note").inner_text()
    # The compact map leaves out what is neither read best nor worst, and what has no value; here all have one.
    assert texts(page, "#answer-heatmap .between") == ["47 more between"]
    assert texts(page, "#answer-heatmap .chart-note") == [
        "Of 60 attributes, 47 in the middle are left out; Explore has all."
    ]
    page.get_by_role("button", name="show all 60").click()
    assert page.locator("#heatmap tbody tr").count() == 60


def test_a_curve_shows_its_numbers_gaps_and_the_head_apart(page: "Page") -> None:
    assert page.locator("#depth-curve text.n").all_text_contents() == ["2", "31", "8"]
    words = page.locator("#depth-curve [data-column]").evaluate_all(
        "(all) => all.map((g) => g.getAttribute('aria-label'))"
    )
    assert "no value: 3 of 3 networks without a value" in words[0]
    for part in ("label proportion .62 [.50, .70]", "folded .20", "neurons’ own +.02 [−.01, +.05]", "31 of 100 live"):
        assert part in words[1]
    assert page.locator("#depth-curve .gap").count() == 1
    assert page.locator("#depth-curve .headroom").count() == 1
    # Two layers have a value and are neighbours, but the head is not joined to the others.
    assert page.locator("#depth-curve [data-line='raw'] .line").count() == 0
    assert page.locator("#depth-curve [data-line='raw'] .point").count() == 2
    note = page.locator("#depth-curve .chart-note").inner_text()
    assert "2 networks cannot answer whether it depends on depth: 6 would." in note
    assert "No value at hidden_1" in note


def test_names_of_lines_stand_at_their_last_tested_layer_and_every_line_has_one(draw: "Draw") -> None:
    means = {"label_proportion_mean": (0.3, 0.5, 0.27), "folded_mean": (0.2, 0.21, 0.4)}
    rotated = {"rotated_label_proportion_mean": (0.1, 0.1, 0.6), "rotated_folded_mean": (0.05, 0.04, 0.5)}
    shown = [
        {**row, **{name: values[at] for name, values in {**means, **rotated}.items()}}
        for at, row in enumerate(drawn.curves()[:3])
    ]
    page = draw(drawn.bundle(curves=drawn.frame(shown)))
    labels = page.locator("#answer-depth text.label").evaluate_all(
        "(all) => all.map((text) => [text.textContent, Number(text.getAttribute('y'))])"
    )
    names = [name for name, _ in labels]
    assert sorted(names) == ["folded", "label proportion", "neurons’ own", "random directions", "random, folded"]
    # From top to bottom as the lines end at hidden_2: .50, .21, .10, .04, whatever the head's points are.
    assert names[:4] == ["label proportion", "folded", "random directions", "random, folded"]


def test_lines_are_switched_on_and_off_by_keys_and_the_address_remembers(draw: "Draw") -> None:
    page = draw()
    box = page.get_by_label("random directions", exact=True)
    box.focus()
    page.keyboard.press("Space")
    assert page.locator("#depth-curve [data-line='folded-rotated']").count() == 0
    assert "show=raw%2Cfolded" in page.url
    assert page.evaluate("document.activeElement.value") == "rotated"
    page.get_by_label("each network").check()
    assert page.locator("#depth-curve [data-line='raw'] .model").count() == 2
    page.reload()
    assert not page.get_by_label("random directions", exact=True).is_checked()
    assert page.get_by_label("each network").is_checked()


def test_a_layer_of_the_curve_filters_the_neurons(page: "Page") -> None:
    page.locator("#depth-curve [data-column='0']").focus()
    page.keyboard.press("ArrowRight")
    assert ".62" in page.locator(".tip").inner_text()
    page.keyboard.press("Enter")
    assert state(page)["layer"] == "hidden_2"


def test_networks_of_another_architecture_have_their_own_map_and_curve(draw: "Draw") -> None:
    page = draw(drawn.two_architectures())
    page.get_by_label("Curve").select_option(label="digits, cnn")
    assert page.evaluate("page.groups[page.state.group].architecture") == "cnn"
    assert texts(page, "#heatmap thead [data-layer] .name") == ["conv", "state"]
    assert row(page, "odd") == [".50", ".75"]
    assert page.locator("#depth-curve text.n").all_text_contents() == ["7"]
    page.evaluate("page.set({group: 0})")
    assert page.locator("#depth-curve text.n").all_text_contents() == ["2", "31", "8"]
    assert row(page, "odd")[0] == ".993"


def test_where_there_is_nothing_to_draw_a_sentence_says_why(draw: "Draw") -> None:
    page = draw(fragment="#curve=1")
    assert page.locator("#depth-curve svg.depth:not(.sample)").count() == 0
    assert texts(page, "#depth-curve .empty") == [
        "No neuron denotes a property of family classes, so there is no curve over depth."
    ]
    empty = drawn.frame([])
    page = draw(drawn.bundle(cells=empty, curves=empty, by_model=empty, curve_names=[]))
    for figure in ("#answer-heatmap", "#heatmap"):
        assert "only neurons were searched" in page.locator(f"{figure} .empty").inner_text()
    assert "No neuron was searched" in page.locator("#answer-depth .empty").inner_text()
    page = draw(
        drawn.bundle(curves=drawn.frame([{**curve, "label_proportion_mean": None} for curve in drawn.curves()]))
    )
    assert (
        "41 of 300 live neurons denote a property of family sets, too few"
        in page.locator("#depth-curve .empty").inner_text()
    )


def test_names_of_users_stay_text(page: "Page") -> None:
    assert page.locator("#heatmap img, .tip img").count() == 0
    page.locator("#heatmap td[aria-label^='<img']").first.hover()
    assert drawn.HOSTILE in page.locator(".tip").inner_text()
    assert page.title() == "page"


def test_drawing_again_and_again_leaves_nothing_behind(page: "Page") -> None:
    sizes = page.evaluate(
        """() => Array.from({length: 10}, () => {
             page.set({metric: "auroc", show: "raw"}); page.set({metric: "balanced_accuracy", show: ""});
             return document.querySelectorAll("*").length;
           })"""
    )
    assert len(set(sizes)) == 1


def test_narrow_pages_keep_every_column_within_reach(draw: "Draw") -> None:
    page = draw(width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#answer-heatmap table").evaluate("(table) => table.offsetWidth") <= 390
    assert row(page, "odd")[0] == ".993"


def test_small_charts_show_their_numbers(page: "Page") -> None:
    page.evaluate(
        """(hostile) => document.getElementById("small").append(
             histogramChart({low: 0, high: 2, counts: [8, 4, 4, 2], threshold: 1.25, on: "above"}),
             histogramChart({low: 0, high: 0, counts: [9], threshold: null}),
             onRateChart({classes: [hostile, "7"], rates: [0.9999, 0.25], inProperty: [true, false]}),
             relevanceStrip({values: [1, -3, null, 0.5], band: 0.8, marked: 1}))""",
        drawn.HOSTILE,
    )
    described = page.locator("#small svg desc").all_text_contents()
    assert (
        described[0]
        == "18 test rows, activations from 0 to 2; most in one bin: 8, around 0.25. The neuron is on above 1.25."
    )
    assert described[1] == "Constant: every activation is 0."
    assert (
        described[2]
        == f"Share of test rows of each class on which the neuron is on: {drawn.HOSTILE} (in the property) >.99, 7 .25."
    )
    assert described[3] == "Neuron 1 is number 1 of 4 by size. 2 of 4 neurons lie outside the band of shuffled labels."
    # The bin that the threshold divides is drawn as two bars.
    assert page.locator("#small .histogram .bar").count() == 5
    assert page.locator("#small .histogram .bar.on").count() == 2
    assert page.locator("#small img").count() == 0


def test_drawings_are_accessible(page: "Page") -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    found = axe.run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_of_cells_are_in_order_of_lightness_and_their_ink_can_be_read() -> None:
    schemes = re.findall(r":root \{(.*?)\}", (drawn.FOLDER / "charts.css").read_text(), re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w\d): (#\w{6})", scheme))
        for ground, ink, steps in (("s", "t", 10), ("d", "u", 9)):
            for step in range(steps):
                pair = sorted(luminance(colours[f"{name}{step}"]) for name in (ground, ink))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, f"{ground}{step}"
        lightness = [luminance(colours[f"s{step}"]) for step in range(10)]
        assert lightness in (sorted(lightness), sorted(lightness, reverse=True))


def test_scripts_and_styles_are_all_in_the_page_and_share_no_name() -> None:
    assert sorted({*SCRIPTS, *STYLES, *COMPARISON_STYLES}) == sorted(
        path.name for path in drawn.FOLDER.iterdir() if path.suffix in (".js", ".css")
    )
    scripts = "\n".join(path.read_text() for path in sorted(drawn.FOLDER.glob("*.js")))
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", scripts, re.MULTILINE)
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []
