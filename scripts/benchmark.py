"""What the observers cost, beside what a user would take instead, on the same data in one process.

python scripts/benchmark.py [--state synthetic|network] [--sections linear,neuron] [--rows N] [--json FILE], all in
--help. Loops too slow to be run whole are run in part and scaled up, and the notes say so. The sections `observe`,
`growth`, `transformer`, `copies`, `disk`, `subsets`, `formulas`, `extraction` and `table` are only run when they are
asked for.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import parsed

from denote.errors import DenoteError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sections, print each when it is done and write all so far."""
    arguments = parsed(argv)
    # Only here, so that a mistake on the command line is told at once.
    import torch
    from benchmarks import copies, evidence, layers, linear, neuron, observe, report, scaling
    from benchmarks.disk import disk
    from benchmarks.extraction import extraction
    from benchmarks.formulas import formulas
    from benchmarks.growth import growth
    from benchmarks.states import Bench
    from benchmarks.subsets import subsets
    from benchmarks.table import table
    from benchmarks.transformer import transformer

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("benchmark.py: argument --device: there is no GPU that torch can use; nothing was run", file=sys.stderr)
        return 2
    sections = {
        "linear": linear.linear, "shuffled": linear.shuffled, "path": linear.path, "neuron": neuron.neuron,
        "layers": layers.layers, "evidence": evidence.evidence, "scaling": scaling.scaling,
        "copies": copies.copies, "observe": observe.observe,
    }  # fmt: skip
    alone = {  # with data of their own
        "disk": disk, "subsets": subsets, "formulas": formulas, "extraction": extraction, "table": table,
        "growth": growth, "transformer": transformer,
    }  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory(prefix="denote-benchmark-", dir=arguments.folder) as folder:
        bench = Bench(arguments, Path(folder))
        try:
            for section in arguments.sections:
                if section in alone:
                    found = alone[section](bench)
                else:
                    found = [row for name in arguments.state for row in sections[section](bench, name)]
                report.shown(section, found)
                rows += found
                if arguments.json is not None:
                    report.write(arguments.json, arguments, rows)
        except DenoteError as error:
            print(f"benchmark.py: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
