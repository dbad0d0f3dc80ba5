"""Folders that are files, links and records that somebody wrote by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.case import Case, job
from hostile.files import both, fifo, file, link, sparse

SWEEP = "multirun/t"
RECORD = f"{SWEEP}/a/run.json"


def _report(name: str, make: Callable[[Path], None]) -> Case:
    return Case(f"report: {name}", (f"sweep={SWEEP}",), make, command="denote-report", codes=(2,))


def _record(what: str, /, **fields: Any) -> Case:
    finished = {
        "record_schema": 1,
        "status": "finished",
        "schema": 10**6,
        "name": "a",
        "fingerprint": "f",
        "config": {},
        "agreement": {},
        "error": None,
        "ended": "now",
        "evidence_level": "standard",
    }
    return _report(f"a record {what}", file(RECORD, json.dumps(finished | fields)))


def _chain(folder: Path) -> None:
    (folder / SWEEP).mkdir(parents=True)
    (folder / SWEEP / "a").symlink_to("b")
    (folder / SWEEP / "b").symlink_to("a")


def _many(folder: Path) -> None:
    for number in range(3000):
        (folder / SWEEP / f"job{number}").mkdir(parents=True)


CASES = [
    job("store.path is a file", "store.path=here", make=file("here", b""), says="here"),
    job("store.path is below a file", "store.path=here/below", make=file("here", b""), says="here"),
    job("store.path is /dev/null", "store.path=/dev/null", says="/dev/null"),
    job("store.path is empty", "store.path=''", says="store.path"),
    job("store.path of 300 letters", f"store.path={'n' * 300}", says="n" * 300),
    job("store.path of 5,000 letters", f"store.path={'n/' * 2500}"),
    job("store.path with a NUL", "store.path='a\0b'"),
    job("store.path links to itself", "store.path=here", make=link("here", "here"), says="here"),
    job("multirun is a file", make=file("multirun", b""), says="multirun"),
    job("multirun/single is a file", make=file("multirun/single", b""), says="multirun/single"),
    job("multirun links to itself", make=link("multirun", "multirun"), says="multirun"),
    job("a sweep's folder is a file", "-m", "sweep_name=t", make=file(SWEEP, b""), says="t"),
    job("a sweep's folder is a FIFO", "-m", "sweep_name=t", make=fifo(SWEEP), says="t"),
    job("hydra.run.dir is a file", "hydra.run.dir=here", make=file("here", b""), says="here"),
    job("hydra.run.dir of 300 letters", f"hydra.run.dir={'n' * 300}"),
    job("hydra.sweep.dir is a file", "-m", "hydra.sweep.dir=here", make=file("here", b""), says="here"),
    job("code_dir is a file", "code_dir=here", make=file("here", b""), says="code_dir"),
    job("code_dir of a trap", "code_dir=trap", make=file("trap/json.py", "import os; os.system('touch executed')\n")),
    _report("no such folder", lambda folder: None),
    _report("a file", file(SWEEP, b"")),
    _report("an empty folder", lambda folder: (folder / SWEEP).mkdir(parents=True)),
    _report("links in a circle", _chain),
    _report("a link to /", link(SWEEP, "/proc")),
    _report("3,000 empty folders", _many),
    _report("a record that is no JSON", file(RECORD, b"{")),
    _report("a record that is a list", file(RECORD, b"[]")),
    _report("a record of invalid UTF-8", file(RECORD, b'{"a": "\xff"}')),
    _report("a record of 100,000 brackets", file(RECORD, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
    _report("a record of 1 GB", sparse(RECORD, 10**9, b"{")),
    _report("a record that is a FIFO", fifo(RECORD)),
    _report("a record that is /dev/zero", link(RECORD, "/dev/zero")),
    _report("a record that is a folder", file(f"{RECORD}/x", b"")),
    _report("a record with an integer of 5,000 digits", file(RECORD, '{"schema": ' + "9" * 5000 + "}")),
    _record("without tables"),
    _record("whose status is a number", status=3),
    _record("whose status is a list", status=["finished"]),
    _record("whose config is a list", config=[1]),
    _record("whose config is null", config=None),
    _record("whose config is nested wrongly", config={"evidence": 3, "analysis": [], "attribute": "x"}),
    _record("whose agreement is a word", agreement="word"),
    _record("whose schema is a word", schema="word"),
    _record("whose schema is infinite", schema=float("inf")),
    _record("whose error is a word", status="failed", error="word"),
    _record("whose redo is a word", redo="word"),
    _record("whose level is a list", evidence_level=[1, 2]),
    _record("whose name has escape sequences", name="\x1b[2J", status="failed", error={"message": "\x1b[2J"}),
    _record("of fields of other types", timings=3, layers="x", figures=[1], seeds=None, versions=[]),
    _report(
        "a status that is no JSON",
        both(file(RECORD, '{"status": "finished"}'), file(f"{SWEEP}/sweep/status.json", b"{")),
    ),
    _report(
        "tables that are none",
        both(
            file(RECORD, json.dumps({"status": "finished", "config": {}})),
            *(file(f"{SWEEP}/a/{name}.parquet", b"PAR1") for name in ("cells", "neurons", "controls", "on_rates")),
        ),
    ),
    Case("report: a sweep with a NUL", ("sweep=a\0b",), command="denote-report"),
    Case("report: a sweep of 5,000 letters", (f"sweep={'n' * 5000}",), command="denote-report"),
    Case("report: no argument", (), command="denote-report"),
    Case("report: a key of escape sequences", ("\x1b[2J=1",), command="denote-report"),
]
