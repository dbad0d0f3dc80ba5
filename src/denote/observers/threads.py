"""Threads of our own for large pieces of work: each piece is single-threaded, and results keep the order of the pieces.

Torch shares every single call out among threads that wait for each other, busily; where a processor is taken by someone
else, each of many small calls then waits until that thread is scheduled. Here a thread takes a whole piece at a time
and is waited for once a pass. Pieces are cut by the data alone, so that results do not depend on how many threads
there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Pieces per thread that may be under way or wait to be taken up."""


@dataclass(frozen=True)
class Threads:
    """Threads that take pieces of work.

    Attributes:
        pool: The threads; None works in the caller's.
        count: How many they are.
    """

    pool: ThreadPoolExecutor | None = None
    count: int = 1

    def in_order(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the results in the order of the tasks, whichever is done first.

        Args:
            work: Lets go of the interpreter's lock for nearly all of its time, as large calls of torch do.
            tasks: Taken up as threads get free, so that few of them and of their results are held at a time.
        """
        if self.pool is None:
            yield from map(work, tasks)
            return
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self.pool.submit(work, task))
            if len(waiting) >= AHEAD * self.count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


ALONE = Threads()
"""The caller's own thread."""


_taken: ContextVar[int | None] = ContextVar("threads taken over from torch", default=None)
"""How many threads there are for pieces of work where torch was left one; None where torch has them all."""


def threads_available() -> int:
    """Return how many threads pieces of work may be shared out among."""
    return _taken.get() or torch.get_num_threads()


@contextmanager
def own_threads(most: float = float("inf"), device: str | torch.device = "cpu") -> Iterator[Threads]:
    """Hand out as many threads as torch would use, while torch itself uses one in each; then give them back to torch.

    Args:
        most: Of more threads there is no use.
        device: Where the work is done; only the processor needs threads.
    """
    count = int(min(threads_available(), most)) if torch.device(device).type == "cpu" else 1
    with _torch_with(1, taken=1):
        if count < 2:
            yield ALONE
            return
        # What torch and its BLAS are told about threads holds for the thread that says it.
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Threads(pool, count)


@contextmanager
def taken_over() -> Iterator[None]:
    """Leave torch one thread and keep the others for `own_threads`, through all of an observation.

    Between two pieces of work torch makes small calls; shared out, each would wait busily for threads it hardly needs.
    """
    with _torch_with(1, taken=threads_available()):
        yield


@contextmanager
def given_back() -> Iterator[None]:
    """Let torch have its threads again inside `taken_over`, for code of a user's own."""
    with _torch_with(threads_available(), taken=None):
        yield


@contextmanager
def _torch_with(count: int, taken: int | None) -> Iterator[None]:
    before, before_taken = torch.get_num_threads(), _taken.get()
    torch.set_num_threads(count)
    _taken.set(taken)
    try:
        yield
    finally:
        _taken.set(before_taken)
        torch.set_num_threads(before)
