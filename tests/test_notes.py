"""Notes of tables: every kind has one code and one sentence, and readers go by codes."""

import ast
import copy
import pickle
import re
from pathlib import Path
from string import Formatter

import polars as pl
import pytest

from denote import notes, tables
from denote.evidence.rule import Rule, telling_notes, telling_remarks
from denote.notes import NEXT_REMARK, OTHER, Note, NoteKind, codes_of, note, note_kinds, older_codes, stored_note
from denote.runs.merge import merge
from denote.tables import CELLS, NOTE, OF_ROW, SWEEP_TABLES, joined_notes, remark, remarks, remarks_by, says, without

SOURCE = Path(notes.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
MADE = [
    pytest.param(node, id=f"{path.relative_to(SOURCE)}:{node.lineno}")
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Note.of"
]


def fields(kind: NoteKind) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(kind.text) if field}


def columns(*held: str | None) -> pl.DataFrame:
    return pl.DataFrame(remarks(held))


@pytest.mark.parametrize("kind", note_kinds().values(), ids=note_kinds())
def test_every_kind_has_a_code_and_gives_its_sentence(kind: NoteKind) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.code)
    assert kind.code != OTHER
    assert NEXT_REMARK not in kind.text
    made = Note.of(kind.code, **dict.fromkeys(fields(kind), 7))
    assert made.codes == (kind.code,)
    assert made == re.sub(r"\{[^}]*\}", "7", kind.text)


def test_no_two_kinds_say_the_same() -> None:
    assert len({kind.text for kind in note_kinds().values()}) == len(note_kinds())


@pytest.mark.parametrize("call", MADE)
def test_every_note_that_is_made_is_of_a_kind_and_gets_its_values(call: ast.Call) -> None:
    codes = {node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)} & set(note_kinds())
    assert codes or not isinstance(call.args[0], ast.Constant), "no such kind"
    given = {keyword.arg for keyword in call.keywords}
    assert all(fields(note_kinds()[code]) <= given for code in codes)


def test_every_kind_is_made_somewhere() -> None:
    words = {node.value for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(note_kinds()) - words == set()


def test_codes_that_readers_ask_for_exist() -> None:
    asked = {
        node.value
        for tree in TREES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "says"
        for node in call.args
        if isinstance(node, ast.Constant)
    }
    assert {"at_chance", "equal_rows", "groups", "rotated_alike"} <= asked <= set(note_kinds())


def test_nobody_searches_the_text_of_notes() -> None:
    """What is read of a note is its codes: no pattern and no part of its sentence."""
    search = re.compile(r"""(col\(|\[)['"]note['"].*\.str\.(contains|extract|starts_with|ends_with|find)|^re\..*note""")
    for path, tree in TREES.items():
        calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert [call for call in calls if search.search(call)] == [], path


def test_every_table_with_notes_has_their_codes_beside_them() -> None:
    for name, schema in SWEEP_TABLES.items():
        assert ("note" in schema) == ("note_codes" in schema), name


def test_a_note_is_its_text_and_keeps_its_codes() -> None:
    made = note(Note.of("groups", groups=3), None, "mine", Note.of("groups", groups=3))
    assert made == "groups: 3 in test; mine"
    assert made is not None
    assert made.codes == ("groups", OTHER)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301 # made one line above
        assert (other, other.codes) == (made, made.codes)
    assert note(None, "") is None
    assert Note.of("no_classes").about("percentile") == "percentile: the data has no classes"


@pytest.mark.parametrize("text", ["a; b", "; ", "a;; b;", ";", " ; a", "x\n; {y}", "control=shuffled is off; mine"])
def test_text_that_holds_separators_comes_back_as_it_was(text: str) -> None:
    made = note(Note.of("states_only", column=text, missing=text), text, Note.of("dead"))
    assert made is not None
    assert len(made.split(NEXT_REMARK)) == len(made.codes)
    frame = columns(made, None)
    assert stored_note(frame.row(0, named=True)) == made
    assert stored_note(frame.row(0, named=True)).codes == made.codes  # type: ignore[union-attr] # there is one
    assert stored_note(frame.row(1, named=True)) is None
    left = frame.with_columns(**joined_notes(without(["states_only"])))
    assert left.row(0) == (f"{text}; {Note.of('dead')}", NEXT_REMARK.join([*note(text).codes, "dead"]))  # type: ignore[union-attr]


def test_notes_of_rows_are_joined_with_their_codes() -> None:
    no_top, flat, dead = (Note.of(code) for code in ("no_top", "flat", "dead"))
    frame = columns("mine", None, dead).with_columns(layer=pl.Series(["a", "b", "c"]))
    parts = (remarks_by("layer", {"b": no_top}), OF_ROW, remark(flat, pl.col("layer") > "a"))
    joined = frame.with_columns(**joined_notes(*parts))
    assert joined["note_codes"].to_list() == [OTHER, "no_top; flat", "dead; flat"]
    assert joined["note"].to_list() == ["mine", f"{no_top}; {flat}", f"{dead}; {flat}"]
    assert frame.select(says("dead", "flat")).to_series().to_list() == [False, False, True]
    assert joined.with_columns(**joined_notes(without(["flat", "no_top"]))).select(NOTE).equals(frame.select(NOTE))


def test_reports_leave_out_what_was_not_asked_for() -> None:
    silent = note(*(Note.of(code, control="rotated", controls="a, b") for code in notes.codes_of_section("silent")))
    frame = columns(note(silent, "kept; this", Note.of("dead")), silent, None)
    kept = "kept; this; dead: constant on fit"
    assert [telling_remarks(row) for row in frame.iter_rows(named=True)] == [kept, "", ""]
    assert frame.select(telling_notes()[0]).to_series().to_list() == [kept, None, None]


@pytest.mark.parametrize("kind", note_kinds().values(), ids=note_kinds())
def test_older_notes_are_told_apart_by_their_sentences(kind: NoteKind) -> None:
    """But for those that are all values, as reports ask for none of them."""
    text = kind.text.format(**dict.fromkeys(fields(kind), 7))
    assert older_codes(text) in (kind.code, OTHER)
    if kind.section in ("silent", "untested") or kind.code in ("at_chance", "equal_rows", "groups", "auroc_of_groups"):
        assert older_codes(f"mine; {text}; yours") == f"other; {kind.code}; other"


def test_tables_without_codes_get_them_when_they_are_read(tmp_path: Path) -> None:
    rows = tables.table([{"note": Note.of("control_off", control="rotated")}, {"note": "mine"}, {}], CELLS)
    older = tmp_path / "older"
    older.mkdir()
    tables.write_table(tmp_path, "cells", rows)
    tables.write_table(older, "cells", rows.drop("note_codes"))
    read = tables.read_table(older, "cells")
    assert read.equals(tables.read_table(tmp_path, "cells"))
    assert read["note_codes"].to_list() == ["control_off", OTHER, None]
    assert codes_of(["mine", None]) == [OTHER, None]


def test_jobs_with_and_without_codes_are_merged(tmp_path: Path) -> None:
    row = {"scan": "pairs", "object_model": "m", "n_tests": 3, "n_replicates": 0, "note": Note.of("no_permutations")}
    held = {name: tables.empty(schema) for name, schema in tables.JOB_TABLES.items()}
    held["null_check"] = tables.table([row], tables.NULL_CHECK)
    for job in ("older", "newer"):
        (tmp_path / job).mkdir()
        for name, frame in held.items():
            without_codes = frame.drop("note_codes", strict=False) if job == "older" else frame
            tables.write_table(tmp_path / job, name, without_codes)
    merged = merge([tmp_path / "older", tmp_path / "newer"], Rule()).tables["null_check"]
    assert merged.filter(scan="pairs").select(NOTE).rows() == [(Note.of("no_permutations"), "no_permutations")]
