"""The worker's HTTP server: `/metrics`, `/ready` and `/live`, in threads of its own.

A scrape asks the event loop to read the boards, then shows the new snapshot. Faust's own web server is not started: it
would show table contents to anybody, even before they are recovered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import orjson

from stream.errors import ServeError
from stream.gauges.metrics import Respond
from stream.gauges.server import LIMITS, Server
from stream.gauges.snapshot import Published

STALLED_AFTER = 60.0
SCRAPES = LIMITS.connections // 2
PLAIN = ("Content-Type", "text/plain; charset=utf-8")
INDEX = b"""<!doctype html><title>flowgauge</title><h1>flowgauge</h1>
<p><a href=/metrics>metrics</a> <a href=/ready>ready</a> <a href=/live>live</a>
"""


class Page:
    """Answers requests; closed with `stop`."""

    def __init__(self, host: str, port: int, published: Published, metrics: Callable[..., Iterable[bytes]]) -> None:
        self._metrics = metrics
        self._published = published
        # Slow readers of /metrics must leave connections for /ready and /live.
        self._scrapes = threading.BoundedSemaphore(SCRAPES)
        try:
            self._server = Server(host, port, self._answer)
        except OSError as error:
            raise ServeError(
                f"cannot serve on {host}:{port}: {error.strerror or error}. "
                "Set FLOW_WEB_HOST to an address of this machine and FLOW_WEB_PORT to a free port"
            ) from None

    def start(self) -> None:
        """Start to answer, unless `stop` was called before."""
        self._server.start()

    def stop(self) -> None:
        """Stop answering and free the port, within a second."""
        self._server.stop()

    def _answer(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "GET":
            return self._get(environ, respond)
        if method == "HEAD":
            return self._head(environ, respond)
        respond("405 Method Not Allowed", [PLAIN, ("Allow", "GET, HEAD")])
        return [b"use GET or HEAD\n"]

    def _head(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        begun: list[Any] = []
        body = self._get(environ | {"REQUEST_METHOD": "GET"}, lambda *args: begun.extend(args))
        length = str(sum(map(len, body)))
        status, headers = begun
        respond(status, [*(header for header in headers if header[0] != "Content-Length"), ("Content-Length", length)])
        return []

    def _get(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._scrape(environ, respond)
        if path == "/ready":
            return self._ready(respond)
        if path == "/live":
            return self._live(respond)
        if path == "/":
            respond("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [INDEX]
        respond("404 Not Found", [PLAIN])
        return [b"not found; try /metrics, /ready or /live\n"]

    def _scrape(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        if not self._scrapes.acquire(blocking=False):
            respond("503 Service Unavailable", [PLAIN, ("Retry-After", "1")])
            yield b"too many scrapes at once; try again\n"
            return
        try:
            yield from self._metrics(environ, respond)
        finally:
            self._scrapes.release()

    def _ready(self, respond: Respond) -> Iterable[bytes]:
        snapshot = self._published.snapshot
        reasons = [{"reason": reason, "detail": detail} for reason, detail in snapshot.reasons]
        return _json(respond, snapshot.ready, {"ready": snapshot.ready, "reasons": reasons})

    def _live(self, respond: Respond) -> Iterable[bytes]:
        silent = monotonic() - self._published.heartbeat
        alive = silent < STALLED_AFTER
        return _json(respond, alive, {"live": alive, "seconds_since_heartbeat": round(silent, 3)})


def _json(respond: Respond, good: object, body: dict[str, Any]) -> Iterable[bytes]:
    status = "200 OK" if good else "503 Service Unavailable"
    respond(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)]
