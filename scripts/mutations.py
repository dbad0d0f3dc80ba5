"""Break central lines of denote one at a time, and see that the tests notice.

Each mutation is a mistake that would give wrong numbers, let *test* rows leak, lose results or run code that nobody
trusts. The sources are copied, so the working tree is never touched. Exit 1 if a mutation survives.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PASSED, FAILED = 0, 1
"""What pytest exits with if all tests pass, and if one fails; anything else is no verdict."""


class Mutation(NamedTuple):
    """A line of the sources that is broken.

    Attributes:
        file: Path in ``src/denote``.
        line: The line without its indentation; it occurs once in the file.
        replacement: What stands there instead.
        tests: Files in ``tests`` of which one at least must fail.
        why: What the mistake would do.
    """

    file: str
    line: str
    replacement: str
    tests: tuple[str, ...]
    why: str


MUTATIONS = (
    Mutation(
        "data/parts.py",
        "held_out[trained.rows if groups is None else np.isin(groups, groups[trained.rows])] = 0",
        "held_out[trained.rows] = 0",
        ("data/test_trained_on.py",),
        "Rows of a group that the network was trained on would be fit and test rows.",
    ),
    Mutation(
        "attributes/labels.py",
        'draw = stream("equal rows", probe_seed, part, name, label)',
        'draw = stream("equal rows", probe_seed, name, label)',
        ("attributes/test_equal_rows.py",),
        "fit and test would share a draw stream, so that their rows depend on each other.",
    ),
    Mutation(
        "object_models/model_store.py",
        "return None if record is None or damaged_files(folder, {FILES: record.files}) else record",
        "return record",
        ("object_models/test_model_store.py",),
        "Weights that were damaged or exchanged would be observed as the trained network.",
    ),
    Mutation(
        "states/pooling.py",
        "return output.masked_fill(~mask[..., None], -torch.inf).amax(1)",
        "return output.amax(1)",
        ("states/test_pooling.py",),
        "Padding would count in the largest activation of a sequence.",
    ),
    Mutation(
        "states/pooling.py",
        "position.masked_fill(~mask, mask.shape[1]).amin(1)",
        "position.amin(1)",
        ("states/test_pooling.py",),
        "The first position of a sequence that is padded on the left would be padding.",
    ),
    Mutation(
        "states/pooling.py",
        "else (position.masked_fill(~mask, -1).amax(1))",
        "else (position.amax(1))",
        ("states/test_pooling.py",),
        "The last position of a sequence that is padded on the right would be padding.",
    ),
    Mutation(
        "states/pooling.py",
        "output = output[:, :, size // 2]",
        "output = output[:, :, 0]",
        ("states/test_pooling.py",),
        "A map's centre would be its corner.",
    ),
    Mutation(
        "observers/neuron.py",
        "bias = np.where(direction > 0, -threshold, np.nextafter(threshold, np.inf))",
        "bias = np.where(direction > 0, -threshold, threshold)",
        ("observers/test_neuron.py",),
        "A sample exactly at the threshold of a neuron that means the negation would be decided wrongly.",
    ),
    Mutation(
        "observers/linear.py",
        "losses = np.stack([_loss(each.scores(outside), labels[held], self.balance, shards) for each in path])",
        "losses = np.stack([_loss(each.scores(inside), labels[rest], self.balance, shards) for each in path])",
        ("observers/test_linear.py",),
        "The penalty would be chosen on the rows that the weights were fitted on.",
    ),
    Mutation(
        "observers/solvers/batches.py",
        "held, rest = np.sort(order[:cut]), np.sort(order[cut:])",
        "held, rest = np.sort(order[:cut]), np.sort(order)",
        ("observers/solvers/test_inner_validation.py",),
        "Rows that choose thresholds and strengths would also be fitted on.",
    ),
    Mutation(
        "observers/solvers/newton.py",
        "gradient[:, :-1] += 2 * problem.l2 * point[:, :-1]",
        "gradient += 2 * problem.l2 * point",
        ("observers/test_sparse.py",),
        "The intercept would be penalised, and the objective would not be the documented one.",
    ),
    Mutation(
        "kernels/area_kernels.py",
        "of_negative = (1 - (positives_below + inside / 2) / n_positive[a] - area) / n_negative[a]",
        "of_negative = (1 - positives_below / n_positive[a] - area) / n_negative[a]",
        ("evidence/test_order_statistics.py", "evidence/test_bootstrap.py"),
        "Ties would count as wins of the negatives, and intervals would be too narrow or too wide.",
    ),
    Mutation(
        "kernels/scan_kernels.py",
        "down = not upward_only and -bottom > top",
        "down = not upward_only and -bottom >= top",
        ("observers/test_neuron.py",),
        "Of two equally good directions the negation would be reported.",
    ),
    Mutation(
        "evidence/corrections.py",
        "q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)",
        "q[order] = np.minimum(stepped, 1.0)",
        ("evidence/test_corrections.py",),
        "q-values would not be monotone, and true discoveries would be lost.",
    ),
    Mutation(
        "evidence/label_controls.py",
        'draws = stream("shuffled", probe_seed, draw, part)',
        'draws = stream("shuffled", probe_seed, draw)',
        ("evidence/test_permutations.py",),
        "Shuffled labels of fit and test would be in the same order, so that a leak would look like chance.",
    ),
    Mutation(
        "evidence/scores.py",
        "z = self._where_defined(self.ranked.twice / 2 - self.n_positive * self.n_negative / 2 - 0.5, spread)",
        "z = self._where_defined(self.ranked.twice / 2 - self.n_positive * self.n_negative / 2, spread)",
        ("evidence/test_scores.py",),
        "p-values of small samples would be too small.",
    ),
    Mutation(
        "evidence/controls/control_task.py",
        "both = np.intersect1d(self._types.fit, self._types.test)",
        "both = np.union1d(self._types.fit, self._types.test)",
        ("evidence/test_control_task.py",),
        "Types that the observer never saw would count in the control, which would then look harmless.",
    ),
    Mutation(
        "evidence/controls/shuffled.py",
        'return {"control_auroc": mean, "selectivity": real["auroc"] - mean, "note": [None] * len(mean)}',
        'return {"control_auroc": mean, "selectivity": real["auroc"] - 0.5, "note": [None] * len(mean)}',
        ("evidence/test_controls.py",),
        "Selectivity would be blind to what the observer reads from shuffled labels.",
    ),
    Mutation(
        "denotation/search/held_out_scores.py",
        "p_value=balanced_accuracy_p_value(tp, n_positive, tn, n_negative, null, (deff[0], deff[1])),",
        "p_value=balanced_accuracy_p_value(tp, n_positive, tn, n_negative, null),",
        ("denotation/search/test_held_out.py",),
        "Rows of one group would count as independent in the test of a neuron.",
    ),
    Mutation(
        "denotation/judging/decisions.py",
        '.sort("fit_balanced_accuracy", "property", descending=[True, False], nulls_last=True)',
        '.sort("balanced_accuracy", "property", descending=[True, False], nulls_last=True)',
        ("denotation/judging/test_decisions.py", "runs/test_merge.py"),
        "Test rows would choose the property on which they then report.",
    ),
    Mutation(
        "denotation/judging/decisions.py",
        "cutoff = cutoff.fill_nan(None)",
        "cutoff = cutoff.fill_nan(1.0)",
        ("denotation/judging/test_decisions.py", "denotation/judging/test_denotation_rule.py"),
        "Controls of a family without tests would all denote.",
    ),
    Mutation(
        "denotation/depth/hypothesis_tests.py",
        'within = pl.when(pl.col("role") == plan.PRIMARY).then(None).otherwise("dataset")',
        'within = pl.col("dataset")',
        ("denotation/depth/test_hypothesis_tests.py", "denotation/depth/test_depth_analysis.py"),
        "Primary tests of several data sets would not be corrected for one another.",
    ),
    Mutation(
        "observation/duplicates.py",
        "return np.asarray(held[code] > mine)",
        "return np.asarray(held[code] > 1)",
        ("observation/test_duplicates.py",),
        "A test row that equals one fit row would not count as a leak.",
    ),
    Mutation(
        "observation/work.py",
        "live = live_neurons(state.fit)",
        "live = live_neurons(state.test)",
        ("test_observation.py",),
        "Test rows would say which neurons are live.",
    ),
    Mutation(
        "figures/decisive_depths.py",
        'ax.plot([low, behind if high is None else high], [y, y], color="0.35", linewidth=1.3, zorder=2)',
        'ax.plot([low, low if high is None else high], [y, y], color="0.35", linewidth=1.3, zorder=2)',
        ("figures/test_decisive_depths.py",),
        "An interval that ends beyond the last layer would look like no doubt at all.",
    ),
    Mutation(
        "reporting/chance.py",
        "return tuple(level * self.n_tests for level in LEVELS)",
        "return tuple(level * self.hits for level in LEVELS)",
        ("reporting/test_chance.py",),
        "The report would expect far fewer hits by chance than chance gives.",
    ),
    Mutation(
        "runs/fingerprint.py",
        "return digest_unchanged([place])",
        "return path",
        ("runs/test_fingerprint.py",),
        "A changed file would give the stored results of the old one.",
    ),
    Mutation(
        "runs/merge.py",
        'neurons.filter("denotes"), on=key, how="semi", nulls_equal=True, maintain_order="left"',
        'neurons, on=key, how="semi", nulls_equal=True, maintain_order="left"',
        ("runs/test_merge.py",),
        "Examples would be shown of neurons that do not denote after the correction over all jobs.",
    ),
    Mutation(
        "config/keys.py",
        'sha.update(hashlib.file_digest(file, "sha256").digest())',
        "sha.update(b'')",
        ("runs/test_fingerprint.py", "object_models/test_model_store.py"),
        "Keys would not see that a file's content has changed.",
    ),
    Mutation(
        "streams.py",
        'text = "\\x1f".join([name, *(str(key) for key in keys)])',
        'text = "".join([name, *(str(key) for key in keys)])',
        ("test_streams.py",),
        "Draws with other keys would share a stream, such as (1, 11) and (11, 1).",
    ),
    Mutation(
        "config/trust.py",
        'return any(target.startswith(f"{name}.") for name in names)',
        "return any(target.startswith(name) for name in names)",
        ("test_trust.py",),
        "A package whose name begins like a trusted one would be run.",
    ),
    Mutation(
        "files.py",
        "temporary.replace(path)",
        "path.write_bytes(temporary.read_bytes())",
        ("test_files.py",),
        "A reader, or a power cut, could meet half a file.",
    ),
    Mutation(
        "config/settings.py",
        "outside = not -size <= given < size or (given <= least if above else given < least)",
        "outside = not -size <= given < size or given < least",
        ("test_settings.py",),
        "A penalty of 0 or an empty share would start a job that ends in nonsense.",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the mutations and run nothing")
    parser.add_argument("--only", default="", metavar="TEXT", help="run those whose file has this in its path")
    given = parser.parse_args(arguments)
    chosen = [mutation for mutation in MUTATIONS if given.only in mutation.file]
    if given.list:
        for mutation in chosen:
            print(f"{mutation.file}\n  - {mutation.line}\n  + {mutation.replacement}\n  {mutation.why}")
        return 0
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    if (status := _run(None, tests)) != PASSED:
        print(f"the tests do not pass without a mutation (pytest exits with {status}): {', '.join(tests)}")
        return 1
    verdicts = [_verdict(mutation) for mutation in chosen]
    print(f"{verdicts.count('caught')} of {len(verdicts)} caught")
    return int(set(verdicts) != {"caught"})


def _verdict(mutation: Mutation) -> str:
    status = _run(mutation, mutation.tests)
    verdict = {PASSED: "SURVIVED", FAILED: "caught"}.get(status, f"NO VERDICT (pytest exits with {status})")
    print(f"{verdict:8}  {mutation.file}: {mutation.line}", flush=True)
    return verdict


def _run(mutation: Mutation | None, tests: Sequence[str]) -> int:
    """Run test files against a copy of the sources and return what pytest exits with."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    with _copied(mutation) as folder:
        environment = os.environ | {"PYTHONPATH": str(folder)}
        files = [f"tests/{test}" for test in tests]
        run = subprocess.run([*command, *files], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode not in (PASSED, FAILED) or (mutation is None and run.returncode):
        print(run.stdout[-2000:], run.stderr[-2000:])
    return run.returncode


@contextmanager
def _copied(mutation: Mutation | None) -> Iterator[Path]:
    """Yield a folder with the package as it is installed, one line of it broken.

    Compiled files come along, but not those of loops over arrays that a mutation of one of them might reach.
    """
    compiled = mutation is not None and mutation.file.startswith("kernels/")
    left_out = ignore_patterns("*.nb?") if compiled else None
    with TemporaryDirectory() as name:
        package = Path(name) / "denote"
        copytree(ROOT / "src" / "denote", package, ignore=left_out)
        copytree(ROOT / "conf", package / "conf")
        if mutation is not None:
            path = package / mutation.file
            path.write_text(broken(path.read_text(encoding="utf-8"), mutation), encoding="utf-8")
        yield Path(name)


def broken(text: str, mutation: Mutation) -> str:
    """Return a file's text with the line replaced.

    Raises:
        ValueError: if the line does not occur exactly once.
    """
    lines = text.split("\n")
    at = [index for index, line in enumerate(lines) if line.strip() == mutation.line]
    if len(at) != 1:
        raise ValueError(f"{mutation.file} has {len(at)} lines that read: {mutation.line}")
    indent = lines[at[0]].removesuffix(lines[at[0]].lstrip())
    lines[at[0]] = indent + mutation.replacement
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
