"""Recording the states of every layer, beside the bare forward pass and the writing of as many bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import polars as pl
import torch
from jaxtyping import Float, Int
from torch import nn

from benchmarks.measure import Row
from benchmarks.processes import alone
from benchmarks.states import Bench
from denote.data.batch import Batch, Named, call
from denote.data.samples import Inputs, Samples
from denote.object_models.architectures.convnet import ConvNet, ResNet
from denote.object_models.architectures.mlp import MLP
from denote.object_models.architectures.transformer import Transformer
from denote.states.hooks import eval_mode
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.states.pooling import pool
from denote.states.store import StateStore
from denote.streams import torch_stream

BATCH = 1_024
"""Rows per forward pass, the default of the command line."""

TOKENS, LENGTH = 2_000, 32
"""Token ids, and positions of a sequence, of which half are padding on average."""


@dataclass(frozen=True)
class Repeated:
    """As many inputs as one likes that take no memory and hardly time: row i is row ``i % BATCH`` of one batch."""

    batch: Batch
    n: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.batch.shape[1:]) if isinstance(self.batch, torch.Tensor) else (LENGTH,)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Batch:
        places = torch.from_numpy(np.asarray(rows) % BATCH)
        if isinstance(self.batch, torch.Tensor):
            return self.batch[places]
        tensors = {name: each[places] for name, each in self.batch.tensors.items()}
        return Named(tensors, tensors["attention_mask"])


@dataclass(frozen=True)
class Case:
    """A network and what it is run on.

    Attributes:
        make: Makes the network.
        batch: Makes one batch of inputs.
        share: How many inputs, as a share of ``--extraction-rows``.
    """

    make: Callable[[], nn.Module]
    batch: Callable[[], Batch]
    share: float


def _numbers(*shape: int) -> Batch:
    return torch.randn(BATCH, *shape, generator=torch_stream("benchmark inputs"))


def _tokens() -> Batch:
    draws = torch_stream("benchmark inputs")
    ids = torch.randint(TOKENS, (BATCH, LENGTH), generator=draws)
    mask = torch.arange(LENGTH) < torch.randint(1, LENGTH + 1, (BATCH, 1), generator=draws)
    return Named({"input_ids": ids, "attention_mask": mask}, mask)


CASES = {
    "mlp 4 x 256": Case(partial(MLP, (784,), 10, 4, 256), partial(_numbers, 784), 1.0),
    "mlp 12 x 64": Case(partial(MLP, (64,), 10, 12, 64), partial(_numbers, 64), 4.0),
    "convnet": Case(partial(ConvNet, (1, 28, 28), 10), partial(_numbers, 1, 28, 28), 0.1),
    "resnet": Case(partial(ResNet, (3, 32, 32), 10), partial(_numbers, 3, 32, 32), 0.1),
    "transformer": Case(partial(Transformer, (LENGTH,), 4, TOKENS, positions=LENGTH), _tokens, 0.1),
}


def extraction(bench: Bench) -> list[Row]:
    """Each network: seconds against the bare pass and against pooling by hand, and peak memory of two sizes."""
    return [_compared(bench, name) for name in CASES]


def _compared(bench: Bench, name: str) -> Row:
    a, case = bench.arguments, CASES[name]
    rows = np.arange(int(a.extraction_rows * case.share))
    network, inputs = made(case, len(rows))
    layers = list_layers(network, inputs[rows[:1]])
    own, plain, hooked = _alternating(a.repeats, bench.folder / "extraction", network, inputs, rows, layers)
    ratio, pooled, hooks = (np.median(part, axis=1) for part in (own / plain, own / hooked, hooked / plain))
    peaks = [alone("extraction_memory", case=name, rows=len(rows) * times)["peak"] for times in (1, 4)]
    note = (
        f"{ratio[0]:.3f} times the bare pass and writing (processor {ratio[1]:.3f}), {pooled[0]:.3f} ({pooled[1]:.3f})"
    )
    note += f" times the loop by hand, which is {hooks[0]:.3f} ({hooks[1]:.3f}) times the bare pass; peak "
    note += f"{peaks[0] / 2**20:.0f} MiB, with four times the rows {peaks[1] / 2**20:.0f} MiB"
    width = sum(layer.n_neurons for layer in layers)
    what = f"{len(rows)} rows, {len(layers)} layers, {4 * width * len(rows) / 2**20:.3g} MiB"
    more = {"ratio_bare": list(ratio), "ratio_by_hand": list(pooled), "by_hand_bare": list(hooks), "peaks": peaks}
    return Row(
        "extraction", name, what, float(np.median(own[0])), "loop with hooks, by hand", float(np.median(hooked[0])),
        "forward pass and writing", float(np.median(plain[0])), float(ratio[0]), note=note, more=more,
    )  # fmt: skip


def _alternating(
    repeats: int, folder: Path, network: nn.Module, inputs: Inputs, rows: np.ndarray, layers: list[Layer]
) -> list[Float[np.ndarray, "2 run"]]:
    """Seconds, and seconds of the processors, of the three ways in turn; the first round warms up and is left out."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in WAYS]
    for _ in range(repeats + 1):
        for way, found in zip(WAYS, seconds, strict=True):
            folder.mkdir()
            wall, processor = perf_counter(), process_time()
            way(network, inputs, rows, layers, folder)
            found.append((perf_counter() - wall, process_time() - processor))
            shutil.rmtree(folder)
    return [np.array(each[1:]).T for each in seconds]


def made(case: Case, n: int) -> tuple[nn.Module, Inputs]:
    """The network, and that many inputs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return case.make(), Repeated(case.batch(), n)


def ours(network: nn.Module, inputs: Inputs, rows: np.ndarray, layers: list[Layer], folder: Path) -> None:
    """The states of all layers in a new store."""
    table, n = pl.DataFrame({"target": np.zeros(len(inputs), dtype=np.int8)}), len(inputs)
    samples = Samples("benchmark", inputs, np.zeros(n, dtype=np.int64), ("all",), table, "target", "benchmark")
    StateStore(folder, BATCH).states("benchmark", network, samples, rows, layers)


def bare(network: nn.Module, inputs: Inputs, rows: np.ndarray, layers: list[Layer], folder: Path) -> None:
    """Inputs, forward pass, and as many float32 into one file per layer as its state has: no hook, no pooling."""
    blocks = {layer.name: np.ones((BATCH, layer.n_neurons), dtype=np.float32) for layer in layers}
    with _files(folder, layers) as write, eval_mode(network), torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            call(network, inputs[some])
            for layer in layers:
                write(layer, blocks[layer.name][: len(some)])


def by_hand(network: nn.Module, inputs: Inputs, rows: np.ndarray, layers: list[Layer], folder: Path) -> None:
    """What one would write oneself: a hook per layer that pools and keeps, then the file."""
    kept: dict[str, torch.Tensor] = {}
    batch: list[Batch] = []

    def keep(layer: Layer, module: nn.Module, given: object, output: torch.Tensor) -> None:
        kept[layer.name] = pool(output, layer, batch[0]).clone()

    handles = [network.get_submodule(layer.name).register_forward_hook(partial(keep, layer)) for layer in layers]
    with _files(folder, layers) as write, eval_mode(network), torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            batch[:] = [inputs[rows[start : start + BATCH]]]
            call(network, batch[0])
            for layer in layers:
                write(layer, kept[layer.name].numpy())
    for handle in handles:
        handle.remove()


@contextmanager
def _files(folder: Path, layers: list[Layer]) -> Iterator[Callable[[Layer, np.ndarray], None]]:
    with ExitStack() as stack:
        files = {layer.name: stack.enter_context((folder / layer.name).open("wb")) for layer in layers}

        def write(layer: Layer, block: np.ndarray) -> None:
            files[layer.name].write(block.data)

        yield write


WAYS = (ours, bare, by_hand)
