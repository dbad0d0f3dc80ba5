"""The guard around all that is tracked: whatever fails there costs no result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from denote.errors import told

log = logging.getLogger(__name__)


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Leave the block at the first error, and say it in one warning. Interruptions and time limits pass.

    Args:
        what: Names what is not tracked: ``sweep demo``.
    """
    try:
        yield
    except Exception as error:
        log.warning("%s cannot be tracked (%s)", what, told(error))
        log.debug("why it cannot be tracked", exc_info=True)
