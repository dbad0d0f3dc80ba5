"""A planted network is what its truth says."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from denote.data.sources.planted import PROPORTIONS, load_planted
from denote.denotation.property_names import complement
from denote.errors import ConfigError
from denote.object_models.architectures.planted_network import FAMILIES, TRUTH, PlantedNetwork

SAMPLES = load_planted(n=4_000)
INPUTS = SAMPLES.inputs[np.arange(len(SAMPLES))]


def planted(seed: int = 0, **settings: Any) -> PlantedNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PlantedNetwork(SAMPLES.inputs.shape, 10, PROPORTIONS, **settings)


def test_every_layer_has_the_neurons_that_were_asked_for() -> None:
    truth = planted(layers=3, width=50, share=(0.3, 0.5), distractor_share=0.2, dead_share=0.04).truth()
    assert dict(truth.schema) == TRUTH
    counts = truth.group_by("layer", maintain_order=True).agg(
        *((pl.col("kind") == kind).sum().alias(kind) for kind in ("planted", "distractor", "dead", "noise"))
    )
    assert counts.rows() == [("hidden_1", 15, 10, 2, 23), ("hidden_2", 20, 10, 2, 18), ("hidden_3", 25, 10, 2, 13)]
    assert set(truth.filter(kind="planted")["family"]) == set(FAMILIES)


def test_a_neuron_is_its_property_in_noise_of_one() -> None:
    """Over 4,000 rows a mean of at least 200 of them is off by 6 / sqrt(200) = .42 once in 10^8 neurons."""
    network = planted()
    for name, layer in network.planted_layers().items():
        state, holds = layer(INPUTS), layer.holds(INPUTS)
        truth = network.truth().filter(layer=name)
        for place, row in enumerate(truth.iter_rows(named=True)):
            values, on = state[:, place], holds[:, place]
            if row["kind"] == "dead":
                assert not values.any()
                continue
            apart = values[on].mean() - values[~on].mean() if row["property"] else values.mean()
            assert float(apart) == pytest.approx(row["d_prime"] or 0.0, abs=0.45)
            assert float(values[~on].std()) == pytest.approx(1.0, abs=0.2)


def test_label_proportions_are_those_of_the_rows() -> None:
    """A share of 4,000 rows is off by 5 x .5 / sqrt(4,000) = .04 once in a million."""
    network = planted()
    shares = torch.cat([layer.holds(INPUTS).float().mean(dim=0) for layer in network.planted_layers().values()])
    known = network.truth().with_columns(pl.Series("share", shares.numpy())).filter(pl.col("property").is_not_null())
    assert float((known["share"] - known["label_proportion"]).abs().max()) < 0.04  # type: ignore[arg-type]
    assert known["label_proportion"].is_between(0.049, 0.951).all()


def test_every_factor_enters_in_a_layer_of_its_own_share() -> None:
    network = planted(layers=5)
    single = network.truth().filter(kind="planted", family="columns")
    first = single.with_columns(
        factor=pl.col("property").map_elements(lambda name: min(name, complement(name), key=len), pl.String)
    ).unique("factor", keep="first", maintain_order=True)
    assert first["layer"].value_counts().sort("layer")["count"].to_list() == [2] * 5


def test_it_follows_its_generator_and_nothing_is_learned() -> None:
    one, same, other = planted(1), planted(1), planted(2)
    assert one.truth().equals(same.truth())
    assert not one.truth().equals(other.truth())
    assert not list(one.parameters())
    torch.testing.assert_close(one(INPUTS), torch.eye(10)[SAMPLES.targets])


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"share": (0.9, 0.9)}, "architecture.share: 113 neurons would be planted, weak or dead; allowed: at most 100"),
        ({"share": (0.01, 0.02)}, "architecture.share: 2 factors enter in a layer with 0 neurons for them"),
        ({"families": ("words",)}, r"architecture.families: \['words'\]; allowed: some of subsets, columns, formulas"),
        ({"layers": 0}, "architecture.layers: 0 cannot be used"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=f"^{line}"):
        planted(**settings)


def test_other_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="allowed: dataset=planted"):
        PlantedNetwork((1, 8, 8), 10, PROPORTIONS)
