"""Kill a sweep of 24 jobs on two processes at random times, and run the same command again, 100 times.

    python scripts/drills/random_kills.py --kills 100

Each time either the command with its processes is killed (SIGKILL), or the command alone, or one of its processes; when
is drawn evenly over the time that is left. At the end of each sweep its tables have to be those of a sweep that nobody
disturbed, bit for bit; no job that was finished at a kill may have been made again, no network trained twice; and no
temporary file, lock or half folder may be left. It needs Linux.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trials import (
    TINY,
    Around,
    children,
    differing,
    end,
    finished,
    is_alive,
    leftovers,
    load,
    made_again,
    results,
    run,
    seconds,
    start,
    table,
    tail,
    trainings,
)

COMMAND = (
    *("denote", "-m", *TINY, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "sweep_name=t"),
    *("seed=0,1,2", "architecture.layers=2,3", "layer.select=0,-1", "attribute=odd,prime"),
)
JOBS, NETWORKS = 24, 6
VICTIMS = ("all", "all", "all", "command", "worker")
"""Whom a kill hits, in turns by chance."""


def forking() -> None:
    """Let the processes of a command be forked: each has its libraries at once. The command itself computes nothing."""
    from denote.cli.launchers import processes

    processes.multiprocessing = SimpleNamespace(
        get_context=lambda _: multiprocessing.get_context("fork"), parent_process=multiprocessing.parent_process
    )


FORKING = Around(forking)


def kill(command: int, victim: str) -> list[int]:
    """Kill a command or what belongs to it; return its processes."""
    workers = children(command)
    hit = {"all": [command, *workers], "command": [command], "worker": workers[-1:] or [command]}[victim]
    for process in hit:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return workers


def sequence(folder: Path, chance: random.Random, whole: float, most: int, expected: dict[str, str]) -> dict[str, Any]:
    """Kill a sweep until it has come to its end, or often enough; return the counts.

    Args:
        folder: Where it runs.
        chance: Draws when and whom to kill.
        whole: Seconds that the whole sweep takes.
        most: Kills, at most.
        expected: Results of an undisturbed sweep.
    """
    folder.mkdir(parents=True)
    hits, again, workers, codes = Counter[str](), set[str](), list[int](), list[int]()
    seen: dict[str, tuple[str, int]] = {}
    while True:
        left = whole * (1 - 0.9 * len(seen) / JOBS)
        command, begun, victim = start(folder, COMMAND, FORKING), seconds(), chance.choice(VICTIMS)
        when = chance.uniform(0, left) if hits.total() < most else float("inf")
        while seconds() - begun < when and is_alive(command):
            time.sleep(0.02)
        if is_hit := is_alive(command):
            workers += kill(command, victim)
            hits[victim] += 1
        codes.append(end(command))
        now = finished(folder)
        again |= set(made_again(seen, now))
        seen = {**now, **seen}
        if not is_hit and codes[-1] == 0:
            break
        if not is_hit and hits.total() >= most and len(codes) > 2 and codes[-2] != -signal.SIGKILL:
            break  # it does not heal
    while any(map(is_alive, workers)):
        time.sleep(0.1)
    outcome = {
        "kills": hits.total(),
        **{victim: hits[victim] for victim in sorted(set(VICTIMS))},
        "commands": len(codes),
        "exit 0 at the end": int(codes[-1] == 0),
        "files that differ": len(differing(expected, results(folder))),
        "made again": len(again),
        "trained twice": trainings(folder) - NETWORKS,
        "left": len(leftovers(folder)),
    }
    if any(outcome[name] for name in ("files that differ", "made again", "trained twice", "left")) or codes[-1]:
        print(f"{folder}: {outcome}, left {leftovers(folder)}, again {sorted(again)}\n{tail(folder)}", file=sys.stderr)
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; return 0 if every sweep healed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="kills in all (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the times and victims (default: 0)")
    parser.add_argument("--folder", type=Path, help="where sweeps run (default: a temporary folder)")
    chosen = parser.parse_args(arguments)
    load()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    shutil.rmtree(folder, ignore_errors=True)
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir(parents=True)
    begun = seconds()
    if code := run(undisturbed, COMMAND, FORKING):
        raise RuntimeError(f"exit code {code} of an undisturbed sweep\n{tail(undisturbed)}")
    whole, expected, rows = seconds() - begun, results(undisturbed), list[dict[str, Any]]()
    print(f"undisturbed: {len(finished(undisturbed))} jobs, {len(expected)} tables and observers, {whole:.0f} s")
    chance = random.Random(chosen.seed)  # noqa: S311 # no secret
    while (left := chosen.kills - sum(row["kills"] for row in rows)) > 0:
        rows.append({"sweep": len(rows) + 1, **sequence(folder / str(len(rows) + 1), chance, whole, left, expected)})
        print(table(rows[-1:]), flush=True)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    print(table([*rows, {**total, "sweep": f"all {len(rows)}"}]))
    if chosen.folder is None:
        shutil.rmtree(folder)
    wrong = sum(total[name] for name in ("files that differ", "made again", "trained twice", "left"))
    return int(wrong > 0 or total["exit 0 at the end"] < len(rows))


if __name__ == "__main__":
    sys.exit(main())
