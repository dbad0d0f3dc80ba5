"""Which layers and models are tested for depth, how the tests are corrected, and what they say together."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from denote.denotation.analysis import Analysis, analysis_of
from denote.denotation.depth_tests import depth_tests
from denote.denotation.sign_flips import centred, sign_flip_test
from denote.denotation.verdicts import depth_verdicts, verdict
from denote.streams import stream
from denote.tables import LABEL_PROPORTION_BY_MODEL, table

PLANNED = Analysis(family="subsets")
BEYOND = "folded - rotated_folded"


def networks(
    models: int = 8, layers: int = 5, *, slope: float = 0.0, rotated: float | None = 0.0, sd: float = 0.02, **more: Any
) -> pl.DataFrame:
    """Networks whose folded value rises by ``slope`` per layer and that of rotations by ``rotated``; logits beyond."""
    rows = []
    for model in range(models):
        draws = stream("test depth tests", str(more), model).normal(0, sd, (3, layers + 1))
        for depth in range(layers + 1):
            head = depth == layers
            folded = 0.2 + slope * depth + draws[0, depth] + 5 * head
            row = {
                "dataset": "d", "architecture": "x", "trained": True, "family": "subsets", "seed": model,
                "object_model": f"{more.get('architecture', 'x')}{model}", "layer": f"l{depth}", "depth": depth,
                "relative_depth": depth / layers, "pooling": "none", "probe_seed": 0, "is_head": head,
                "sign_identified": True, "folded": folded, "label_proportion": folded, "share_denoting": 0.5,
                "on_proportion": 0.5,
            }  # fmt: skip
            if rotated is not None:
                row["rotated_folded"] = 0.2 + rotated * depth + draws[1, depth]
                row["rotated_share_denoting"] = 0.4 + draws[2, depth]
            rows.append(row | more)
    return table(rows, LABEL_PROPORTION_BY_MODEL)


def row_of(tests: pl.DataFrame, test: str = "sign_flip", quantity: str = BEYOND, **more: Any) -> dict[str, Any]:
    asked = {"architecture": None, **more}
    same = (pl.col(name).eq_missing(pl.lit(value, tests.schema[name])) for name, value in asked.items())
    found = tests.filter(pl.col("test") == test, pl.col("quantity") == quantity, *same)
    assert found.height == 1
    return found.row(0, named=True)


def grid(frame: pl.DataFrame, value: pl.Expr, layers: list[str]) -> np.ndarray:
    wide = frame.with_columns(value=value).pivot("layer", index="object_model", values="value")
    return wide.select(layers).to_numpy()


def test_the_primary_test_is_of_the_difference_at_hidden_layers() -> None:
    frame = networks(slope=0.02)
    row = row_of(depth_tests(frame, PLANNED))
    values = grid(frame, pl.col("folded") - pl.col("rotated_folded"), [f"l{depth}" for depth in range(5)])
    assert (row["statistic"], row["p_value"]) == pytest.approx(sign_flip_test([values]))
    assert row["effect"] == pytest.approx(np.ptp(values.mean(axis=0)))
    assert (row["role"], row["n_models"], row["n_layers"]) == ("primary", 8, 5)
    assert row["layers"] == "l0, l1, l2, l3, l4"
    assert row["smallest_p"] == 1 / 2**7
    assert row["testable"]
    assert row["planned"]


def test_a_gap_of_one_model_drops_the_layer_for_all() -> None:
    gap = (pl.col("layer") == "l0") & (pl.col("object_model") == "x3")
    for column in ("folded", "rotated_folded"):
        frame = networks().with_columns(pl.when(~gap).then(column).alias(column))
        tests = depth_tests(frame, PLANNED)
        assert set(tests["layers"]) == {"l1, l2, l3, l4"}
        assert "x l0" in row_of(tests)["note"]
        values = grid(frame, pl.col("folded"), ["l1", "l2", "l3", "l4"])
        assert row_of(tests, quantity="folded")["p_value"] == sign_flip_test([values])[1]


def test_fewer_than_three_layers_are_not_tested() -> None:
    row = row_of(depth_tests(networks(layers=2), PLANNED))
    assert row["p_value"] is None
    assert row["n_models"] == 8
    assert row["testable"] is False
    assert "fewer than 3 layers" in row["note"]


def test_chosen_depths_alone_are_tested() -> None:
    tests = depth_tests(networks(), Analysis("subsets", layers=(1, 2, 4, 5)))
    assert set(tests["layers"]) == {"l1, l2, l4"}  # 5 are the logits


def test_without_the_rotated_control_there_is_no_primary_test_and_no_claim() -> None:
    tests = depth_tests(networks(slope=0.05, rotated=None), PLANNED)
    assert row_of(tests)["p_value"] is None
    assert "without the rotated control" in row_of(tests)["note"]
    assert row_of(tests, quantity="folded")["significant"]
    (said,) = depth_verdicts(tests, PLANNED).iter_rows(named=True)
    assert said["verdict"] == "not shown"
    assert "without the rotated control" in said["note"]


def test_poolings_and_probe_seeds_are_averaged_within_the_model() -> None:
    frame = networks(slope=0.02)
    twice = pl.concat([
        frame.with_columns(pl.col("folded") - 0.01), frame.with_columns(pl.col("folded") + 0.01, probe_seed=pl.lit(1)),
    ], how="vertical_relaxed")  # fmt: skip
    once, again = (row_of(depth_tests(each, PLANNED)) for each in (frame, twice))
    assert again["n_models"] == 8
    assert again["statistic"] == pytest.approx(once["statistic"])


def test_a_gap_of_one_pooling_is_no_dependence_on_depth() -> None:
    frame, gap = networks(), pl.col("layer") == "l3"
    higher = frame.with_columns(pooling=pl.lit("flatten"), folded=pl.when(~gap).then(pl.col("folded") + 0.2))
    row = row_of(depth_tests(pl.concat([frame, higher]), PLANNED))
    assert row["layers"] == "l0, l1, l2, l4"
    assert row["p_value"] > 0.05


def test_signs_that_mean_nothing_leave_the_unfolded_value_untested() -> None:
    for sign in (False, None):
        silent = pl.when(pl.col("layer") == "l2").then(pl.lit(sign, pl.Boolean)).otherwise("sign_identified")
        tests = depth_tests(networks().with_columns(sign_identified=silent), PLANNED)
        assert "label_proportion" not in tests["quantity"].to_list()
        assert "label_proportion is not tested" in row_of(tests, quantity="folded")["note"]
    tests = depth_tests(networks(), PLANNED)
    assert row_of(tests, quantity="label_proportion")["p_value"] is not None


def test_architectures_are_tested_together_and_one_by_one() -> None:
    frames = [networks(models=3, slope=0.03), networks(models=4, layers=4, slope=0.03, architecture="y")]
    tests = depth_tests(pl.concat(frames), PLANNED)
    values = [
        grid(frame, pl.col("folded") - pl.col("rotated_folded"), [f"l{depth}" for depth in range(layers)])
        for frame, layers in zip(frames, (5, 4), strict=True)
    ]
    joint = row_of(tests)
    assert (joint["statistic"], joint["p_value"]) == pytest.approx(sign_flip_test(values))
    assert (joint["n_models"], joint["n_layers"]) == (7, 9)
    for name, own in zip("xy", values, strict=True):
        alone = row_of(tests, architecture=name)
        assert alone["role"] == "exploratory"
        assert not alone["planned"]
        assert alone["p_value"] == sign_flip_test([own])[1]
    assert depth_verdicts(tests, PLANNED).height == 1


def test_holm_is_over_data_sets_for_the_primary_and_within_one_for_the_others() -> None:
    frames = [networks(slope=slope, dataset=name) for slope, name in ((0.02, "a"), (0.01, "b"), (0.0, "c"))]
    tests = depth_tests(pl.concat(frames), PLANNED)
    p = sorted((row["p_value"], row["p_holm"]) for name in "abc" for row in [row_of(tests, dataset=name)])
    expected = np.minimum(np.maximum.accumulate([3 * p[0][0], 2 * p[1][0], p[2][0]]), 1)
    assert [holm for _, holm in p] == pytest.approx(expected)
    own = tests.filter(dataset="a", role="secondary").drop_nulls("p_value").sort("p_value")
    expected = np.minimum(np.maximum.accumulate(own["p_value"].to_numpy() * [5, 4, 3, 2, 1]), 1)
    np.testing.assert_allclose(own["p_holm"].to_numpy(), expected)


def test_too_few_models_for_so_many_tests_are_not_testable() -> None:
    """6 models reach .031 once, but not for each of two data sets; 5 never reach .05 (.0625)."""
    two = pl.concat([networks(6, slope=0.05, dataset=name) for name in "ab"])
    for frame, n, asked in ((networks(5, slope=0.05), 5, "d"), (two, 6, "a")):
        tests = depth_tests(frame, PLANNED)
        row = row_of(tests, dataset=asked)
        assert row["testable"] is False
        assert f"not testable with {n} models" in row["note"]
        said = depth_verdicts(tests, PLANNED).row(0, named=True)
        assert said["verdict"] == "not shown"
        assert "not testable" in said["note"]
    assert row_of(depth_tests(networks(6, slope=0.05), PLANNED))["testable"]


def test_the_trend_is_a_t_test_of_rank_correlations() -> None:
    frame = networks(slope=0.01)
    row = row_of(depth_tests(frame, PLANNED), "trend", "folded")
    profiles = grid(frame, pl.col("folded"), [f"l{depth}" for depth in range(5)])
    found = [stats.spearmanr(np.arange(5), values).statistic for values in profiles]
    assert row["statistic"] == row["effect"] == pytest.approx(np.mean(found))
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(found, 0).pvalue)
    same = row_of(depth_tests(networks(slope=0.5), PLANNED), "trend", "folded")
    assert same["p_value"] == 1 / 2**7  # all correlations are 1: a t-test would give 0
    flat = row_of(depth_tests(networks(sd=0.0), PLANNED), "trend", "folded")
    assert flat["p_value"] is None
    assert "flat" in flat["note"]


def test_equivalence_is_by_the_farthest_end_of_the_intervals() -> None:
    frame = networks()
    row = row_of(depth_tests(frame, PLANNED), "equivalence")
    values = centred(grid(frame, pl.col("folded") - pl.col("rotated_folded"), [f"l{depth}" for depth in range(5)]))
    ends = [stats.t.interval(0.9, 7, layer.mean(), stats.sem(layer)) for layer in values.T]
    assert row["statistic"] == pytest.approx(np.abs(ends).max())
    for margin in (0.9, 1.1):
        held = row_of(depth_tests(frame, Analysis(equivalence=margin * row["statistic"])), "equivalence")
        assert held["significant"] is (margin > 1)


def test_planned_is_the_family_that_was_named() -> None:
    both = pl.concat([networks(), networks(family="classes")])
    for asked in ("subsets", None):
        planned = depth_tests(both, Analysis(family=asked)).filter("planned")
        assert set(planned["family"]) == ({asked} if asked else set())
    assert not depth_tests(networks(trained=False), PLANNED)["planned"].any()
    config = {"analysis": {"family": "subsets", "layers": [1, 2, 3], "equivalence": 0.1, "level": 0.01}}
    assert analysis_of(config) == Analysis("subsets", (1, 2, 3), 0.1, 0.01)
    assert analysis_of({}) == Analysis()


WORDS = {
    (True, True, True, True): "depends on depth beyond polarity and basis",
    (True, False, False, False): "depends on depth beyond polarity and basis",
    (False, True, True, True): "through the distribution that any basis shows",
    (False, True, None, False): "through the distribution that any basis shows",
    (False, False, True, True): "through polarity only",
    (False, False, False, True): "no dependence larger than .05",
    (False, False, None, True): "no dependence larger than .05",
    (False, False, False, False): "not shown",
}


@pytest.mark.parametrize(("significant", "words"), WORDS.items())
def test_the_verdict_is_the_first_that_holds(significant: tuple[bool | None, ...], words: str) -> None:
    primary, folded, unfolded, equivalence = (
        {"significant": each, "testable": True, "note": "why"} for each in significant
    )
    assert verdict(primary, folded, unfolded, equivalence, 0.05) == (words, None)
    silent = primary | {"testable": False}
    within = significant[3]
    expected = ("no dependence larger than .05" if within else "not shown", "why")
    assert verdict(silent, folded, unfolded, equivalence, 0.05) == expected


def test_verdicts_of_networks_with_a_known_answer() -> None:
    """Effects of many standard errors: no draw could come out otherwise."""
    cases = {
        "depends on depth beyond polarity and basis": networks(slope=0.04),
        "through the distribution that any basis shows": networks(slope=0.04, rotated=0.04),
        "no dependence larger than .05": networks(sd=0.01),
        "not shown": networks(sd=0.4),
    }
    polarity = networks(sd=0.01).with_columns(label_proportion=0.2 + 0.1 * pl.col("depth") + pl.col("folded"))
    for words, frame in (cases | {"through polarity only": polarity}).items():
        (said,) = depth_verdicts(depth_tests(frame, PLANNED), PLANNED).iter_rows(named=True)
        assert said["verdict"] == words
        assert said["planned"]
