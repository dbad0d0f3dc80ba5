"""W&B's own file of a run."""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
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


@dataclass
class Logged:
    """A run as its file has it.

    Attributes:
        id: Its id.
        name: Its name.
        group: Its group.
        job_type: Its type.
        project: Its project.
        tags: Its tags.
        config: Settings by key.
        summary: Numbers and texts by name; a table or picture is a mapping.
        history: Rows, without W&B's own columns.
        steps: The x axis of metrics, by name or by ``NAME/*``.
        artifacts: Artifacts that are no tables of the run, by name: type, metadata, and files.
        inputs: Names of those artifacts from which it was made.
        exit_code: How it ended.
    """

    id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    project: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, tuple[str, dict[str, Any], dict[str, Path]]] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)
    exit_code: int | None = None

    @property
    def keys(self) -> set[str]:
        """Names of its metrics, tables and pictures."""
        return {key for row in (self.summary, *self.history) for key in row if not key.startswith("_")}

    def line(self, x: str, y: str) -> list[tuple[Any, Any]]:
        """Return the points of one metric against another."""
        return [(row[x], row[y]) for row in self.history if x in row and y in row]


def logged(path: Path) -> Logged:
    """Read a run that has ended."""
    run = Logged()
    for record in finished(path):
        _take(run, record)
    return run


def runs_in(folder: Path) -> list[Logged]:
    """Read the runs in a folder ``wandb/``, by job type and name."""
    return sorted((logged(path) for path in folder.glob("*run-*/*.wandb")), key=lambda run: (run.job_type, run.name))


def _take(run: Logged, record: Any) -> None:
    if record.HasField("run"):
        said = record.run
        run.id, run.name, run.group, run.job_type = said.run_id, said.display_name, said.run_group, said.job_type
        run.project, run.tags = said.project, list(said.tags)
        _set(run.config, said.config.update)
    _set(run.config, record.config.update)
    _set(run.summary, record.summary.update)
    if record.HasField("history"):
        row: dict[str, Any] = {}
        _set(row, record.history.item)
        run.history.append({key: value for key, value in row.items() if not key.startswith("_")})
    if record.HasField("metric") and record.metric.step_metric:
        run.steps[record.metric.glob_name or record.metric.name] = record.metric.step_metric
    if record.HasField("artifact") and record.artifact.type != "run_table":
        files = {entry.path: Path(entry.local_path) for entry in record.artifact.manifest.contents}
        metadata = json.loads(record.artifact.metadata or "{}")
        run.artifacts[record.artifact.name] = (record.artifact.type, metadata, files)
        run.inputs |= {record.artifact.name} if record.artifact.use_after_commit else set()
    if record.HasField("exit"):
        run.exit_code = record.exit.exit_code


def _set(values: dict[str, Any], items: Any) -> None:
    for item in items:
        first, *rest = [item.key] if item.key else list(item.nested_key)
        if rest:
            inner = values.setdefault(first, {})
            if isinstance(inner, dict):
                inner["/".join(rest)] = json.loads(item.value_json)
        else:
            values[first] = json.loads(item.value_json)
