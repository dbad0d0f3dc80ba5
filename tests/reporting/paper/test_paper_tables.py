"""Tables of a paper: names as they are whatever is in them, numbers of the tables, dashes with a reason."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import parsed
import polars as pl
import polars.selectors as cs
import pytest
import synthetic_tables as synthetic
from hypothesis import example, given
from hypothesis import strategies as st

from denote.config.paper_settings import EPOCHS, PaperSettings
from denote.evidence.first_decisive import seed_spread
from denote.evidence.rule import Rule
from denote.figures.curves import curves
from denote.reporting.answer.words import clean
from denote.reporting.paper.latex import LONGEST, latex
from denote.reporting.paper.markdown import markdown
from denote.reporting.paper.methods import Done
from denote.reporting.paper.table import Cell, PaperTable
from denote.reporting.paper.tables import paper_tables
from denote.reporting.paper.widths import broken, fits
from denote.runs.paper import fill_paper, say_paper

HOSTILE = r"a_b & 50% #1 {x} $y$ ~ ^ \n \input{/etc/passwd} | < > `c` *d* [e](f) é α"
"""Every sign that LaTeX or Markdown takes for its own."""


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    made = synthetic.all_tables(3, 8, 32)
    return {**made, "label_proportion_by_depth": synthetic.with_bands(made["label_proportion_by_depth"])}


@pytest.fixture(scope="module")
def grids(tables: Mapping[str, pl.DataFrame]) -> dict[str, parsed.Grid]:
    """Every table by the beginning of its name, as Markdown; LaTeX holds the same."""
    found = {}
    for table in paper_tables(tables, Rule()):
        grid = parsed.of_markdown(markdown(table))
        assert parsed.of_latex(latex(table)) == grid
        found[table.name] = grid
    return found


def one(text: str) -> PaperTable:
    return PaperTable("name", text, (text, "x"), [(Cell(text), Cell(".5"))], {"a": text}, text)


@example(HOSTILE)
@example("[0] *")
@example("* [")
@given(st.text(st.sampled_from(r"a_&%#{}$~^\|<>`*[](") | st.just(" "), min_size=1, max_size=12))
def test_a_name_is_shown_as_it_is(name: str) -> None:
    name = name.strip() or "x"
    header, row = parsed.of_markdown(markdown(one(name)))
    assert header[0] == row[0] == name


@example(HOSTILE)
@given(st.text(st.characters(categories=("L", "N", "P", "S", "Cc", "Cf")), min_size=1, max_size=20))
def test_nothing_in_a_name_leaves_its_place(name: str) -> None:
    """A name in LaTeX opens and closes no group, ends no line and runs no command that it brings along."""
    written = latex(one(name))
    plain = latex(one("x"))
    assert written.count("\n") == plain.count("\n")
    assert r"\input" not in written.replace(r"\textbackslash{}input", "")
    bare = written.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert len(markdown(one(name)).splitlines()) == len(markdown(one("x")).splitlines())


def test_latex_shows_a_hostile_name_as_it_is() -> None:
    known = r"a_b & 50% #1 {x} $y$ ~ ^ \n < > *d* é α"
    assert parsed.of_latex(latex(one(known)))[1][0] == known


def test_names_are_not_cut_and_controls_are_written_out() -> None:
    long = "n" * 300
    assert long in latex(one(long))
    assert "{\\textbackslash}u202e" in latex(one("a\u202eb"))
    assert clean("n" * LONGEST, LONGEST) == "n" * LONGEST


def test_layers_hold_the_numbers_of_the_table(
    tables: Mapping[str, pl.DataFrame], grids: dict[str, parsed.Grid]
) -> None:
    by_depth = tables["label_proportion_by_depth"]
    (curve,) = curves(by_depth)
    header, *rows = grids[f"layers-{curve.slug}"]
    assert [row[header.index("layer")] for row in rows] == by_depth.sort("depth")["layer"].to_list()
    columns = {
        "live": ("n_live",), "denoting": ("n_denoting",),
        "untrained": ("untrained_share_denoting", "untrained_share_low", "untrained_share_high"),
        "random directions": ("rotated_share_denoting", "rotated_share_low", "rotated_share_high"),
        "label proportion": ("label_proportion_mean", "label_proportion_low", "label_proportion_high"),
        "folded": ("folded_mean", "folded_low", "folded_high"),
    }  # fmt: skip
    for title, names in columns.items():
        for row, values in zip(rows, by_depth.sort("depth").select(names).iter_rows(), strict=True):
            shown = row[header.index(title)]
            assert shown in ("–", "–a", "–b") if values[0] is None else parsed.agrees(shown, *values), shown


def test_observers_hold_means_over_networks_and_marks(
    tables: Mapping[str, pl.DataFrame], grids: dict[str, parsed.Grid]
) -> None:
    name = next(name for name in grids if name.startswith("observers-") and name.endswith("-linear"))
    header, *rows = grids[name]
    spread = tables["seed_spread"].filter(pl.col("probe") == "linear")
    cells = tables["cells"].filter(pl.col("probe") == "linear")
    seen = set()
    for row in rows:
        for layer in header[2 : header.index("best at")]:
            same = (pl.col("attribute") == row[0]) & (pl.col("layer") == layer)
            shown = row[header.index(layer)]
            known = spread.filter(same).select("auroc_mean", "auroc_low", "auroc_high").drop_nulls("auroc_mean")
            if known.is_empty():
                assert shown.startswith("–")
                continue
            assert parsed.agrees(shown, *known.row(0))
            decisive = cells.filter(same, pl.col("auroc").is_not_null())["decisive"]
            mark = "*" if decisive.all() else "(*)" if decisive.any() else ""
            assert shown.partition(" ")[0].lstrip("<>").lstrip("0123456789.") == mark
            seen.add(mark)
        at_best = cells.filter(pl.col("attribute") == row[0], pl.col("layer") == row[header.index("best at")])
        for title, column in {"shuffled": "control_auroc", "raw input": "input_auroc"}.items():
            assert parsed.agrees(row[header.index(title)], at_best[column].mean())
    assert {"*", ""} <= seen


def test_a_mean_that_a_network_has_no_value_for_says_so(tables: Mapping[str, pl.DataFrame]) -> None:
    """Such a cell is not decisive in every network, and its mean and its controls are over the others."""
    cells = tables["cells"].filter(pl.col("probe") == "linear", pl.col("attribute") == tables["cells"]["attribute"][0])
    silent = (pl.col("seed") == 0) & (pl.col("layer") == cells["layer"][0])
    gone = {name: pl.when(~silent).then(name) for name in ("auroc", "p_value", "decisive")}
    cells = cells.with_columns(decisive=True, input_auroc=pl.when(pl.col("seed") > 1).then(0.75)).with_columns(**gone)
    made = {**tables, "cells": cells, "seed_spread": seed_spread(cells)}
    (table,) = [each for each in paper_tables(made, Rule()) if each.name.startswith("observers-")]
    (row,) = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    first, second = (row[layer] for layer in table.header[2:4])
    assert "(*)" in first.text
    assert table.notes[first.mark] == "over 2 of 3 networks"
    assert "(*)" not in second.text
    assert "*" in second.text
    assert second.mark == ""
    assert table.notes[row["raw input"].mark] == "over 1 of 3 networks"


def test_layers_say_how_many_networks_a_mean_is_over(tables: Mapping[str, pl.DataFrame]) -> None:
    counts = {"n_models": 3, "n_models_with_value": 2, "rotated_n_models_with_value": 1, "rotated_folded_mean": 0.2}
    by_depth = tables["label_proportion_by_depth"].with_columns(**{name: pl.lit(n) for name, n in counts.items()})
    table = next(paper_tables({**tables, "label_proportion_by_depth": by_depth}, Rule()))
    told = {title: table.notes.get(cell.mark) for title, cell in zip(table.header, table.rows[-1], strict=True)}
    assert told["label proportion"] == told["folded"] == "over 2 of 3 networks"
    assert told["folded, random directions"] == "over 1 of 3 networks"
    assert told["denoting"] is None


def test_tests_and_verdicts_are_those_of_the_last_epoch(tables: Mapping[str, pl.DataFrame]) -> None:
    mixed = {**tables}
    for name in ("depth_tests", "depth_verdicts"):
        mixed[name] = pl.concat([tables[name].with_columns(pl.col("epoch") - 1), tables[name]])
    last, every = (
        {table.name: table for table in paper_tables(mixed, Rule(), epochs) if table.name.startswith("depth_")}
        for epochs in EPOCHS
    )
    for name, table in last.items():
        assert len(table.rows) * 2 == len(every[name].rows)
    assert "epoch" not in last["depth_verdicts"].header
    assert "epoch" in every["depth_verdicts"].header


@given(st.text(st.sampled_from("ab _,."), max_size=60), st.integers(1, 20))
def test_a_broken_text_loses_no_letter(text: str, letters: int) -> None:
    lines = broken(text, letters)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= letters or not re.search(r"[ ,._].", line) for line in lines)


def test_tables_fit_across_both_columns() -> None:
    """Many layers of long names beside every control: fewer layers are shown, and texts are broken."""
    made = synthetic.all_tables(3, 12, 16)
    for name, rows in made.items():
        if "layer" in rows.columns and rows.schema["layer"] == pl.String:
            made[name] = rows.with_columns(layer=pl.format("encoder.layer.{}.output", "layer"))
    made["cells"] = made["cells"].with_columns(rotated_auroc=0.5, control_task_auroc=0.5)
    found = list(paper_tables(made, Rule()))
    assert any("layers are shown" in table.caption for table in found)
    assert all(map(fits, found))


def test_a_probe_of_several_sizes_and_a_layer_of_several_poolings(tables: Mapping[str, pl.DataFrame]) -> None:
    """One table a probe: a narrow layer has fewer neurons to give. Poolings of a layer stand apart."""
    cells = tables["cells"].filter(pl.col("probe") == "linear").with_columns(probe=pl.lit("sparse"))
    last = pl.col("layer") == "logits"
    sized = cells.with_columns(k=pl.when(last).then(4).otherwise(8).cast(pl.Int64))
    pooled = sized.filter(last).with_columns(pooling=pl.lit("max"), auroc=pl.lit(0.625))
    cells = pl.concat([sized, pooled])
    cells = cells.filter(pl.col("depth") > cells["depth"].max() - 3)
    made = {**tables, "cells": cells, "seed_spread": seed_spread(cells)}
    (table,) = [each for each in paper_tables(made, Rule()) if each.name.startswith("observers-")]
    assert "sparse (at most 8 neurons)" in table.caption
    header, *rows = parsed.of_markdown(markdown(table))
    pooling = sized.filter(last)["pooling"][0]
    assert {f"logits ({pooling})", "logits (max)"} <= set(header)
    assert all(parsed.agrees(row[header.index("logits (max)")].partition(" ")[0].rstrip("*()"), 0.625) for row in rows)


def test_neurons_are_the_surest_and_tests_are_those_that_were_made(
    tables: Mapping[str, pl.DataFrame], grids: dict[str, parsed.Grid]
) -> None:
    header, *rows = grids["neurons"]
    neurons = tables["neurons"].filter("denotes").sort("q_value", "balanced_accuracy", descending=[False, True])
    shown = [[row[header.index(name)] for name in ("layer", "neuron", "seed")] for row in rows]
    known = neurons.head(len(rows)).select("layer", "neuron", "seed").rows()
    assert sorted(shown) == sorted([*map(str, row)] for row in known)
    key = {(row["layer"], str(row["neuron"]), str(row["seed"])): row for row in neurons.iter_rows(named=True)}
    ends = [f"balanced_accuracy{end}" for end in ("", "_interval_low", "_interval_high")]
    for row in rows:
        own = key[tuple(row[header.index(name)] for name in ("layer", "neuron", "seed"))]
        assert parsed.agrees(row[header.index("balanced accuracy")], *(own[name] for name in ends))
        assert parsed.agrees(row[header.index("q")], own["q_value"])
    made = tables["depth_tests"].filter(pl.any_horizontal(pl.col("p_value", "effect", "statistic").is_not_null()))
    assert len(grids["depth_tests"]) - 1 == len(made) > 0
    assert len(grids["depth_verdicts"]) - 1 == len(tables["depth_verdicts"]) == 1


def test_neurons_are_those_of_trained_networks_at_their_last_epoch(
    tables: Mapping[str, pl.DataFrame], grids: dict[str, parsed.Grid]
) -> None:
    neurons = tables["neurons"]
    earlier = neurons.with_columns(epoch=pl.col("epoch") - 1, q_value=0.0)
    untrained = neurons.with_columns(trained=pl.lit(False), epoch=pl.lit(0, pl.Int64), q_value=0.0)
    mixed = {**tables, "neurons": pl.concat([earlier, untrained, neurons])}
    (table,) = [each for each in paper_tables(mixed, Rule()) if each.name == "neurons"]
    assert parsed.of_markdown(markdown(table)) == grids["neurons"]
    assert f"among {len(neurons.filter('live'))} live neurons (once" in table.caption
    alone = {**synthetic.empty_tables(), "neurons": untrained}
    (table,) = [each for each in paper_tables(alone, Rule()) if each.name == "neurons"]
    assert "live neurons of untrained networks" in table.caption


def test_a_dash_has_the_reason_of_its_row(tables: Mapping[str, pl.DataFrame]) -> None:
    table = next(paper_tables(tables, Rule()))
    undefined = [cell for row in table.rows for cell in row if not cell.text]
    assert undefined
    assert {cell.mark for cell in undefined} <= table.notes.keys()
    assert all(f"<sup>{mark}</sup> " in markdown(table) for mark in table.notes)


def test_controls_that_were_not_made_have_no_column(tables: Mapping[str, pl.DataFrame]) -> None:
    without = tables["label_proportion_by_depth"].with_columns(
        rotated_share_denoting=None, untrained_share_denoting=None, rotated_folded_mean=None
    )
    table = next(paper_tables({**tables, "label_proportion_by_depth": without}, Rule()))
    assert not {"random directions", "untrained", "folded, random directions"} & set(table.header)
    assert "random directions" not in table.caption
    assert "random directions and untrained: the same of" in next(paper_tables(tables, Rule())).caption


def test_captions_tell_of_several_networks_only_where_there_are(
    tables: Mapping[str, pl.DataFrame], tmp_path: Path, unpainted: None
) -> None:
    """One table holds means over networks, another one network; so do the figures and their captions."""
    single = synthetic.all_tables(1, 4, 16)
    several_words = ("over networks; ", "mean over networks", "t-intervals over networks", "every network", "in some")
    for made, is_single in ((single, True), (tables, False)):
        fill_paper(tmp_path / str(is_single), Done(made), PaperSettings(("svg",)))
        page = (tmp_path / str(is_single) / "methods.md").read_text(encoding="utf-8")
        figures = page.split("## Figures")[1].split("## References")[0]
        captions = [table.caption for table in paper_tables(made, Rule()) if not table.name.startswith("depth_")]
        told = "\n".join([figures, *captions])
        assert "label_proportion_by_depth" in figures.replace("\\", "")
        assert "attribute_by_depth" in figures.replace("\\", "")
        assert not is_single or not [words for words in several_words if words in told]
        assert is_single or all(words in told for words in several_words)
        assert ("thin lines there are networks" in figures) is not is_single


def test_captions_name_no_panel_that_is_not_drawn(
    tables: Mapping[str, pl.DataFrame], tmp_path: Path, unpainted: None
) -> None:
    frames = {name: tables[name] for name in ("label_proportion_by_depth", "label_proportion_by_model")}
    without = {
        name: rows.with_columns(cs.starts_with("rotated_").map_batches(lambda column: column.clear(len(column))))
        for name, rows in frames.items()
    }
    fill_paper(tmp_path, Done({**tables, **without}), PaperSettings(("svg",)))
    page = (tmp_path / "methods.md").read_text(encoding="utf-8")
    assert page.count("(c)") == 1
    assert "Not drawn: (c), as the rotated control is missing." in page


def test_what_a_paper_lacks_is_named_with_its_reason(
    tables: Mapping[str, pl.DataFrame], tmp_path: Path, unpainted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tables["neurons"].with_columns(denotes=False)
    by_depth = tables["label_proportion_by_depth"].with_columns(
        pl.lit(0.0).alias(name) for name in ("share_denoting", "rotated_share_denoting", "untrained_share_denoting")
    )
    fill_paper(
        tmp_path,
        Done({**tables, "neurons": none, "label_proportion_by_depth": by_depth}),
        PaperSettings(("svg", "latex")),
    )
    say_paper(tmp_path)
    said = capsys.readouterr().out
    assert "without layers, neurons, label_proportion_by_depth, depth_parts, methods.md says why" in said
    page = (tmp_path / "methods.md").read_text(encoding="utf-8").replace("\\", "")
    assert "There is no layers, neurons, label_proportion_by_depth or depth_parts, as none of " in page
    assert "neurons denotes." in page.split("## Not made")[1]


def test_nothing_observed_makes_no_table() -> None:
    assert list(paper_tables(synthetic.empty_tables(), Rule())) == []


def test_pdflatex_sets_every_table(tables: Mapping[str, pl.DataFrame], tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on PATH")
    made = [*map(latex, paper_tables(tables, Rule())), latex(one(HOSTILE)), latex(one("[0] *"))]
    page = r"\documentclass[twocolumn,10pt]{article}\usepackage{booktabs}\setlength{\textwidth}{6.75in}\begin{document}"
    text = page + "\n".join(made) + r"\end{document}"
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert b"Overfull" not in done.stdout
