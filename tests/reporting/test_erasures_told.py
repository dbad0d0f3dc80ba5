"""The report says what erasures cost on rows with the attribute and on all, and the answer counts what they add."""

import polars as pl
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.interventions.words import BY_ERASURE, ELSEWHERE, NOT_SHOWN, USED
from denote.reporting.ablations import BRIEFLY, used_sheet
from denote.reporting.answer.used import Uses
from denote.reporting.erasures import intervention_sheets

TABLES = synthetic.all_tables(1, 5, 16)


def test_the_table_has_the_score_on_rows_with_and_without_the_attribute() -> None:
    rows = synthetic.erased_and_steered(TABLES)["interventions"].filter(pl.col("intervention") == "erase")
    is_score, on_rows, on_others = pl.col("measure") == "score", pl.col("rows") == "with", pl.col("rows") == "without"
    after = pl.when(on_rows).then(0.02).when(on_others).then(0.86)
    rows = rows.with_columns(
        baseline=pl.when(is_score).then(0.96), value=pl.when(is_score).then(after), n_random=pl.lit(99)
    )
    none = rows.with_columns(random=pl.lit(None, pl.Float64), n_random=pl.lit(None, pl.Int64))
    for given, random in ((rows, ".01 (2 x 99 draws)"), (none, "")):
        (sheet,) = intervention_sheets({"interventions": given})
        of = {name: {row[at] for row in sheet.rows} for at, name in enumerate(sheet.header)}
        assert len(sheet.rows) == rows.select(on_rows.sum()).item()
        assert (of["score on its rows"], of["on the others"]) == ({".96 to .02"}, {".96 to .86"})
        assert of["random"] == {random}


def test_what_is_used_in_another_direction_than_is_read_is_counted_by_itself() -> None:
    words = [USED, ELSEWHERE, ELSEWHERE, NOT_SHOWN, BY_ERASURE]
    rows = pl.DataFrame({"attribute": [*"abcde"], "causal_evidence": [f"{word}: x" for word in words]})
    effects = {f"ablation_{name}": pl.lit(0.2) for name in ("effect", "random")}
    # The last was erased alone.
    rows = rows.with_columns(**effects, ablation_p=pl.when(pl.col("attribute") != "e").then(0.5))
    uses = Uses(rows, ["attribute"])
    assert (uses.of, uses.elsewhere) == ("1 of 4", ", 2 more but not along the direction that is read")


def test_the_table_of_ablations_says_so_too() -> None:
    tables = synthetic.ablated(TABLES)
    elsewhere = pl.col("causal_evidence").str.replace(f"^{NOT_SHOWN}: ", f"{ELSEWHERE}: ")
    (before,), (after,) = (
        used_sheet(tables | {"cells": cells}, Rule())
        for cells in (tables["cells"], tables["cells"].with_columns(causal_evidence=elsewhere))
    )
    told = {row[after.header.index("verdict")] for row in after.rows}
    assert BRIEFLY[ELSEWHERE] in told
    assert before.caption == after.caption  # these counted what ablation showed
