"""Training curves in a run: live while a network trains, or from the history of one that is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from denote.progress import step
from denote.reporting.run_config import EPOCH
from denote.reporting.tracked_run import Run

if TYPE_CHECKING:
    from denote.reporting.curve_logger import CurveLogger


def lightning_logger(run: Run | None) -> CurveLogger | None:
    """Lightning's logger on a run that is already open, for live training curves."""
    if run is None:
        return None
    with step("loading Lightning", once=True):
        from denote.reporting.curve_logger import CurveLogger

    run.define_metric(EPOCH)
    run.define_metric("*", step=EPOCH)
    return CurveLogger(run)


def replay(run: Run | None, history: Sequence[Mapping[str, Any]], live: CurveLogger | None = None) -> None:
    """Log the epochs of a training that were not logged while it ran: all of a model that was loaded.

    Args:
        run: An open run, or None.
        history: One row per epoch.
        live: What logged the training.
    """
    if run is None:
        return
    logged = live.logged if live is not None else ()
    for row in history:
        if row[EPOCH] not in logged:
            run.log({key: value for key, value in row.items() if value is not None})
