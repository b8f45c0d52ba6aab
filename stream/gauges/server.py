"""An HTTP server for a WSGI application. Slow or broken clients cannot make it unreachable.

The number of connections and the time of each request are bounded. Each connection has a thread of its own, which waits
for its socket without a timeout. The thread that accepts connections also shuts down those whose time is over. That
wakes the waiting thread.

aiohttp, which comes with Faust, does not fit. It bounds neither the number of connections nor the time for headers, and
it needs an event loop. `/live` must answer even when the worker's loop is stuck.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from socketserver import ThreadingMixIn
from time import monotonic
from typing import Any, NamedTuple, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

POLL_EVERY = 0.2
STOP_WITHIN = 1.0
LONGEST_LINE = 65_536
BUSY = b"all connections are busy; try again\n"
REFUSAL = b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BUSY)


class Limits(NamedTuple):
    """How many connections may be open at once, and how long each may take.

    A request must be complete after `reading` seconds and its answer written after `answering` seconds, both from the
    start of the connection. Kafka's connections share the usual limit of 1,024 open files.
    """

    connections: int = 64
    reading: float = 10.0
    answering: float = 30.0


LIMITS = Limits()


class Connections:
    """The open connections, each with its start time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: dict[socket.socket, float] = {}
        self._answering: dict[socket.socket, float] = {}
        self._lock = threading.Lock()

    def admit(self, newcomer: socket.socket) -> bool:
        """Add a connection; if all are in use, close the one that has waited longest.

        Returns False if all of them have complete requests.
        """
        with self._lock:
            if len(self._waiting) + len(self._answering) >= self._limits.connections:
                if not self._waiting:
                    return False
                self._displace(min(self._waiting, key=self._waiting.__getitem__))
            self._waiting[newcomer] = monotonic()
            return True

    def complete(self, connection: socket.socket) -> bool:
        """Note that a request has been read. Returns False if the connection was closed before."""
        with self._lock:
            if connection not in self._waiting:
                return False
            self._answering[connection] = self._waiting.pop(connection)
            return True

    def answered(self, connection: socket.socket) -> None:
        """Note that an answer has been written. From then on, a new connection may displace this one."""
        with self._lock:
            if connection in self._answering:
                self._waiting[connection] = self._answering.pop(connection)

    def leave(self, connection: socket.socket) -> None:
        """Remove a connection, before its socket is closed."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._answering.pop(connection, None)

    def expire(self, now: float) -> None:
        """Shut down the connections whose time is over."""
        with self._lock:
            for connection, began in list(self._waiting.items()):
                if now - began >= self._limits.reading:
                    self._displace(connection)
            for connection, began in self._answering.items():
                if now - began >= self._limits.answering:
                    _shut(connection)

    def _displace(self, connection: socket.socket) -> None:
        del self._waiting[connection]
        _shut(connection)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingMixIn, WSGIServer):
    """Serves a WSGI application between `start` and `stop`.

    Raises:
        OSError: the port cannot be bound, which the constructor does.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1_024
    timeout = POLL_EVERY

    def __init__(self, host: str, port: int, application: Any, limits: Limits = LIMITS) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.connections = Connections(limits)
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._turn = threading.Lock()
        super().__init__((host, port), _Handler)
        self.set_app(application)

    def start(self) -> None:
        """Start to answer, unless this server was started or stopped before."""
        with self._turn:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Free the port and cut all connections, within a second. The server cannot be started again."""
        with self._turn:
            self._stopped.set()
            if self._thread is not None:
                self._thread.join(STOP_WITHIN)
            self.server_close()
            self.connections.expire(float("inf"))

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Return whether there is room for a new connection. If not, answer 503."""
        if self.connections.admit(request):
            return True
        with suppress(OSError):
            request.settimeout(0)
            request.send(REFUSAL + BUSY)
        return False

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.leave(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that hangs up."""

    def _serve(self) -> None:
        while not self._stopped.is_set():
            self.handle_request()
            self.connections.expire(monotonic())


class _Answer(ServerHandler):
    request_handler: _Handler

    def log_exception(self, exc_info: Any) -> None:
        """Log in one line what failed."""
        request = self.request_handler
        sys.stderr.write(f"flowgauge: {request.command} {request.path} failed: {exc_info[1]!r}\n")


class _Handler(WSGIRequestHandler):
    # The standard library treats an unreadable request as HTTP 0.9, and would answer without a status.
    default_request_version = "HTTP/1.0"

    def handle(self) -> None:
        """Read a request and answer it, unless the connection was closed meanwhile."""
        self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
        if len(self.raw_requestline) > LONGEST_LINE:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.raw_requestline and len(self.raw_requestline.split()) != 3:
            self._refuse(HTTPStatus.BAD_REQUEST)
        elif self.raw_requestline and self.parse_request() and self._connections.complete(self.connection):
            answer = _Answer(self.rfile, self.wfile, sys.stderr, self.get_environ())  # type: ignore[arg-type]
            answer.request_handler = self
            answer.run(cast(Server, self.server).get_app())  # type: ignore[arg-type]

    def finish(self) -> None:
        """Finish an answer, and read what the client still sends.

        Closing a socket with unread bytes resets it. A client that is still sending would lose the answer.
        """
        super().finish()
        self._connections.answered(self.connection)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.connection.recv(LONGEST_LINE):
                pass

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests: one scrape a second would fill the log."""

    def _refuse(self, status: HTTPStatus) -> None:
        self.requestline, self.request_version, self.command = "", self.default_request_version, ""
        self.send_error(status)

    @property
    def _connections(self) -> Connections:
        return cast(Server, self.server).connections
