"""W&B's own file of a run."""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK, FILE_HEADER, HEADER = 32768, 7, 7


def records(path: Path) -> Iterator[bytes]:
    """The records of a file in LevelDB's log format: blocks of chunks with checksum, length and kind before each.

    Kinds 1 and 4 end a record; a chunk never crosses a block, and a block's last bytes are left empty.
    """
    data, at, record = path.read_bytes(), FILE_HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        if at + HEADER + length > len(data):
            return  # still being written
        record += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):
            yield record
            record = b""


def finished(path: Path) -> list[Any]:
    """The records of a run that has ended; W&B's own process writes the last of them after ``finish`` returned."""
    from wandb.proto import wandb_internal_pb2

    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = [wandb_internal_pb2.Record.FromString(data) for data in records(path)]
        if found and found[-1].HasField("exit"):
            return found
        time.sleep(0.1)
    raise TimeoutError(path)
