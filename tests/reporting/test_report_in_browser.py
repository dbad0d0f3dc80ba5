"""A real browser opens the report: no request leaves it, no error reaches its console, nothing runs."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--window-size=1280,2400",
]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")


def browse(page: Path, folder: Path) -> tuple[str, list[str], set[str]]:
    """The page's DOM, the lines of its console, and the addresses that it (not the browser itself) asked for."""
    assert BROWSER is not None
    log = folder / "net.json"
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    events = json.loads(log.read_text())["events"]
    # The browser's own look-ups carry the initiator "not an origin"; what a page asks for carries the page's.
    asked = {
        event["params"]["url"]
        for event in events
        if "url" in event.get("params", {}) and event["params"].get("initiator") not in (None, "not an origin")
    }
    return done.stdout, console, asked


def test_the_report_opens_alone_and_silently(report: Path, tmp_path: Path) -> None:
    dom, console, asked = browse(report, tmp_path)
    assert console == []
    assert not [url for url in asked if url.startswith(("http", "ws"))]
    assert "What do the neurons of" in dom
    assert "alert(1)" in dom
    assert "<img src=" not in dom


def test_this_test_would_see_an_error_and_a_request(tmp_path: Path) -> None:
    page = tmp_path / "loud.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('loud')</script>")
    _, console, asked = browse(page, tmp_path)
    assert any("loud" in line for line in console)
    assert any(url.startswith("http://127.0.0.1:9/") for url in asked)
