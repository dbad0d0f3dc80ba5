"""The audit figure shows what was decided first, and says what it leaves out."""

import polars as pl
from synthetic_tables import said_below

from denote.evidence.rule import LESS, UNDECIDED
from denote.figures.audit_panels import MOST_PANELS, audit_order, draw_audit
from denote.tables import AUDIT, table


def rows(n: int, decided: set[int]) -> pl.DataFrame:
    return table(
        [
            {
                "dataset": "d", "architecture": "a", "trained": True, "layer": "hidden_1", "depth": 0,
                "probe": "linear", "attribute": f"a{i}", "label_proportion": 0.5, "n_models": 3,
                "auroc": 0.6, "auroc_low": 0.5,
                "auroc_high": 0.7, "input_auroc": 0.99 - i / 100, "input_gain": -i / 100,
                "verdict": LESS if i in decided else UNDECIDED,
            }
            for i in range(n)
        ],
        AUDIT,
    )  # fmt: skip


def test_decided_attributes_are_drawn_before_others() -> None:
    found = rows(MOST_PANELS + 2, {MOST_PANELS, MOST_PANELS + 1})
    assert audit_order(found)["attribute"].to_list()[:3] == [f"a{MOST_PANELS + 1}", f"a{MOST_PANELS}", "a0"]
    figure = draw_audit(found)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0].startswith(f"a{MOST_PANELS + 1}")
    assert "2 more attributes not drawn, all of them undecided at every layer" in said_below(figure)
    lowest, highest = figure.axes[0].get_ylim()
    assert (0.45 < lowest < 0.5, 1 < highest < 1.1) == (True, True)  # the ends of intervals are at .5


def test_decided_attributes_that_find_no_place_are_counted() -> None:
    figure = draw_audit(rows(MOST_PANELS + 2, set(range(MOST_PANELS + 1))))
    assert "2 more attributes not drawn, 1 of them decided" in said_below(figure)
