"""The control task: labels that belong to types, which only a memory of types can read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cell_observations import observe_cells

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples
from denote.evidence.controls.control_task import TaskDraws
from denote.evidence.rule import Rule
from denote.observers.linear import LinearProbe


def halves(columns: dict[str, np.ndarray], cut: int) -> Halves[Labels]:
    labels = Labels(tuple(columns), ("named",) * len(columns), np.stack(list(columns.values()), 1).astype(np.int8))
    return Halves(labels.at(np.arange(cut)), labels.at(np.arange(cut, len(labels.values))))


def of(codes: np.ndarray, cut: int) -> Halves[np.ndarray]:
    return Halves(codes[:cut], codes[cut:])


def task(n_types: int = 40, min_rows: int = 1, **settings: int) -> TaskDraws:
    """Two attributes of 800 + 800 rows; the last type is only in *fit*, and every 11th row has none."""
    types = np.arange(1600) % n_types
    types[800:][types[800:] == n_types - 1] = -1
    types[::11] = -1
    rng = np.random.default_rng(0)
    columns = {"half": rng.random(1600) < 0.5, "rare": rng.random(1600) < 0.1}
    draws = {"n_draws": settings.pop("n_draws")} if "n_draws" in settings else {}
    return TaskDraws(ControlSamples(halves(columns, 800), types=of(types, 800), min_rows=min_rows, **settings), **draws)


def test_a_label_belongs_to_a_recurring_type_and_other_rows_are_null() -> None:
    control = task()
    assert control.samples.types is not None
    types = np.concatenate([control.samples.types.fit, control.samples.types.test])
    draws = list(control.draws())
    assert len(draws) == 5
    for draw in draws:
        values = np.concatenate([draw.labels.fit.values, draw.labels.test.values])
        assert ((values == -1).all(1) == ((types < 0) | (types == 39))).all()
        assert all(len(np.unique(values[types == one], axis=0)) == 1 for one in range(39))
    assert (draws[0].labels.fit.values != draws[1].labels.fit.values).any()


def test_types_are_positive_as_often_as_the_attribute() -> None:
    control = task(n_types=700, n_draws=20)
    shares = np.mean([(draw.labels.fit.values == 1).sum(0) / (draw.labels.fit.values >= 0).sum(0)
                      for draw in control.draws()], axis=0)  # fmt: skip
    expected = control.samples.labels.fit.values.mean(0)
    # 20 labellings of about 700 types: a standard deviation of at most .005.
    assert shares == pytest.approx(expected, abs=0.025)


def test_an_attributes_labels_depend_on_neither_its_place_nor_the_number_of_draws() -> None:
    control = task()
    own = control.samples.labels
    turned = Halves(*(Labels(part.names[::-1], part.families, part.values[:, ::-1]) for part in (own.fit, own.test)))
    other = TaskDraws(replace(control.samples, labels=turned), n_draws=2)
    for draw, again in zip(control.draws(), other.draws(), strict=False):
        assert (draw.labels.test.values == again.labels.test.values[:, ::-1]).all()
        assert draw.labels.fit.names == again.labels.fit.names[::-1]
    assert len(list(other.draws())) == 2


def test_a_labelling_with_too_few_rows_is_drawn_again_or_left_out() -> None:
    again = task(n_types=10, min_rows=60)  # 73 rows a type: at .1 a labelling of 9 types often has none
    for draw in again.draws():
        for values in (draw.labels.fit.values, draw.labels.test.values):
            assert min((values == 1).sum(0).min(), (values == 0).sum(0).min()) >= 60
    never = task(n_types=3, min_rows=800)
    assert list(never.draws()) == []
    real = {"attribute": never.samples.labels.fit.names}
    found = never.answer(real, [])
    assert np.isnan(found["control_task_auroc"]).all()
    assert found["note"] == ["control_task_auroc: no labelling has enough rows of both labels"] * 2


def test_the_answer_is_the_mean_over_the_draws_there_are() -> None:
    control = task(n_draws=3)
    drawn = [
        {"attribute": ("half", "rare"), "auroc": np.array([0.6, 0.9])},
        {"attribute": ("half",), "auroc": np.array([0.7])},
        {"attribute": ("half", "rare"), "auroc": np.array([0.8, np.nan])},
    ]
    found = control.answer({"attribute": ("half", "rare")}, drawn)
    assert found["control_task_auroc"] == pytest.approx([0.7, 0.9])
    few = "control_task_auroc: only 39 types recur, which may be read without memory"
    assert found["note"] == [few, f"{few}; mean of 1 draws"]


@pytest.mark.parametrize(
    ("types", "classes", "reason"),
    [
        (None, None, "the data has no types"),
        (np.arange(80), None, "no type occurs in both fit and test"),
        (np.arange(80) % 5, np.arange(80) % 5, "the types are sets of the target's classes"),
        (np.arange(80) % 10 // 2, np.arange(80) % 10, "the types are sets of the target's classes"),
    ],
)
def test_without_types_that_recur_and_are_not_the_target_there_is_none(
    types: np.ndarray | None, classes: np.ndarray | None, reason: str
) -> None:
    labels = halves({"x": np.arange(80) % 2}, 40)
    both = [None if codes is None else of(codes, 40) for codes in (types, classes)]
    control = TaskDraws(ControlSamples(labels, types=both[0], classes=both[1]))
    assert list(control.draws()) == []
    found = control.answer({"attribute": ("x",)}, [])
    assert np.isnan(found["control_task_auroc"]).all()
    assert found["note"] == [f"control_task_auroc: {reason}"]


def test_types_finer_than_the_classes_are_a_task() -> None:
    types = np.arange(80) % 20
    control = TaskDraws(
        ControlSamples(halves({"x": np.arange(80) % 2}, 40), types=of(types, 40), classes=of(types % 5, 40))
    )
    assert len(list(control.draws())) == 5


def test_a_memory_of_types_reads_the_task_and_noise_does_not() -> None:
    control = task(min_rows=25)
    assert control.samples.types is not None
    types = control.samples.types
    memory = Halves(*((side[:, None] == np.arange(40)).astype(np.float32) for side in (types.fit, types.test)))
    noise = np.random.default_rng(0).standard_normal((1600, 5)).astype(np.float32)
    read, blind = (
        observe_cells(state, control.samples.labels, LinearProbe(), Rule(), shuffles=0, label_controls=[control])
        for state in (memory, Halves(noise[:800], noise[800:]))
    )
    assert read.cells["control_task_auroc"].to_list() == [1, 1]
    # A mean of 5 AUROC of about 65 + 585 rows: standard deviation below .025.
    assert blind.cells["control_task_auroc"].to_list() == pytest.approx([0.5, 0.5], abs=0.09)
    assert read.replicates.select("control", "draw", "attribute").rows() == [
        ("control_task", draw, name) for draw in range(5) for name in ("half", "rare")
    ]
