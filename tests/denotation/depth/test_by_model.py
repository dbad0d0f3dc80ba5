"""What every object model denotes: what counts once, gaps, rarefied means, controls, what layers add."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from scipy import stats

from denote.denotation.depth.by_depth import label_proportion_by_depth
from denote.denotation.depth.by_model import inclusion_probability, label_proportion_by_model
from denote.evidence.rule import Rule
from denote.tables import CONTROLS, LABEL_PROPORTION_BY_MODEL, LAYERS, NEURONS, empty, table


def neuron(name: str, p: float, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "d", "architecture": "x", "trained": True, "layer": "l0", "depth": 0, "relative_depth": 0.0,
        "family": "subsets", "object_model": "m", "pooling": "none", "probe_seed": 0, "neuron": 0, "live": True,
        "property": name, "label_proportion": p, "folded_label_proportion": min(p, 1 - p), "on_proportion": p,
        "denotes": True, "n_members": len(name), **more,
    }  # fmt: skip


FIVE = [neuron(name, p) for name, p in (("a", 0.1), ("bb", 0.2), ("NOT a", 0.9), ("c", 0.6), ("d", 0.4))]


def by_model(
    rows: list[dict[str, Any]], controls: list[dict[str, Any]] | None = None, layers: pl.DataFrame | None = None
) -> list[dict[str, Any]]:
    frame = label_proportion_by_model(
        table(rows, NEURONS), table(controls or [], CONTROLS), empty(LAYERS) if layers is None else layers
    )
    assert frame.schema == pl.Schema(LABEL_PROPORTION_BY_MODEL)
    return list(frame.iter_rows(named=True))


def test_every_denoting_neuron_counts_once_and_copies_weigh() -> None:
    (row,) = by_model(FIVE + FIVE[:1] * 7)
    assert (row["n_neurons"], row["n_denoting"], row["n_distinct"], row["n_distinct_folded"]) == (12, 12, 5, 4)
    assert row["label_proportion"] == pytest.approx(np.mean([0.1, 0.2, 0.9, 0.6, 0.4, *[0.1] * 7]))
    assert row["folded"] == pytest.approx(np.mean([0.1, 0.2, 0.1, 0.4, 0.4, *[0.1] * 7]))
    assert row["n_members"] == pytest.approx(np.mean([1, 2, 5, 1, 1, *[1] * 7]))
    assert row["majority_side_share"] == pytest.approx(2 / 12)


def test_the_mean_over_distinct_properties_is_rarefied_beside_it() -> None:
    """All 12 neurons drawn, as no other layer is compared: the plain mean over distinct properties."""
    (row,) = by_model(FIVE + FIVE[:1] * 7)
    assert row["rarefied_to"] == 12
    assert row["distinct_label_proportion"] == pytest.approx(np.mean([0.1, 0.2, 0.9, 0.6, 0.4]))
    # A property and its complement are one: nine neurons hold that of .1.
    assert row["distinct_folded"] == pytest.approx(np.mean([0.1, 0.2, 0.4, 0.4]))


def test_layers_and_draws_of_a_model_are_rarefied_to_one_number() -> None:
    many = [row | {"layer": "l1", "relative_depth": 0.5} for row in FIVE * 3]
    draws = [row | {"control": "rotated", "draw": draw} for draw in range(2) for row in FIVE * (2 + draw)]
    draws += [row | {"layer": "l1", "relative_depth": 0.5} for row in draws]
    for rows, number in ((FIVE * 3, 10), (FIVE * 2 + FIVE[:1] * 2, 10), (FIVE, 5)):
        found = by_model(rows + many, draws)
        assert [row["rarefied_to"] for row in found] == [number, number]
    (first, _) = by_model(FIVE * 3 + many, draws)
    m, total = np.array([2, 1, 1, 1]) * np.array([[2], [3]]), np.array([[10] * 4, [15] * 4])
    weight = np.array([inclusion_probability(*own, np.full(4, 10)) for own in zip(m, total, strict=True)])
    expected = np.mean([np.average([0.1, 0.2, 0.4, 0.4], weights=own) for own in weight])
    assert first["rotated_distinct_folded"] == pytest.approx(expected)


def test_a_draw_that_leaves_fewer_than_five_leaves_no_rarefied_mean() -> None:
    for kept in (4, 0):
        draws = [row | {"control": "rotated", "draw": 0} for row in FIVE]
        draws += [row | {"control": "rotated", "draw": 1, "denotes": i < kept} for i, row in enumerate(FIVE)]
        (row,) = by_model(FIVE, draws)
        assert (row["rarefied_to"], row["distinct_folded"], row["rotated_distinct_folded"]) == (None, None, None)
        assert row["rotated_folded"] is not None


def test_a_formula_and_its_complement_are_one_property() -> None:
    rows = [*FIVE, neuron("a AND b", 0.3), neuron("NOT (a AND b)", 0.7), neuron("NOT a AND b", 0.45)]
    (row,) = by_model(rows)
    assert (row["n_distinct"], row["n_distinct_folded"]) == (8, 6)
    assert row["distinct_folded"] == pytest.approx(np.mean([0.1, 0.2, 0.4, 0.4, 0.3, 0.45]))
    assert row["property_entropy"] == pytest.approx(stats.entropy([2, 1, 1, 1, 2, 1], base=2))


@pytest.mark.parametrize(
    ("names", "has_value"),
    [
        (["a", "b", "c", "a", "a"], True),
        (["a", "b", "c", "d"], False),  # four neurons
        (["a", "b", "a", "b", "a"], False),  # two properties
        (["a", "NOT a", "b", "NOT b", "a"], False),  # two up to complement
        (["a", "NOT a", "b", "NOT b", "NOT c"], True),
    ],
)
def test_a_value_takes_five_neurons_and_three_properties_up_to_complement(names: list[str], has_value: bool) -> None:
    (row,) = by_model([neuron(name, 0.8 if name.startswith("NOT") else 0.2) for name in names])
    values = [row[column] for column in ("label_proportion", "folded", "majority_side_share")]
    assert all((value is not None) is has_value for value in values)
    assert ("no value: fewer than 5 denoting neurons or 3 distinct properties" in row["note"]) is not has_value


def test_directions_are_pooled_over_draws_and_count_once_each() -> None:
    """Draws of one, four and no denoting directions: five in all, whatever draw they come from."""

    def direction(draw: int, p: float, denotes: bool = True) -> dict[str, Any]:
        return neuron("a", p, denotes=denotes) | {"control": "rotated", "draw": draw}

    draws = [direction(0, 0.1), *[direction(1, p) for p in (0.2, 0.3, 0.8, 0.9)], *[direction(2, 0.5, False)] * 5]
    (row,) = by_model(FIVE, draws)
    assert row["rotated_n_denoting"] == 5
    assert row["rotated_label_proportion"] == pytest.approx(np.mean([0.1, 0.2, 0.3, 0.8, 0.9]))
    assert row["rotated_folded"] == pytest.approx(np.mean([0.1, 0.2, 0.3, 0.2, 0.1]))
    assert row["rotated_share_denoting"] == pytest.approx(0.5)
    (row,) = by_model(FIVE, draws[1:])
    assert (row["rotated_n_denoting"], row["rotated_folded"]) == (4, None)
    assert "rotated: fewer than 5 denoting directions" in row["note"]


def test_entropy_is_over_neurons_with_complements_as_one() -> None:
    (row,) = by_model(FIVE + FIVE[:1] * 3)
    assert row["property_entropy"] == pytest.approx(stats.entropy([5, 1, 1, 1], base=2))
    (same,) = by_model([FIVE[0], FIVE[2]])
    assert same["property_entropy"] == 0
    assert np.copysign(1, same["property_entropy"]) == 1
    (silent,) = by_model([neuron("a", 0.1, denotes=False)])
    assert silent["property_entropy"] is None
    assert (silent["share_denoting"], silent["folded"]) == (0, None)
    assert "no value" in silent["note"]


def test_dead_neurons_count_as_neurons_alone() -> None:
    dead = neuron("a", 0.1) | {"live": False, "denotes": None, "label_proportion": None, "on_proportion": None}
    (row,) = by_model([*FIVE, dead])
    assert (row["n_neurons"], row["n_live"]) == (6, 5)
    assert row["share_denoting"] == 1


def test_a_control_that_was_not_run_is_said() -> None:
    (row,) = by_model(FIVE, [row | {"control": "rotated", "draw": 0} for row in FIVE])
    assert "untrained: not run" in row["note"]
    assert "rotated" not in row["note"]


def test_layers_say_what_they_know_and_the_last_one_is_the_head_otherwise() -> None:
    rows = [row | {"layer": layer, "relative_depth": r} for layer, r in (("l0", 0.0), ("l1", 1.0)) for row in FIVE]
    assert [row["is_head"] for row in by_model(rows)] == [False, True]
    alone = [row | {"relative_depth": None} for row in FIVE]
    assert [row["is_head"] for row in by_model(alone)] == [False]
    known = table(
        [{"object_model": "m", "layer": "l1", "pooling": "none", "is_head": False, "sign_identified": True,
          "active_share": 0.3, "participation_ratio": 7.0}], LAYERS,
    )  # fmt: skip
    first, last = by_model(rows, layers=known)
    assert (first["is_head"], first["sign_identified"], first["active_share"]) == (False, None, None)
    assert (last["is_head"], last["sign_identified"], last["active_share"]) == (False, True, 0.3)
    assert last["participation_ratio"] == 7


def test_models_poolings_and_probe_seeds_are_rows_and_one_network_in_the_curve() -> None:
    rows = FIVE + [row | {"probe_seed": 1, "label_proportion": row["label_proportion"] + 0.02} for row in FIVE]
    frame = table(rows, NEURONS)
    models = label_proportion_by_model(frame, empty(CONTROLS), empty(LAYERS))
    assert models["probe_seed"].to_list() == [0, 1]
    (row,) = label_proportion_by_depth(models, frame, Rule()).iter_rows(named=True)
    assert row["n_models"] == 1
    assert row["label_proportion_mean"] == pytest.approx(models["label_proportion"].mean())


def test_the_curve_holds_means_and_intervals_of_what_models_have() -> None:
    neurons = synthetic.neuron_table(4, 6, 64)
    models = label_proportion_by_model(neurons, synthetic.control_table(neurons), synthetic.layer_table(4, 6))
    for row in label_proportion_by_depth(models, neurons, Rule()).iter_rows(named=True):
        own = models.filter(layer=row["layer"])
        for name, mean, bounds in (
            ("share_denoting", "share_denoting_mean", "share_denoting"),
            ("rotated_share_denoting", "rotated_share_denoting", "rotated_share"),
            ("rotated_folded", "rotated_folded_mean", "rotated_folded"),
            ("rotated_label_proportion", "rotated_label_proportion_mean", "rotated_label_proportion"),
        ):
            values = own[name].drop_nulls().to_numpy()
            if len(values) < 2 or np.ptp(values) == 0:
                continue
            low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
            most = 0.5 if "folded" in name else 1.0
            found = [row[mean], row[f"{bounds}_low"], row[f"{bounds}_high"]]
            assert found == pytest.approx([values.mean(), max(low, 0), min(high, most)])
        assert row["n_live_mean"] == own["n_live"].mean()
        assert row["participation_ratio_mean"] == own["participation_ratio"].mean()
        assert row["is_head"] is own["is_head"].any()
