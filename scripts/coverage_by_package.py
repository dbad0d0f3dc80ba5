"""Print the branch coverage of each package from what ``make test COVERAGE=yes`` has measured.

Lines and branches count together. What tests run in processes of their own (commands, and imports in a fresh
interpreter) is not measured: packages that live there look less tested than they are. Compiled loops are left out.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COUNTS = ("covered_lines", "missing_lines", "covered_branches", "missing_branches")


def by_package(report: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """Return the sums of `COUNTS` by package, from the JSON report of slipcover.

    Args:
        report: With ``files`` by path; the package is the folders from the last ``denote`` on.
    """
    packages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path, file in report["files"].items():
        folders = Path(path).parts[:-1]
        inside = folders[::-1].index("denote") if "denote" in folders else 0
        name = ".".join(["denote", *folders[len(folders) - inside :]]) if "denote" in folders else folders[-1]
        packages[name].update({count: file["summary"][count] for count in COUNTS})
    return {name: counts for name, counts in sorted(packages.items()) if sum(counts.values())}


def share(done: int, of: int) -> str:
    """Return a share in percent, rounded down so that 100 means all."""
    return f"{100 * done // of} %" if of else "-"


def lines_of(packages: Mapping[str, Counter[str]]) -> list[str]:
    """Return the table, a line per package and one for all."""
    total: Counter[str] = Counter()
    for counts in packages.values():
        total.update(counts)
    rows = [("package", "lines", "branches", "both")]
    for name, counts in [*packages.items(), ("all", total)]:
        covered, missed, taken, passed_by = (counts[count] for count in COUNTS)
        lines, branches = covered + missed, taken + passed_by
        rows.append((name, share(covered, lines), share(taken, branches), share(covered + taken, lines + branches)))
    width = max(len(name) for name, *_ in rows)
    return [f"{name:{width}}  {lines:>8}  {branches:>8}  {both:>8}" for name, lines, branches, both in rows]


def main(arguments: Sequence[str]) -> int:
    """Print the table of a JSON report that is named, or comes on standard input."""
    text = Path(arguments[0]).read_text(encoding="utf-8") if arguments else sys.stdin.read()
    print("\n".join(lines_of(by_package(json.loads(text)))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
