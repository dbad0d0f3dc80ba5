"""What ablation says where it is known which neurons a network uses."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from planted_uses import CAUSAL, N_NEURONS, REDUNDANT, Reads, planted

import denote
from denote.data.samples import CLASSES, TensorInputs
from denote.interventions.ablated import Ablated, AblationResult, AblationSettings
from denote.interventions.ablation import LayerAblation
from denote.interventions.comparing import is_narrow
from denote.interventions.directions import RandomDirections
from denote.interventions.edits import Donors
from denote.interventions.kinds import Ablate, Erase, Intervention, Steer, given_interventions
from denote.interventions.passes import layer_passes
from denote.interventions.task_scores import TaskScores, own_scores
from denote.interventions.words import RESAMPLE, ZERO, resampled
from denote.states.listing import list_layers
from denote.tables import says

OTHERS = list(range(4, N_NEURONS))


def ablation(seed: int, weights: dict[int, float], subjects: list[tuple[int, ...]]) -> list[AblationResult]:
    inputs, labels = planted(seed)
    network, given = Reads(weights), TensorInputs(inputs)
    layer = list_layers(network, given[np.arange(3)])[0]
    fit, test = np.arange(300), np.arange(300, 600)
    with layer_passes(network, layer, given, fit) as passes:
        donors = Donors.of(*passes.values())
    with layer_passes(network, layer, given, test) as passes:
        made = LayerAblation(
            passes,
            donors,
            TaskScores(CLASSES, labels[test], 2),
            {"variance": inputs.var(0)},
            AblationSettings(draws=5, directions=199, seed=seed),
        )
        made.all_neurons(range(N_NEURONS))
        values = labels.astype(np.int8)
        return [
            made.subject(Ablated(values[test], values[fit], neurons, apart=len(neurons) > 1), OTHERS)
            for neurons in subjects
        ]


@pytest.mark.parametrize("seed", range(5))
def test_a_neuron_that_is_read_is_told_from_one_that_only_says_the_same(seed: int) -> None:
    causal, bystander = ablation(seed, CAUSAL, [(0,), (1,)])
    assert causal.headline is not None
    assert causal.comparison is not None
    assert causal.headline.effect == pytest.approx(0.5, abs=0.12)  # half of the inputs it may get have the other label
    assert causal.headline.low is not None
    assert causal.headline.low > 0.3
    assert causal.comparison.p_value <= 0.02
    assert bystander.headline is not None
    assert bystander.comparison is not None
    assert bystander.headline.effect == 0
    assert bystander.comparison.p_value == 1


@pytest.mark.parametrize("seed", range(5))
def test_twins_are_used_together_though_neither_alone_is_missed(seed: int) -> None:
    first, second, both = ablation(seed, REDUNDANT, [(2,), (3,), (2, 3)])
    for alone in (first, second):
        assert alone.headline is not None
        assert abs(alone.headline.effect) < 0.03
    assert both.headline is not None
    assert both.comparison is not None
    assert both.headline.effect == pytest.approx(0.5, abs=0.12)
    assert both.comparison.p_value <= 0.02
    assert all(part.low > 0.2 for part in both.parts.values() if part.low is not None)
    assert set(both.parts) == {2, 3}


def test_kinds_of_ablation_cost_what_they_must() -> None:
    (causal,) = ablation(0, CAUSAL, [(0,)])
    costs = {(each.kind, each.rows): each.effect for each in causal.effects if each.measure == "score"}
    assert costs[ZERO, "with"] == 1  # never above half any more
    assert costs[ZERO, "without"] == 0
    assert costs["mean of other", "all"] == 1  # every answer turns round
    assert costs[RESAMPLE, "all"] == pytest.approx(0.5, abs=0.12)


def test_too_few_rows_with_the_property_are_said() -> None:
    inputs, labels = planted(0)
    network, given = Reads(CAUSAL), TensorInputs(inputs)
    layer = list_layers(network, given[np.arange(3)])[0]
    few = np.zeros(600, dtype=np.int8)
    few[:24] = 1
    with layer_passes(network, layer, given, np.arange(600)) as passes:
        donors = Donors.of(*passes.values())
        scores = TaskScores(CLASSES, labels, 2)
        made = LayerAblation(passes, donors, scores, {"v": inputs.var(0)}, AblationSettings(draws=2))
        result = made.subject(Ablated(few, few, (0,)), OTHERS)
    assert result.comparison is None
    assert result.headline is None
    assert "24 test rows with the property" in str(result.note)


def test_observe_tells_used_from_readable_in_its_tables() -> None:
    inputs, labels = planted(1, rows=800)
    network = Reads(CAUSAL)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    seen = denote.observe(
        network, inputs, {"label": labels}, classes=labels, layers="copy", trained_on="none", evidence="quick",
        interventions="ablate", progress="none",
    )  # fmt: skip
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.copy._forward_hooks
    denoting = seen.neurons.filter("denotes").sort("neuron", "family")
    assert set(denoting["neuron"]) == {0, 1, 2, 3}
    used = denoting.filter(pl.col("ablation_q") <= 0.05)
    assert set(used["neuron"]) == {0}
    assert used["causal_evidence"].str.starts_with("used: ").all()
    rest = denoting.filter(pl.col("neuron") > 0)
    assert rest["causal_evidence"].str.starts_with("not shown to be used").all()  # also beside the one that is
    assert seen.neurons.filter(~pl.col("denotes"))["causal_evidence"].null_count() > 0
    cell = seen.cells.filter((pl.col("attribute") == "label") & (pl.col("probe") == "linear")).row(0, named=True)
    assert cell["decisive"]
    assert cell["ablation_effect"] > 0.05


def test_observe_tells_twins_from_what_nothing_reads() -> None:
    inputs, labels = planted(2, rows=800)
    seen = denote.observe(
        Reads(REDUNDANT), inputs, {"label": labels}, layers="copy", trained_on="none", evidence="quick",
        interventions="ablate", progress="none",
    )  # fmt: skip
    words = dict(seen.neurons.filter("denotes").select("neuron", "causal_evidence").rows())
    assert {neuron: text.partition(":")[0] for neuron, text in words.items()} == {
        0: "not shown to be used",
        1: "not shown to be used",
        2: "used only together with others that denote the same",
        3: "used only together with others that denote the same",
    }
    assert (
        "what the network itself predicts"
        in seen.tables["interventions"].filter(pl.col("p_value").is_not_null())["note"][0]
    )


class Shaped(torch.nn.Module):
    """Reads what `Reads` does, and gives outputs of a shape of its own."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.inner, self.shape = Reads(CAUSAL), shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.inner(x)
        return (outputs[:, 1] - outputs[:, 0]) if self.shape == () else outputs.reshape(len(x), *self.shape)


@pytest.mark.parametrize("shape", [(), (1, 2)])
def test_outputs_of_any_shape_are_held_against_themselves(shape: tuple[int, ...]) -> None:
    outputs = Shaped(shape)(torch.from_numpy(planted(0)[0])).detach()
    scores, _ = own_scores(outputs, least=25)
    assert scores.reason(outputs) is None
    same, other = scores.of(outputs, slice(None)), scores.of(-outputs, slice(None))
    assert same.score.mean() == 1
    assert other.score.mean() < 0.5


def test_what_moves_an_embedding_is_used_though_one_of_its_numbers_stays_the_largest() -> None:
    inputs, labels = planted(0)
    network = Reads(CAUSAL)
    network.head = torch.nn.Linear(N_NEURONS, 4)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.weight[1:, 0] = 1.0  # neuron 0 moves all numbers but the first, which is constant
        network.head.bias.copy_(torch.tensor([50.0, 0, 0, 0]))
    seen = denote.observe(
        network, inputs, {"label": labels}, layers="copy", trained_on="none", evidence="quick",
        interventions=Ablate(draws=2, directions=99, top=0), progress="none",
    )  # fmt: skip
    neurons = seen.neurons.filter("denotes")
    words = dict(neurons.select("neuron", pl.col("causal_evidence").str.split(":").list.first()).rows())
    assert words == {0: "used", 1: "not shown to be used", 2: "not shown to be used", 3: "not shown to be used"}
    assert neurons.select(says("own_outputs").all()).item()


def test_a_layer_of_one_dimension_is_ablated_where_nothing_can_be_erased() -> None:
    inputs, labels = planted(1, rows=600)
    network = torch.nn.Sequential(torch.nn.Linear(N_NEURONS, 1), torch.nn.Linear(1, 1), torch.nn.Flatten(0))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(1, N_NEURONS))
    seen = denote.observe(
        network, inputs, {"label": labels}, layers="0", trained_on="none", evidence="quick", probe="linear",
        interventions=[Ablate(draws=2, directions=19), Erase(draws=19)], progress="none",
    )  # fmt: skip
    rows = seen.tables["interventions"]
    ablated = resampled(rows)
    assert ablated.height > 0
    assert ablated["effect"].min() > 0.3  # the network has nothing else
    assert ablated["p_value"].null_count() == ablated.height  # a random direction of one neuron is that neuron
    assert ablated["note"].str.contains("of 1 neuron a random direction").all()
    evidence = seen.cells.filter(pl.col("decisive"))["causal_evidence"]
    assert evidence.str.starts_with("not testable beside random directions").all()
    (note,) = rows.filter(pl.col("intervention") == "erase")["note"]
    assert "varies in 1 dimension" in note
    assert not seen.cells["note"].str.contains("dimensions").any()


@pytest.mark.parametrize(("neurons", "narrow"), [(1, True), (6, True), (7, False), (64, False)])
def test_a_layer_is_narrow_where_random_directions_lie_along_any_other(neurons: int, narrow: bool) -> None:
    drawn = RandomDirections(np.ones(neurons, dtype=bool), ("narrow",))
    first = np.array([drawn[index][0] for index in range(20_000)])
    assert ((first**2 > 0.5).mean() > 0.05) == narrow or neurons == 7  # at 7 the share is .0498
    assert is_narrow(neurons) == narrow


class Aside(torch.nn.Module):
    """Computes one layer that nothing reads, beside the one that its output is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.aside, self.head = (torch.nn.Linear(N_NEURONS, n) for n in (N_NEURONS, N_NEURONS, 2))
        with torch.no_grad():
            self.read.weight.copy_(torch.eye(N_NEURONS))
            self.head.weight[1] = 3 * torch.eye(N_NEURONS)[0]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.aside(inputs)
        return self.head(self.read(inputs))


@pytest.fixture(scope="module")
def beside() -> denote.ObservationResult:
    torch.manual_seed(0)
    inputs, labels = planted(2, rows=800)
    return denote.observe(
        Aside(), inputs, {"label": labels}, layers=["read", "aside", "head"], trained_on="none", evidence="quick",
        probe="linear", interventions=Ablate(draws=2, directions=19), progress="none",
    )  # fmt: skip


def test_a_layer_on_which_no_output_depends_is_said_to_be_that(beside: denote.ObservationResult) -> None:
    cells = beside.cells.filter(pl.col("decisive"), pl.col("layer") == "aside")
    assert cells.height == 1
    assert cells["causal_evidence"][0].startswith("not used: no output depends on the layer")
    assert cells["ablation_effect"].to_list() == [0]
    assert cells["ablation_p"].to_list() == [None]


def test_outputs_are_in_no_family_of_tests(beside: denote.ObservationResult) -> None:
    rows = resampled(beside.tables["interventions"])
    outputs, hidden = (rows.filter((pl.col("layer") == "head") == is_head) for is_head in (True, False))
    assert outputs.height > 0
    assert outputs["q_value"].null_count() == outputs.height
    assert hidden.filter(pl.col("layer") == "read")["q_value"].null_count() == 0
    evidence = beside.cells.filter(pl.col("decisive"), pl.col("layer") == "head")["causal_evidence"]
    assert evidence.str.starts_with("not tested, as it is an output").all()


def test_recorded_states_have_no_network_to_intervene_on() -> None:
    with pytest.raises(denote.DenoteError, match="recorded states have no network to intervene on"):
        denote.observe(states={"a": np.zeros((60, 3))}, attributes={"x": np.arange(60) % 2}, interventions="ablate")


def test_an_intervention_that_is_none_is_named() -> None:
    with pytest.raises(denote.DenoteError, match="'ablade' came; did you mean 'ablate'"):
        denote.observe(torch.nn.Linear(2, 2), np.zeros((60, 2)), {"x": np.arange(60) % 2}, interventions="ablade")


@pytest.mark.parametrize(("given", "said"), [(3, "an int came"), ([None], "nothing came"), ([{}], "a dict came")])
def test_what_is_no_intervention_is_told_by_its_type(given: object, said: str) -> None:
    with pytest.raises(denote.DenoteError, match=f"{said}; allowed: ablate, erase, steer, none, a list of those, or"):
        given_interventions(given)


@pytest.mark.parametrize(("name", "meant"), [("intervention", "interventions"), ("control", "controls")])
def test_a_setting_that_observe_lacks_names_the_argument_that_is_meant(name: str, meant: str) -> None:
    network, inputs = torch.nn.Linear(2, 2), np.zeros((60, 2))
    with pytest.raises(denote.DenoteError, match=rf"observe\({name}=...\): .*did you mean '{meant}'"):
        denote.observe(network, inputs, {"x": np.arange(60) % 2}, **{name: "ablate"})  # type: ignore[arg-type]


def test_settings_of_interventions_stand_beside_observe() -> None:
    assert (denote.Ablate, denote.Erase, denote.Steer) == (Ablate, Erase, Steer)


def test_erasing_and_steering_are_rows_of_the_same_table() -> None:
    inputs, labels = planted(3, rows=800)
    seen = denote.observe(
        Reads(CAUSAL), inputs, {"label": labels}, classes=labels, trained_on="none", evidence="quick",
        interventions=["erase", "steer"], progress="none",
    )  # fmt: skip
    rows = seen.tables["interventions"].filter(pl.col("layer") == "copy")
    erased = rows.filter(pl.col("intervention") == "erase", pl.col("property") == "label")
    loss = erased.filter(pl.col("measure") == "score", pl.col("rows") == "all").row(0, named=True)
    assert loss["baseline"] == 1
    assert loss["effect"] > 0.3
    assert loss["q_value"] is not None
    assert loss["q_value"] <= 0.05
    reading = {row["target"]: row for row in erased.filter(pl.col("measure") == "auroc").iter_rows(named=True)}
    assert reading["copy"]["value"] == pytest.approx(0.5, abs=0.06)
    assert reading["head"]["comes_back"] is False
    assert seen.cells["causal_evidence"].str.contains("erasing").any()
    slopes = rows.filter(pl.col("kind") == "push slope", pl.col("measure") == "output", pl.col("property") == "label")
    assert set(slopes["target"]) == {"0", "1"}
    second = slopes.filter(pl.col("target") == "1").row(0, named=True)
    assert 0.3 < second["effect"] <= 1  # the share of neuron 0 in the observer's direction
    assert second["effect_low"] == pytest.approx(second["effect"], abs=1e-4)  # the tail is linear
    switched = rows.filter(pl.col("kind") == "switch", pl.col("measure") == "score", pl.col("neuron") == 0)
    assert switched.height > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Ablate(draws=0), "interventions.ablate.draws: 0 is not possible"),
        (Steer(doses=(0.0,)), "interventions.steer.doses"),
        (Steer(doses=(-1.0, 1000.0)), "allowed: a list of different numbers in [-100, 100] other than 0"),
        (Erase(attributes=0), "interventions.erase.attributes"),
    ],
)
def test_settings_in_python_are_those_of_a_config(given: Intervention, said: str) -> None:
    with pytest.raises(denote.DenoteError, match=re.escape(said)):
        denote.observe(torch.nn.Linear(2, 2), np.zeros((60, 2)), {"x": np.arange(60) % 2}, interventions=[given])


def test_none_among_interventions_asks_for_none() -> None:
    assert given_interventions(["none", "ablate"]) == (Ablate(),)
    assert given_interventions("none") == ()


class ReadsLast(torch.nn.Module):
    """Hands a sequence on, and reads its last position alone."""

    def __init__(self) -> None:
        super().__init__()
        self.same, self.head = torch.nn.Linear(6, 6), torch.nn.Linear(6, 2)
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(6))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.same(inputs)[:, -1])


def test_what_one_position_tells_is_erased_and_does_not_come_back_where_that_is_read() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 400)
    inputs = generator.normal(size=(400, 5, 6)).astype(np.float32)
    inputs[:, -1, 0] += 20 * labels
    seen = denote.observe(
        ReadsLast(), inputs, {"label": labels}, layers=["same", "head"], kinds="sequence", trained_on="none",
        evidence="quick", interventions="erase", progress="none",
    )  # fmt: skip
    readings = seen.tables["interventions"].filter(pl.col("measure") == "auroc", pl.col("layer") == "same")
    assert readings.height == 2
    assert readings["comes_back"].to_list() == [None, False]
    told = seen.cells.filter(pl.col("layer") == "same", pl.col("attribute") == "label")["causal_evidence"]
    assert told.str.contains("it does not come back").all()


class FailsLate(Reads):
    """Fails for good from a certain pass on."""

    left = 10**9

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of luck")
        return super().forward(inputs)


def test_a_network_that_fails_while_it_is_steered_is_said_to_do_so(caplog: pytest.LogCaptureFixture) -> None:
    inputs, labels = planted(4, rows=400)
    asked: dict[str, Any] = {"trained_on": "none", "evidence": "quick", "progress": "none", "layers": ["copy", "head"]}
    steer = Steer(doses=(1.0,), directions=19, neurons=0)
    network = FailsLate(CAUSAL)
    denote.observe(network, inputs, {"label": labels}, interventions=steer, **asked)
    needed = 10**9 - network.left
    failing = FailsLate(CAUSAL)
    failing.left = needed - 2
    seen = denote.observe(failing, inputs, {"label": labels}, interventions=steer, **asked)
    assert "layer copy is not intervened on" in caplog.text
    assert "out of luck" in caplog.text
    rows = seen.tables["interventions"].filter(pl.col("layer") == "copy")
    assert rows["note"].str.contains("out of luck").all()
