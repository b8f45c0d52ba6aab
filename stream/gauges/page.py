"""The worker's HTTP server: `/metrics`, `/ready` and `/live`, in threads of its own.

A scrape has the boards read on the event loop, and shows what comes of it. Faust's own web server is not started: it
would show table contents to anybody, before they are recovered.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from time import monotonic
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson

from stream.errors import ServeError
from stream.gauges.metrics import Metrics, Respond
from stream.gauges.snapshot import Wall

STALLED_AFTER = 60.0
REQUEST_TIMEOUT = 10.0
INDEX = b"""<!doctype html><title>flowgauge</title><h1>flowgauge</h1>
<p><a href=/metrics>metrics</a> <a href=/ready>ready</a> <a href=/live>live</a>
"""


class Page:
    """Answers requests; closed with `stop`."""

    def __init__(self, host: str, port: int, wall: Wall, metrics: Metrics) -> None:
        self._metrics = metrics
        self._wall = wall
        try:
            family = _ServerV6 if ":" in host else _Server
            self._server = make_server(host, port, self._answer, family, _Handler)
        except OSError as error:
            raise ServeError(
                f"cannot serve on {host}:{port}: {error.strerror or error}. "
                "Set FLOW_WEB_HOST to an address of this machine and FLOW_WEB_PORT to a free port"
            ) from None

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._metrics(environ, respond)
        if path == "/ready":
            return self._ready(respond)
        if path == "/live":
            return self._live(respond)
        if path == "/":
            respond("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [INDEX]
        respond("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"there are /metrics, /ready and /live\n"]

    def _ready(self, respond: Respond) -> Iterable[bytes]:
        snapshot = self._wall.snapshot
        reasons = [{"reason": reason, "detail": detail} for reason, detail in snapshot.reasons]
        return _json(respond, snapshot.ready, {"ready": snapshot.ready, "reasons": reasons})

    def _live(self, respond: Respond) -> Iterable[bytes]:
        silent = monotonic() - self._wall.heartbeat
        alive = silent < STALLED_AFTER
        return _json(respond, alive, {"live": alive, "seconds_since_heartbeat": round(silent, 3)})


def _json(respond: Respond, good: object, body: dict[str, Any]) -> Iterable[bytes]:
    status = "200 OK" if good else "503 Service Unavailable"
    respond(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hangs up."""


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests: a scrape a second would fill the log."""
