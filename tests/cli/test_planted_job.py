"""A job on a network that knows what its neurons denote, and the page that says how to compare."""

import re
from pathlib import Path

import polars as pl
from command_line import Command

WORLDS = Path(__file__).parents[2] / "docs" / "worlds.md"


def test_the_truth_beside_a_job_is_what_is_found(denote: Command) -> None:
    """At d' of 6 and more a balanced accuracy of .998 is hardly ever missed; noise never reaches .95."""
    small = ["architecture.layers=2", "architecture.share=[0.2,0.3]", "dataset.n=3000", "attribute=columns",
             "evidence.examples=0", "evidence.stability=false", "evidence.randomisation=false",
             "figures=none"]  # fmt: skip
    answer = denote("-m", "experiment=planted", "seed=0", *small, "logger=none", "evidence.permutations=0")
    assert answer.code == 0, answer
    (snippet,) = re.findall(r"```python\n(.*?)```", WORLDS.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, pl.DataFrame] = {}
    exec(compile(snippet, str(WORLDS), "exec"), names)  # noqa: S102  (the page's own lines, as a reader runs them)
    found = names["both"].filter("live").with_columns(pl.col("denotes").fill_null(value=False))
    planted = found.filter(kind="planted", family_planted="columns")
    assert planted.height > 10
    assert planted["denotes"].mean() > 0.9
    assert (planted.filter("denotes")["property"] == planted.filter("denotes")["property_planted"]).all()
    assert not found.filter(pl.col("kind").is_in(["noise", "distractor"]))["denotes"].any()
