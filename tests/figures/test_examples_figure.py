"""Thumbnails are the images of their samples in the order of their ranks, and every mistake is marked."""

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.figures.neuron_atlas import MOST_DRAWN, draw_examples, n_drawn

NEURONS = synthetic.neuron_table(1, 9, 32)
IMAGES = {sample: np.full((2, 3), 6 * sample, np.uint8) for sample in range(40)}


def test_thumbnails_are_those_of_the_samples_and_mistakes_are_crossed() -> None:
    examples = synthetic.example_table(NEURONS, 1)
    figure = draw_examples(examples, IMAGES, "here")
    ax = figure.axes[0]
    expected = [6 * sample for sample in examples["sample"]]
    np.testing.assert_allclose([image.get_array().mean() for image in ax.images], expected)  # type: ignore[union-attr]
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 2 * examples["layer"].n_unique()  # the fourth above and below the threshold
    targets = [text.get_text() for text in ax.texts if text.get_text().startswith("class ")]
    assert targets == examples["target"].to_list()
    assert {text.get_text() for text in ax.texts} >= {"largest activations", "just above the threshold (on)"}


@pytest.mark.parametrize("shape", [(4, 4), (4, 5, 3), (9, 2, 4)])
def test_every_kind_of_image_is_drawn(shape: tuple[int, ...]) -> None:
    examples = synthetic.example_table(NEURONS, 1)
    figure = draw_examples(examples, {sample: np.zeros(shape, np.uint8) for sample in range(40)})
    figure.canvas.draw()
    drawn = figure.axes[0].images[0].get_array()
    assert drawn is not None
    assert drawn.shape == shape


def test_of_many_neurons_some_of_every_depth_are_drawn_and_the_rest_counted() -> None:
    examples = synthetic.example_table(NEURONS, 9)
    figure = draw_examples(examples, IMAGES)
    number = examples.select("layer", "neuron").unique().height
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert n_drawn(examples, IMAGES) == MOST_DRAWN < number
    assert f"{number - MOST_DRAWN} more neurons" in words
    assert all(layer in words for layer in examples["layer"].unique())


def test_a_table_without_targets_is_drawn_without_them() -> None:
    examples = synthetic.example_table(NEURONS, 1)
    for before in (examples.drop("target"), examples.with_columns(target=pl.lit(None, pl.String))):
        assert "true class" not in " ".join(text.get_text() for text in draw_examples(before, IMAGES).axes[0].texts)


def test_long_names_of_classes_are_cut_above_a_thumbnail() -> None:
    examples = synthetic.example_table(NEURONS, 1).with_columns(target=pl.lit("a class with a long name"))
    assert "a class w…" in {text.get_text() for text in draw_examples(examples, IMAGES).axes[0].texts}


def test_without_images_it_says_so() -> None:
    examples = synthetic.example_table(NEURONS)
    for figure in (draw_examples(examples, {}), draw_examples(examples.clear(), IMAGES)):
        assert "no images" in figure.axes[0].texts[0].get_text()
