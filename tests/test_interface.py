"""`denote.observe` and `denote.load`: the same numbers as the command line, and a model left as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from word_pieces import word_pieces

import denote
from denote.api.results import ObservationResult
from denote.cli import build
from denote.data.parts import Parts
from denote.errors import ConfigError, DenoteError
from denote.evidence.controls.rotated import Rotated
from denote.evidence.controls.shuffled import Shuffled
from denote.observation import Controls
from denote.runs.sweep import report_sweep
from denote.tables import CELLS_KEY, NEURONS_KEY, says

QUICK: dict[str, Any] = {"permutations": 0, "bootstraps": 5, "stability": False, "examples": 0}
FEW = Controls(shuffles=2, neuron_shuffles=1, rotations=1, twins=1)
N = 400


@pytest.fixture(scope="module")
def planted() -> tuple[Tensor, np.ndarray]:
    """Inputs whose first number is 6 standard deviations higher where the label is 1."""
    draws = torch.Generator().manual_seed(0)
    labels = np.arange(N) % 2
    inputs = torch.randn(N, 8, generator=draws)
    inputs[:, 0] += 6 * torch.from_numpy(labels)
    return inputs, labels


def network(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    with torch.no_grad():
        model = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 2))
        model[0].weight[2] = torch.eye(8)[0]
    return model


def test_five_lines_find_the_planted_neuron(planted: tuple[Tensor, np.ndarray]) -> None:
    inputs, labels = planted
    seen = denote.observe(network(), inputs, {"high": labels}, **QUICK)
    denoting = seen.neurons.filter(pl.col("denotes"))
    assert ("0", 2) in denoting.select("layer", "neuron").rows()
    assert (denoting["property"] == "high").any()
    assert seen.weights("0").columns == ["neuron", "high"]
    assert len(seen.heatmap("high").axes) > 2
    assert "3 layers, 1 attribute, " in repr(seen)
    assert "denote" in repr(seen).split("3 layers")[0]  # the answer comes first
    assert seen.neurons.columns[:4] == ["layer", "neuron", "property", "balanced_accuracy"]
    assert ("0", 2, "high") in seen.denoting().select("layer", "neuron", "property").rows()
    assert seen.denoting()["balanced_accuracy"].is_sorted(descending=True)
    verdict = seen.verdict()
    assert "Too few neurons denote" in str(verdict)
    assert "A verdict takes 6 networks, too; here is 1." in str(verdict)
    assert (verdict.p_value, verdict.n_models, verdict.needed) == (None, 1, 5)
    assert any("A verdict takes 6 networks, too" in line for line in seen.findings())
    assert "scan" in seen._ipython_key_completions_()
    assert seen["scan"].equals(seen.tables["scan"])
    with pytest.raises(ConfigError, match=r"'scn'.*scan"):
        _ = seen["scn"]
    assert not [name for name in dir(seen) if name.startswith("_") and not name.endswith("__")]
    with pytest.raises(ConfigError, match=r"style: 'drak' is unknown.*dark"):
        seen.figure(style="drak")
    assert len(seen.depth_figure().axes) > 2
    html = seen._repr_html_()
    assert "<table>" in html
    assert "data:image/png;base64," in html


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(planted: tuple[Tensor, np.ndarray], fails: bool) -> None:
    inputs, labels = planted
    model = network()
    model[2].eval()
    model[0].register_forward_hook(lambda *_: None)
    model(inputs).sum().backward()
    if fails:
        inputs = inputs.clone()
        inputs[N // 2] = torch.nan  # found when all hooks are in place
    before = [module.training for module in model.modules()]
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()]
    gradients = [None if each.grad is None else each.grad.clone() for each in model.parameters()]
    weights = {name: each.clone() for name, each in model.state_dict().items()}
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002  (the one to be kept)
    call: Callable[[], Any] = lambda: denote.observe(  # noqa: E731
        model, inputs, {"high": labels}, untrained=lambda: network(2), controls=FEW, **QUICK
    )
    if fails:
        with pytest.raises(DenoteError, match="NaN"):
            call()
    else:
        call()
    assert [module.training for module in model.modules()] == before
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()] == hooks
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002
    for each, gradient in zip(model.parameters(), gradients, strict=True):
        assert each.requires_grad
        assert (each.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(each.grad, gradient)
    assert all(torch.equal(each, weights[name]) for name, each in model.state_dict().items())


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ([Shuffled(draws=-3)], "controls.shuffled.draws: -3 is not possible; allowed: a whole number of at least 0"),
        ([Shuffled(draws="5")], "controls.shuffled.draws: '5' is not possible"),  # type: ignore[arg-type]
        ([Rotated(rotations=2.5)], "controls.rotated.rotations: 2.5 is not possible"),  # type: ignore[arg-type]
        (["shuffled", Shuffled(draws=3)], "controls: 'shuffled' came twice, with other settings"),
        (["shufled"], "controls: 'shufled' came; did you mean 'shuffled'"),
    ],
)
def test_controls_that_cannot_be_are_refused(
    planted: tuple[Tensor, np.ndarray], controls: Sequence[Any], said: str
) -> None:
    inputs, labels = planted
    with pytest.raises(ConfigError, match=re.escape(said)):
        denote.observe(network(), inputs, {"high": labels}, controls=controls, **QUICK)


def test_a_control_that_is_named_twice_runs_once(planted: tuple[Tensor, np.ndarray]) -> None:
    inputs, labels = planted
    once, twice = (
        denote.observe(network(), inputs, {"high": labels}, layers="0", controls=[Shuffled(draws=3)] * n, **QUICK)
        for n in (1, 2)
    )
    assert_frame_equal(once.cells, twice.cells)
    assert_frame_equal(once.controls, twice.controls)


def test_command_line_and_call_give_equal_tables(tmp_path: Path) -> None:
    """The same network, rows, attributes and settings: all columns but those that name the network."""
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    build.register_resolvers()
    with initialize_config_module("denote.conf", version_base="1.3"):
        config = compose("config", overrides=[
            "attribute=[classes,neuron_subsets]", "probe=linear", "control=[shuffled,rotated,raw_input]",
            "control.shuffled.draws=2", "control.shuffled.neuron_draws=1", "control.rotated.rotations=1",
            "evidence.permutations=0", "evidence.bootstraps=5", "evidence.stability=false", "evidence.examples=0",
            "evidence.randomisation=false", "architecture.layers=2", "architecture.width=16", "trainer.max_epochs=2",
            "logger=none", "trainer.progress=false", f"store.path={tmp_path / 'store'}",
        ])  # fmt: skip
    OmegaConf.set_struct(config, False)
    job = build.job(build.plain(config), tmp_path)
    found = job.run()
    trained = job.obtain(job.model_spec())
    samples, parts = job.data.samples, job.data.parts
    seen = denote.observe(
        trained.model.network,
        samples.inputs[np.arange(len(samples))],
        classes=np.array(samples.classes)[samples.targets],
        parts=parts,
        controls=Controls(shuffles=2, neuron_shuffles=1, rotations=1, twins=0),
        name=samples.name,
        **QUICK,
    )
    names = {"architecture", "object_model", "note", "note_codes"}
    names |= {"rival", "rival_balanced_accuracy", "trained_on"}
    for table, key in (("cells", CELLS_KEY), ("neurons", NEURONS_KEY)):
        own, other = (
            frame.select(pl.exclude(names)).sort([name for name in key if name not in names])
            for frame in (found.tables[table], seen.tables[table])
        )
        assert_frame_equal(own, other, check_exact=True)


@pytest.mark.parametrize("kind", ["array", "named", "dataset", "loader"])
def test_inputs_may_come_in_many_ways(planted: tuple[Tensor, np.ndarray], kind: str) -> None:
    inputs, labels = planted
    given: Any = {
        "array": inputs.numpy(), "named": {"input": inputs},
        "dataset": TensorDataset(inputs, torch.from_numpy(labels)),
        "loader": DataLoader(TensorDataset(inputs, torch.from_numpy(labels)), batch_size=7),
    }[kind]  # fmt: skip
    plain, other = (
        denote.observe(network(), each, {"high": labels}, controls=FEW, layers="0", **QUICK) for each in (inputs, given)
    )
    columns = ["layer", "attribute", "auroc", "balanced_accuracy", "p_value"]
    assert_frame_equal(plain.cells.select(columns), other.cells.select(columns))


def test_two_datasets_share_no_states_of_a_store(planted: tuple[Tensor, np.ndarray], tmp_path: Path) -> None:
    inputs, labels = planted
    asked: dict[str, Any] = {"controls": FEW, "layers": "0", "store": tmp_path, **QUICK}
    model = network()
    # Each Dataset is gone when the next one is made, which may then lie at the same address.
    found = [
        denote.observe(model, TensorDataset(each), {"high": labels}, **asked).cells["auroc"]
        for each in (inputs, torch.zeros_like(inputs))
    ]
    assert found[0][0] > 0.9
    assert found[1][0] in (None, 0.5)
    assert list(tmp_path.iterdir()) == []


def test_states_from_elsewhere_need_no_model(planted: tuple[Tensor, np.ndarray]) -> None:
    inputs, labels = planted
    seen = denote.observe(
        states={"early": inputs.numpy(), "late": inputs[:, :3]}, classes=labels, layers="late", **QUICK
    )
    assert seen.cells["layer"].unique().to_list() == ["late"]
    assert seen.neurons.filter(pl.col("denotes"))["neuron"].to_list()[:1] == [0]
    assert seen.cells["input_auroc"].null_count() == len(seen.cells)
    shown = denote.observe(
        inputs=inputs, states={"late": inputs[:, :3]}, classes=labels, controls=["raw_input"], **QUICK
    )
    assert shown.cells["input_auroc"].null_count() == 0


def test_saved_and_loaded(planted: tuple[Tensor, np.ndarray], tmp_path: Path) -> None:
    inputs, labels = planted
    seen = denote.observe(network(), inputs, {"high": labels}, controls=FEW, **QUICK)
    folder = seen.save(tmp_path / "sweep" / "one")
    again = denote.load(folder)
    assert_frame_equal(again.neurons, seen.neurons)
    assert isinstance(again, ObservationResult)
    assert repr(again) == repr(seen)
    assert_frame_equal(again.cards(), seen.cards())
    assert "decisive by the rule" in seen.cards()["card"][0]
    assert_frame_equal(again.weights("0"), seen.weights("0"))
    assert len(again.heatmap("high").axes) == len(seen.heatmap("high").axes)
    again.save(folder)
    other = denote.observe(network(), inputs, {"other": labels}, controls=FEW, **QUICK)
    with pytest.raises(DenoteError, match="holds another observation; another folder, or save"):
        other.save(folder)
    other.save(folder, overwrite=True)
    with pytest.raises(DenoteError, match="is a file"):
        seen.save(folder / "run.json")
    with pytest.raises(DenoteError, match="holds no tables"):
        denote.load(tmp_path)
    with pytest.raises(DenoteError, match="there is no such folder"):
        denote.load(tmp_path / "typo")


def test_networks_saved_side_by_side_are_a_sweep(planted: tuple[Tensor, np.ndarray], tmp_path: Path) -> None:
    inputs, labels = planted
    for seed in (0, 1):
        seen = denote.observe(network(seed), inputs, {"high": labels}, controls=FEW, model_seed=seed, **QUICK)
        seen.save(tmp_path / "sweep" / f"seed_{seed}")
    with pytest.raises(DenoteError, match=r"never merged; denote.merge\(.*denote-report sweep="):
        denote.load(tmp_path / "sweep")
    report_sweep(tmp_path / "sweep")
    sweep = denote.load(tmp_path / "sweep")
    assert sweep.label_proportion_by_depth()["n_models"].to_list() == [2, 2, 2]
    assert len(sweep.depth_figure(family="columns").axes) > 2
    assert len(sweep.figure().axes) > 1
    assert len(sweep.heatmap("high", "0").axes) > 1
    assert "seed 1" in sweep.heatmap("high", seed=1, shared_scale=True, style="dark").get_suptitle()
    with pytest.raises(DenoteError, match=r"no network has seed=7.*seed 0"):
        sweep.heatmap("high", seed=7)
    assert "depth_tests" in repr(sweep)
    assert sweep.summary()["networks"].to_list() == [2] * len(sweep.summary())
    assert sweep.verdict().needed == 4
    assert sweep.depth_analysis().verdicts["verdict"].unique().to_list() == ["none: too few networks"]
    assert len(sweep.depth_analysis().tests) == len(sweep.tables["depth_tests"])
    assert "<table>" in sweep._repr_html_()


def test_layers_are_listed_before_anything_is_observed(planted: tuple[Tensor, np.ndarray]) -> None:
    found = denote.layers(network(), planted[0], names=["3.input"])
    assert found["layer"].to_list() == ["0", "1", "3.input", "3"]
    assert found["neurons"].to_list() == [6, 6, 6, 2]


@pytest.mark.parametrize(
    ("model", "inputs", "names"),
    [
        (nn.LSTM(8, 5, batch_first=True), torch.randn(N, 3, 8), {"output", "output[h_n]", "output[c_n]"}),
        (nn.Sequential(nn.Linear(8, 6), nn.ReLU()).to(torch.bfloat16), torch.randn(N, 8).bfloat16(), {"0", "1"}),
        (torch.compile(nn.Sequential(nn.Linear(8, 6), nn.ReLU()), backend="eager"), torch.randn(N, 8), {"0", "1"}),
    ],
    ids=["single", "half", "compiled"],
)
def test_whatever_network_comes(model: nn.Module, inputs: Tensor, names: set[str]) -> None:
    seen = denote.observe(model, inputs, {"odd": np.arange(N) % 2}, controls=FEW, **QUICK)
    assert set(seen.cells["layer"]) == names


class Ragged(torch.utils.data.Dataset[Tensor]):
    """Items of different lengths."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> Tensor:
        return torch.zeros(8 + row % 2)


class Streaming(torch.utils.data.IterableDataset[Tensor]):
    """Has no rows by number."""

    def __iter__(self) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attributes": {"high": np.arange(7) % 2}}, r"attributes\['high'\]: 7 rows, but there are 400 inputs"),
        ({"attributes": {"ten": np.arange(N) % 10}}, r"'ten' are classes: observe\(..., classes=ten\).*ten > 4"),
        ({"attributes": {"many": np.arange(N)}}, "attributes: column 'many' has 400 values .*cut numbers first"),
        ({"classes": np.arange(N) % 2, "attributes": {"class=0": np.arange(N) % 2}}, "is the name of a class"),
        ({"attributes": None}, "no attributes and no classes"),
        ({"layers": "nope"}, "no layer is called 'nope'"),
        ({"probe": "liner"}, "did you mean 'linear'"),
        ({"permutation": 3}, "did you mean 'permutations'"),
        ({"parts": {"fit": [0, 1], "test": [1, 2]}}, "rows stand in both parts"),
        ({"parts": {"fit": [0], "test": [N]}}, "allowed: 0 to 399"),
        ({"inputs": Streaming()}, "Streaming has no rows by number"),
        ({"inputs": DataLoader(TensorDataset(torch.zeros(N, 8)), shuffle=True)}, "shuffle=False"),
        ({"inputs": DataLoader(TensorDataset(torch.zeros(N, 8)), batch_sampler=[[1, 0]])}, "with a batch_sampler"),
        ({"inputs": DataLoader(TensorDataset(torch.zeros(N, 8)), batch_size=None)}, "without batches"),
        ({"inputs": DataLoader(Streaming())}, "Streaming has no rows by number"),
        ({"inputs": [[1, 2], [1]]}, "inputs: a list of rows of different lengths"),
        ({"inputs": "text"}, "inputs: a str"),
        ({"attributes": {"a": np.zeros((N, 1), dtype=int)}}, r"attributes\['a'\]: several values per row"),
        ({"parts": {"fit": np.arange(N) < 200, "test": np.arange(N) >= 200}}, r"parts\['fit'\]: a mask; row ids"),
        ({"parts": {"fit": [0.5], "test": [1]}}, r"parts\['fit'\]: an array \(1,\) of float64"),
        ({"parts": {"fit": [0], "test": []}}, r"parts\['test'\]: no rows"),
        ({"parts": {"object": [0], "fit": [0], "test": [1]}}, "rows stand in both parts"),
        ({"parts": Parts(*(np.array([0]) for _ in range(3)))}, "rows stand in both parts"),
        (
            {"parts": {"fit": np.arange(0, N, 2), "test": np.arange(1, N, 2)}, "groups": np.arange(N) // 2},
            "parts: 200 groups lie in fit and in test",
        ),
        ({"inputs": None}, "inputs: are missing"),
        ({"controls": ["shufled"]}, "controls: 'shufled' came; did you mean 'shuffled'"),
        ({"inputs": Ragged()}, "inputs: .* items of the dataset make no batch: RuntimeError: stack expects"),
        ({"model": nn.Linear}, "model: the class Linear came; allowed: a torch.nn.Module"),
        ({"model": nn.Linear(9, 2)}, "model: cannot be run on the inputs: RuntimeError: mat1"),
        ({"model": nn.Linear(8, 2, device="meta")}, "meta device"),
        ({"model": torch.jit.script(nn.Linear(8, 2))}, "before torch.jit.script"),
        ({"model": None}, "takes a model or states"),
        ({"model": nn.Sequential(torch.jit.script(nn.Linear(8, 2)))}, "before torch.jit.script"),
        ({"device": "tpu"}, "device: 'tpu'"),
        ({"device": None}, "device: None"),
        ({"layers": None}, "layer.select: None; allowed: a depth"),
        ({"layers": ["0", 1.5]}, "layer.select: 1.5"),
        ({"layers": "0#two"}, "no layer is called '0#two'"),
        ({"batch_size": 0}, r"observe\(batch_size=...\): 0 is not possible; allowed: a whole number of at least 1"),
        ({"memory_limit": "2 GB"}, "memory_limit=...\\): '2 GB' is not possible"),
        ({"seed": None}, "seed=...\\): None is not possible"),
        ({"permutations": -1}, "permutations=...\\): -1 is not possible"),
        ({"store": "/dev/null/x"}, "store=/dev/null/x: no folder can be made"),
    ],
)
def test_a_mistake_is_told_in_one_line(planted: tuple[Tensor, np.ndarray], change: dict[str, Any], said: str) -> None:
    inputs, labels = planted
    given = {"model": network(), "inputs": inputs, "attributes": {"high": labels}} | change
    with pytest.raises(DenoteError, match=said) as error:
        denote.observe(**given)
    assert len(str(error.value).splitlines()) == 1


class Reads(nn.Module):
    """States of token ids, each of its own position."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.lookup, self.hidden = nn.Embedding(12, 8), nn.Linear(8, 6)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        state: Tensor = self.hidden(self.lookup(input_ids))
        return state if attention_mask is None else state.masked_fill(attention_mask[..., None] == 0, torch.nan)


def padded() -> dict[str, Tensor]:
    draws = np.random.default_rng(0)
    mask = torch.from_numpy(np.arange(6) < draws.integers(2, 7, 200)[:, None]).long()
    return {"input_ids": torch.from_numpy(draws.integers(1, 12, (200, 6))) * mask, "attention_mask": mask}


def test_every_token_is_a_sample_and_padding_is_none() -> None:
    """NaN in the padding changes nothing, and one value per token is as good as an array with padding."""
    encoded = padded()
    kept = encoded["attention_mask"].bool()
    even = (encoded["input_ids"] % 2 == 0).numpy()
    whole, flat, bare = (
        denote.observe(Reads(), inputs, {"even": column}, unit="token", controls=FEW, **QUICK)
        for inputs, column in (
            (encoded, even),
            (encoded, even[kept.numpy()]),
            ({"input_ids": encoded["input_ids"][:, :2]}, even[:, :2]),
        )
    )
    assert set(whole.cells["pooling"]) == {"token"}
    assert_frame_equal(whole.cells, flat.cells)
    assert whole.cells["n_fit"][0] + whole.cells["n_test"][0] == int(kept.sum())
    assert bare.cells["n_fit"][0] + bare.cells["n_test"][0] == 2 * len(kept)
    # An id decides the attribute, so its count does.
    assert whole.cells["input_auroc"].to_list() == pytest.approx([1.0] * whole.cells.height)
    assert "groups" in whole.cells["note"][0]


@pytest.mark.parametrize("order", [["attention_mask", "input_ids"], ["types", "attention_mask", "input_ids"]])
def test_token_ids_are_the_raw_input_wherever_they_stand(order: list[str]) -> None:
    class Typed(Reads):
        def forward(self, input_ids: Tensor, attention_mask: Tensor, types: Tensor | None = None) -> Tensor:  # type: ignore[override]
            return super().forward(input_ids, attention_mask)

    encoded = padded()
    encoded["types"] = torch.zeros_like(encoded["input_ids"])
    even = (encoded["input_ids"] % 2 == 0).numpy()
    inputs = {name: encoded[name] for name in order}
    seen = denote.observe(Typed(), inputs, {"even": even}, unit="token", layers="hidden", controls=FEW, **QUICK)
    assert seen.cells["input_auroc"].to_list() == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unit": "tokens"}, "unit: 'tokens' is unknown; did you mean 'token'"),
        ({"unit": "word"}, "unit: 'word', and inputs do not say of which word"),
        ({"unit": "token", "inputs": torch.zeros(4)}, r"unit: 'token' of inputs of shape \(4,\)"),
        (
            {"inputs": padded() | {"attention_mask": torch.zeros(200, 6)}},
            "200 rows are padding only, the first is row 0",
        ),
        ({"inputs": padded() | {"attention_mask": -torch.ones(200, 6)}}, "holds numbers below 0"),
        (
            {"unit": "token", "inputs": TensorDataset(torch.zeros(4, 2))},
            "unit: 'token' of a DrawnInputs",
        ),
        ({"unit": "token", "attributes": {"a": np.zeros(7)}}, r"attributes\['a'\]: 7 rows, but there are"),
        ({"unit": "token", "attributes": {"a": np.zeros((200, 3))}}, "attributes: 3 positions, and a sequence has 6"),
    ],
)
def test_mistakes_about_units_are_one_line(settings: dict[str, Any], said: str) -> None:
    arguments = {"inputs": padded(), "attributes": {"a": np.zeros((200, 6))}, **settings}
    with pytest.raises(DenoteError, match=said):
        denote.observe(Reads(), **arguments)


def test_words_of_a_tokenizer_are_samples() -> None:
    pytest.importorskip("transformers")
    draws = np.random.default_rng(0)
    forms = ["walkers", "dog", "unwalked", "the"]
    said = [list(draws.choice(forms, size=length)) for length in draws.integers(1, 6, 150)]
    encoded = word_pieces()(said, is_split_into_words=True, padding=True, return_tensors="pt")
    encoded.pop("token_type_ids", None)
    words = [word for sentence in said for word in sentence]
    found = {
        pooling: denote.observe(
            Reads(),
            encoded,
            {"walks": [int("walk" in word) for word in words]},
            unit="word",
            pooling=pooling,
            layers="lookup",
            controls=FEW,
            **QUICK,
        )
        for pooling in ("first", "last", "mean")
    }
    for pooling, seen in found.items():
        assert set(seen.cells["pooling"]) == {pooling}
        assert seen.cells["n_fit"][0] + seen.cells["n_test"][0] == len(words)
        assert seen.cells["auroc"][0] == pytest.approx(1.0)


def test_levels_of_evidence(tmp_path: Path) -> None:
    """Quick leaves out replicates alone; what is given wins over the level, and a saved result keeps it."""
    inputs = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    attributes = {"high": (inputs[:, 0] > 0).numpy()}
    quick = denote.observe(network, inputs, attributes, evidence="quick", trained_on="none")
    standard = denote.observe(network, inputs, attributes, trained_on="none", bootstraps=20, permutations=20)
    same = ["layer", "attribute", "auroc", "auroc_low", "auroc_high", "balanced_accuracy", "p_value", "q_value"]
    assert_frame_equal(quick.cells.select(same), standard.cells.select(same), check_exact=True)
    found = ["neuron", "property", "threshold", "balanced_accuracy", "p_value", "denotes", "rival_balanced_accuracy"]
    assert_frame_equal(quick.neurons.select(found), standard.neurons.select(found), check_exact=True)
    for name in ("cells", "neurons", "scan"):
        assert quick.tables[name].select(says("left_out_by_level").all()).item(), name
        assert not standard.tables[name].select(says("left_out_by_level").any()).item(), name
        texts = quick.tables[name]["note"].to_list()
        assert {text.count("not part of evidence=quick") for text in texts} == {1}
    off = ("not_run", "rotated_not_run", "stability_off", "permutations_off", "randomisation_off")
    assert not any(quick.tables[name].select(says(*off).any()).item() for name in ("cells", "neurons", "scan"))
    assert quick.controls.is_empty()
    assert any("evidence=standard adds them" in line for line in quick.findings())
    alone = denote.observe(states={"a": inputs.numpy()}, attributes=attributes, evidence="quick")
    assert alone.cells["note"].str.contains("untrained_auroc: only states are known").all()  # at standard, too
    named = denote.observe(
        network, inputs, attributes, evidence="quick", trained_on="none", controls=["shuffled"], stability=None
    )
    live = named.neurons.filter("live")
    assert live.select(says("rotated_not_run").all()).item()  # which standard would not add either
    assert not live.select(says("left_out_by_level").any()).item()
    asked = {"stability": True, "randomisation": True, "permutations": 20, "controls": ["shuffled"]}
    every = denote.observe(network, inputs, attributes, evidence="quick", trained_on="none", **asked)
    assert not any("evidence=quick leaves out" in line for line in every.findings())
    for wrong in (["quick"], {"level": "quick"}, "quack"):
        with pytest.raises(ConfigError, match=r"observe\(evidence"):
            denote.observe(network, inputs, attributes, evidence=wrong)  # type: ignore[arg-type]
    back = denote.load(quick.save(tmp_path / "jobs" / "a"))
    assert isinstance(back, denote.ObservationResult)
    assert (back.evidence_level, standard.evidence_level) == ("quick", "standard")

    own = denote.observe(
        network, inputs, attributes, evidence="quick", controls=Controls(shuffles=2, rotations=0), permutations=3
    )
    assert own.cells["control_auroc"].null_count() == 0
    assert own.cells["rotated_auroc"].null_count() == own.cells.height
    assert own.tables["scan"]["max_p_value"].null_count() == 0
    with pytest.raises(ConfigError, match=r"quack.*quick"):
        denote.observe(network, inputs, attributes, evidence="quack")
