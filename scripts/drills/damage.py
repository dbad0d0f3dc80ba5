"""Damage the store, the jobs, the merged results and the checkpoints of a small sweep; then run the same command again.

python scripts/drills/damage.py [--damages 600] [--seed 0]

A damage is a flipped bit, a file that is cut, deleted or exchanged with another one of its kind, or 4 KiB of zeros. A
round copies a finished sweep, damages some files of one part, each in another folder where it can be, and runs the
same command (with on_existing=redo where the store is damaged, which a finished sweep does not read). Each file is then

healed     as it was written, or made again;
named      still damaged, but `denote-store verify` names it: nothing has read it;
harmless   a record that says the same in spite of the damage, such as another space in JSON;
silent     none of these, or the tables of its round differ from those of the undamaged sweep.

Commands run as children of one process that has loaded the libraries. Exits with 1 where a damage is silent, or where a
command does not end with 0.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from forked_commands import Ended, run

from denote.runs.store_survey import STORE
from denote.runs.upkeep import damage_in, records_to_verify, unrecorded

SWEEP = (
    *("denote", "-m", "debug=fast", "evidence=quick", "logger=none", "progress=none", "architecture.layers=2"),
    *("seed=0,1", "attribute=odd", "probe=[linear,neuron]", "sweep_name=t"),
)
PARTS = {
    "store": ((STORE,), "*"),
    "jobs": (("t",), "*-*/*"),
    "merged": (("t",), "sweep/**/*"),
    "training": ((STORE, "models"), "*.partial/*"),
}
"""Where the files of each part lie in ``multirun``."""

SHARES = {"store": 0.4, "jobs": 0.3, "merged": 0.2, "training": 0.1}
"""Shares of all damages."""

AT_ONCE = {"store": 15, "jobs": 15, "merged": 20, "training": 4}
"""Damages of one round."""

BLOCK = 4096


@dataclass(frozen=True)
class Damage:
    """A damage to one file.

    Attributes:
        kind: Which.
        file: The file, by its path in ``multirun``.
    """

    kind: str
    file: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all rounds, print the counts, and return 0 where nothing was used silently."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=600, help="how many in all")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="what is damaged")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of files and damages")
    asked = parser.parse_args(arguments)
    random, counts, failed = Random(asked.seed), Counter[tuple[str, str]](), 0  # noqa: S311 # no secret
    with tempfile.TemporaryDirectory(prefix="denote-damage-") as folder:
        whole, halted, work = (Path(folder) / name for name in ("whole", "halted", "work"))
        whole.mkdir()
        halted.mkdir()
        if (made := run(SWEEP, whole)).exit_code != 0:
            print(made.out, made.err)
            return 1
        run(SWEEP, halted, halt_training)
        for part in asked.parts:
            left = round(SHARES[part] * asked.damages)
            while left > 0:
                source = halted if part == "training" else whole
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(source, work)
                damages = spoil(work / "multirun", part, min(left, AT_ONCE[part]), random)
                left -= len(damages)
                ended = run((*SWEEP, "on_existing=redo") if part == "store" else SWEEP, work)
                outcomes = judged(damages, work, whole, source, ended)
                counts.update((part, outcome) for outcome in outcomes)
                failed += ended.exit_code != 0
                print(f"{part}: {dict(Counter(outcomes))}, exit {ended.exit_code}; {left} to go", flush=True)
                if ended.exit_code != 0 or "silent" in outcomes:
                    print(damages, outcomes, ended.out[:1500], ended.err[-1500:], sep="\n")
    print_counts(counts)
    silent = sum(number for (_, outcome), number in counts.items() if outcome == "silent")
    print(f"{sum(counts.values())} damages: {silent} used silently; {failed} commands did not end with 0")
    return 1 if silent or failed else 0


def halt_training() -> None:
    """Let every training of this process be interrupted when it is over, but before its record is written."""
    from denote.object_models import model_store

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    vars(model_store)["digests_of"] = interrupt


def spoil(multirun: Path, part: str, number: int, random: Random) -> list[Damage]:
    """Damage files of a part, in as many folders as there are."""
    place, pattern = PARTS[part]
    above = multirun.joinpath(*place)
    found = above.rglob("*") if pattern == "*" else above.glob(pattern)
    files = sorted(file for file in found if file.is_file() and ".hydra" not in file.parts and file.suffix != ".log")
    random.shuffle(files)
    in_folder = Counter[Path]()
    order = {file: in_folder.update([file.parent]) or in_folder[file.parent] for file in files}
    chosen = sorted(files, key=lambda file: order[file])[:number]
    kinds = {file: random.choice(list(DAMAGES)) for file in chosen}
    for file, kind in kinds.items():
        DAMAGES[kind](file, random)
    return [Damage(kind, file.relative_to(multirun).as_posix()) for file, kind in kinds.items()]


def flip(file: Path, random: Random) -> None:
    """Flip one bit."""
    content = bytearray(file.read_bytes())
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    file.write_bytes(content)


def cut(file: Path, random: Random) -> None:
    """Keep a beginning only."""
    content = file.read_bytes() if file.exists() else b""
    file.write_bytes(content[: random.randrange(max(len(content), 1))])


def zero(file: Path, random: Random) -> None:
    """Put zeros in place of a block."""
    content = bytearray(file.read_bytes())
    start = random.randrange(max(len(content) - BLOCK, 1))
    content[start : start + BLOCK] = bytes(len(content[start : start + BLOCK]))
    file.write_bytes(content)


def exchange(file: Path, random: Random) -> None:
    """Put another file of the same kind in place of a file."""
    others = sorted(other for other in file.parents[1].rglob(f"*{file.suffix}") if other != file and other.is_file())
    if others:
        shutil.copyfile(random.choice(others), file)
    else:
        flip(file, random)


def delete(file: Path, random: Random) -> None:
    """Remove a file."""
    file.unlink()


DAMAGES: dict[str, Callable[[Path, Random], None]] = {
    "flip": flip,
    "cut": cut,
    "delete": delete,
    "zero": zero,
    "exchange": exchange,
}


def judged(damages: Sequence[Damage], work: Path, whole: Path, source: Path, ended: Ended) -> list[str]:
    """Return what became of each damage of a round."""
    if not same_tables(whole, work):
        return ["silent"] * len(damages)
    multirun = work / "multirun"
    records = records_to_verify(multirun / STORE, multirun / "t")
    named = {file for record in records for file, _ in damage_in(record)} | set(unrecorded(multirun / STORE))
    known = set(records) | {file for record in records for file in files_of(record)}
    return [_judged(multirun / each.file, source / "multirun" / each.file, named, known) for each in damages]


def _judged(file: Path, original: Path, named: set[Path], known: set[Path]) -> str:
    if file in named or file.parent in named:
        return "named"
    if not file.exists() or file.read_bytes() == original.read_bytes():
        return "healed"  # a file that is gone is one that nobody needs any more, such as a checkpoint
    if file.suffix == ".json" and says_the_same(file, original):
        return "harmless"
    return "healed" if file in known else "silent"


def files_of(record: Path) -> list[Path]:
    """Return the files that a record names; of a damaged one none."""
    try:
        return [record.parent / name for name in json.loads(record.read_bytes()).get("files") or ()]
    except (ValueError, AttributeError):
        return []


def says_the_same(file: Path, original: Path) -> bool:
    """Return whether two records hold the same."""
    try:
        return bool(json.loads(file.read_bytes()) == json.loads(original.read_bytes()))
    except ValueError:
        return False


def same_tables(whole: Path, work: Path) -> bool:
    """Return whether all tables are equal, bit by bit."""
    compare = (sys.executable, str(Path(__file__).parents[1] / "compare_tables.py"), str(whole), str(work))
    return subprocess.run(compare, capture_output=True, check=False).returncode == 0  # noqa: S603


def print_counts(counts: Counter[tuple[str, str]]) -> None:
    """Print how many damages of each part ended how."""
    outcomes = ("healed", "named", "harmless", "silent")
    print(f"\n{'part':<10}" + "".join(f"{outcome:>10}" for outcome in outcomes))
    for part in SHARES:
        print(f"{part:<10}" + "".join(f"{counts[part, outcome]:>10}" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
