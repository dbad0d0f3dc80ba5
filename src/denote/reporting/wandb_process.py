"""The process that speaks to W&B: it reads messages, one JSON text a line, and carries them out in their order.

denote starts it as a file of its own (``wandb_pipe``), so that whatever W&B does, hangs in or leaves behind ends with
it: its server may be gone, its service may be killed, its package may be broken. It answers with lines: a ``run`` and
the ``folder`` in which it begins, later the ``run`` alone once it is whole; or why W&B ``failed``, with which it ends.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

REACH = 3.0
"""Seconds in which W&B's host must take a connection."""

INIT = 10
"""Seconds in which W&B must answer that a run begins."""

ROOM = 1 << 16
"""Bytes of disk that must be free before a run begins and after it has ended."""

LAST = 60.0
"""Seconds that this process goes on once denote has ended."""


class InOurGroup(subprocess.Popen[Any]):
    """A process in this process group: W&B's service asks for one of its own, and would outlive a kill of ours."""

    def __init__(self, *args: Any, start_new_session: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)


def main() -> None:
    """Carry out messages until there are no more."""
    online = sys.argv[1] == "online"
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 1)  # W&B's words would stand between our answers
    os.dup2(silent, 2)
    subprocess.Popen = InOurGroup  # type: ignore[misc]

    def answer(**said: Any) -> None:
        with suppress(OSError):  # denote may have ended
            print(json.dumps(said), file=answers, flush=True)

    try:
        carry_out(messages(LAST), answer, online=online)
    except BaseException as error:
        lines = str(error).strip().splitlines() or [""]
        answer(failed=f"{type(error).__name__}: {lines[0]}"[:300])
        end()


def end() -> None:
    """End this process and all that it started."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


def messages(limit: float) -> Iterator[dict[str, Any]]:
    """Yield messages as they come.

    They are taken off the pipe at once, however long W&B takes, so that denote never waits to write.

    Args:
        limit: Seconds for what is left to be done once no more come; then this process is killed.
    """
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        lines.put(None)
        last = threading.Timer(limit, end)
        last.daemon = True
        last.start()

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get()) is not None:
        yield json.loads(line)


def carry_out(asked: Iterator[Mapping[str, Any]], answer: Any, *, online: bool) -> None:
    """Make runs and log into them; those that are open at the end have failed.

    Args:
        asked: Messages.
        answer: Says an event.
        online: Whether W&B's server is spoken to; otherwise every run is written to disk.
    """
    if online:
        reach(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    import wandb

    runs: dict[str, Any] = {}
    replaced: dict[str, list[str]] = {}
    for message in asked:
        name, do = message["run"], message["do"]
        if do == "init":
            run = runs[name] = begin(wandb, message["given"], online=online)
            answer(run=name, folder=str(Path(run.dir).parent), url=run.url if online else None)
        elif do == "define":
            runs[name].define_metric(message["metric"], step_metric=message["step"], summary=message["summary"])
        elif do == "log":
            log(wandb, runs[name], message)
        elif do == "summary":
            runs[name].summary.update(message["values"])
        elif do == "artifact":
            keep(wandb, runs[name], message)
        elif do == "use" and online:
            with suppress(Exception):  # it is not there: its run is kept elsewhere, and its name stands in the settings
                runs[name].use_artifact(f"{message['name']}:latest")
        elif do == "replace":
            replaced.setdefault(name, []).append(message["folder"])
        elif do == "finish":
            run = runs.pop(name)
            run.finish(exit_code=message["exit_code"])
            check_room(Path(run.dir).parent.parent)
            for folder in [*replaced.pop(name, ()), *earlier(Path(run.dir).parent, name)]:
                shutil.rmtree(folder, ignore_errors=True)
            if online:  # the server has them
                shutil.rmtree(Path(run.dir).parent.parent / "artifacts" / name, ignore_errors=True)
            answer(run=name)
    for run in runs.values():
        run.summary.update({"status": "crashed"})
        run.finish(exit_code=1)


def earlier(folder: Path, key: str) -> list[Path]:
    """Return the folders of earlier runs of the same id, which a run continues: it has all that they have.

    Later ones stay: two processes may have trained one network, and each ends with what the other began.

    Args:
        folder: The run's folder, ``offline-run-20260101_120000-ID``.
        key: The run's id.
    """

    def began(path: Path) -> str:
        return path.name.removeprefix("offline-")

    same = [path for kind in ("run", "offline-run") for path in folder.parent.glob(f"{kind}-*-{key}")]
    return [path for path in same if path != folder and began(path) <= began(folder)]


def keep(wandb: Any, run: Any, message: Mapping[str, Any]) -> None:
    """Keep files as an artifact that the run made, or that it was made from."""
    artifact = wandb.Artifact(message["name"], type=message["type"], metadata=message["metadata"])
    for name, path in message["files"].items():
        artifact.add_file(path, name=name, policy="immutable", skip_cache=True)
    # The public `use_artifact` waits for the upload, and refuses offline; this notes it for the server, or for a sync.
    noted = getattr(run, "_log_artifact", None) if message["is_input"] else None
    if noted is None:
        run.log_artifact(artifact)
    else:
        noted(artifact, use_after_commit=True)


def reach(url: str) -> None:
    """Open a connection to a server, unless a proxy does that.

    Raises:
        OSError: if nobody takes it.
    """
    place = urlparse(url)
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")):
        return
    port = place.port or (80 if place.scheme == "http" else 443)
    socket.create_connection((place.hostname or "", port), timeout=REACH).close()


def check_room(folder: Path) -> None:
    """Write something into a folder: where W&B cannot, it takes a temporary one, or loses what it is told.

    Raises:
        OSError: if it cannot be written to, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(ROOM))


def begin(wandb: Any, given: Mapping[str, Any], *, online: bool) -> Any:
    """Open a run, of whose machine W&B learns nothing: no host, folder, command, or repository that is there by chance.

    Raises:
        OSError: if nothing can be written into its folder.
    """
    check_room(Path(given["dir"]) / "wandb")
    quiet = {"silent": True, "console": "off", "x_disable_stats": True, "disable_code": True, "x_disable_meta": True}
    return wandb.init(
        **{key: value for key, value in given.items() if key not in ("mode", "sweep_id")},
        mode=given["mode"] if online else "offline",
        resume="allow" if online else None,
        reinit="create_new",
        settings=wandb.Settings(**quiet, init_timeout=INIT, sweep_id=given.get("sweep_id")),
    )


def log(wandb: Any, run: Any, message: Mapping[str, Any]) -> None:
    """Log values, tables and pictures as one step."""
    values = dict(message["values"])
    values |= {name: wandb.Table(**table) for name, table in message["tables"].items()}
    with tempfile.TemporaryDirectory(prefix="denote-wandb-") as folder:
        for at, (name, pictures) in enumerate(message["pictures"].items()):
            values[name] = [
                wandb.Image(saved(picture, Path(folder) / f"{at}-{number}.png"), caption=caption)
                for number, (picture, caption) in enumerate(pictures)
            ]
        run.log(values)


def saved(picture: str, path: Path) -> str:
    """Write a picture that came as text to a file, and return its path."""
    path.write_bytes(base64.b64decode(picture))
    return str(path)


if __name__ == "__main__":
    main()
