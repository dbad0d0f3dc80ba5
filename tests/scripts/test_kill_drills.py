"""The drills of kills and of commands at once, small: the same command heals, and everything is made once."""

import subprocess
import sys
from pathlib import Path

DRILLS = Path(__file__).parents[2] / "scripts" / "drills"

BOTH = """
import sys
import kills, together, trials
folder = sys.argv[1]
trials.load()  # once for both
failed = kills.main(["--only=report of a job", "--most=3", "--workers=1", f"--folder={folder}/kills"])
failed += together.main(["--only=from nothing", "--trials=1", "--processes=2", f"--folder={folder}/together"])
sys.exit(failed)
"""


def test_kills_heal_and_commands_at_once_share_the_work(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOTH, str(tmp_path)], cwd=DRILLS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tables = [line.split() for line in done.stdout.splitlines()]
    assert any(row[:4] == ["report", "of", "a", "job"] and row[-4:-1] == ["3", "of", "3"] for row in tables)
    assert any(row[:2] == ["from", "nothing"] and row[2:8] == ["1", "2", "2", "1", "1", "1"] for row in tables)
