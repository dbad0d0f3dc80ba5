"""The report says of ablated neurons and observers whether the network uses them, with the score before and after."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import explored
import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.interventions.use import use_tests
from denote.interventions.words import NOT_SHOWN, UNTESTED, USED
from denote.reporting.ablations import BRIEFLY, cells_told, neurons_told, use_sentences, used_sheet
from denote.reporting.page.bundle import Contents, bundle
from denote.reporting.page.evidence import sections

if TYPE_CHECKING:
    from conftest import Visits

Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def plain() -> Tables:
    return synthetic.all_tables(1, 5, 32)


@pytest.fixture(scope="module")
def tables(plain: Tables) -> Tables:
    return synthetic.ablated(plain)


def test_the_table_lists_subjects_the_most_costly_first_and_outputs_last(tables: Tables) -> None:
    (sheet,) = used_sheet(tables, Rule())
    ablated, heads = tables["interventions"], tables["layers"].filter("is_head")["layer"].unique().to_list()
    hidden = ablated.filter(~pl.col("layer").is_in(heads))
    tested, costly = (hidden.filter(each) for each in (pl.col("p_value").is_not_null(), pl.col("q_value") <= 0.05))
    assert sheet.caption.startswith(f"{len(costly)} of {len(tested)} subjects are shown to be used: q <= .05")
    of = {name: [row[at] for row in sheet.rows] for at, name in enumerate(sheet.header)}
    assert len(sheet.rows) == len(ablated)
    assert set(of["where"][: len(hidden)]).isdisjoint(heads)  # of one network the layer alone is named
    n_costly = len(hidden.filter(pl.col("effect") > 0))
    scores = of["score on its rows"][: len(hidden)]
    assert scores == [".97 to .41"] * n_costly + [".97 to .97"] * (len(hidden) - n_costly)
    assert of["costs"][0] == ".56 [.50, .61]"
    assert set(of["random"]) == {"to .96", ""}
    assert set(of["p is of"]) == {"24 neurons", "24 directions", ""}
    few = BRIEFLY[UNTESTED["few_ablation_rows"]]
    for verdict, score in zip(of["verdict"][: len(hidden)], scores, strict=True):
        assert verdict in (few, USED if score == ".97 to .41" else NOT_SHOWN)
    assert set(of["verdict"][len(hidden) :]) == {"an output"}
    neurons = tables["neurons"].filter("denotes")
    first = next(at for at, what in enumerate(of["what is resampled"]) if what.startswith("neuron "))
    assert float(f"0{of['read'][first]}") in set(neurons["balanced_accuracy"].round(2))
    assert all(link.startswith(("#neuron=", "#cell=")) for link in sheet.links)


def test_a_sentence_says_whether_networks_use_what_their_neurons_denote() -> None:
    tables = synthetic.ablated(synthetic.all_tables(6, 4, 16))
    tables["use_tests"] = use_tests(tables["neurons"], tables["layers"])
    (sentence,) = use_sentences(tables)
    assert sentence.startswith("mlp-3x32-relu on mnist, neurons that denote a set of classes")
    assert "beyond random (mean over 6 networks, p .031): used more than random ones" in sentence


def test_nothing_is_said_where_nothing_was_ablated(plain: Tables) -> None:
    assert used_sheet(plain, Rule()) == []
    assert "Used, or only readable?" not in [section.heading for section in sections(plain, [], Rule())]
    assert neurons_told(plain["neurons"], plain["interventions"])["used"].null_count() == len(plain["neurons"])


def test_a_sentence_has_the_score_before_and_after_with_and_without_the_property(tables: Tables) -> None:
    rest = {"rows": "without", "baseline": 0.95, "value": 0.94, "p_value": None, "random": None}
    without = tables["interventions"].with_columns(pl.lit(value).alias(name) for name, value in rest.items())
    both = pl.concat([tables["interventions"], without], how="vertical_relaxed")
    told = neurons_told(tables["neurons"], both).filter("denotes", pl.col("neuron") == 2)["used"][0]
    assert told.startswith(
        "Used: resampling it from other inputs takes the network's score on the 200 test rows with the property from "
        ".97 to .41 (random neurons: to .96), that on the others from .95 to .94; corrected p .0"
    )
    cells = cells_told(tables["cells"], tables["interventions"])["used"].drop_nulls()
    tested = cells.filter(cells.str.contains("corrected p"))
    assert tested.str.contains("random directions: to .96").all()
    assert cells.str.starts_with("Used: ").any()
    assert cells.str.starts_with("Not shown to be used: ").any()


def test_the_page_of_a_neuron_and_the_card_of_a_cell_say_it(
    tables: Tables, report: Path, tmp_path: Path, visits: "Visits"
) -> None:
    made, _ = bundle(Contents(tables, "ablated"))
    page = visits.open(explored.with_data(report, made, tmp_path / "report.html"), width=390)
    read: Callable[[str], list[str]] = lambda name: [row["used"] for row in explored.rows(made[name])]  # noqa: E731
    for name, part in (("neurons", "neuron"), ("cells", "card")):
        said = read(name)
        at = next(place for place, sentence in enumerate(said) if sentence)
        page.evaluate(f"location.hash = '{'neuron' if name == 'neurons' else 'cell'}={at}'")
        page.wait_for_selector(f"#{part} .used")
        assert page.inner_text(f"#{part} .used") == f"Used, or only readable? {said[at]}"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    silent = next(place for place, sentence in enumerate(read("neurons")) if not sentence)
    page.evaluate(f"location.hash = 'neuron={silent}'")
    page.wait_for_function(f"document.querySelector('#neuron').dataset.at === '{silent}'")
    assert page.locator("#neuron .used").count() == 0
