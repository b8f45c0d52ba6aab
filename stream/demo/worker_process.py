"""The demo's worker in a child process, and what its HTTP server reports."""

from __future__ import annotations

import asyncio
import errno
import http.client
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from stream.demo.child import Child, ChildOwner
from stream.errors import ServeError

PORTS_TRIED = 100
ANSWER_SECONDS = 5.0

_EVENTS = re.compile(r"^flow_events_total(?:\{[^\n]*\})? (\S+)", re.MULTILINE)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class WorkerProcess(ChildOwner):
    """A `flowgauge worker` in a child process, which serves HTTP at `host` and `port`."""

    def __init__(self, config: Path, env: Mapping[str, str], host: str, port: int, log: Path) -> None:
        """Start it. Its output goes to the file `log`."""
        self._host, self._port, self._log = host, port, log
        with log.open("wb") as out:
            self._child = Child("stream.demo.child", ["worker", "-c", str(config)], env=env, out=out)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self._host}:{self._port}"

    def check(self) -> None:
        """Raise ServeError, with the last line that the worker printed, if it has ended."""
        status = self._child.ended()
        if status is not None:
            lines = _CONTROL.sub("", self._log.read_text("utf-8", errors="replace")).split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
            raise ServeError(f"the worker ended with status {status}: {last}")

    async def events(self) -> int:
        """Return how many events the worker has processed since its start; 0 while it does not answer."""
        _, page = await asyncio.to_thread(self._get, "/metrics")
        return int(sum(float(value) for value in _EVENTS.findall(page)))

    async def not_ready(self) -> str:
        """Return why its numbers are not true yet, as `/ready` says it; "" when they are."""
        status, page = await asyncio.to_thread(self._get, "/ready")
        return "" if status == http.client.OK else " ".join(page.split()) or "it does not answer"

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


def free_port(host: str, wanted: int) -> int:
    """Return the first free port, starting with `wanted`. Raises ServeError if there is none, or no such address."""
    for port in range(wanted, min(wanted + PORTS_TRIED, 65_536)):
        try:
            with socket.create_server((host, port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                why = error.strerror or error
                raise ServeError(f"cannot serve on '{host}:{port}' ({why}): set FLOW_WEB_HOST or --port") from error
    raise ServeError(f"no port from {wanted} on is free at '{host}': give another --port")
