"""Servers for the tests of `deploy/`: the alert sink, Alertmanager, and a mail server that keeps its mails."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.tools.debian import tool
from tests.tools.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
ALERTMANAGER = DEPLOY / "alertmanager"
SINK = "alert-sink:9094"
MAIL = "mailpit:1025"
START_SECONDS = 20.0

Json = dict[str, Any]


def ask(url: str, body: Any = None, method: str | None = None) -> Any:
    """Send a request, and return the JSON of the answer; None if it is empty."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text.startswith((b"{", b"[")) else None


def until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait until a condition returns a true value, and return that. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.1)
    return found


@contextmanager
def running(command: list[str], url: str, folder: Path, log: Path) -> Iterator[None]:
    """Run a server until the block ends. It is up when `url` answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            until(lambda: _answers(process, url, log), START_SECONDS, url)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _answers(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        ask(url)
    except URLError:
        return False
    return True


@contextmanager
def alert_sink(folder: Path) -> Iterator[str]:
    """Run the alert sink on a free port. Gives its address, `host:port`."""
    port = free_port()
    command = [sys.executable, str(DEPLOY / "alert_sink.py"), "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}/received", folder, folder / "sink.log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def alertmanager(folder: Path, sink: str, mail: str, change: Callable[[str], str] = str) -> Iterator[str]:
    """Run Alertmanager with the files of `deploy/` and other addresses. `change` may change the configuration."""
    home = folder / "alertmanager"
    copytree(ALERTMANAGER / "templates", home / "templates")
    copytree(ALERTMANAGER / "secrets" / "example", home / "secrets")
    for secret in (home / "secrets").iterdir():
        secret.write_text(secret.read_text("utf-8").replace(SINK, sink), "utf-8")
    text = (ALERTMANAGER / "alertmanager.yml").read_text("utf-8")
    assert SINK in text
    assert MAIL in text
    (home / "alertmanager.yml").write_text(change(text.replace(SINK, sink).replace(MAIL, mail)), "utf-8")
    port = free_port()
    command = [str(tool("alertmanager")), "--config.file=alertmanager.yml", f"--storage.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with running(command, f"http://127.0.0.1:{port}/-/ready", home, folder / "alertmanager.log"):
        yield f"http://127.0.0.1:{port}"


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server on a free loopback port, which keeps its mails in `mails`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _Mail)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Its address, `host:port`."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        """Serve the part of SMTP that Alertmanager needs."""
        self._say("220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                self._take()
            self._say("221 bye" if word == b"QUIT" else "250 ok")

    def _take(self) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        self.server.mails.append(b"".join(lines).decode())

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
