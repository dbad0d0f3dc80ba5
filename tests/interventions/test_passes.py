"""Many interventions in few forward passes give what one forward pass each gives."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from denote.data.batch import Batch, Named, Words, repeated
from denote.data.parts import Halves
from denote.data.samples import TensorInputs
from denote.errors import LayerError
from denote.interventions.edited_runs import NetworkRows, edited_runs
from denote.interventions.edits import Donors, Edit, Resample, ResampleAlong, SetTo
from denote.interventions.passes import LayerPasses, Shortcuts, layer_passes
from denote.interventions.replacing import replaceable
from denote.interventions.sites import Sites
from denote.interventions.stateless import is_stateless
from denote.object_models.architectures.convnet import ConvNet
from denote.object_models.architectures.mlp import MLP
from denote.states.layers import Layer
from denote.states.listing import list_layers

ROWS = np.arange(70)


class Residual(nn.Module):
    """What comes after the layer needs what came before it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.first(x))
        return self.head(hidden + torch.relu(self.second(hidden)))


class Mixing(nn.Module):
    """Every row sees the mean of its batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        return self.head(hidden - hidden.mean(0))


class Rarely(Residual):
    """What comes before the layer goes round it in a few rows alone."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x))) + torch.relu(x[:, :3] - 0.8)


class Drawing(Residual):
    """Draws random numbers that change nothing, and refuses an empty batch."""

    def forward(self, x: Tensor) -> Tensor:
        torch.rand(1)
        hidden = torch.relu(self.first(x))
        return self.head(hidden.view(len(x), -1))


class InATuple(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair, self.head = Pair(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        first, rest = self.pair(x)
        return self.head(first + rest["other"])


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        made = self.inner(x)
        return made.relu(), {"other": made.sigmoid()}


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(inplace=True), nn.Linear(6, 3))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)
    )


def naive(network: nn.Module, name: str, change: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    hook = network.get_submodule(name).register_forward_hook(lambda module, given, output: change(output.clone()))
    try:
        with torch.no_grad():
            return network.eval()(inputs)
    finally:
        hook.remove()


def run(network: nn.Module, layer: Layer, edits: Sequence[Edit], **options: int) -> tuple[Tensor, Shortcuts]:
    inputs = TensorInputs(np.random.default_rng(0).random((70, 6), dtype=np.float32))

    def keep(edit: Int[np.ndarray, " row"], row: Int[np.ndarray, " row"], outputs: Float[Tensor, "row output"]) -> None:
        out[edit, row] = outputs

    with layer_passes(network, layer, inputs, ROWS, **options) as passes:
        out = passes.baseline().repeat(len(edits), 1, 1)
        passes.run(edits, keep)
        return out, passes.shortcuts


def of(network: nn.Module, name: str, **options: str) -> Layer:
    return next(layer for layer in list_layers(network, torch.rand(4, 6), **options) if layer.name == name)


@pytest.mark.parametrize(
    ("network", "name", "restarts", "separate"),
    [
        (plain, "1", True, True),
        (plain, "2", True, True),
        (Residual, "second", False, True),
        (Residual, "first", True, True),
        (Mixing, "first", True, False),
    ],
)
def test_values_set_are_those_of_a_pass_each(
    network: Callable[[], nn.Module], name: str, restarts: bool, separate: bool
) -> None:
    torch.manual_seed(0)
    made = network()
    inputs = torch.from_numpy(np.random.default_rng(0).random((70, 6), dtype=np.float32))
    edits = [SetTo([neuron], torch.tensor([value])) for neuron in range(6) for value in (0.0, 0.7)]
    size = {"batch_size": 32, "stacked": 50} if separate else {"batch_size": 70, "stacked": 1024}
    out, shortcuts = run(made, of(made, name), edits, **size)
    assert shortcuts == Shortcuts(restarts, separate)
    for index, edit in enumerate(edits):

        def change(output: Tensor, edit: SetTo = edit) -> Tensor:
            output[:, edit.neurons[0]] = edit.values[0]
            return output

        torch.testing.assert_close(out[index], naive(made, name, change, inputs))


def test_a_channel_is_replaced_as_a_whole_map() -> None:
    torch.manual_seed(0)
    made = convolutional()
    inputs = torch.from_numpy(np.random.default_rng(0).random((70, 6), dtype=np.float32))

    def change(output: Tensor) -> Tensor:
        output[:, 2] = 0.3
        return output

    out, _ = run(made, of(made, "2"), [SetTo([2], torch.tensor([0.3]))], batch_size=32)
    torch.testing.assert_close(out[0], naive(made, "2", change, inputs))
    edits = [SetTo([channel], torch.tensor([0.3])) for channel in range(4)]
    cut, _ = run(made, of(made, "2"), edits, batch_size=32, stacked=50)
    torch.testing.assert_close(cut[2], out[0])
    flat, _ = run(made, of(made, "2", pooling="flatten"), [SetTo([7], torch.tensor([0.3]))], batch_size=32)

    def change_one(output: Tensor) -> Tensor:
        output[:, 1, 1] = 0.3
        return output

    torch.testing.assert_close(flat[0], naive(made, "2", change_one, inputs))


@pytest.mark.parametrize("part", ["pair", "pair[1.other]"])
def test_parts_of_tuples_and_mappings_are_replaced(part: str) -> None:
    torch.manual_seed(0)
    made = InATuple()
    layer = next(each for each in list_layers(made, torch.rand(4, 6), of="modules") if each.name == part)
    out, _ = run(made, layer, [SetTo(list(range(6)), torch.zeros(6))])
    inputs = torch.from_numpy(np.random.default_rng(0).random((70, 6), dtype=np.float32))
    with torch.no_grad():
        hidden = made.pair.inner(inputs)
        kept = hidden.sigmoid() if part == "pair" else hidden.relu()
        torch.testing.assert_close(out[0], made.head(kept))


def test_resampling_takes_the_donors_numbers() -> None:
    torch.manual_seed(0)
    made = plain()
    layer = of(made, "1")
    inputs = TensorInputs(np.random.default_rng(0).random((70, 6), dtype=np.float32))
    with layer_passes(made, layer, inputs, ROWS[:40]) as passes:
        donors = Donors.of(*passes.values())
    donor = donors.drawn(70, "test")
    basis = torch.linalg.qr(torch.rand(6, 2)).Q
    out, _ = run(made, layer, [Resample([1, 4], donors, donor), ResampleAlong(basis, donors, donor)], batch_size=16)
    with torch.no_grad():
        hidden = made[:2](inputs[ROWS])
        there = hidden[:40][donor]
        swapped = hidden.clone()
        swapped[:, [1, 4]] = there[:, [1, 4]]
        torch.testing.assert_close(out[0], made[2:](swapped.clone()))
        along = hidden + (there - hidden) @ basis @ basis.T
        torch.testing.assert_close(out[1], made[2:](along))


class Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        hidden = self.first(x)
        if bool((hidden == 123).any()):
            raise RuntimeError("no such state")
        return self.head(self.norm(hidden))


def test_the_network_is_as_before_also_after_an_error_inside() -> None:
    made = Fails().train()
    made.head.eval()
    layer = of(made, "first")
    with torch.no_grad():
        made.calls.zero_()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    modes = {name: module.training for name, module in made.named_modules()}
    random = torch.random.get_rng_state()
    with pytest.raises(LayerError, match=r"layer first: the network fails .*: RuntimeError: no such state"):
        run(made, layer, [SetTo([0], torch.tensor([123.0]))])
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert modes == {name: module.training for name, module in made.named_modules()}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in made.modules())
    assert torch.equal(random, torch.random.get_rng_state())


def test_the_random_generators_are_as_before_and_no_empty_batch_is_run() -> None:
    made = Drawing()
    layer = of(made, "first")
    inputs = TensorInputs(np.zeros((70, 6), dtype=np.float32))
    before = torch.random.get_rng_state()
    with layer_passes(made, layer, inputs, ROWS) as passes:
        passes.run(
            [SetTo([0], made.first.bias[:1].detach())], lambda edit, row, outputs: pytest.fail("nothing changes")
        )
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_goes_round_the_layer_in_some_rows_alone_is_seen() -> None:
    torch.manual_seed(0)
    made = Rarely()
    values = np.random.default_rng(0).random((70, 6), dtype=np.float32)
    values[:40] /= 2
    with layer_passes(made, of(made, "first"), TensorInputs(values), ROWS, batch_size=32) as passes:
        assert passes.shortcuts == Shortcuts(restarts=False, separate=True)


def test_outputs_that_are_not_of_samples_are_refused() -> None:
    class Summed(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).sum()

    made = Summed()
    with pytest.raises(LayerError, match="gives one number for 70 samples"):
        run(made, of(made, "first"), [])


def test_copies_that_touch_each_other_are_watched_one_by_one() -> None:
    torch.manual_seed(0)
    made = Mixing()
    values = np.random.default_rng(0).random((70, 6), dtype=np.float32)
    data = NetworkRows(made, TensorInputs(values), Halves(ROWS, ROWS))
    edits = [SetTo([0], torch.tensor([value])) for value in (0.0, 5.0)]
    given: dict[int, Tensor] = {}
    with edited_runs(data, of(made, "first")) as runs:
        runs.run(ROWS, edits, None, lambda index, block, outputs: given.update({index: outputs}))
    for index, edit in enumerate(edits):

        def change(output: Tensor, edit: SetTo = edit) -> Tensor:
            output[:, 0] = edit.values[0]
            return output

        torch.testing.assert_close(given[index], naive(made, "first", change, torch.from_numpy(values)))


def test_a_layer_that_does_not_lead_to_the_output_restarts_nowhere() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.used = nn.Linear(6, 6), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.seen(x)
            return self.used(x)

    made = Aside()
    out, shortcuts = run(made, of(made, "seen"), [SetTo([0], torch.ones(1))])
    assert not shortcuts.restarts
    with torch.no_grad():
        inputs = torch.from_numpy(np.random.default_rng(0).random((70, 6), dtype=np.float32))
        torch.testing.assert_close(out[0], made(inputs))


def a_layer(kind: str, shape: tuple[int, ...], pooling: str) -> Layer:
    return Layer("a", 0, None, shape, pooling, shape[-1:] if kind == "sequence" else shape[:1], kind=kind)


def test_padding_is_no_site() -> None:
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]], dtype=torch.bool)
    batch: Batch = Named({"ids": torch.zeros(2, 3, dtype=torch.long)}, mask)
    sites = Sites.of((2, 3, 4), a_layer("sequence", (-1, 4), "mean"), batch)
    assert sites.sample.tolist() == [0, 0, 1, 1, 1]
    assert sites.position.tolist() == [0, 1, 0, 1, 2]
    assert sites.at[:, 0].tolist() == [0, 4, 12, 16, 20]
    last = Sites.of((2, 3, 4), a_layer("sequence", (-1, 4), "last"), batch)
    assert last.at[:, 0].tolist() == [4, 20]


def test_words_have_the_positions_they_are_made_of() -> None:
    words = Words(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0]), torch.tensor([1, 3, 2]))
    batch = Named({"ids": torch.zeros(2, 3, dtype=torch.long)}, words=words)
    sites = Sites.of((2, 3, 4), a_layer("sequence", (-1, 4), "mean"), batch)
    assert sites.sample.tolist() == [0, 1, 1, 2, 2]
    twice = repeated(batch, 2)
    assert isinstance(twice, Named)
    assert twice.words is not None
    assert twice.words.sequence.tolist() == [0, 0, 1, 2, 2, 3]
    assert len(twice) == 6


def test_attention_is_refused_with_a_reason() -> None:
    with pytest.raises(LayerError, match="the weights of attention cannot be set one head at a time"):
        Sites.of((2, 2, 3, 3), a_layer("heads", (2, -1, -1), "max"), torch.zeros(2, 3))


def test_a_place_that_is_no_module_is_refused() -> None:
    layer = Layer("nowhere", 0, None, (6,), "none", (6,))
    with pytest.raises(LayerError, match="is no module"), replaceable(plain(), layer):
        pass


class Watched(Residual):
    """Remembers the threads that it ran in."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def forward(self, x: Tensor) -> Tensor:
        self.threads.add(threading.get_ident())
        return super().forward(x)


def test_what_a_network_gives_does_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    made, watched = plain(), Watched()
    edits = [SetTo([neuron], torch.tensor([value])) for neuron in range(6) for value in (0.0, 0.3, 0.7)]
    given, ran = {}, {}
    for n in (1, 3):
        monkeypatch.setattr("denote.observers.threads.threads_available", lambda n=n: n)
        with monkeypatch.context() as watching:
            ran[n] = in_threads(watching, n)
            given[n], _ = run(made, of(made, "1"), edits, batch_size=32, stacked=50)
        run(watched, of(watched, "first"), edits, batch_size=32, stacked=50)
    assert torch.equal(given[1], given[3])
    assert ran[1] == {threading.get_ident()}
    assert len(ran[3]) == 3
    assert threading.get_ident() not in ran[3]
    assert watched.threads == {threading.get_ident()}  # its own code may write things down


def in_threads(monkeypatch: pytest.MonkeyPatch, n: int) -> set[int]:
    """Note the threads that stacks run in, each of the first with a stack of its own."""
    ran: set[int] = set()
    together, as_written = threading.Barrier(n), LayerPasses._run

    def run_stack(passes: LayerPasses, stack: Any) -> Any:
        if threading.get_ident() not in ran:
            ran.add(threading.get_ident())
            together.wait(60)
        return as_written(passes, stack)

    monkeypatch.setattr(LayerPasses, "_run", run_stack)
    return ran


def test_networks_of_torch_alone_without_hooks_have_several_threads() -> None:
    made = plain()
    assert is_stateless(made)
    with torch.autocast("cpu"):
        assert not is_stateless(made)
    with torch.device("cpu"):  # holds for one thread, as all modes do
        assert not is_stateless(made)
    with made[1].register_forward_hook(lambda module, given, output: None):
        assert not is_stateless(made)
    with nn.modules.module.register_module_forward_hook(lambda module, given, output: None):
        assert not is_stateless(made)
    with nn.modules.module.register_module_forward_pre_hook(lambda module, given: None):
        assert not is_stateless(made)
    assert is_stateless(made)
    assert not is_stateless(Residual())


class Keeps:
    """An activation that writes down what it saw."""

    def __call__(self, x: Tensor) -> Tensor:
        self.last = x
        return torch.relu(x)


class Tensors(Tensor):
    """A class of tensors, whose operations may do anything."""


def encoder(activation: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 8, activation=activation, batch_first=True)


def compiled() -> nn.Module:
    made = plain()
    made[0].compile(backend="eager")
    return made


def own_tensors(*, buffers: bool) -> nn.Module:
    made = nn.BatchNorm1d(3)
    if buffers:
        made.running_mean = torch.zeros(3).as_subclass(Tensors)
    else:
        made.weight = nn.Parameter(torch.ones(3).as_subclass(Tensors))
    return made


def named_like_torch() -> nn.Module:
    return cast("nn.Module", type("ReLU", (nn.ReLU,), {"__module__": nn.ReLU.__module__})())


def patched() -> nn.Module:
    made = nn.Linear(2, 2)
    made.forward = lambda given: given  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(
    "made",
    [
        lambda: encoder(Keeps()),
        lambda: encoder(lambda x: x.relu()),
        lambda: nn.Embedding(3, 2, max_norm=1.0),
        lambda: nn.EmbeddingBag(3, 2, max_norm=1.0),
        compiled,
        lambda: own_tensors(buffers=False),
        lambda: own_tensors(buffers=True),
        named_like_torch,
        patched,
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)),
    ],
)
def test_what_may_write_something_down_has_one_thread(made: Callable[[], nn.Module]) -> None:
    assert not is_stateless(made())


@pytest.mark.parametrize(
    "made",
    [
        lambda: encoder("gelu"),
        lambda: encoder(torch.relu),
        lambda: encoder(nn.ReLU()),
        lambda: nn.Embedding(3, 2),
        lambda: nn.LSTM(2, 2),
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Dropout()),
        lambda: ConvNet((1, 8, 8), 3, channels=(4, 6), hidden=(5,)),
        lambda: MLP((6,), 3, layers=2, width=4),
    ],
)
def test_torch_s_own_modules_have_several_threads(made: Callable[[], nn.Module]) -> None:
    assert is_stateless(made())


class Tagger(nn.Module):
    """Gives the largest of its units over all positions, padding too."""

    def __init__(self) -> None:
        super().__init__()
        self.units = nn.Embedding(20, 5)

    def forward(self, ids: Tensor) -> Tensor:
        return self.units(ids).amax(1)


class Padded:
    """Sequences of 1 to 4 positions and padding."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.ids = torch.randint(20, (12, 4), generator=generator)
        self.mask = torch.arange(4) < torch.randint(1, 5, (12, 1), generator=generator)

    def __getitem__(self, rows: np.ndarray) -> Named:
        return Named({"ids": self.ids[rows]}, self.mask[rows])


def test_sequences_of_several_lengths_are_cut_into_stacks() -> None:
    made, padded, rows = Tagger(), Padded(), np.arange(12)
    layer = list_layers(made, padded[rows])[0]
    edits = [SetTo([unit], torch.tensor([9.0])) for unit in range(5)]
    with layer_passes(made, layer, cast("Any", padded), rows, batch_size=6, stacked=5) as passes:
        assert passes.shortcuts.separate
        out = passes.baseline().repeat(len(edits), 1, 1)

        def keep(edit: Int[np.ndarray, " row"], row: Int[np.ndarray, " row"], outputs: Tensor) -> None:
            out[edit, row] = outputs

        passes.run(edits, keep)
    for unit in range(5):
        wanted = made.units(padded.ids).detach()
        wanted[..., unit][padded.mask] = 9.0
        torch.testing.assert_close(out[unit], wanted.amax(1))
