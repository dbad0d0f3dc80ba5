"""The simulations at a small size. Every draw has a named stream, so a run repeats to the bit.

Lines are drawn where a correct program would fall beyond them once in 1,000 times on other streams (`chance`), or
further out, as each test says.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simulate
from cell_observations import observe_cells
from simulations import (
    copies,
    coverage,
    erasure,
    families,
    grouped_neurons,
    groups,
    jobs,
    leak,
    noise_neurons,
    rough_refits,
)
from simulations.chance import fewest, most
from simulations.row import Row, rows_of

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.rule import Rule
from denote.observers.linear import LinearProbe

SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate.py"


def by_name(rows: list[Row]) -> dict[str, Row]:
    return {row.what: row for row in rows}


def test_the_lines_are_those_of_the_goals() -> None:
    assert (most(200, 0.05), most(500, 0.05)) == (21, 41)


@pytest.mark.parametrize(("positives", "negatives"), [(100, 100), (20, 380)])
def test_intervals_cover_their_targets(positives: int, negatives: int) -> None:
    """At the lowest and the highest coverage that the goals allow each line has its chance of 1 in 1,000."""
    n = 400
    auroc, balanced, _ = (round(row.measured * n) for row in coverage.covered(1.5, positives, negatives, n))
    assert auroc >= fewest(n, 0.93)
    assert fewest(n, 0.92) <= balanced <= most(n, 0.97)


def test_neurons_that_are_not_enough_do_not_denote() -> None:
    """20 of 1,000 need p <= .001 each; at a true size of .001 P(Bin(1,000, .001) >= 20) < 1e-18."""
    for rates in families.NOT_ENOUGH.values():
        for p in (0.05, 0.1, 0.5):
            assert families.judged(p, [rates], 2)["denotes"].mean() <= 0.02


def test_neurons_that_are_enough_denote() -> None:
    """The exact chance of one is .97, so that of 2,000 the share's standard deviation is .004: .90 is 17 away."""
    found = families.judged(0.1, [(1 - 0.04 * 0.9, 1 - 0.04 * 0.1)], 2)
    assert found.height == 2 * families.NEURONS
    assert found["denotes"].mean() >= 0.90


@pytest.mark.parametrize("n_classes", [2, 5])
def test_scikit_learn_gives_the_oracle_of_erasure(n_classes: int) -> None:
    assert all(row.passed for row in erasure.reproduced(*erasure.data(n_classes), n_classes))


@pytest.mark.parametrize("kind", ["linear", "sparse", "centroid"])
def test_nothing_linear_reads_an_erased_concept(kind: str) -> None:
    """Deterministic: the data are the oracle's, and where the erasure holds no chance is involved."""
    state, classes = erasure.data(5)
    read, _ = erasure.beating(state, classes, "nothing", kind, 0)
    assert read.all()
    for erased in ("fit", "all"):
        beats, areas = erasure.beating(state, classes, erased, kind, 0)
        assert not beats.any()
        assert np.nanmax(areas, initial=0.5) <= 0.5


def test_what_is_not_linear_survives_the_erasure() -> None:
    state, classes = erasure.data(5)
    assert erasure.beating(state, classes, "fit", "neuron", 0)[0].any()


def test_copies_stay_together_in_the_split() -> None:
    together, apart = groups.straddling(ids=60, seeds=5)
    assert (together.measured, together.passed) == (0, True)
    assert apart.measured > 60


def test_groups_count_as_groups() -> None:
    """`chance` for the false alarms with groups; without them more than the line come, or the test shows nothing."""
    rows = by_name(groups.run(100))
    for name in ("constant in groups", "varying in groups"):
        assert rows[f"{name}, with groups"].passed
        assert rows[f"{name}, without groups"].measured > most(100, 0.05)


def test_a_neuron_in_many_groups_has_a_p_value_of_about_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by `chance` at a true size of .06: the design effect is an estimate, so the size is about .05."""
    n = 300
    monkeypatch.setattr(grouped_neurons, "GROUPS", (200,))
    for row in grouped_neurons.run(n):
        if row.what.endswith("0.05"):
            assert round(row.measured * n) <= most(n, 0.06)
            assert float(row.note.split()[0]) > most(n, 0.06) / n


def test_many_jobs_are_one_family() -> None:
    """Lines by `chance`, for 20 sweeps of 40 jobs."""
    n = 20
    one, _, apart = jobs.run(n)
    assert one.measured <= most(n, 0.05)
    assert round(apart.measured * n) >= fewest(n, 1 - 0.95 ** (jobs.LAYERS * jobs.ATTRIBUTES))


def test_attributes_fitted_together_are_jobs_of_one_attribute() -> None:
    state, labels = jobs.noise(0, 0)
    together = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=0).cells["auroc"].to_numpy()
    for a in range(jobs.ATTRIBUTES):
        own = Halves(*(_only(side, a) for side in (labels.fit, labels.test)))
        alone = observe_cells(state, own, LinearProbe(), Rule(), shuffles=0).cells["auroc"][0]
        assert alone == pytest.approx(together[a], abs=1e-4)  # where a fit ends inside its tolerance may differ


def _only(labels: Labels, a: int) -> Labels:
    return Labels(labels.names[a : a + 1], labels.families[a : a + 1], labels.values[:, a : a + 1])


def test_a_leak_looks_like_knowledge_and_held_out_rows_do_not() -> None:
    """Lines by `chance` for 100 intervals at the lowest coverage that is called right."""
    found = [leak.held_out(*leak.noise(seed)) for seed in range(10)]
    assert leak.leaking(*leak.noise(0)) > 0.8
    for name, rate in (("balanced accuracy", 0.92), ("AUROC", 0.93)):
        assert sum(each[name][1].sum() for each in found) >= fewest(100, rate)


def test_neurons_abstain_on_noise_and_one_that_knows_denotes() -> None:
    """By chance one of 512 neurons would have to reach .95 on 500 rows: beyond 1e-30."""
    state, labels = noise_neurons.noise(0)
    assert not noise_neurons.judged(state, labels)["denotes"].any()
    state[:, 7] += 8 * labels.values[:, 3]
    assert noise_neurons.judged(state, labels)["denotes"].arg_true().to_list() == [7]


def test_rows_know_whether_they_meet_their_goal() -> None:
    assert [Row("c", "w", 0.93, *goal).passed for goal in ((0.93, None), (None, 0.92), (0.9, 0.95), (None, None))] == [
        True, False, True, None,
    ]  # fmt: skip
    assert Row("c", "w", float("nan"), 0.9).passed is False
    assert Row("c", "w", np.float64(0.8), 0.9).passed is False
    assert Row("c", "w", 1, 0.9, 0.95).goal == "0.9 to 0.95"


def test_plain_numbers_are_rows_with_the_goals_that_stand_beside_them() -> None:
    found = {"seeds": 3, "what": "text", "scan": [{"power": 0.4}, {"power": 0.9}], "long": {"hits": 1}}
    assert rows_of("planted", found, {"scan 2: power": (0.8, None)}) == [
        Row("planted", "seeds", 3.0), Row("planted", "scan 1: power", 0.4), Row("planted", "scan 2: power", 0.9, 0.8),
        Row("planted", "long: hits", 1.0),
    ]  # fmt: skip


def test_the_command_prints_goals_and_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    assert simulate.main(["--only", "families", "--draws", "1", "--json", str(file)]) == 0
    records = json.loads(file.read_text(encoding="utf-8"))
    goals = [record for record in records if record["passed"] is not None]
    assert len(goals) == 1 + 2 * len(families.NOT_ENOUGH) * len(families.PROPORTIONS)
    assert capsys.readouterr().out.count("PASS") == len(goals)


def test_a_missed_goal_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(jobs, "run", lambda sweeps: [Row("jobs", "hits", 30, most=21)])
    assert simulate.main(["--only", "jobs"]) == 1
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("mistake", [["--only=nope"], ["--draws=0"], ["--draws=x"], ["--json=/nope/file"]])
def test_a_mistake_is_one_line(mistake: list[str]) -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), *mistake], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["3 binary columns", "10 answers with a common factor", "6 categories of 4", "census"])
def test_a_table_that_repeats_by_itself_has_no_copies(name: str) -> None:
    found = copies.counted(copies.TABLES[name](np.random.default_rng(0), 900))
    assert found["n_equal"].sum() > 0
    assert found["n_rows"].sum() == 0


@pytest.mark.parametrize("name", ["smooth pictures", "random walks", "30 clusters", "heavy tails", "sparse"])
def test_what_is_close_for_other_reasons_is_no_copy(name: str) -> None:
    assert copies.counted(copies.OTHERS[name](np.random.default_rng(0), copies.ROWS))["n_rows"].sum() == 0


@pytest.mark.parametrize("name", ["digits", "cloud of 10 dimensions", "random walks"])
def test_planted_copies_are_counted_within_a_tenth(name: str) -> None:
    assert copies.exact(name, 0) == pytest.approx(1, abs=0.1)
    assert copies.near(name, 0) == pytest.approx(1, abs=0.1)


def test_long_sentences_that_were_copied_are_counted_and_short_ones_are_not() -> None:
    assert copies.sentences(0) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("world", ["digits, 539 x 64", "independent, 300 x 200", "rarely on, 3,000 x 200"])
def test_rough_refits_stay_within_a_tenth_of_the_noise_of_what_they_are_for(world: str) -> None:
    found = rough_refits.distances(world, 1)
    assert max(found[name] for name in rough_refits.OUTCOMES) <= 0.1
    assert min(found[name] for name in ("auroc", "untrained_auroc")) > 0  # they are not the exact ones
