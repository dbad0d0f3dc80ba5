"""What is said of attributes beside the raw input, and of rows that lack their values."""

import polars as pl

from denote.evidence.rule import LESS, UNDECIDED
from denote.figures.audit_panels import draw_audit
from denote.notes import Note
from denote.reporting.attribute_sheets import audit_sentences, audit_sheet
from denote.reporting.findings import missing_sentences
from denote.tables import AUDIT, CELLS, table


def row(
    attribute: str, layer: str, gain: float | None, verdict: str | None, probe: str = "linear"
) -> dict[str, object]:
    known = {} if gain is None else {
        "auroc": 0.8 + gain, "auroc_low": 0.7 + gain, "auroc_high": 0.9 + gain, "input_auroc": 0.8, "input_gain": gain,
        "input_gain_low": gain - 0.1, "input_gain_high": gain + 0.1, "untrained_auroc": 0.6,
    }  # fmt: skip
    return {
        "dataset": "credit", "architecture": "mlp", "trained": True, "layer": layer, "depth": 0 if layer == "a" else 1,
        "probe": probe, "attribute": attribute, "n_models": 3, "n_test": 90, "label_proportion": 0.3,
        "verdict": verdict, "note": None if known else "too few rows: 3 yes",
        "input_name": "income" if probe == "neuron" else None, **known,
    }  # fmt: skip


ROWS = table(
    [row("sex", "a", 0.0, UNDECIDED), row("sex", "b", -0.2, LESS), row("rare", "a", None, None),
     row("sex", "a", -0.1, UNDECIDED, "neuron")],
    AUDIT,
)  # fmt: skip


def test_sentences_name_layers_that_lose_and_what_could_not_be_compared() -> None:
    said, missing = audit_sentences(ROWS)
    assert "less than the input: sex (b); more than the input: none" in said
    assert "undecided in 1 of 2 comparisons, of which up to .1 would be decided by chance" in said
    assert "rare (too few rows: 3 yes)" in missing
    assert audit_sentences(ROWS.clear()) == []


def test_the_sheet_names_the_nearest_input_and_the_figure_draws_what_is_known() -> None:
    sheet = audit_sheet(ROWS)
    nearest = sheet.header.index("nearest input")
    assert [cells[nearest] for cells in sheet.rows if cells[0] == "sex"] == ["income (.80)"] * 2
    linear = ROWS.filter(pl.col("probe") == "linear")
    assert [ax.get_title(loc="left") for ax in draw_audit(linear).axes if ax.axison] == ["sex · p .30"]
    assert draw_audit(linear.filter(pl.col("attribute") == "rare")).axes


def test_missing_values_are_counted_unless_rows_were_drawn() -> None:
    cells = [{"dataset": "credit", "attribute": name, "n_test": n} for name, n in (("sex", 90), ("age", 100))]
    (said,) = missing_sentences(table(cells, CELLS))
    assert "100 test rows" in said
    assert "sex 10" in said
    assert "age" not in said
    drawn = table([cell | {"note": Note.of("equal_rows", number=50)} for cell in cells], CELLS)
    assert missing_sentences(drawn) == []
