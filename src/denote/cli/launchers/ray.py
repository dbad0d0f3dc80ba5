"""Run jobs on Ray: in processes of this machine, or on a cluster that runs."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from denote.cli.launchers.chunk_order import ChunkOrder
from denote.cli.launchers.engine import NORMAL, Chunk, LaunchedJob, Work, one_by_one
from denote.config.settings import OPTIONS, number
from denote.errors import ConfigError, first_line, install
from denote.progress import step
from denote.stops import LONGEST_GRACE

if TYPE_CHECKING:
    from ray import ObjectRef

LOOK = 1.0
"""Seconds between two looks at whether a chunk that is held back can begin."""

LOCAL = {"address": "local", "include_dashboard": False, "object_store_memory": 100_000_000}
"""Arguments of `ray.init` for processes of this machine."""


RESOURCES = {"num_cpus": "CPU", "num_gpus": "GPU"}
"""Arguments of `ray.remote`, and how Ray calls what a node has of them."""


@dataclass(kw_only=True)
class RayEngine:
    """Processes that Ray starts, and keeps from one job to the next unless a job has a GPU.

    Attributes:
        init: Arguments of `ray.init`; without an ``address`` processes of this machine are started.
        remote: What a job needs and how Ray treats it: arguments of `ray.remote`.
    """

    init: Annotated[Mapping[str, Any], OPTIONS]
    remote: Annotated[Mapping[str, Any], OPTIONS]

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """See `Engine`."""
        return one_by_one(jobs)

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """See `Engine`."""
        self._check_numbers()
        with self._connected() as ray, step("Ray") as shown:
            self._check_resources(ray.nodes())
            options = {name: value for name, value in self.remote.items() if value is not None}
            run_chunk = ray.remote(**{"retry_exceptions": False, **options})(_run)
            order, shared = ChunkOrder(chunks), ray.put(work)
            waiting = list(range(len(chunks)))
            running: dict[ObjectRef[None], int] = {}
            try:
                while waiting or running:
                    for index in order.made_elsewhere(waiting):
                        waiting.remove(index)
                        yield index, NORMAL
                    begun = order.ready(waiting, running.values())
                    running |= {run_chunk.remote(shared, chunks[index]): index for index in begun}
                    waiting = [index for index in waiting if index not in begun]
                    shown.detail = f"{len(running)} handed to it, {len(waiting)} to come"
                    if not running:
                        time.sleep(LOOK)
                        continue
                    for ended in ray.wait(list(running), num_returns=1, timeout=LOOK)[0]:
                        yield running.pop(ended), _reason(ray, ended)
            finally:
                _cancel(ray, running)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Connect to a cluster, or start one of this machine, yield the module `ray`, and leave it at the end."""
        arguments = {name: value for name, value in self.init.items() if value is not None}
        is_local = arguments.get("address") in (None, "local")
        with _environment(_CLOSED if is_local and "ray" not in sys.modules else {}):  # Ray reads it when imported
            ray = _ray()
            try:
                ray.init(**({**LOCAL, **arguments} if is_local else arguments))
            except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError, TypeError) as error:
                raise ConfigError("hydra.launcher.ray.init", first_line(error)) from error
            try:
                yield ray
            finally:
                ray.shutdown()

    def _check_numbers(self) -> None:
        """Refuse numbers that mean nothing, before Ray is started."""
        for name in RESOURCES:
            number(0, or_else=(None,)).check(self.remote.get(name), f"hydra.launcher.ray.remote.{name}")

    def _check_resources(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Refuse what no node has: Ray would wait for such a node for ever.

        Args:
            nodes: As `ray.nodes` gives them.
        """
        alive = [node["Resources"] for node in nodes if node["Alive"]]
        for name, key in RESOURCES.items():
            asked, most = self.remote.get(name) or 0, max((node.get(key, 0) for node in alive), default=0)
            if asked > most:
                raise ConfigError(f"hydra.launcher.ray.remote.{name}", f"is {asked:g}", f"allowed: at most {most:g}")


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise ConfigError("hydra/launcher=ray", "ray is not installed", install("ray")) from error


def _run(work: Work, chunk: Chunk) -> None:
    """Run a chunk in a process of Ray."""
    work(chunk)


def _reason(ray: Any, ended: ObjectRef[None]) -> str:
    """Return how the process of a chunk ended."""
    try:
        ray.get(ended)
    except (ray.exceptions.RayError, Exception) as error:
        return f"Ray: {type(error).__name__}: {first_line(error)}"
    return NORMAL


def _cancel(ray: Any, running: Collection[ObjectRef[None]]) -> None:
    """Interrupt what runs, and kill it if it does not end."""
    for force in (False, True):
        for one in running:
            with suppress(ray.exceptions.RayError, ValueError):
                ray.cancel(one, force=force)
        if running:
            _, running = ray.wait(list(running), num_returns=len(running), timeout=LONGEST_GRACE)


_CLOSED = {
    "RAY_AUTH_MODE": "token",  # only who holds the token may run code in it: other users of this machine do not
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # listen on 127.0.0.1, as on these systems, instead of on all addresses
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # jobs that ask for no GPU see those of the machine
}
"""Environment of a cluster of this machine."""


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside the block that are not set, with a fresh token for Ray."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    if "RAY_AUTH_MODE" in added and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        added["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
