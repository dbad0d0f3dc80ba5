"""A server that speaks enough of W&B's protocol to take runs, and that misbehaves on demand.

python scripts/drills/wandb_server.py --port 8765 --first well --then never
WANDB_BASE_URL=http://127.0.0.1:8765 WANDB_API_KEY=$(printf '0%.0s' $(seq 40)) denote debug=fast

It listens on 127.0.0.1 alone. How it behaves changes from ``first`` to ``then`` when the first run was created:

- well: answers at once, as W&B does
- never: takes connections and requests, and answers nothing
- slow: answers well, each request after 3 s
- dead: nothing listens, and open connections are reset
- a number, such as 401 or 500: answers every request with this HTTP status
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW = 3.0
"""Seconds before each answer of a slow server."""

DEAD, NEVER, SLOWLY, WELL = "dead", "never", "slow", "well"

Answerer = Callable[[str, dict[str, Any]], dict[str, Any] | None]


class WandbServer:
    """The server, in threads of this process, from entering to leaving its ``with``.

    Args:
        first: How it behaves at first, see above.
        then: How it behaves once a run was created; None: as before.
        port: Where it listens; 0 takes a free one.
        more: Answers further GraphQL operations, by kind and variables; None of those that it does not know.

    Attributes:
        url: Its address, for ``WANDB_BASE_URL``.
        requests: Number of requests by kind: the GraphQL operation, else the method and the first part of the path.
        history: Rows that runs have logged, by the run's id.
        ended: Exit codes of runs that said that they are complete, by the run's id.
    """

    def __init__(self, first: str = WELL, then: str | None = None, port: int = 0, more: Answerer | None = None) -> None:
        self.behaviour, self.then, self.more = first, then, more
        self.requests: Counter[str] = Counter()
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.ended: dict[str, int] = {}
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        if first == DEAD:
            with socket.socket() as free:
                free.bind(("127.0.0.1", port))
                self.port = free.getsockname()[1]
        else:
            self._server = _Listener(("127.0.0.1", port), _Handler)
            self._server.owner = self
            self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> WandbServer:
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """Listen no more, and reset every open connection."""
        self._closing.set()
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        for connection in list(self._connections):
            # Zero seconds of lingering: the other side sees a reset, as of a host that went away.
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def turn(self) -> None:
        """Change the behaviour to ``then``: the first run was created."""
        if self.then is None:
            return
        self.behaviour, self.then = self.then, None
        if self.behaviour == DEAD:
            threading.Thread(target=self.die, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the server ends."""
        self._closing.wait(seconds)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: WandbServer

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.owner._connections.add(connection)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: that is what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal for whoever is tested."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        owner, behaviour = self.server.owner, self.server.owner.behaviour
        asked = json.loads(body) if self.path == "/graphql" and body else {}
        query = str(asked.get("query") or "")
        named = re.search(r"(?:query|mutation)\s+(\w+)", query)
        kind = named[1] if named else f"{self.command} /{self.path.split('/')[1]}"
        owner.requests[kind] += 1
        if behaviour == NEVER:
            owner.wait(3600)
            return
        if behaviour.isdigit():
            self._send(int(behaviour), {"errors": [{"message": f"status {behaviour} on purpose"}]})
            return
        if behaviour == SLOWLY:
            owner.wait(SLOW)
        if self.path == "/graphql":
            variables = asked.get("variables") or {}
            data = owner.more(kind, variables) if owner.more is not None else None
            self._send(200, {"data": answer(kind, query, variables, owner.url) if data is None else data})
            if kind == "UpsertBucket":
                owner.turn()
        elif "file_stream" in self.path:
            self._take_rows(json.loads(body or b"{}"))
            self._send(200, {"limits": {}})
        else:
            self._send(200, {})

    def _take_rows(self, said: dict[str, Any]) -> None:
        """Note the rows and the end of a run, ``/files/ENTITY/PROJECT/RUN/file_stream``."""
        run, owner = self.path.split("/")[-2], self.server.owner
        rows = (said.get("files") or {}).get("wandb-history.jsonl") or {}
        owner.history.setdefault(run, []).extend(json.loads(line) for line in rows.get("content") or ())
        if said.get("complete"):
            owner.ended[run] = int(said.get("exitcode") or 0)

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def answer(kind: str, query: str, variables: dict[str, Any], url: str) -> dict[str, Any]:
    """Return the data of a GraphQL answer: what W&B's client needs to go on."""
    entity = {"id": "e", "name": "drill"}
    if "viewer" in query:
        viewer = {"id": "v", "entity": "drill", "username": "drill", "email": "", "flags": "{}", "teams": {"edges": []}}
        return {"viewer": viewer}
    if "serverInfo" in query:
        return {
            "serverInfo": {"cliVersionInfo": {"max_cli_version": "99"}, "features": [], "latestLocalVersionInfo": None}
        }
    if kind == "RunResumeStatus":
        return {"model": None}
    if kind == "UpsertBucket":
        project = {"id": "p", "name": variables.get("project") or "denote", "entity": entity}
        bucket = dict.fromkeys(("description", "config", "sweepName", "historyLineCount"))
        name = variables.get("name") or "run"
        made = {**bucket, "id": _id(name), "name": name, "displayName": variables.get("displayName") or name}
        return {"upsertBucket": {"bucket": {**made, "project": project}, "inserted": True}}
    if kind == "CreateRunFiles":
        files = [{"name": name, "uploadUrl": f"{url}/upload/{_id(name)}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}
    if kind == "CreateArtifact":
        artifact = {
            "id": _id(json.dumps(variables)[:80]),
            "state": "PENDING",
            "artifactSequence": {"latestArtifact": None},
        }
        return {"createArtifact": {"artifact": artifact}}
    if kind == "CreateArtifactManifest":
        file = {"id": "f", "uploadUrl": f"{url}/upload/manifest", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
    if kind == "UpdateArtifactManifest":
        file = {"id": "f", "uploadUrl": f"{url}/upload/manifest", "uploadHeaders": []}
        return {"updateArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
    if kind == "CreateArtifactFiles":
        specs = (variables.get("input") or variables)["artifactFiles"]
        nodes = [
            {
                "storagePath": _id(spec["name"]),
                "uploadUrl": f"{url}/upload/{_id(spec['name'])}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": spec["artifactID"]},
            }
            for spec in specs
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}
    if kind == "CommitArtifact":
        return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": "d"}}}
    if kind == "MarkRunFilesUploaded":
        return {"markRunFilesUploaded": {"success": True}}
    field = re.search(r"\{\s*(\w+)", query)
    return {field[1]: None} if field else {}


def _id(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--first", default=WELL, help="how it behaves at first")
    parser.add_argument("--then", default=None, help="how it behaves once a run was created")
    asked = parser.parse_args()
    with WandbServer(asked.first, asked.then, asked.port) as server:
        print(server.url, flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            print(dict(server.requests))


if __name__ == "__main__":
    main()
