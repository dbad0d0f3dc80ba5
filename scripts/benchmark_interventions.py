"""How long ablating every neuron takes, beside a forward pass per neuron and kind.

    python scripts/benchmark_interventions.py --root FOLDER_WITH_MNIST --rows 2000

Prints wall and CPU seconds of: zero, mean and one resampling of every hidden neuron and 20 resamplings of some (the
call that `LayerAblation` makes), and of one forward pass over the same rows per neuron and kind with a hook, measured
on every 8th neuron and multiplied.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from denote.data.samples import CLASSES, TensorInputs
from denote.data.sources.digits import MNISTModule
from denote.interventions.ablated import Ablated, AblationSettings
from denote.interventions.ablation import LayerAblation
from denote.interventions.edits import Donors
from denote.interventions.passes import layer_passes
from denote.interventions.task_scores import TaskScores
from denote.observers.threads import taken_over
from denote.states.listing import list_layers

LAYERS, WIDTH, EVERY = 8, 128, 8


@contextmanager
def timed(name: str, times: float = 1.0) -> Iterator[None]:
    """Print wall and CPU seconds of a block, multiplied where it did a part of the work."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = times * (time.perf_counter() - wall), times * (time.process_time() - cpu)
    print(f"{name}: {wall:.2f} s wall, {cpu:.2f} s CPU")


def network(inputs: Tensor, classes: Tensor) -> nn.Sequential:
    """Train an MLP for a few epochs."""
    torch.manual_seed(0)
    sizes = [inputs.shape[1], *[WIDTH] * LAYERS]
    blocks = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(sizes)]
    made = nn.Sequential(*[module for block in blocks for module in block], nn.Linear(WIDTH, 10))
    optimizer = torch.optim.Adam(made.parameters(), 1e-3)
    for _ in range(60):
        for part in torch.randperm(len(inputs)).split(256):
            optimizer.zero_grad()
            nn.functional.cross_entropy(made(inputs[part]), classes[part]).backward()
            optimizer.step()
    return made.eval()


def main(root: str, n_rows: int, n_denoting: int) -> None:
    """Measure."""
    samples = MNISTModule(root).load()
    rows = np.arange(2 * n_rows)
    values = samples.inputs[rows].flatten(1)
    inputs, classes = TensorInputs(values), samples.targets[rows]
    made = network(values[:n_rows], torch.from_numpy(classes[:n_rows]).long())
    fit, test = rows[:1024], rows[n_rows:]
    layers = [layer for layer in list_layers(made, values[:3]) if layer.module_class == "ReLU" or int(layer.name) % 2]
    with taken_over(), timed("denote"):
        for layer in layers:
            with layer_passes(made, layer, inputs, fit) as passes:
                donors = Donors.of(*passes.values())
            with layer_passes(made, layer, inputs, test) as passes:
                scores = TaskScores(CLASSES, classes[test], 10)
                none = {"none": np.zeros(WIDTH)}
                ablation = LayerAblation(passes, donors, scores, none, AblationSettings(min_rows=n_rows))
                ablation.all_neurons(range(WIDTH))
                labels = (classes == 3).astype(np.int8)
                for neuron in range(n_denoting):
                    ablation.subject(Ablated(labels[test], labels[fit], (neuron,)), [])
    kinds = 3 * WIDTH + 20 * n_denoting
    with torch.no_grad(), timed("a forward pass each", kinds / (WIDTH // EVERY)):
        for layer in layers:
            for neuron in range(0, WIDTH, EVERY):

                def zero(module: nn.Module, given: object, output: Tensor, neuron: int = neuron) -> Tensor:
                    changed = output.clone()
                    changed[:, neuron] = 0
                    return changed

                hook = made.get_submodule(layer.name).register_forward_hook(zero)
                made(values[n_rows:])
                hook.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", required=True, help="folder with idx files of MNIST")
    parser.add_argument("--rows", type=int, default=2000, help="test rows")
    parser.add_argument("--denoting", type=int, default=20, help="neurons of every layer that are resampled 20 times")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    main(arguments.root, arguments.rows, arguments.denoting)
