"""A comparison in at most 14 lines of 100 columns, and as a page without a script."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from compared_results import of_cells, result, sweep_tables
from rich.cells import cell_len
from rich.console import Console

from denote.comparison.compare import Comparison, LeftOut, compare
from denote.comparison.compared import Compared
from denote.comparison.flat_numbers import flat_numbers
from denote.numbers import Estimate
from denote.reporting.answer.compose import believe
from denote.reporting.answer.contents import CAUTION, Doubt
from denote.reporting.comparison import networks_told
from denote.reporting.comparison.compose import comparison_answer
from denote.reporting.comparison.doubts import comparison_doubts
from denote.reporting.comparison.drawing import Line, Panel, _ends
from denote.reporting.comparison.figures import score_figure
from denote.reporting.comparison.neurons_told import only_words
from denote.reporting.comparison.observers_told import place_words
from denote.reporting.comparison.page import comparison_page
from denote.reporting.comparison.terminal import print_comparison

HOSTILE = "<img src=x onerror=alert(1)>"


def hostile(name: str, seeds: range) -> Compared:
    tables = dict(sweep_tables())
    tables["cells"] = tables["cells"].with_columns(layer=pl.col("layer").str.replace("blocks.1", HOSTILE, literal=True))
    made = result(name, seeds=seeds, renamed="x", **{"architecture__name": HOSTILE * 4})
    return Compared(
        name, {**made.tables, "cells": tables["cells"].filter(pl.col("seed").is_in(list(seeds)))}, made.jobs
    )


CASES: dict[str, list[Compared]] = {
    "itself": [result(), result("b")],
    "other seeds": [result(seeds=[0, 1, 2]), result("b", seeds=[1, 2, 3], renamed="x")],
    "one network": [result(seeds=[0]), result("b", seeds=[1])],
    "three others": [result(), result("b"), result("c", seeds=[0]), hostile(HOSTILE, range(4))],
    "cells alone": [of_cells("a", {"x": 0.0}, {"odd": 0.8}), of_cells("b", {"y": 0.1}, {"odd": 0.9})],
    "many others": [result(), *(result(f"sweep number {number} of many", renamed="x") for number in range(6))],
}  # fmt: skip


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> Comparison:
    return compare(CASES[request.param])


def test_the_terminal_has_at_most_14_lines_of_100_columns(case: Comparison) -> None:
    written = io.StringIO()
    print_comparison(case, Path("multirun/compare/a-b/compare.html"), Console(file=written, width=100))
    lines = written.getvalue().splitlines()
    assert len(lines) <= 14
    assert max(map(cell_len, lines)) <= 100
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names[:2] == ["Compared", "Settings"]
    assert names[-1] == "Next"
    assert "nan" not in written.getvalue().lower().replace("tenant", "")


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_runs_nothing_asks_for_nothing_and_escapes_names(case: Comparison) -> None:
    page, reader = comparison_page(case), Reader()
    reader.feed(page)
    kinds = {tag for tag, _ in reader.tags}
    assert not kinds & {"script", "img", "iframe", "form"}
    policy = next(a["content"] for tag, a in reader.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "script-src" not in policy
    assert not [a for _, a in reader.tags if "style" in a]
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    links = {a["href"] for tag, a in reader.tags if tag == "a" and a["href"].startswith("#")}
    assert {link[1:] for link in links} <= ids
    assert not re.search(r">\s*nan\b", page)


def test_the_page_writes_what_a_file_may_hold() -> None:
    """A layer, a setting and a result with a name that would run something."""
    page = comparison_page(compare([result(), hostile(HOSTILE, range(4))]))
    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_it_is_said_that_each_pair_of_results_is_a_family_of_tests_of_its_own() -> None:
    page = comparison_page(compare([result(), result("b"), result("c")]))
    assert "one family of tests for each pair of results and networks" in page


def test_the_first_screen_has_few_words() -> None:
    page = comparison_page(compare(CASES["other seeds"]))
    first = page.split('<div class="lead">')[1].split('<div class="pair">')[0]
    assert len(re.sub(r"<[^>]+>", " ", first).split()) <= 150


def test_what_is_compared_over_which_unit_is_said() -> None:
    def told(name: str) -> str:
        return comparison_answer(compare(CASES[name])).blocks[0].text

    assert "4 pairs of networks (the same networks), paired t" in told("itself")
    assert "3 networks each, not paired (only 2 of them share an initialisation), Welch's t" in told("other seeds")
    assert "on mnist; 1 network each, over test rows only. The same" in told("one network")
    assert "nearest relative depth" in told("cells alone")


def test_what_limits_a_comparison_is_a_doubt() -> None:
    few = comparison_answer(compare(CASES["one network"]))
    assert any(doubt.level == CAUTION and "test rows" in doubt.text for doubt in few.doubts)
    split = compare([result(), result("b", renamed="x", split__seed=1)])
    assert any("other test rows" in doubt.text for doubt in comparison_answer(split).doubts)
    older = Compared("old", result().tables, result().jobs, {"torch": "2.10"})
    newer = Compared("new", result().tables, result().jobs, {"torch": "2.13"})
    assert any("torch 2.10 -> 2.13" in doubt.text for doubt in comparison_answer(compare([older, newer])).doubts)


@pytest.mark.parametrize(
    ("way", "seeds", "said"),
    [
        ("seed", [2, 3], "2 networks without a partner (by seed) are left out."),
        ("seed", [1, 2, 3], "1 network without a partner (by seed) is left out."),
        ("auto", [1, 2, 3], "1 network without a partner (networks of one initialisation) is left out."),
    ],
)
def test_networks_without_a_partner_are_a_doubt_that_says_how_they_were_paired(
    way: str, seeds: list[int], said: str
) -> None:
    found = compare([result(), result("b", seeds=seeds, renamed="x")], way)
    assert said in [doubt.text for doubt in comparison_doubts(found)]


def test_a_difference_is_told_with_interval_p_value_and_levels() -> None:
    one = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.7})
    other = of_cells("b", {"x": 0.0, "y": 1.0}, {"odd": 0.9})
    captured = next(block for block in comparison_answer(compare([one, other])).blocks if block.question == "Captured")
    assert captured.text.startswith(
        "A linear probe: mean AUROC over 1 attribute and 2 layers .710 -> .910 (+.200 [+.177, +.223], p 2e-05); "
        "2 of 2 layers differ, largest, chosen by size: +.200 [+.177, +.223] at x (.710 -> .910, p 2e-05)"
    )
    assert "Cells (layer and attribute): 2 of 2 differ" in captured.text


def test_the_mean_over_layers_is_told_first_and_chosen_by_nothing() -> None:
    """Layers that differ either way cancel out: the mean is that of all of them."""
    one = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.7})
    away = pl.when(layer="x").then(0.2).otherwise(-0.1)
    spread = 0.001 * pl.col("seed") * (pl.col("seed") - 1)
    cells = one.tables["cells"].with_columns(pl.col("auroc") + away + spread)
    found = compare([one, Compared("b", {**one.tables, "cells": cells})])
    answer = comparison_answer(found)
    captured = next(block for block in answer.blocks if block.question == "Captured").text
    assert captured.startswith("A linear probe: mean AUROC over 1 attribute and 2 layers .710 -> .761 (+.051 [+.048, ")
    assert answer.numbers[0].value == "+.051"
    numbers = flat_numbers(found)
    assert numbers["auroc_difference/linear/mean"] == pytest.approx(0.05 + 0.002 / 3)
    assert numbers["auroc_difference/linear/mean_low"] < numbers["auroc_difference/linear/mean_high"]  # type: ignore[operator]
    assert numbers["auroc_difference/linear/mean_p"] < 0.01  # type: ignore[operator]
    assert numbers["auroc_difference/linear/largest"] == pytest.approx(0.2 + 0.002 / 3)


def untested() -> Comparison:
    """All networks differ by the same amount, so that t-tests have no p-value."""
    one = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.7})
    cells = one.tables["cells"].with_columns(pl.col("auroc") + 0.125)
    return compare([one, Compared("b", {**one.tables, "cells": cells})])


def test_what_was_not_tested_is_not_told_as_no_difference() -> None:
    found = untested()
    answer = comparison_answer(found)
    captured = next(block for block in answer.blocks if block.question == "Captured").text
    assert "(+.125 [+.125, +.125]; not tested: every network differs by the same amount: no test)" in captured
    assert "single layers could not be tested (all +.125; every network differs by the same amount" in captured
    assert "no difference" not in captured
    assert (answer.numbers[1].value, answer.numbers[1].beside[:13]) == ("not tested", "every network")
    numbers = flat_numbers(found)
    assert numbers["auroc_difference/linear/layers"] == 0
    assert "auroc_difference/linear/layers_that_differ" not in numbers


def test_layers_that_were_not_tested_are_not_counted() -> None:
    one = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.7})
    spread = pl.when(layer="x").then(0.01 * pl.col("seed") * (pl.col("seed") - 1)).otherwise(0.0)
    cells = one.tables["cells"].with_columns(pl.col("auroc") + 0.125 + spread)
    found = compare([one, Compared("b", {**one.tables, "cells": cells})])
    answer = comparison_answer(found)
    captured = next(block for block in answer.blocks if block.question == "Captured").text
    assert "1 of 1 layer (1 more not tested) differs" in captured
    assert answer.numbers[1].value == "1 of 1"
    assert flat_numbers(found)["auroc_difference/linear/layers"] == 1


def test_that_no_attribute_is_read_in_all_networks_is_said() -> None:
    """A network without scores leaves no mean; single cells of the others are compared all the same."""
    one, other = (of_cells(name, {"x": 0.0, "y": 1.0}, {"odd": 0.8}) for name in "ab")
    cells = other.tables["cells"].with_columns(auroc=pl.when(pl.col("seed") > 0).then("auroc"))
    found = compare([one, Compared("b", {**other.tables, "cells": cells}, other.jobs)])
    said = " ".join(line for block in comparison_answer(found).blocks for line in block.lines)
    assert "No attribute has a score in all networks of both at any layer, so no means are compared. Cells" in said
    assert "0 of 2 differ" in said
    assert score_figure(found.contrasts[0]).why == "No attribute has a score in all networks of both at any layer."


def test_results_without_an_attribute_in_common_say_so_first() -> None:
    """Where only neurons are compared, the reader learns why nothing of observers is, and what each has."""
    tables = sweep_tables()
    renamed = tables["cells"].with_columns(attribute=pl.concat_str(pl.lit("other "), "attribute"))
    found = compare([result(), Compared("b", {**tables, "cells": renamed}, result().jobs)])
    answer = comparison_answer(found)
    captured = next(block for block in answer.blocks if block.question == "Captured").text
    assert captured.startswith("No attribute is read in both: a reads ")
    assert "; b reads other " in captured
    assert captured in answer.sentences
    assert (answer.numbers[0].label, answer.numbers[0].value) == ("attributes read in both", "0")
    assert "No attribute is read in both: a reads" in comparison_page(found)
    assert flat_numbers(found)["n_attributes"] == 0
    assert flat_numbers(compare([result(), result("b")]))["n_attributes"] > 0  # type: ignore[operator]


def block_of(found: Comparison, question: str) -> str:
    return next(block for block in comparison_answer(found).blocks if block.question == question).text


def test_few_shared_networks_are_compared_by_themselves_and_the_others_counted() -> None:
    found = compare([result(seeds=[0, 1]), result("b", probe__linear__l2=0.1)])
    said = block_of(found, "Compared")
    assert "2 networks each, over test rows only (the same networks; 2 networks without a partner left out)" in said
    assert "2 networks without a partner (the same networks) are left out." in [
        doubt.text for doubt in comparison_doubts(found)
    ]
    wider = "Intervals are wider than paired ones would be: both have the same test rows."
    assert wider in block_of(found, "Captured")
    assert wider in comparison_page(found)
    assert wider not in block_of(compare(CASES["itself"]), "Captured"), "networks are the unit there"
    other_rows = compare([result(seeds=[0]), result("b", seeds=[0], renamed="x", split__seed=1)])
    assert wider not in block_of(other_rows, "Captured")


def test_every_setting_that_differs_is_named() -> None:
    changed = {f"architecture__{name}": 1 for name in ("width", "depth", "bias", "norm")}
    others = {"trainer__batch": 8, "dataset__path": "x", "probe__linear__l2": 0.1, "evidence__level": "quick"}
    found = compare([result(), *(result(f"b{n}", renamed="x", **changed, **others) for n in range(1))])
    last = networks_told.settings_told(found.contrasts[0]).versions[-2][0]
    for key in ("architecture", "width", "depth", "bias", "norm", "trainer.batch", "path", "l2", "evidence.level"):
        assert key in last
    assert "more" not in last
    assert networks_told.key_words(["a.b", "a.c", "seed", "p.x.y"]) == "a (b, c), seed, p.x.y"


def test_a_result_against_itself_has_no_numbers_of_nothing() -> None:
    said = block_of(compare(CASES["itself"]), "Captured")
    assert re.search(r"; none of \d layers differs\.", said)
    assert "all .000" not in said


def test_numbers_of_a_page_are_those_of_one_probe() -> None:
    one, other = (of_cells(name, {"x": 0.0, "y": 1.0}, {"odd": score}) for name, score in (("a", 0.7), ("b", 0.9)))

    def both(side: Compared) -> Compared:
        cells = side.tables["cells"]
        return Compared(
            side.name, {**side.tables, "cells": pl.concat([cells, cells.with_columns(probe=pl.lit("mlp"))])}
        )

    found = comparison_answer(compare([both(one), both(other)]))
    assert (found.numbers[1].label, found.numbers[1].value) == ("means at layers differ, linear", "2 of 2")


def test_a_page_says_at_the_top_what_is_left_out() -> None:
    layers = {"x": 0.0, "y": 0.5, "z": 1.0}
    shorter = compare([of_cells("a", layers, {"odd": 0.7}), of_cells("b", {"x": 0.0, "y": 0.5}, {"odd": 0.7})])
    assert "2 layers in both; 1 layer left out (z)." in block_of(shorter, "Compared")
    assert "1 layer left out (z)." in comparison_page(shorter).split('<div class="pair">')[0]
    found = compare([result(), result("b")], left_out=[LeftOut("c", "has no results")])
    top = comparison_page(found).split('<details id="badge"')[0]
    assert "2 results; baseline: a; 1 left out: c (has no results)" in top


def test_a_page_writes_undefined_numbers_as_a_dash() -> None:
    page = comparison_page(compare(CASES["one network"]))
    assert "<td>null</td>" not in page
    assert "<td>\N{EN DASH}</td>" in page


def test_that_evidence_is_quick_is_not_hidden_where_there_is_little_room() -> None:
    doubts = [Doubt(CAUTION, f"doubt {number}.") for number in range(3)] + [Doubt(CAUTION, "No controls.", "quick")]
    assert believe(doubts, "see compare.html")[-1] == ["doubt 0. And 3 more (quick): see compare.html."]


def test_the_largest_difference_says_that_its_size_chose_it() -> None:
    one = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.7})
    other = of_cells("b", {"x": 0.0, "y": 1.0}, {"odd": 0.9})
    answer = comparison_answer(compare([one, other]))
    assert (answer.numbers[2].label, answer.numbers[2].value) == ("largest, chosen by size", "+.200")
    assert (answer.numbers[0].label, answer.numbers[0].value) == ("mean difference of AUROC over 2 layers", "+.200")
    assert answer.numbers[0].beside.startswith("[+.177, +.223], p ")
    captured = next(block for block in answer.blocks if block.question == "Captured").text
    assert "2 of 2 differ; largest, chosen by size: odd at x" in captured


def test_what_has_no_counterpart_is_named() -> None:
    def of(name: str, *kinds: tuple[str, str]) -> Compared:
        parts = [of_cells(kind, {"x": 0.0}, {"odd": 0.8}, dataset=dataset) for kind, dataset in kinds]
        return Compared(name, {each: pl.concat([part.tables[each] for part in parts]) for each in parts[0].tables})

    def said(one: Compared, other: Compared) -> list[str]:
        return [doubt.text for doubt in comparison_doubts(compare([one, other])) if "Not compared" in doubt.text]

    both = of("a", ("mlp", "digits"), ("mlp", "shapes"))
    assert said(both, of("b", ("mlp", "digits"))) == [
        "Not compared, for want of a counterpart in b: mlp on shapes of a."
    ]
    kinds = of("b", ("mlp", "digits"), ("vit", "digits"), ("cnn", "digits"))
    assert said(of("a", ("mlp", "digits"), ("rnn", "digits")), kinds) == [
        "Not compared, for want of a counterpart in b: rnn on digits of a.",
        "Not compared, for want of a counterpart in a: cnn on digits and vit on digits of b.",
    ]
    assert said(both, of("b", ("mlp", "digits"), ("mlp", "shapes"))) == []


def test_layers_at_other_depths_are_told_with_them() -> None:
    ends = {"relative_depth": 0.0, "other_relative_depth": 0.0}
    row = {"layer": "hidden_1", "other_layer": "conv_1", **ends}
    assert place_words(row) == "hidden_1 / conv_1", "at one depth nothing needs to be said of it"
    assert place_words({**row, "other_relative_depth": 0.1}) == "hidden_1 (depth .00) / conv_1 (depth .10)"
    assert place_words({**row, "other_layer": "hidden_1"}) == "hidden_1"


def test_of_one_network_each_nothing_is_told_of_half_the_networks() -> None:
    contrast = compare([result(seeds=[0]), result("b", seeds=[1])]).contrasts[0]
    said = only_words(contrast, contrast.rows("neurons")["family"][0])
    assert re.match(r"Denoted in one only: |No property is denoted in one only\.", said)


def test_a_page_breaks_no_line_within_an_arrow() -> None:
    page = comparison_page(compare(CASES["other seeds"]))
    first = page.split('<div class="lead">')[1].split('<div class="pair">')[0]
    assert "-&gt;" not in first
    assert ".914\u00a0→ .915" in first


def test_over_test_rows_the_results_have_no_bands_over_networks() -> None:
    few = score_figure(compare([result(seeds=[0, 1]), result("b", seeds=[2, 3], renamed="x")]).contrasts[0])
    assert "95 % interval of the difference over test rows" in few.note
    enough = score_figure(compare([result(), result("b")]).contrasts[0])
    assert "95 % intervals over networks" in enough.note
    assert few.wide.count('class="interval ') < enough.wide.count('class="interval ')


def test_an_untested_difference_is_no_absent_one_in_its_hover_text() -> None:
    titles = score_figure(untested().contrasts[0]).wide
    assert "difference at x: +.125 [+.125, +.125], not tested</title>" in titles
    assert "no difference after correction" not in titles


@pytest.mark.parametrize(
    ("value", "is_change", "ticks"),
    [(0.0, False, (0.0, 0.02)), (1.0, False, (0.98, 1.0)), (0.5, False, (0.49, 0.51)), (0.0, True, (-0.01, 0.01))],
)
def test_where_all_values_are_alike_an_axis_spans_more_than_rounding(
    value: float, is_change: bool, ticks: tuple[float, float]
) -> None:
    nan = float("nan")
    line = Line("other", "b", [0.0, 1.0], ["x", "y"], [Estimate(value, nan, nan)] * 2)
    found = _ends(Panel("share", [line], is_change=is_change))[2]
    assert (found[0], found[-1]) == pytest.approx(ticks)


def test_what_is_told_of_several_results_are_sentences() -> None:
    told = comparison_answer(compare([result(), result("b", renamed="x"), result("c", seeds=[0])])).sentences
    assert [sentence[:1] for sentence in told] == [sentence[:1].upper() for sentence in told]
    assert told[1].startswith("Mean AUROC of a linear probe .000 [.000, .000], p 1.000 (b); ")
