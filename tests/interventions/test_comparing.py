"""What is compared with what, and with how many: so few that no correction can pass is no finding."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
import torch
from planted_uses import CAUSAL, N_NEURONS, Reads, planted
from torch import Tensor, nn

from denote.data.samples import CLASSES, TensorInputs
from denote.evidence.rule import Rule
from denote.interventions.ablated import Ablated, AblationResult, AblationSettings
from denote.interventions.ablation import LayerAblation
from denote.interventions.comparing import MOST_DIRECTIONS, Beside, Comparison
from denote.interventions.deciding import decide_interventions
from denote.interventions.edits import Donors
from denote.interventions.passes import layer_passes
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import AT_FLOOR, NOT_SHOWN, OBSERVER
from denote.states.listing import list_layers
from denote.tables import says

REFERENCES = list(range(2, N_NEURONS))


@pytest.fixture
def ablation() -> Iterator[LayerAblation]:
    inputs, labels = planted(0)
    network, given = Reads(CAUSAL), TensorInputs(inputs)
    layer = list_layers(network, given[np.arange(3)])[0]
    fit, test = np.arange(300), np.arange(300, 600)
    with layer_passes(network, layer, given, fit) as passes:
        donors = Donors.of(*passes.values())
    features = {"variance": np.ones(N_NEURONS)}  # all are alike
    with layer_passes(network, layer, given, test) as passes:
        scores, settings = TaskScores(CLASSES, labels[test], 2), AblationSettings(draws=2, directions=99)
        yield LayerAblation(passes, donors, scores, features, settings)


def result(ablation: LayerAblation, neuron: int) -> AblationResult:
    _, labels = planted(0)
    values = labels.astype(np.int8)
    return ablation.subject(Ablated(values[300:], values[:300], (neuron,)), REFERENCES)


def compared(found: AblationResult) -> Comparison:
    assert found.comparison is not None
    return found.comparison


def test_matched_neurons_have_a_say_and_directions_the_p_value(ablation: LayerAblation) -> None:
    causal, bystander = (compared(result(ablation, neuron)) for neuron in (0, 1))
    assert causal.note is not None
    assert causal.note.startswith("ablation_p: 0 of 62 matched neurons moved as far cost as much")
    assert (causal.p_value, causal.n_random) == (1 / 100, 99)  # of directions: beside 62 neurons it would be 1/63
    assert bystander.note is not None
    assert bystander.note.codes == ("matched_neurons",)
    assert (bystander.p_value, bystander.n_random) == (1, 62)


def test_what_costs_more_than_all_random_ones_is_held_against_as_many_as_a_correction_asks_for(
    ablation: LayerAblation,
) -> None:
    first = [result(ablation, neuron) for neuron in (0, 1)]
    causal, bystander = ablation.surer(first, REFERENCES, n_tests=30)
    assert compared(causal).n_random == 2 * 30 / 0.05
    assert compared(causal).p_value == 1 / 1201
    assert causal.effects is first[0].effects
    assert bystander is first[1]
    assert list(ablation.surer(first, REFERENCES, n_tests=1)) == first


class Padded(nn.Module):
    """The same network beside units that are always 0 and that nothing reads."""

    def __init__(self, dead: int) -> None:
        super().__init__()
        self.inner, self.dead, n = Reads({0: 0.6, 1: 0.5, 2: 0.4}, n=12), dead, 12 + dead
        self.layer = nn.Linear(n, n, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.eye(n))

    def forward(self, inputs: Tensor) -> Tensor:
        state = self.inner.copy(inputs)
        whole = self.layer(torch.cat([state, torch.zeros(len(state), self.dead)], 1))
        return self.inner.head(whole[:, :12])


def test_units_that_are_always_zero_change_no_p_value() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(600, 12)).astype(np.float32)
    labels, found = (inputs[:, 0] > 0).astype(np.int8), []
    for dead in (0, 200):
        given, fit, test = TensorInputs(inputs), np.arange(300), np.arange(300, 600)
        network = Padded(dead)
        layer = next(each for each in list_layers(network, given[np.arange(3)]) if each.name == "layer")
        with layer_passes(network, layer, given, fit) as passes:
            donors = Donors.of(*passes.values())
        classes = network(torch.from_numpy(inputs)).argmax(1).numpy()
        with layer_passes(network, layer, given, test) as passes:
            live = np.arange(12 + dead) < 12
            scores, settings = TaskScores(CLASSES, classes[test], 2), AblationSettings(draws=2, directions=199)
            made = LayerAblation(passes, donors, scores, {}, settings, live=live)
            found.append(compared(made.subject(Ablated(labels[test], labels[fit], (2,)), [])))
    assert 0.01 < found[0].p_value < 0.9
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("at_floor", "tests", "needed"), [(0, 1000, 999), (1, 10, 999), (1, 100, 4000), (2, 100, 2000), (1, 10**6, 20_000)]
)
def test_directions_that_are_needed_go_with_tests_by_subjects_at_the_floor(
    ablation: LayerAblation, at_floor: int, tests: int, needed: int
) -> None:
    beside = Beside(ablation.beside.costs, "layer", {}, np.ones(N_NEURONS, dtype=bool))
    assert beside.needed(at_floor, tests) == needed <= MOST_DIRECTIONS


def test_an_effect_that_too_few_random_ones_were_held_against_is_said_to_be_that() -> None:
    tables = synthetic.ablated(synthetic.all_tables(1, 5, 16))
    rows = tables["interventions"]
    hidden = (pl.col("subject_kind") == OBSERVER) & pl.col("p_value").is_not_null() & (pl.col("q_value") <= 0.05)
    chosen = rows.with_row_index().filter(hidden)["index"][0]
    one = pl.int_range(pl.len()) == chosen
    p_value = pl.when(one).then(1 / 20).when(pl.col("p_value").is_not_null()).then(1.0)
    alone = rows.with_columns(p_value=p_value, n_random=pl.when(one).then(19).otherwise("n_random"))
    decided = decide_interventions(tables | {"interventions": alone}, Rule())
    told = decided["interventions"].filter(says(AT_FLOOR))
    assert told.height == 1
    assert "none of 19 random ones has as large an effect" in told["note"][0]
    assert "raise intervention.ablate.directions" in told["note"][0]
    (evidence,) = decided["cells"].filter(says(AT_FLOOR))["causal_evidence"]
    assert evidence.startswith(NOT_SHOWN)
    assert evidence.endswith("none as much but too few for the correction")
    again = decide_interventions(tables | decided, Rule())
    assert again["interventions"].equals(decided["interventions"])
