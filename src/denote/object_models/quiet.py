"""Lightning without the remarks that a user of denote cannot act on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.rank_zero")
_REMARKS = (
    ".*does not have many workers.*",  # samples are in memory: workers would only copy them
    ".*number of training batches.*is smaller than the logging interval.*",  # logged per epoch
    ".*Checkpoint directory .* exists and is not empty.*",  # that is how training resumes
    ".*GPU available but not used.*",  # the user chose the device
    ".*LeafSpec.*is deprecated.*",  # Lightning's own use of torch
    ".*ModelCheckpoint.*monitor.*",
    ".*dirpath.*that have changed.*",
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's hints and its start-up lines inside the block; errors and other warnings pass."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for remark in _REMARKS:
            warnings.filterwarnings("ignore", message=remark)
        try:
            for name in levels:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
