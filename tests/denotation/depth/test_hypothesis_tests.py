"""Which layers and models are tested for depth, how the tests are corrected, and what they say together."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from denote.denotation.depth import plan
from denote.denotation.depth.analysis import depth_verdicts, verdict
from denote.denotation.depth.depth_profiles import LayerPairs, WeightedProfiles, sign_flip_test
from denote.denotation.depth.hypothesis_tests import depth_tests
from denote.denotation.depth.plan import Analysis, analysis_of
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
                "on_proportion": 0.5, "n_denoting": 40,
            }  # fmt: skip
            if rotated is not None:
                row["rotated_folded"] = 0.2 + rotated * depth + draws[1, depth]
                row["rotated_share_denoting"] = 0.4 + draws[2, depth]
                row["rotated_n_denoting"] = 60
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


def weighted(values: np.ndarray, weights: list[float] | None = None) -> WeightedProfiles:
    own = np.ones(values.shape[1]) if weights is None else np.array(weights)
    return WeightedProfiles(values, own / own.sum())


def without(frame: pl.DataFrame, *places: tuple[str, str], column: str = "folded") -> pl.DataFrame:
    """The same with gaps at pairs of model and layer."""
    gap = pl.any_horizontal((pl.col("object_model") == model) & (pl.col("layer") == layer) for model, layer in places)
    return frame.with_columns(pl.when(~gap).then(column).alias(column))


def test_the_primary_test_is_of_the_difference_at_hidden_layers() -> None:
    frame = networks(slope=0.02)
    row = row_of(depth_tests(frame, PLANNED))
    values = grid(frame, pl.col("folded") - pl.col("rotated_folded"), [f"l{depth}" for depth in range(5)])
    assert (row["statistic"], row["p_value"]) == pytest.approx(sign_flip_test([weighted(values)]))
    assert row["effect"] is None  # max minus min of means is large without any change
    assert (row["effect_low"], row["effect_high"]) == pytest.approx(LayerPairs.of([values]).largest())
    assert (row["role"], row["n_models"], row["n_layers"]) == ("primary", 8, 5)
    assert row["layers"] == "l0, l1, l2, l3, l4"
    assert row["smallest_p"] == 1 / 2**7
    assert row["testable"]
    assert row["planned"]


def test_layers_weigh_by_how_many_neurons_and_directions_denote() -> None:
    """H = 1 / (1 / neurons + 1 / directions), of folded alone the neurons; a share weighs equally everywhere."""
    few = pl.col("layer") == "l0"
    frame = networks(slope=0.02).with_columns(n_denoting=pl.when(few).then(6).otherwise(300).cast(pl.Int64))
    tests = depth_tests(frame, PLANNED)
    names = [f"l{depth}" for depth in range(5)]
    for quantity, value, first, other in (
        (BEYOND, pl.col("folded") - pl.col("rotated_folded"), 1 / (1 / 6 + 1 / 60), 1 / (1 / 300 + 1 / 60)),
        ("folded", pl.col("folded"), 6, 300),
        ("share_denoting - rotated_share_denoting", pl.col("share_denoting") - pl.col("rotated_share_denoting"), 1, 1),
    ):
        own = weighted(grid(frame, value, names), [first, *[other] * 4])
        row = row_of(tests, quantity=quantity)
        assert (row["statistic"], row["p_value"]) == pytest.approx(sign_flip_test([own]))


def test_six_networks_with_a_value_keep_a_layer_and_five_do_not() -> None:
    gaps = [(f"x{model}", "l0") for model in range(3)]
    for column in ("folded", "rotated_folded"):
        six, five = (depth_tests(without(networks(), *gaps[:n], column=column), PLANNED) for n in (2, 3))
        assert set(six["layers"]) == {"l0, l1, l2, l3, l4"}
        assert row_of(six)["note"] is None
        assert set(five["layers"]) == {"l1, l2, l3, l4"}
        assert "left out, too few networks have a value" in row_of(five)["note"]
        assert "x l0" in row_of(five)["note"]


def test_a_network_with_fewer_than_two_compared_layers_is_not_counted() -> None:
    gaps = [("x0", f"l{depth}") for depth in range(4)]
    row = row_of(depth_tests(without(networks(slope=0.05), *gaps), PLANNED))
    assert (row["n_models"], row["n_layers"], row["smallest_p"]) == (7, 5, 1 / 2**6)
    kept = row_of(depth_tests(without(networks(slope=0.05), *gaps[:3]), PLANNED))
    assert kept["n_models"] == 8


def test_a_difference_that_few_networks_have_at_a_layer_is_not_tested() -> None:
    """Directions denote enough in six networks at two layers only: folded is compared at all five, D nowhere."""
    gaps = [(f"x{model}", f"l{depth}") for model in range(3) for depth in range(2, 5)]
    tests = depth_tests(without(networks(slope=0.05), *gaps, column="rotated_folded"), PLANNED)
    assert row_of(tests)["p_value"] is None
    assert "directions of 6 networks" in row_of(tests)["note"]
    assert row_of(tests, quantity="folded")["n_layers"] == 5


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
    assert said["verdict"] == "none: not tested without the rotated control"
    assert "without the rotated control" in said["note"]
    assert plan.verdict_words(said["verdict"]) == "no verdict, not tested without the rotated control"
    assert plan.verdict_words(plan.NOT_SHOWN) == "not shown"


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
    frames = [networks(models=6, slope=0.03), networks(models=7, layers=4, slope=0.03, architecture="y")]
    tests = depth_tests(pl.concat(frames), PLANNED)
    values = [
        weighted(grid(frame, pl.col("folded") - pl.col("rotated_folded"), [f"l{depth}" for depth in range(layers)]))
        for frame, layers in zip(frames, (5, 4), strict=True)
    ]
    joint = row_of(tests)
    assert joint["statistic"] == pytest.approx(sign_flip_test(values)[0])
    assert (joint["n_models"], joint["n_layers"]) == (13, 9)
    for name, own in zip("xy", values, strict=True):
        alone = row_of(tests, architecture=name)
        assert alone["role"] == "exploratory"
        assert not alone["planned"]
        assert alone["p_value"] == sign_flip_test([own])[1]
    assert depth_verdicts(tests, PLANNED).height == 1


def test_an_architecture_of_few_networks_is_described_beside_the_test_of_the_others() -> None:
    alone = depth_tests(networks(slope=0.03), PLANNED)
    tests = depth_tests(pl.concat([networks(slope=0.03), networks(3, architecture="y")]), PLANNED)
    assert row_of(tests)["n_models"] == 8
    assert row_of(tests)["p_value"] == row_of(alone)["p_value"]
    described = tests.filter(architecture="y")
    assert set(described["role"]) == {"descriptive"}
    assert set(described["test"]) == {"trend"}
    assert described["p_value"].null_count() == len(described) == 2
    assert depth_verdicts(tests, PLANNED)["verdict"].to_list() == ["depends on depth beyond polarity and basis"]


def test_holm_is_over_data_sets_for_the_primary_and_within_one_for_the_others() -> None:
    frames = [networks(slope=slope, dataset=name) for slope, name in ((0.02, "a"), (0.01, "b"), (0.0, "c"))]
    tests = depth_tests(pl.concat(frames), PLANNED)
    p = sorted((row["p_value"], row["p_holm"]) for name in "abc" for row in [row_of(tests, dataset=name)])
    expected = np.minimum(np.maximum.accumulate([3 * p[0][0], 2 * p[1][0], p[2][0]]), 1)
    assert [holm for _, holm in p] == pytest.approx(expected)
    own = tests.filter(dataset="a", role="secondary").drop_nulls("p_value").sort("p_value")
    expected = np.minimum(np.maximum.accumulate(own["p_value"].to_numpy() * [5, 4, 3, 2, 1]), 1)
    np.testing.assert_allclose(own["p_holm"].to_numpy(), expected)


def test_tests_that_cannot_reach_the_level_say_so() -> None:
    """6 models reach .031 once, but not for each of two data sets."""
    tests = depth_tests(pl.concat([networks(6, slope=0.05, dataset=name) for name in "ab"]), PLANNED)
    row = row_of(tests, dataset="a")
    assert row["testable"] is False
    assert "cannot be significant with 6 networks and so many tests" in row["note"]
    said = depth_verdicts(tests, PLANNED).row(0, named=True)
    assert said["verdict"].startswith("not shown")
    assert "cannot be significant" in said["note"]
    assert row_of(depth_tests(networks(6, slope=0.05), PLANNED))["testable"]


def test_five_networks_are_described_and_get_no_verdict() -> None:
    """D rises from .205 to .295 in every one of them."""
    frame = networks(5, layers=4, rotated=0.0, sd=0.0).with_columns(
        folded=0.205 + 0.03 * pl.col("depth"), rotated_folded=pl.lit(0.0)
    )
    tests = depth_tests(frame, PLANNED)
    assert set(tests["role"]) == {"descriptive"}
    assert tests["p_value"].null_count() == len(tests)
    assert not tests["planned"].any()
    assert tests["testable"].null_count() == len(tests), "a description is neither testable nor not"
    row = row_of(tests, "trend")
    assert row["effect"] == pytest.approx(0.09)
    assert "descriptive: fewer than 6 networks of one architecture" in row["note"]
    (said,) = depth_verdicts(tests, PLANNED).iter_rows(named=True)
    assert (said["verdict"], said["n_models"]) == ("none: too few networks", 5)


@pytest.mark.parametrize("sd", [0.0, 0.005, 0.02])
def test_a_change_beyond_the_margin_is_never_called_none(sd: float) -> None:
    """D of 8 networks rises from .205 to .295: the old bound, of layers against their mean, was .045."""
    noise = pl.col("folded") - 0.2
    frame = networks(8, layers=4, sd=sd).with_columns(
        folded=0.205 + 0.03 * pl.col("depth") + noise, rotated_folded=pl.lit(0.0)
    )
    tests = depth_tests(frame, PLANNED)
    assert row_of(tests, "equivalence")["statistic"] > 0.09 - 1e-9 - 3 * sd / np.sqrt(8)
    assert not row_of(tests, "equivalence")["significant"]
    (said,) = depth_verdicts(tests, PLANNED).iter_rows(named=True)
    assert "no change" not in said["verdict"]


def test_the_trend_is_a_t_test_of_the_rises_of_lines() -> None:
    frame = networks(slope=0.01)
    row = row_of(depth_tests(frame, PLANNED), "trend", "folded")
    profiles = grid(frame, pl.col("folded"), [f"l{depth}" for depth in range(5)])
    rises = [4 * np.polyfit(np.arange(5), values, 1)[0] for values in profiles]
    assert row["effect"] == pytest.approx(np.mean(rises))
    assert (row["effect_low"], row["effect_high"]) == pytest.approx(
        stats.t.interval(0.95, 7, np.mean(rises), stats.sem(rises))
    )
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(rises, 0).pvalue)
    ranks = [stats.spearmanr(np.arange(5), values).statistic for values in profiles]
    assert row["statistic"] == pytest.approx(np.mean(ranks))
    same = row_of(depth_tests(networks(slope=0.5, sd=0.0), PLANNED), "trend", "folded")
    assert same["p_value"] == 1 / 2**7  # all rises are alike: a t-test would give 0
    flat = row_of(depth_tests(networks(sd=0.0), PLANNED), "trend", "folded")
    assert (flat["p_value"], flat["statistic"]) == (1.0, None)
    assert "flat" in flat["note"]


@pytest.mark.parametrize("quantity", ["folded", BEYOND])
def test_equivalence_is_by_the_farthest_end_of_all_pairs_of_layers(quantity: str) -> None:
    frame = networks()
    row = row_of(depth_tests(frame, PLANNED), "equivalence", quantity)
    value = pl.col("folded") - (pl.col("rotated_folded") if quantity == BEYOND else 0)
    values = grid(frame, value, [f"l{depth}" for depth in range(5)])
    assert row["statistic"] == pytest.approx(LayerPairs.of([values]).farthest_end(6, 0.9))
    for margin in (0.9, 1.1):
        held = row_of(depth_tests(frame, Analysis(equivalence=margin * row["statistic"])), "equivalence", quantity)
        assert held["significant"] is (margin > 1)


def test_a_pair_that_few_networks_have_bounds_nothing() -> None:
    frame = without(networks(sd=0.001), ("x0", "l0"), ("x1", "l0"), ("x2", "l1"))
    tests = depth_tests(frame, PLANNED)
    row = row_of(tests, "equivalence")
    assert (row["statistic"], row["testable"]) == (None, False)
    assert "fewer than 6 networks both have" in row["note"]
    (said,) = depth_verdicts(tests, PLANNED).iter_rows(named=True)
    assert (said["verdict"], said["largest_bound"]) == ("not shown", None)


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
    (False, False, False, True): "no change of folded larger than .05 between any two layers",
    (False, False, None, True): "no change of folded larger than .05 between any two layers",
    (False, False, False, False): "not shown",
}


@pytest.mark.parametrize(("significant", "words"), WORDS.items())
def test_the_verdict_is_the_first_that_holds(significant: tuple[bool | None, ...], words: str) -> None:
    rows = [
        {"significant": own, "testable": True, "note": "why", "note_codes": "other", "statistic": 0.07}
        for own in significant
    ]
    *tests, bound = rows
    said = words if words != "not shown" else "not shown; changes up to .070 are not excluded"
    assert verdict(*tests, [bound, bound], 0.05) == (said, None)
    silent = tests[0] | {"testable": False}
    within = "no change of folded larger than .05 between any two layers"
    expected = (within if significant[3] else "not shown; changes up to .070 are not excluded", "why")
    assert verdict(silent, *tests[1:], [bound, bound], 0.05) == expected


def test_no_change_needs_both_bounds_and_the_larger_is_said() -> None:
    no = {"significant": False, "testable": True, "note": None}
    held, wide = ({"significant": own, "testable": True, "statistic": at} for own, at in ((True, 0.03), (False, 0.08)))
    unknown = {"significant": None, "testable": False, "statistic": None}
    for pair in ([held, wide], [wide, held]):
        assert verdict(no, no, no, pair, 0.05)[0] == "not shown; changes up to .080 are not excluded"
    for pair in ([held, unknown], [unknown, held]):
        assert verdict(no, no, no, pair, 0.05)[0] == "not shown"


def test_verdicts_of_networks_with_a_known_answer() -> None:
    """Effects of many standard errors: no draw could come out otherwise."""
    cases = {
        "depends on depth beyond polarity and basis": networks(slope=0.04),
        "through the distribution that any basis shows": networks(slope=0.04, rotated=0.04),
        "no change of folded larger than .05 between any two layers": networks(sd=0.01),
        "not shown; changes up to": networks(sd=0.4),
    }
    polarity = networks(sd=0.01).with_columns(label_proportion=0.2 + 0.1 * pl.col("depth") + pl.col("folded"))
    for words, frame in (cases | {"through polarity only": polarity}).items():
        (said,) = depth_verdicts(depth_tests(frame, PLANNED), PLANNED).iter_rows(named=True)
        assert said["verdict"].startswith(words)
        assert said["planned"]
