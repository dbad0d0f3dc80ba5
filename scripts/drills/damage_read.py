"""Damage one file of a finished sweep or its store at a time, and ask the functions that decide whether it is used.

python scripts/drills/damage_read.py [--damages 600] [--seed 0]

As `damage.py`, with the same damages, but quick: no command runs again. Asked are `finished_before` (jobs), `is_merged`
(merged results), `Manifest` (states) and `ModelRecord` (networks), which decide in a command whether a file is used or
made again. After each damage the file is put back. Exits with 1 where a damaged file would be used.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from damage import DAMAGES, PARTS, SWEEP, says_the_same
from forked_commands import run

from denote.config.figure_settings import FigureSettings
from denote.digests import FILES, DamagedError, damaged_files
from denote.object_models.model_store import ModelRecord
from denote.runs.merge_status import is_merged
from denote.runs.outcome import Outcome, statuses
from denote.runs.record import finished_before, read_record
from denote.runs.store_survey import STORE
from denote.states.store import Manifest, Origin

READ = ("store", "jobs", "merged")


def main(arguments: Sequence[str] | None = None) -> int:
    """Damage files one by one, print the counts, and return 0 where none would be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=600, help="how many in all")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of files and damages")
    asked = parser.parse_args(arguments)
    random, counts = Random(asked.seed), Counter[tuple[str, str, str]]()  # noqa: S311 # no secret
    with tempfile.TemporaryDirectory(prefix="denote-damage-") as name:
        folder = Path(name)
        if (made := run(SWEEP, folder)).exit_code != 0:
            print(made.out, made.err)
            return 1
        multirun = folder / "multirun"
        before = {part: Reader(multirun, part) for part in READ}
        for number in range(asked.damages):
            part = READ[number % len(READ)]
            reader, kind = before[part], random.choice(list(DAMAGES))
            file = random.choice(reader.files)
            counts[part, kind, reader.outcome(file, kind, random)] += 1
    outcomes = ("refused", "harmless", "used")
    print(f"{'part':<8}{'damage':<10}" + "".join(f"{outcome:>10}" for outcome in outcomes))
    for part in READ:
        for kind in DAMAGES:
            print(f"{part:<8}{kind:<10}" + "".join(f"{counts[part, kind, outcome]:>10}" for outcome in outcomes))
    used = sum(number for (*_, outcome), number in counts.items() if outcome == "used")
    print(f"{sum(counts.values())} damages: {used} would be used")
    return 1 if used else 0


class Reader:
    """Says of one part of a finished sweep whether a command would use a file as it is."""

    def __init__(self, multirun: Path, part: str) -> None:
        self.multirun, self.part = multirun, part
        place, pattern = PARTS[part]
        above = multirun.joinpath(*place)
        found = above.rglob("*") if pattern == "*" else above.glob(pattern)
        self.files = sorted(file for file in found if file.is_file() and file.suffix != ".log")
        self.contents = {file: file.read_bytes() for file in self.files}
        assert all(self.uses(file) for file in self.files)  # noqa: S101 # else nothing below would mean anything

    def outcome(self, file: Path, kind: str, random: Random) -> str:
        """Damage a file, say what becomes of it, and put it back."""
        original = self.multirun / "original"
        original.write_bytes(self.contents[file])
        try:
            DAMAGES[kind](file, random)
            if file.exists() and (file.read_bytes() == self.contents[file] or says_the_same(file, original)):
                return "harmless"
            return "used" if self.uses(file) else "refused"
        finally:
            file.write_bytes(self.contents[file])
            original.unlink()

    def uses(self, file: Path) -> bool:
        """Return whether a command would use a file as it is now."""
        try:
            return {"store": self._uses_stored, "jobs": self._uses_job, "merged": self._uses_merged}[self.part](file)
        except DamagedError:
            return False

    def _uses_stored(self, file: Path) -> bool:
        kind, key = file.relative_to(self.multirun / STORE).parts[:2]
        folder = self.multirun / STORE / kind / key
        if kind == "models":
            record = ModelRecord.read(folder, key)
            return record is not None and not damaged_files(folder, {FILES: record.files})
        origin = Origin(**json.loads(self.contents[folder / "manifest.json"])["origin"])
        manifest = Manifest.read(folder, origin)
        return bool(manifest.files) and not damaged_files(folder, {FILES: manifest.files})

    def _uses_job(self, file: Path) -> bool:
        fingerprint = json.loads(self.contents[file.parent / "run.json"])["fingerprint"]
        return finished_before(file.parent, fingerprint) is not None

    def _uses_merged(self, file: Path) -> bool:
        outcome = Outcome(self.multirun / "t", statuses(self.multirun / "t"))
        config = (read_record(self.multirun / "t" / outcome.finished[0].name) or {})["config"]
        return is_merged(outcome, FigureSettings.of(config))


if __name__ == "__main__":
    sys.exit(main())
