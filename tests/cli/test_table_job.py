"""A user's own table from the command line: a job on it, and the mistakes that only a file can have."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import TINY, Command

from denote.observation.inputs_shown import InputsShown
from denote.runs.record import damage_of_results, read_record

TABLE = [
    "dataset=table", "dataset.path=people.csv", "dataset.target=credit", "logger=none",
    "dataset.features=[income,housing,visits]",
]  # fmt: skip
FEW = [*TINY, "evidence.examples=0", "evidence.stability=false", "evidence.randomisation=false", "figures=none"]


@pytest.fixture
def people(tmp_path: Path) -> pl.DataFrame:
    """Income says the credit; sex goes with income and has gaps."""
    random = np.random.default_rng(0)
    income = random.normal(size=600)
    table = pl.DataFrame(
        {
            "income": income,
            "housing": np.array(["own", "rent", "free"])[random.integers(0, 3, 600)],
            "sex": np.where(income + random.normal(scale=0.3, size=600) > 0, "male", "female"),
            "visits": random.integers(0, 5, 600),
            "credit": np.where(income > 0, "good", "bad"),
            "never": pl.Series([None] * 600, dtype=pl.String),
            "same": 1,
            "name": [f"person {i}" for i in range(600)],
        }
    ).with_columns(sex=pl.when(pl.Series(random.random(600) > 0.1)).then("sex"))
    table.write_csv(tmp_path / "people.csv")
    return table


def test_what_is_kept_out_of_the_inputs_is_read_off_the_network(
    people: pl.DataFrame, denote: Command, tmp_path: Path
) -> None:
    job = [*TABLE, *FEW, "dataset.attributes=[sex]", "attribute.where=\"sex = 'male'\""]
    job += ["evidence.examples=2", "evidence.decisive=0.6", "evidence.null=0.5"]
    answer = denote(*job)
    assert answer.code == 0, answer.err
    (record,) = tmp_path.rglob("run.json")
    assert_rows_go_and_come_back(denote, job, record.parent, people)
    assert json.loads(record.read_text(encoding="utf-8"))["status"] == "finished"
    cells = pl.read_parquet(record.parent / "cells.parquet")
    known = people["sex"].is_not_null().sum()
    assert 0.5 * known < (cells["n_fit"] + cells["n_test"]).max() < 0.65 * known
    assert cells.filter(pl.col("probe") == "linear")["auroc"].max() > 0.9


def assert_rows_go_and_come_back(denote: Command, job: list[str], folder: Path, people: pl.DataFrame) -> None:
    """The same command with ``report.inputs`` the other way removes all that tells of a row, and stores it again."""
    tables = {file.name: file.read_bytes() for file in folder.glob("*.parquet")}
    shown = InputsShown.read(folder)
    assert shown is not None
    assert len(shown.entries) > 5
    for sample, entry in shown.entries.items():
        assert entry["row"]["name"] == people["name"][sample]
        assert entry["row"]["income"] == f"{people['income'][sample]:.15g}"
    assert "person " in texts_in(folder)
    assert denote(*job, "report.inputs=false").code == 0
    assert "person " not in texts_in(folder)
    examples = pl.read_parquet(folder / "examples.parquet")
    assert examples.height
    assert examples["target"].null_count() == examples.height
    withheld = InputsShown.read(folder)
    assert withheld is not None
    assert withheld.notes == ("inputs are not shown (report.inputs=false)",)
    assert denote(*job).code == 0
    assert {file.name: file.read_bytes() for file in folder.glob("*.parquet")} == tables
    assert damage_of_results(folder, read_record(folder) or {}) is None


def texts_in(folder: Path) -> str:
    """All texts of a folder: files as they are, and tables besides, which are compressed."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    tables = [pl.read_parquet(file).select(pl.col(pl.String)) for file in files if file.suffix == ".parquet"]
    rows = [str(row) for table in tables for row in table.unique().iter_rows()]
    return "".join([*rows, *(file.read_bytes().decode("latin-1") for file in files)])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["dataset.path=peple.csv"], ["dataset.path", "did you mean 'people.csv'"]),
        (["dataset.target=income"], ["dataset.target", "'income'", "dataset.task=numeric"]),
        (["dataset.target=[sex,credit]"], ["dataset.target", "sex, credit", "dataset.task=labels"]),
        (["dataset.target=never", "dataset.task=numeric"], ["dataset.target", "'never' holds String"]),
        (["dataset.target=same", "dataset.task=numeric"], ["dataset.target", "'same' has one value only (1)"]),
        (
            ["dataset.target=visits", "dataset.task=numeric", "dataset.features=[income]"],
            ["attribute.classes", "is a number", "attribute=columns"],
        ),
        (["dataset.attributes=[credit]"], ["dataset.attributes", "'credit' is the target", "attribute=classes"]),
        (["dataset.attributes=[sexx]"], ["dataset.attributes", "did you mean 'sex'"]),
        (["dataset.featurs=[sex]"], ["dataset.featurs", "did you mean 'dataset.features'"]),
        (
            ["attribute=columns", "attribute.columns.names=[visits]"],
            ["'visits' has 5 values (0, 1, 2, 3, 4); two are needed", "attribute.where", "attribute=classes"],
        ),
        (
            ["attribute=columns", "attribute.columns.names=[name]"],
            ["'name' has 600 values (person 0, ", "more than 64", "attribute.where"],
        ),
        (["attribute=columns", "attribute.columns.names=[never]"], ["'never' has no values, every row is missing"]),
        (["attribute=columns", "attribute.columns.names=[same]"], ["'same' has one value only (1)"]),
        (["attribute=columns", "attribute.columns.proportions=[2]"], ["attribute.columns.proportions", "2", "below 1"]),
        (['attribute.where="housing"'], ["not yes or no", "housing = 'free'", "free, own, rent"]),
        (["split.column=sex"], ["split.column", "'female', 'male'", "train or test"]),
    ],
)
def test_a_mistake_about_a_table_is_one_line(
    people: pl.DataFrame, denote: Command, settings: list[str], said: list[str]
) -> None:
    answer = denote(*TABLE, *settings)
    assert answer.code == 2, answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert [fragment for fragment in said if fragment not in answer.err] == [], answer.err


def test_a_half_missing_row_is_named_by_its_line(people: pl.DataFrame, denote: Command, tmp_path: Path) -> None:
    lines = (tmp_path / "people.csv").read_text(encoding="utf-8").splitlines()
    lines[99] = lines[99].rpartition(",")[0]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer = denote(*TABLE)
    assert answer.code == 2
    assert "people.csv line 100 holds 7 values where the header has 8 columns" in answer.err


@pytest.mark.parametrize(
    ("target", "measure"),
    [
        (["dataset.target=visits", "dataset.task=numeric", "dataset.features=[income,housing]"], "R squared"),
        (["dataset.target=[sex,credit]", "dataset.task=labels"], "mean accuracy over labels"),
    ],
)
def test_numbers_and_labels_are_learned_and_judged_by_their_own_measure(
    people: pl.DataFrame, denote: Command, tmp_path: Path, target: list[str], measure: str
) -> None:
    people.drop_nulls("sex").write_csv(tmp_path / "people.csv")
    answer = denote(*TABLE, *FEW, *target, "attribute=columns", "attribute.columns.names=[housing]", "layer.select=0")
    assert answer.code == 0, answer.err
    (record,) = tmp_path.rglob("run.json")
    score = json.loads(record.read_text(encoding="utf-8"))["object_score"]
    assert score["measure"] == measure
    assert score["value"] is not None
    cells = pl.read_parquet(record.parent / "cells.parquet")
    assert set(cells["attribute"]) == {"housing=free", "housing=own", "housing=rent"}
    assert cells["object_accuracy"].null_count() == len(cells)
