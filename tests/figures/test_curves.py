"""Curves: which rows of the tables belong together, and what is said where a choice is missing."""

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.errors import DenoteError
from denote.figures.curves import choose, curves, is_untested, some, thinned


@pytest.fixture(scope="module")
def neurons() -> pl.DataFrame:
    trained = synthetic.neuron_table(2, 3, 6)
    return pl.concat(
        [trained, synthetic.neuron_table(2, 3, 6, trained=False), trained.with_columns(family=pl.lit("f"))]
    )


def test_curves_part_the_rows_without_loss_or_overlap(neurons: pl.DataFrame) -> None:
    found = curves(neurons)
    assert len(found) == 3
    assert sum(len(curve.of(neurons)) for curve in found) == len(neurons)
    assert len({curve.slug for curve in found}) == 3


def test_null_epochs_are_a_curve_of_their_own(neurons: pl.DataFrame) -> None:
    unknown = neurons.with_columns(epoch=pl.lit(None, pl.Int64))
    assert [len(curve.of(unknown)) for curve in curves(unknown)] == [
        len(curve.of(neurons)) for curve in curves(neurons)
    ]


def test_choose_takes_the_last_epoch_and_refuses_what_is_ambiguous_or_missing(neurons: pl.DataFrame) -> None:
    early = neurons.with_columns(epoch=pl.lit(1, pl.Int64))
    assert choose(pl.concat([early, neurons]), family="subsets", trained=True).epoch == 20
    with pytest.raises(DenoteError, match="2 curves answer to trained=True"):
        choose(neurons, trained=True)
    with pytest.raises(DenoteError, match=r"0 curves answer to family=subset.*allowed"):
        choose(neurons, family="subset")


def test_thinned_keeps_the_ends_and_some_counts_the_rest() -> None:
    assert thinned("abc", 5) == [0, 1, 2]
    kept = thinned([str(i) for i in range(50)], 12)
    assert (kept[0], kept[-1], len(kept)) == (0, 49, 12)
    assert some(["a", "b", "c"], 2) == "a, b and 1 more"


def test_only_the_head_is_untested_which_is_the_last_layer_where_nothing_is_known() -> None:
    rows = pl.DataFrame({"relative_depth": [0.0, 1.0, 1.0, 1.0, None], "is_head": [False, False, True, None, None]})
    assert rows.select(is_untested()).to_series().to_list() == [False, False, True, True, False]
