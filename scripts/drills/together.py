"""Start one sweep in eight processes at once, report it while it runs, and read it while it is merged.

    python scripts/drills/together.py --trials 10

Cases:

- ``from nothing``: eight processes are given the same command at the same moment, in an empty folder.
- ``only the merge``: the same where all jobs are finished and the folder of merged results is gone.
- ``report``: the sweep runs, and ``denote-report`` on its folder runs again and again until it ends.
- ``read``: ``denote-report`` merges 30 times, while two processes load the sweep again and again.

Every command has to end with exit code 0 (a report also with 2, in one line, while no job has finished), and the tables
have to be those of one process alone, bit for bit. All processes together train each network once, record it once, run
each job once and, in the first two cases, merge once. It needs Linux.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trials import (
    TINY,
    Around,
    copied,
    differing,
    end,
    is_alive,
    leftovers,
    load,
    results,
    run,
    seconds,
    start,
    table,
    tail,
)

SWEEP = (
    *("denote", "-m", *TINY, "sweep_name=t", "seed=0", "architecture.layers=2"),
    *("layer.select=0,-1", "attribute=odd,prime"),
)
REPORT = ("denote-report", "figures=none", "progress=none", "sweep=multirun/t")
JOBS = 4
MERGES = 30
WORK = ("trained", "recorded", "ran", "merged")


def counting(folder: Path) -> None:
    """Note in a file of the folder whatever this process trains, records, runs or merges."""
    from denote.object_models import training
    from denote.runs import recorded, sweep
    from denote.states.store import StateStore

    def noted(word: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            with (folder / "work").open("a") as file:
                file.write(f"{word}\n")
            return function(*values, **named)

        return call

    training.train = noted("trained", training.train)
    recorded._run_recorded = noted("ran", recorded._run_recorded)
    sweep.write_merged = noted("merged", sweep.write_merged)
    StateStore._record = noted("recorded", StateStore._record)


def work_in(folder: Path) -> Counter[str]:
    """Return how often what was done in a folder."""
    file = folder / "work"
    return Counter(file.read_text().split() if file.is_file() else ())


def at_once(folder: Path, processes: int) -> list[int]:
    """Start a sweep in processes at the same moment, and return their exit codes."""
    gate, opener = os.pipe()

    def wait() -> None:
        os.close(opener)
        os.read(gate, 1)  # until the other end is closed
        counting(folder)

    started = [start(folder, SWEEP, Around(wait)) for _ in range(processes)]
    os.close(gate)
    os.close(opener)
    return [end(process) for process in started]


def trial(folder: Path, template: Path, processes: int) -> dict[str, Any]:
    """Run one sweep in processes at once; return the counts of what should not be."""
    copied(template, folder)
    codes = at_once(folder, processes)
    return {"exit": codes, "work": work_in(folder)}


def reported(folder: Path, template: Path, _: int) -> dict[str, Any]:
    """Report a sweep again and again while it runs."""
    copied(template, folder)
    sweep, codes = start(folder, SWEEP), list[int]()
    while is_alive(sweep):
        if (folder / "multirun" / "t").is_dir():
            codes.append(run(folder, REPORT))
        time.sleep(0.05)
    sound = {0, 2} if 0 in codes else {0}
    return {"exit": [end(sweep), *(0 if code in sound else code for code in codes)], "work": Counter()}


def read(folder: Path, template: Path, readers: int = 2) -> dict[str, Any]:
    """Load a sweep again and again while it is merged."""
    copied(template, folder)
    over = folder / "over"
    processes = [os.fork() for _ in range(readers)]
    for number, process in enumerate(processes):
        if process == 0:
            _read_until(over, folder, number)
    codes = [run(folder, REPORT) for _ in range(MERGES)]
    over.touch()
    codes += [end(process) for process in processes]
    told = [(folder / f"reads-{number}").read_text() for number in range(readers)]
    return {"exit": codes, "work": Counter({"read": sum(map(int, told))})}


def _read_until(over: Path, folder: Path, number: int) -> None:
    code, reads = 1, 0
    try:
        import denote

        first = None
        while not over.exists() or reads == 0:
            frames = denote.load(folder / "multirun" / "t").tables
            first = first or frames
            if frames.keys() != first.keys() or not all(frames[name].equals(first[name]) for name in frames):
                raise RuntimeError("other tables")
            reads += 1
        (folder / f"reads-{number}").write_text(str(reads))
        code = 0
    except Exception as error:
        with (folder / "log").open("a") as log:
            log.write(f"reader: {type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; return 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10, help="trials of the first two cases (default: 10)")
    parser.add_argument("--processes", type=int, default=8, help="processes at once (default: 8)")
    parser.add_argument("--only", default="", help="names of cases, with commas between")
    parser.add_argument("--folder", type=Path, help="where trials run (default: a temporary folder)")
    chosen = parser.parse_args(arguments)
    load()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="together-"))
    shutil.rmtree(folder, ignore_errors=True)
    empty, alone, unmerged = folder / "empty", folder / "alone", folder / "unmerged"
    for place in (empty, alone):
        place.mkdir(parents=True)
    if code := run(alone, SWEEP, Around(partial(counting, alone))):
        raise RuntimeError(f"exit code {code} of one process alone\n{tail(alone)}")
    expected, once = results(alone), work_in(alone)
    (alone / "work").unlink()
    shutil.rmtree(copied(alone, unmerged) / "multirun" / "t" / "sweep")
    merge = Counter(merged=1)
    cases = {
        "from nothing": (trial, empty, once, chosen.trials),
        "only the merge": (trial, unmerged, merge, chosen.trials),
        "report": (reported, empty, None, 1),
        "read": (read, alone, None, 1),
    }
    names, rows = [name for name in chosen.only.split(",") if name], list[dict[str, Any]]()
    for name, (act, template, wanted, trials) in cases.items():
        if names and name not in names:
            continue
        begun, place, counts = seconds(), folder / "trial", Counter[str]()
        for _ in range(trials):
            outcome = act(place, template, chosen.processes if act is trial else 2)
            codes, work = outcome["exit"], outcome["work"]
            sound = {
                "commands": len(codes),
                "exit 0": sum(code == 0 for code in codes),
                "tables equal": int(not differing(expected, results(place))),
                "all once": int(wanted is None or work == wanted),
                "nothing left": int(not leftovers(place)),
                **{word: work[word] for word in (*WORK, "read")},
            }
            counts += Counter(sound)
            if any(codes) or not all(sound[key] for key in ("tables equal", "all once", "nothing left")):
                print(f"{name}: {codes}, {dict(work)}, left {leftovers(place)}\n{tail(place, 40)}", file=sys.stderr)
        names_of = ("commands", "exit 0", "tables equal", "all once", "nothing left", *WORK, "read")
        rows.append(
            {
                "case": name,
                "trials": trials,
                **{key: counts[key] for key in names_of},
                "seconds": round(seconds() - begun),
            }
        )
        print(table(rows[-1:]), flush=True)
    print(table(rows))
    if chosen.folder is None:
        shutil.rmtree(folder)
    well = ("tables equal", "all once", "nothing left")
    return int(any(row["exit 0"] < row["commands"] or any(row[key] < row["trials"] for key in well) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
