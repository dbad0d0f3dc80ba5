"""``dataset=states`` from files to tables: the numbers of `denote.observe` of the same arrays, and maps pooled."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import Command
from polars.testing import assert_frame_equal
from safetensors.numpy import save_file

import denote as api
from denote.data.sources.recorded_states import StatesModule
from denote.observation import Controls
from denote.tables import CELLS_KEY, NEURONS_KEY

N = 400


@pytest.fixture
def planted(tmp_path: Path) -> dict[str, np.ndarray]:
    """Two layers, of which neuron 2 of the first says whether a row is odd, and a map whose channel 1 does."""
    random = np.random.default_rng(0)
    odd = np.arange(N) % 2
    first, second = (random.standard_normal((N, width)).astype(np.float32) for width in (6, 5))
    first[:, 2] += 8 * odd
    maps = random.standard_normal((N, 3, 4, 4)).astype(np.float32)
    maps[:, 1] += 6 * odd[:, None, None]
    found = {"blocks.2.mlp": first, "blocks.10.mlp": second, "conv": maps}
    save_file(found, tmp_path / "acts.safetensors")
    table = pl.DataFrame({"odd": odd.astype(bool), "size": random.standard_normal(N)})
    table.write_csv(tmp_path / "labels.csv")
    return found


ASKED = [
    "dataset=states", "dataset.path=acts.safetensors", "dataset.table=labels.csv", "attribute=columns",
    "control.shuffled.draws=2", "control.shuffled.neuron_draws=1", "control.rotated.rotations=1", "logger=none",
    "evidence.permutations=0", "evidence.bootstraps=5", "evidence.stability=false", "evidence.examples=0",
    "figures=none",
]  # fmt: skip


def test_the_command_and_the_call_say_the_same(tmp_path: Path, planted: dict[str, np.ndarray], denote: Command) -> None:
    answer = denote(*ASKED)
    assert answer.code == 0, answer.err
    (folder,) = (tmp_path / "multirun" / "single").iterdir()
    job = api.load(folder)
    module = StatesModule(
        tmp_path / "acts.safetensors", tmp_path / "labels.csv", needs_object=False,
        split={"seed": 0, "fractions": {"object": 0.4, "fit": 0.3, "test": 0.3}},
    )  # fmt: skip
    module.setup()
    maps = planted.pop("conv")
    seen = api.observe(
        states={**planted, "conv": maps.mean(axis=(2, 3))}, attributes=pl.read_csv(tmp_path / "labels.csv")[["odd"]],
        probe=["linear", "neuron"], parts=module.parts, name="acts",
        controls=Controls(shuffles=2, neuron_shuffles=1, rotations=1),
        permutations=0, bootstraps=5, stability=False, examples=0,
    )  # fmt: skip
    identity = {
        "architecture",
        "object_model",
        "pooling",
        "neuron_name",
        "note",
        "note_codes",
        "card",
        "rival",
        "rival_balanced_accuracy",
    }
    for own, other, key in ((job.cells, seen.cells, CELLS_KEY), (job.neurons, seen.neurons, NEURONS_KEY)):
        order = [name for name in key if name not in identity]
        one, two = (frame.select(pl.exclude(identity)).sort(order) for frame in (own, other))
        assert_frame_equal(one, two, check_exact=False, abs_tol=1e-6)
    denoting = job.neurons.filter("denotes").select("layer", "neuron", "property").sort("layer")
    assert denoting.rows() == [("blocks.2.mlp", 2, "odd"), ("conv", 1, "odd")]
    # Nothing stands beside states alone, and every row says so.
    for cells in (job.cells, seen.cells):
        assert cells.select("untrained_auroc", "input_auroc").null_count().row(0) == (cells.height, cells.height)
        assert all("only states are known" in text for text in cells["note"])
    assert job.cells["object_accuracy"].null_count() == job.cells.height


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["architecture=mlp"], "architecture: MLP reads inputs, and this dataset has recorded states"),
        (["architecture.trained=false"], "of recorded states no initialisation is known"),
        (["attribute=classes"], "attribute.classes: needs classes, and dataset acts has no target"),
    ],
)
def test_what_states_cannot_have_is_said(
    planted: dict[str, np.ndarray], denote: Command, arguments: list[str], said: str
) -> None:
    answer = denote(*ASKED, *arguments)
    assert (answer.code, said in answer.err) == (2, True), answer.err


def test_recorded_stands_for_states_alone(denote: Command) -> None:
    answer = denote("architecture=recorded", "logger=none")
    assert (answer.code, "recorded stands for recorded states alone" in answer.err) == (2, True)
