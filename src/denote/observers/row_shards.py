"""Rows of a state that lie in several processes: sums over all of them, and what else processes tell each other.

Whatever a fit sums over rows it sums by `RowShards.totals`. In one process these are the sums themselves; in several
they are added up by ``torch.distributed`` (gloo, nccl), so that every process goes through the same fit with its own
rows and ends with the same coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from denote.errors import DenoteError, StateError, first_line


class RowShards:
    """All rows lie in this process.

    Attributes:
        count: Number of processes.
        rank: Place of this one, from 0.
    """

    count: int = 1
    rank: int = 0

    def totals(self, *sums: Tensor) -> tuple[Tensor, ...]:
        """Add up sums over the rows of each process, in float64; every process gets the same bits.

        Args:
            *sums: Of any shapes, the same in all processes; taken together they are one message.
        """
        return sums

    def total(self, number: int) -> int:
        """Add up a whole number."""
        return number

    def least(self, value: float) -> float:
        """Return the least of the numbers of all processes."""
        return value

    def stacked(self, value: Tensor) -> Tensor:
        """Return the tensors of all processes, of equal shapes, along a new first axis."""
        return value[None]

    def joined(self, rows: Tensor, of: int | None = None) -> Tensor:
        """Return the rows of all processes, in their order; each may have another number of rows.

        Args:
            rows: Of this process.
            of: How many there are in all where they are shared out by `share`, so that nobody has to ask.
        """
        return rows

    def of_first(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Return what the first process has."""
        return values

    def before(self, n_rows: int) -> int:
        """Return how many rows lie in the processes before this one, if this one has so many."""
        return 0

    def share(self, n: int, rank: int | None = None) -> slice:
        """Return which of ``n`` pieces of work are those of one process, by default of this one."""
        return slice(0, n)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let a mistake that one process meets inside the block, which sends nothing, end the fit in all of them."""
        yield

    def exchanged(self, pieces: Sequence[Tensor]) -> list[Tensor]:
        """Give each process the piece that is meant for it, and return what the others have for this one.

        Args:
            pieces: One a process, of one axis, of any lengths.
        """
        return list(pieces)


WHOLE = RowShards()
"""All rows lie in this process."""


class ProcessShards(RowShards):
    """Every process of a group holds some of the rows: those of the first process come first, and so on.

    All processes have to make the same fits in the same order, on processors of one kind, so that the same products
    have the same bits and all take the same number of steps.

    Args:
        group: The processes; None takes all of the default group, which has to be initialised.

    Attributes:
        messages: Collective calls so far.
        bytes: Bytes that this process gave to them.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self.group = group
        self.count, self.rank = dist.get_world_size(group), dist.get_rank(group)
        self.messages = self.bytes = 0
        self._device = torch.device("cuda" if dist.get_backend(group) == "nccl" else "cpu")

    def totals(self, *sums: Tensor) -> tuple[Tensor, ...]:
        """See `RowShards.totals`."""
        flat = torch.cat([part.reshape(-1).double() for part in sums])
        flat = self._sent(flat, lambda there: dist.all_reduce(there, group=self.group))
        parts = flat.split([part.numel() for part in sums])
        return tuple(new.view(old.shape).to(old.dtype) for new, old in zip(parts, sums, strict=True))

    def total(self, number: int) -> int:
        """See `RowShards.total`."""
        return sum(self._counts(number))

    def least(self, value: float) -> float:
        """See `RowShards.least`."""
        return float(self.stacked(torch.tensor(float(value)).double()).min())

    def stacked(self, value: Tensor) -> Tensor:
        """See `RowShards.stacked`."""
        there = value.to(self._device).contiguous()
        parts = [torch.empty_like(there) for _ in range(self.count)]
        self._sent(there, lambda own: dist.all_gather(parts, own, group=self.group))
        return torch.stack(parts).to(value.device)

    def joined(self, rows: Tensor, of: int | None = None) -> Tensor:
        """See `RowShards.joined`."""
        counts = self._counts(len(rows)) if of is None else self._shares(of)
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        return torch.cat([part[:n] for part, n in zip(self.stacked(padded), counts, strict=True)])

    def of_first(self, *values: Tensor) -> tuple[Tensor, ...]:
        """See `RowShards.of_first`."""
        first = dist.get_global_rank(self.group, 0) if self.group else 0

        def broadcast(value: Tensor) -> Tensor:
            return self._sent(value.contiguous(), lambda there: dist.broadcast(there, first, group=self.group))

        return tuple(map(broadcast, values))

    def before(self, n_rows: int) -> int:
        """See `RowShards.before`."""
        return sum(self._counts(n_rows)[: self.rank])

    def share(self, n: int, rank: int | None = None) -> slice:
        """See `RowShards.share`."""
        place = self.rank if rank is None else rank
        return slice(n * place // self.count, n * (place + 1) // self.count)

    @contextmanager
    def together(self) -> Iterator[None]:
        """See `RowShards.together`."""
        mistake: DenoteError | None = None
        try:
            yield
        except DenoteError as error:
            mistake = error
        failed = self.stacked(torch.tensor([mistake is not None]))
        if bool(failed.any()):
            where = int(failed.flatten().int().argmax())
            raise mistake or StateError(f"rows of process {where}", "cannot be fitted; that process says why")

    def exchanged(self, pieces: Sequence[Tensor]) -> list[Tensor]:
        """See `RowShards.exchanged`."""
        sizes = self.stacked(torch.tensor([len(piece) for piece in pieces]))
        sent, got = sizes[self.rank].tolist(), sizes[:, self.rank].tolist()
        came = pieces[0].new_empty(sum(got), device=self._device)
        whole = torch.cat(list(pieces))
        self._sent(whole, lambda there: dist.all_to_all_single(came, there, got, sent, group=self.group))
        return list(came.to(whole.device).split(got))

    def _shares(self, n: int) -> list[int]:
        return [share.stop - share.start for share in (self.share(n, rank) for rank in range(self.count))]

    def _counts(self, n_rows: int) -> list[int]:
        return [int(count) for count in self.stacked(torch.tensor(n_rows))]

    def _sent(self, value: Tensor, send: Callable[[Tensor], object]) -> Tensor:
        """Send a tensor from where the group's messages start, and return it where it was."""
        there = value.to(self._device)
        self.messages, self.bytes = self.messages + 1, self.bytes + there.nbytes
        try:
            send(there)
        except RuntimeError as error:  # a process that ended, or a time limit
            problem = f"process {self.rank} of {self.count} lost the others: {first_line(error)}"
            raise StateError("torch.distributed", problem, "see what ended them") from error
        return there.to(value.device)
