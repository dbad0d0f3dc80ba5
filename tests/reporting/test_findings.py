"""The sentences say what the tables hold: counts, first layers, gaps, controls that are missing; nothing else."""

import polars as pl
import synthetic_tables as synthetic

from denote.reporting.findings import findings


def text(neurons: pl.DataFrame, *, rotated: bool = False, cells: pl.DataFrame | None = None) -> str:
    cells = synthetic.cell_table(3, 9) if cells is None else cells
    return "\n".join(findings(cells, neurons, synthetic.by_depth_table(neurons, rotated=rotated)))


def test_counts_and_first_layers_are_those_of_the_tables() -> None:
    neurons = synthetic.neuron_table(3, 9, 16)
    said = text(neurons)
    live, denoting = len(neurons.filter("live")), len(neurons.filter("denotes"))
    assert f"3 object models (mlp-8x32-relu on mnist), 9 layers, {len(neurons)} neurons in all, {live} live" in said
    assert f"{denoting} of {live} live neurons denote" in said
    assert "linear probe: 5 of 6 attributes decisive" in said
    assert "odd from blocks.2" in said
    assert "6 cells without a score (null): too few positive rows" in said


def test_without_rotation_no_claim_about_single_neurons_is_made() -> None:
    neurons = synthetic.neuron_table(3, 9, 16)
    assert "that single neurons are special is not supported here" in text(neurons)
    said = text(neurons, rotated=True)
    assert "not supported here" not in said
    assert "of random directions denote against" in said


def test_the_trend_is_of_hidden_layers_and_says_it_is_no_test() -> None:
    said = next(s for s in text(synthetic.neuron_table(3, 9, 16)).split("\n") if "mean label proportion" in s)
    assert "at blocks.7" in said
    assert "logits" not in said
    assert "polarity" in said
    assert "no test of depth" in said
    one = synthetic.neuron_table(3, 9, 16).filter(pl.col("layer").is_in(["blocks.5", "logits"]))
    assert "defined at 1 hidden layer: no statement about depth" in text(one)


def test_where_nothing_passes_everything_abstains() -> None:
    said = text(synthetic.neuron_table(2, 4, 8, denoting=False), cells=synthetic.cell_table(2, 4, {"odd": 50}))
    assert "no neuron denotes by the rule" in said
    assert "abstain" in said
    assert "none of 1 attribute is decisive anywhere" in said
    assert "mean label proportion" not in said


def test_empty_tables_say_so() -> None:
    neurons, cells = synthetic.neuron_table(1, 2, 4), synthetic.cell_table(1, 2)
    by_depth = synthetic.by_depth_table(neurons)
    assert findings(cells.clear(), neurons.clear(), by_depth.clear()) == ["Nothing was observed: the tables are empty."]
    assert findings(cells.clear(), neurons, by_depth)
    assert findings(cells, neurons.clear(), by_depth.clear())


def test_trained_and_untrained_networks_are_kept_apart() -> None:
    both = pl.concat([synthetic.neuron_table(2, 3, 6), synthetic.neuron_table(2, 3, 6, denoting=False, trained=False)])
    said = text(both, cells=synthetic.cell_table(2, 3).clear())
    assert "2 object models (mlp-2x32-relu on mnist)" in said
    assert "2 untrained object models (mlp-2x32-relu on mnist)" in said
    assert "untrained, family 'subsets': no neuron denotes" in said
