"""Expressions of ``attribute.where``, and names of attributes."""

from __future__ import annotations

import json
from pathlib import Path

from hostile.case import CANARY, Case, job
from hostile.configs import experiment


def _secret(folder: Path) -> None:
    (folder / "secret.csv").write_text("a\n1\n")


def _where(name: str, expression: str, ends: str = "2") -> Case:
    quoted = expression.replace("\\", "\\\\").replace('"', '\\"')
    return job(f"where: {name}", f'attribute.where="{quoted}"', make=_secret, says="attribute.where", ends=ends)


def _named(name: str, key: str, ends: str = "0 2") -> Case:
    text = json.dumps({"attribute": {"where": {key: "class < 5"}}})
    return experiment(f"attribute named: {name}", text, ends=ends)


ORS = " OR ".join(f"class = {number}" for number in range(3000))

CASES = [
    _where("read_csv", "class IN (SELECT a FROM read_csv('secret.csv'))"),
    _where("read_csv in capitals and comments", "class IN (/**/sElEcT/**/a FROM read_csv('secret.csv'))"),
    _where("a function of files", "read_csv('secret.csv')"),
    _where("a table of files", "class IN (TABLE read_csv('secret.csv'))"),
    _where("EXISTS", "EXISTS (SELECT 1)"),
    _where("two statements", "class = 1; DROP TABLE x"),
    _where("3,000 ORs", ORS),
    _where("30,000 pluses", "class" + " + 1" * 30_000 + " > 3"),
    _where("2,000 parentheses", "(" * 2000 + "class = 1" + ")" * 2000),
    _where("2,000 NOTs", "NOT " * 2000 + "class = 1"),
    _where("2,000 minus signs", "class = " + "- " * 2000 + "1"),
    _where("1,000 CASEs", "CASE WHEN class = 1 THEN " * 1000 + "TRUE" + " ELSE FALSE END" * 1000),
    _where("100,000 values", "class IN (" + ", ".join(map(str, range(15_000))) + ")"),
    _where("a text of 100,000 letters", "class = '" + "a" * 100_000 + "'"),
    _where("repeated text", "REPEAT(REPEAT('a', 100000), 100000) = 'b' AND class = 1"),
    _where("padded text", "RPAD('a', 2000000000, 'b') = 'b' AND class = 1"),
    _where("padded text of a column", "LPAD(CAST(class AS VARCHAR), 100000000, 'x') = 'b'"),
    _where("a huge pattern", "REGEXP_LIKE(CAST(class AS VARCHAR), '((a{1000}){1000}){1000}')"),
    _where("a power", "class ^ 1000000 > 1"),
    _where("an integer of 100 digits", "class = " + "9" * 100),
    _where("an aggregate", "SUM(class) > 3"),
    _where("a window", "ROW_NUMBER() OVER (ORDER BY class) > 3"),
    _where("escape sequence", "\x1b[2Jclass > 1 1"),
    _where("nothing", ""),
    job("where: NUL", "attribute.where={a: \"class = '\x01'\"}"),
    job("where: a list", "attribute.where=[a,b]", says="attribute.where"),
    job("where: a number", "attribute.where=3", says="attribute.where"),
    job("where: nested", "attribute.where={a:{b:c}}", says="attribute.where"),
    _named("300 letters", "n" * 300, ends="0"),
    _named("a path", "../../../stolen"),
    _named("a script", f"<script>open('{CANARY}')</script>"),
    _named("escape sequences", "\x1b]0;owned\x07\x1b[2J"),
    _named("markup of the terminal", "[bold red]x[/][link=http://evil]"),
    _named("a newline", "a\nb"),
    _named("nothing", ""),
    _named("a template", "{{ 7 * 7 }}{% raw %}", ends="0"),
]
