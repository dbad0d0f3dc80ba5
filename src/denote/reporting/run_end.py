"""How a tracked run ended: its exit code, and what its summary says to people who do not sit at this machine."""

from __future__ import annotations

from denote.config.environment import without_values
from denote.errors import shortened, told
from denote.reporting.page.machine_paths import without_machine
from denote.reporting.tracked_run import Run
from denote.stops import TimeLimitError

STATUS, ERROR = "status", "error"
"""Keys of a run's summary that say how it ended."""

FINISHED, FAILED, INTERRUPTED, TIMED_OUT, CRASHED = "finished", "failed", "interrupted", "timed out", "crashed"
"""What `STATUS` says; a run whose process was killed is ``crashed``."""

EXIT_CODES = {FINISHED: 0, FAILED: 1, TIMED_OUT: 1, CRASHED: 1, INTERRUPTED: 255}
"""Exit codes of runs; 255 is what W&B shows as killed by its user."""

LONGEST = 300
"""Characters of `ERROR`."""


def end(run: Run, status: str, error: str | None = None) -> None:
    """Say how a run ended, and that nothing more comes.

    Args:
        run: The run.
        status: One of `EXIT_CODES`.
        error: From `error_line`; None where nothing went wrong.
    """
    run.summarize({STATUS: status} if error is None else {STATUS: status, ERROR: error})
    run.finish(EXIT_CODES[status])


def status_after(error: BaseException) -> str:
    """Return the status of a run whose body raised."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return TIMED_OUT if isinstance(error, TimeLimitError) else FAILED


def error_of(error: BaseException) -> str:
    """Return an error as a run's summary tells it; see `error_line`."""
    return error_line(type(error).__name__, told(error))


def error_line(kind: str, message: str) -> str:
    """Return class and first line of an error, without folders of this machine and values of environment variables.

    Args:
        kind: Name of the error's class.
        message: Its text, which may begin with the class.
    """
    line = next(iter(message.strip().splitlines()), "")
    whole = line if line.startswith(kind) or not line else f"{kind}: {line}"
    return shortened(str(without_machine(without_values(whole))), LONGEST) or kind
