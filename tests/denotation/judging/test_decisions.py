"""What a job and a merge decide together: rotated shares and detectable balanced accuracies beside the rule."""

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from denote.denotation.judging.decisions import decide, detectable_balanced_accuracy
from denote.evidence.rule import Rule
from denote.notes import Note
from denote.tables import CONTROLS, NEURONS, table

RULE = Rule()
NOT_ROTATED, NOT_DETECTABLE = Note.of("rotated_not_run"), Note.of("not_detectable")
GOOD = {
    "object_model": "m", "layer": "l", "pooling": "none", "family": "classes", "probe_seed": 0, "property": "class=3",
    "live": True, "balanced_accuracy": 0.97, "p_value": 1e-6, "label_proportion": 0.2, "on_proportion": 0.21,
    "n_fit": 500, "n_test": 500, "n_positive_fit": 100, "n_positive_test": 100, "fit_balanced_accuracy": 0.98,
}  # fmt: skip


def neurons(*changes: dict[str, Any]) -> pl.DataFrame:
    return table([{**GOOD, "neuron": i, **change} for i, change in enumerate(changes)], NEURONS)


def rotated(*changes: dict[str, Any]) -> pl.DataFrame:
    rows = [{**GOOD, "control": "rotated", "draw": 0, "neuron": i, **change} for i, change in enumerate(changes)]
    return table(rows, CONTROLS)


def test_the_rotated_share_is_that_of_live_directions_beside_the_neuron() -> None:
    real = neurons(
        {}, {"layer": "other"}, {"family": "subsets"}, {"live": False, "p_value": None}, {"object_model": "n"}
    )
    controls = rotated(
        {}, {"balanced_accuracy": 0.9}, {"draw": 1, "p_value": 0.3}, {"draw": 1, "p_value": None}, {"live": False},
        {"layer": "other"}, {"control": "untrained", "object_model": "n"},
        {"layer": "other", "probe_seed": 1, "p_value": 0.3},
    )  # fmt: skip
    decided, replicates = decide(real, controls, RULE)
    assert replicates["denotes"].to_list() == [True, False, False, False, None, True, True, False]
    assert decided["rotated_share"].to_list() == [0.25, 1.0, None, None, None]
    assert [NOT_ROTATED in (note or "") for note in decided["note"]] == [False, False, True, False, True]


def test_before_the_object_model_is_named_the_share_is_found_as_well() -> None:
    decided, _ = decide(neurons({"object_model": None}), rotated({"object_model": None}), RULE)
    assert decided["rotated_share"].to_list() == [1.0]


def test_what_is_detectable_goes_with_rows_family_and_cutoff() -> None:
    weak = {"family": "subsets", "p_value": 0.4}
    real = neurons({}, {"n_positive_test": 60}, weak, weak, weak, {"n_positive_test": 27, **weak}, {"p_value": None})
    decided, _ = decide(real, rotated({}), RULE)
    expected = [
        detectable_balanced_accuracy(100, 400, 0.05, RULE), detectable_balanced_accuracy(60, 440, 0.05, RULE),
        *[detectable_balanced_accuracy(100, 400, 0.05 / 4, RULE)] * 3,
        detectable_balanced_accuracy(27, 473, 0.05 / 4, RULE), None,
    ]  # fmt: skip
    assert decided["detectable_balanced_accuracy"].to_list() == expected
    assert expected[0] != expected[1] != expected[2]
    few = decide(neurons(*[{"n_positive_test": 27, **weak}] * 40), rotated({}), RULE)[0]
    assert few["detectable_balanced_accuracy"].null_count() == 40, "not even a perfect neuron reaches .05 / 40"
    assert few["note"].str.contains(NOT_DETECTABLE).all()


def test_deciding_again_over_more_jobs_leaves_no_trace_of_the_first_time() -> None:
    jobs = [decide(neurons({"layer": layer, "note": "dim; a; b"}), rotated()[:0], RULE)[0] for layer in ("l", "other")]
    assert jobs[0]["note"].to_list() == [f"dim; a; b; {NOT_ROTATED}"]
    controls = rotated({"layer": "other"})
    merged, again = decide(pl.concat(jobs), controls, RULE)
    assert merged["note"].to_list() == [f"dim; a; b; {NOT_ROTATED}", "dim; a; b"]
    assert merged["n_tests"].to_list() == [2, 2]
    twice, controls_twice = decide(merged, again, RULE)
    assert_frame_equal(twice, merged)
    assert_frame_equal(controls_twice, again)
    assert merged.schema == pl.Schema(NEURONS)


def test_no_neurons_are_no_mistake() -> None:
    decided, controls = decide(pl.DataFrame(schema=NEURONS), pl.DataFrame(schema=CONTROLS), RULE)
    assert decided.is_empty()
    assert controls.is_empty()


@pytest.mark.parametrize("probe_seed", [0, None])
def test_order_and_rows_stay(probe_seed: int | None) -> None:
    real = neurons(*({"neuron": i, "probe_seed": probe_seed} for i in (3, 1, 2)))
    assert decide(real, rotated({}, {}), RULE)[0]["neuron"].to_list() == [3, 1, 2]
