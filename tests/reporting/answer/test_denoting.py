"""Neurons that denote stand beside controls of their own: of the same family, layers and networks."""

from __future__ import annotations

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.evidence.rule import Rule
from denote.reporting.answer.denoting import Denoting, denoting_number, denoting_told
from denote.reporting.answer.networks import NEURON, Networks, networks_of
from denote.reporting.answer.neuron_examples import examples_of
from denote.tables import LABEL_PROPORTION_BY_MODEL, NEURONS, table

Tables = dict[str, pl.DataFrame]
LAYERS = ("low", "high", "logits")
N_LIVE = 20


def planted(denoting: dict[str, range], controls: dict[str, dict[str, float | None]], seeds: int = 3) -> Tables:
    """Networks in which some neurons denote.

    Args:
        denoting: Family -> neurons of every layer that denote a property of it.
        controls: Family -> layer -> share of random directions that denote; None where none were searched.
        seeds: Networks.
    """
    neurons, by_model = [], []
    for seed in range(seeds):
        for depth, layer in enumerate(LAYERS):
            at = {
                "dataset": "d", "architecture": "a", "trained": True, "seed": seed, "object_model": f"{seed}",
                "object_accuracy": 0.9, "layer": layer, "depth": depth, "relative_depth": depth / 2, "pooling": "none",
            }  # fmt: skip
            for family, found in denoting.items():
                for neuron in range(N_LIVE):
                    denotes = neuron in found
                    neurons.append(at | {
                        "neuron": neuron, "family": family, "live": True, "denotes": denotes, "property": f"p{neuron}",
                        "balanced_accuracy": 0.95 + neuron / 1000, "fit_balanced_accuracy": 0.99 - neuron / 1000,
                        "label_proportion": 0.2, "p_value": 0.01, "q_value": 0.5 - neuron / 100,
                    })  # fmt: skip
                by_model.append(at | {
                    "family": family, "n_live": N_LIVE, "n_denoting": len(found), "untrained_share_denoting": 0.0,
                    "rotated_share_denoting": controls[family][layer],
                })  # fmt: skip
    layers = synthetic.layer_table(1, 1).with_columns(layer=pl.lit("logits"), is_head=pl.lit(value=True)).clear()
    heads = pl.DataFrame({"layer": ["logits"], "is_head": [True], "dataset": ["d"], "architecture": ["a"],
                          "trained": [True], "object_model": ["0"], "relative_depth": [1.0], "depth": [2]},
                         schema_overrides={"depth": pl.Int64})  # fmt: skip
    return synthetic.empty_tables() | {
        "neurons": table(neurons, NEURONS),
        "label_proportion_by_model": table(by_model, LABEL_PROPORTION_BY_MODEL),
        "layers": pl.concat([layers, heads], how="diagonal"),
    }


def evenly(share: float | None) -> dict[str, float | None]:
    return dict.fromkeys(LAYERS, share)


def of(tables: Tables) -> Networks:
    (networks,) = networks_of(tables)
    return networks


def test_the_share_is_of_the_family_of_its_controls_and_other_families_are_told_apart() -> None:
    """Two families, 10 and 6 other neurons of 20: beside the first's random directions, 9 of 20, stands 10 of 20."""
    tables = planted({"mine": range(6), "subsets": range(8, 18)}, {"mine": evenly(0.05), "subsets": evenly(0.45)})
    found, number = Denoting(of(tables)), denoting_number(of(tables))
    assert (found.family, found.number, found.live, found.share) == ("subsets", 60, 120, 0.5)
    assert found.shares == {"rotated": pytest.approx(0.45), "untrained": 0.0}
    assert found.excess is not None
    assert found.excess.value == pytest.approx(found.share - 0.45)
    assert number is not None
    assert (number.value, number.beside) == (".50", "random directions .45, untrained .00")
    told = denoting_told(of(tables), Rule())
    assert told is not None
    assert told.sentence.startswith("60 of 120 live hidden neurons (.50) denote; random directions .45 (excess +.05")
    assert "; 36 more in other families" in told.sentence
    assert "; 36 more tell only one of mine (attribute=mine)" in told.versions[0][0]


def test_neurons_are_counted_where_random_directions_were_searched() -> None:
    controls = {"subsets": {"low": None, "high": 0.25, "logits": 0.25}}
    found = Denoting(of(planted({"subsets": range(10)}, controls)))
    assert (found.number, found.live, found.shares["rotated"]) == (30, 60, 0.25)
    assert found.who == "60 live hidden neurons where random directions were searched"
    bare = Denoting(of(planted({"subsets": range(10)}, {"subsets": evenly(None)})))
    assert (bare.number, bare.live, bare.shares["rotated"], bare.excess) == (60, 120, None, None)
    assert bare.who == "120 live hidden neurons"


def test_outputs_are_counted_apart() -> None:
    tables = planted({"subsets": range(5)}, {"subsets": evenly(0.1)})
    in_hidden = pl.col("denotes") & (pl.col("layer") == "logits")
    tables["neurons"] = tables["neurons"].with_columns(denotes=in_hidden)
    told = denoting_told(of(tables), Rule())
    assert told is not None
    assert told.sentence.startswith("None of 120 live hidden neurons denotes")
    assert "; and 15 of 60 outputs." in told.sentence
    assert not any("logits" in line for lines in told.versions for line in lines)


def test_examples_are_the_best_on_fit_rows_not_on_those_that_score_them() -> None:
    """Neuron 0 has the best score on fit and the worst on test, by balanced accuracy and by q."""
    networks = of(planted({"subsets": range(10)}, {"subsets": evenly(0.1)}, seeds=1))
    rows = Denoting(networks).found
    lines, _ = examples_of(networks, rows)
    assert [line.split(":")[0] for line in lines] == ["low neuron 0", "low neuron 1", "low neuron 2"]
    turned = rows.with_columns(balanced_accuracy=1.9 - pl.col("balanced_accuracy"), q_value=-pl.col("q_value"))
    names = [line.split(",")[0] for line in lines]
    assert [line.split(",")[0] for line in examples_of(networks, turned)[0]] == names
    assert rows.select(NEURON).n_unique() == 20


def test_what_the_rows_were_too_few_for_is_told_of_all_families() -> None:
    tables = planted({"mine": range(0), "subsets": range(0)}, {"mine": evenly(0.0), "subsets": evenly(0.0)})
    floors = {"layer": ["low", "high", "low"], "family": ["mine", "mine", "subsets"],
              "smallest_detectable_proportion": [0.2, 0.2, 0.4]}  # fmt: skip
    by_depth = tables["label_proportion_by_depth"]
    known = {"dataset": "d", "architecture": "a", "trained": True}
    rows = pl.DataFrame(floors).with_columns(**{name: pl.lit(value) for name, value in known.items()})
    tables["label_proportion_by_depth"] = pl.concat([by_depth, rows], how="diagonal")
    told = denoting_told(of(tables), Rule())
    assert told is not None
    missed = "what fewer than .20 to .40 (by layer and family) of inputs have would be missed more than once in five."
    assert missed in told.versions[0][0]
