"""Ask W&B's server whether it is of use, before its client is loaded, which would wait for minutes."""

from __future__ import annotations

import os
import queue
import threading
from http import HTTPStatus
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from denote.errors import first_line

REACH = 2.5
"""Seconds in which the server must have answered, looking up its name included."""

OFFICIAL = "https://api.wandb.ai"


class UnreachableError(Exception):
    """A server of no use; the message says which and why."""


def server() -> str:
    """Return the address of the server that W&B's client uses."""
    return os.environ.get("WANDB_BASE_URL") or OFFICIAL


def check_reachable(url: str) -> None:
    """Ask a server whether it is well. One that is not costs no more than `REACH`.

    Args:
        url: Its address.

    Raises:
        UnreachableError: if it is not there, does not answer in time, or says that it is of no use.
    """
    heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # A thread, as the limits of a socket hold for each of its steps, and for a look-up of its name not at all.
    threading.Thread(target=lambda: heard.put(_ailment(url)), daemon=True).start()
    try:
        ailment = heard.get(timeout=REACH)
    except queue.Empty:
        ailment = f"gives no answer in {REACH:g} s"
    if ailment is not None:
        raise UnreachableError(f"{url} {ailment}")


def _ailment(url: str) -> str | None:
    """Return what is wrong with a server; None where it may be used."""
    try:
        urlopen(f"{url.rstrip('/')}/healthz", timeout=REACH).close()  # noqa: S310 # the address that W&B's client uses
    except HTTPError as error:
        refuses = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR  # others: a server or a proxy that knows no such page
        return f"answers {error.code} ({error.reason})" if refuses else None
    except URLError as error:
        # W&B's client has certificates of its own.
        return None if isinstance(error.reason, SSLError) else f"is not reached ({_reason(error.reason)})"
    except Exception as error:
        return f"is not reached ({first_line(error)})"
    return None


def _reason(of: str | BaseException) -> str:
    if isinstance(of, OSError) and of.strerror:
        return of.strerror
    return first_line(of) if isinstance(of, BaseException) else of
