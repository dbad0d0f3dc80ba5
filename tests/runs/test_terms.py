"""Terms of a sweep's folder say what comparing every pair of jobs says."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from denote.runs.fingerprint import disagreement
from denote.runs.terms import Terms

SETTINGS = st.fixed_dictionaries(
    {"evidence / permutations": st.sampled_from([20, 200]), "layer / kind": st.just(None)},
    optional={
        "probe / linear / l2": st.sampled_from([0.1, 0.2]),
        "probe / mlp / hidden": st.just(8),
        "attribute / odd / where": st.sampled_from(["a", "b"]),
        "architecture.trained_on / 1234": st.sampled_from(["object", "unknown"]),
    },
)


def by_pairs(there: dict[Path, dict[str, Any]], folder: Path, ours: dict[str, Any]) -> list[str]:
    """The keys in which a job differs from the first that it does not agree with."""
    differences = (disagreement(ours, theirs) for other, theirs in there.items() if other != folder)
    return next((keys for keys in differences if keys), [])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), SETTINGS, st.booleans()), max_size=12))
def test_terms_refuse_whom_pairs_refuse(jobs: list[tuple[int, dict[str, Any], bool]]) -> None:
    terms = Terms()
    there: dict[Path, dict[str, Any]] = {}
    for number, agreement, joins_anyhow in jobs:
        folder = Path(str(number))
        refused = by_pairs(there, folder, agreement)
        assert bool(terms.differing(folder, agreement)) == bool(refused)
        if folder not in there and (joins_anyhow or not refused):  # on disk there may be jobs that do not agree
            terms.add(folder, agreement)
            there[folder] = agreement
