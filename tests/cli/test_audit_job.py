"""``experiment=audit`` on the German credit data, small: what stands beside the raw input, and what is said of it."""

from pathlib import Path

import polars as pl
import pytest
from command_line import TINY, Command

DATA = Path(__file__).parents[1] / "data" / "german_credit.csv"
ASKED = [f"dataset.path={DATA}", "dataset.target=class", "dataset.attributes=[age,foreign_worker]", "logger=none"]


def test_every_attribute_is_compared_with_the_input_or_said_to_be_too_rare(denote: Command, tmp_path: Path) -> None:
    small = [*TINY, "evidence.stability=false", "evidence.randomisation=false", "evidence.examples=0", "seed=0",
             "layer.select=0", "attribute.columns.proportions=[0.5]"]  # fmt: skip
    answer = denote("experiment=audit", *ASKED, *small, "verbose=true")
    assert answer.code == 0, answer.err
    found = pl.read_parquet(tmp_path / "multirun" / "audit" / "sweep" / "audit.parquet")
    assert set(found["dataset"]) == {"german_credit", "german_credit-with-attributes"}
    assert set(found["attribute"]) == {"age top 50%", "foreign_worker=A202"}
    age = found.filter(pl.col("attribute") == "age top 50%")
    without, shown = (age.filter(pl.col("dataset").str.ends_with(end)) for end in ("credit", "attributes"))
    assert 0.6 < without["input_auroc"].max() < 0.9
    assert shown["input_auroc"].min() > 0.95
    assert set(shown["input_name"].drop_nulls()) == {"age"}
    assert "age" not in without["input_name"].to_list()
    assert without["input_gain_low"].is_not_null().all()
    assert (without["input_gain"] - without["auroc"] + without["input_auroc"]).abs().max() < 1e-12
    folder = tmp_path / "multirun" / "audit" / "sweep"
    assert len(list((folder / "figures").glob("audit-*.png"))) == 2
    assert "Beside the raw input" in (folder / "report.html").read_text(encoding="utf-8")
    said = " ".join(answer.out.split())
    assert "linear observers beside the raw input" in said
    assert "not compared: foreign_worker=A202 (too few rows" in said


@pytest.mark.parametrize(
    ("left_out", "said"),
    [(0, "dataset.path"), (1, "dataset.target"), (2, "dataset.attributes=[NAME,NAME]")],
)
def test_what_is_missing_is_asked_for_in_one_line(denote: Command, left_out: int, said: str) -> None:
    answer = denote("experiment=audit", *ASKED[:left_out], "logger=none")
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert said in answer.err
