"""Layers by name where they are the same, else by relative depth; probes and networks of one kind."""

import polars as pl
import pytest
from compared_results import of_cells, result

from denote.comparison.compare import compare
from denote.comparison.compared import Compared
from denote.comparison.matching import FARTHEST, matched_groups, matched_layers, matched_probes, read_cells
from denote.errors import DataError
from denote.tables import LAYERS, table


def depths(n_layers: int) -> dict[str, float | None]:
    return {f"h{n_layers}_{place}": place / (n_layers - 1) for place in range(n_layers)}


def with_head(of: Compared) -> Compared:
    """A result whose ``logits`` are its output."""
    layers = of.tables["cells"].select("dataset", "architecture", "trained", "epoch", "object_model", "seed", "layer")
    rows = layers.unique(maintain_order=True).with_columns(is_head=pl.col("layer") == "logits").to_dicts()
    return Compared(of.name, {**of.tables, "layers": table(rows, LAYERS)}, of.jobs)


def pairs(one: Compared, other: Compared) -> list[tuple[str, str]]:
    return [(pair.baseline, pair.other) for pair in matched_layers(one.groups[0], other.groups[0]).pairs]


def test_layers_of_one_name_and_depth_are_pairs() -> None:
    found = matched_layers(result().groups[0], result("b").groups[0])
    assert not found.by_depth
    assert all(pair.baseline == pair.other for pair in found.pairs)
    assert [pair.is_head for pair in found.pairs] == [False, False, False, True]


def test_a_layer_that_one_result_did_not_observe_is_left_out() -> None:
    one, other = of_cells("a", {"x": 0.0, "y": 0.5, "z": 1.0}, {"odd": 0.8}), of_cells("b", {"y": 0.5}, {"odd": 0.8})
    found = matched_layers(one.groups[0], other.groups[0])
    assert not found.by_depth
    assert [pair.baseline for pair in found.pairs] == ["y"]
    assert found.left_out == ("x", "z")


def test_layers_of_one_name_at_other_depths_are_matched_by_depth() -> None:
    one, other = of_cells("a", {"x": 0.0, "y": 1.0}, {"odd": 0.8}), of_cells("b", {"x": 1.0, "z": 0.0}, {"odd": 0.8})
    assert matched_layers(one.groups[0], other.groups[0]).by_depth
    assert pairs(one, other) == [("x", "z"), ("y", "x")]


@pytest.mark.parametrize("few", [2, 3, 5])
@pytest.mark.parametrize("many", [2, 4, 6, 8])
def test_every_layer_of_the_shallower_network_has_a_partner_of_its_own(few: int, many: int) -> None:
    one, other = of_cells("a", depths(few), {"odd": 0.8}), of_cells("b", depths(many), {"odd": 0.8})
    found = pairs(one, other)
    assert len(found) == min(few, many)
    assert len({pair[0] for pair in found}) == len({pair[1] for pair in found}) == len(found)
    assert found[0] == (f"h{few}_0", f"h{many}_0")
    assert found[-1] == (f"h{few}_{few - 1}", f"h{many}_{many - 1}")


def test_outputs_of_one_name_do_not_stand_for_all_layers() -> None:
    """As an mlp and a vit have them."""
    one, other = (
        with_head(of_cells(name, {f"{name}_1": 0.0, f"{name}_2": 0.5, "logits": 1.0, "state": None}, {"odd": 0.8}))
        for name in "ab"
    )
    assert matched_layers(one.groups[0], other.groups[0]).by_depth
    assert pairs(one, other) == [("a_1", "b_1"), ("a_2", "b_2"), ("logits", "logits"), ("state", "state")]
    alone = with_head(of_cells("c", {"logits": 1.0}, {"odd": 0.8}))
    assert not matched_layers(one.groups[0], alone.groups[0]).by_depth


def test_layers_far_apart_are_not_compared() -> None:
    one, other = of_cells("a", {"x": 0.0}, {"odd": 0.8}), of_cells("b", {"y": FARTHEST + 0.1}, {"odd": 0.8})
    with pytest.raises(DataError, match="no layers in common"):
        compare([one, other])


def test_two_single_layers_without_a_depth_are_compared() -> None:
    assert pairs(of_cells("a", {"state": None}, {"odd": 0.8}), of_cells("b", {"all": None}, {"odd": 0.8}))


def test_probes_of_one_kind_or_two_single_ones_are_compared() -> None:
    cells = read_cells(result().groups[0])
    assert matched_probes(cells, cells) == [("linear", "linear"), ("neuron", "neuron")]
    linear, neuron = (cells.filter(pl.col("probe") == name) for name in ("linear", "neuron"))
    assert matched_probes(linear, neuron) == [("linear", "neuron")]
    assert matched_probes(cells, neuron.with_columns(probe=pl.lit("mine"))) == []


def test_several_kinds_of_networks_are_compared_with_those_alike() -> None:
    def both(name: str, *kinds: str) -> Compared:
        parts = [of_cells(kind, {"x": 0.0}, {"odd": 0.8}) for kind in kinds]
        return Compared(name, {each: pl.concat([part.tables[each] for part in parts]) for each in parts[0].tables})

    def kinds(one: Compared, other: Compared) -> list[tuple[str, str]]:
        return [(a.architecture, b.architecture) for a, b in matched_groups(one, other)]

    assert kinds(both("a", "mlp", "vit"), both("b", "mlp", "vit")) == [("mlp", "mlp"), ("vit", "vit")]
    assert kinds(both("a", "mlp", "vit"), both("b", "mlp", "cnn")) == [("mlp", "mlp"), ("vit", "cnn")]
    assert kinds(both("a", "mlp"), both("b", "cnn", "vit")) == [("mlp", "cnn"), ("mlp", "vit")]


def test_nothing_in_common_is_said_with_what_either_has() -> None:
    one = of_cells("a", {"x": 0.0}, {"odd": 0.8})
    with pytest.raises(DataError, match=r"no dataset.*a on d.*b on other"):
        compare([one, of_cells("b", {"x": 0.0}, {"odd": 0.8}, dataset="other")])
    with pytest.raises(DataError, match=r"no attributes in common.*a has odd; b has prime"):
        compare([one, of_cells("b", {"x": 0.0}, {"prime": 0.8})])
