"""Clients of an HTTP server, some of them misbehaving."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from time import monotonic
from typing import NamedTuple

HOST = "127.0.0.1"
TIMEOUT = 20


class Raw(NamedTuple):
    """An answer as it was received."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(port: int, *, small: bool = False) -> socket.socket:
    """Open a connection. A `small` one has a tiny receive buffer, so that the server cannot send much unread."""
    with ExitStack() as on_failure:
        client = on_failure.enter_context(socket.socket())
        if small:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(TIMEOUT)
        client.connect((HOST, port))
        on_failure.pop_all()
    return client


def received(client: socket.socket, size: int) -> bytes:
    """Read some bytes; none if the server has closed or reset the connection."""
    try:
        return client.recv(size)
    except ConnectionResetError:
        return b""


def rest(client: socket.socket) -> bytes:
    """Read until the server closes or resets the connection."""
    got = bytearray()
    while piece := received(client, 1 << 20):
        got += piece
    return bytes(got)


def exchange(port: int, request: bytes) -> bytes:
    """Send a request and read the whole answer."""
    with connect(port) as client:
        client.sendall(request)
        return rest(client)


def parsed(answer: bytes) -> Raw:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    protocol, status, _ = first.split(" ", 2)
    assert protocol == "HTTP/1.0"
    return Raw(int(status), dict(line.split(": ", 1) for line in lines), body)


def ask(port: int, path: str, method: str = "GET", body: bytes = b"") -> Raw:
    """Send a complete request at once, as a normal client does."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    return parsed(exchange(port, head.encode() + body))


def closed(client: socket.socket) -> bool:
    """Return whether the server has closed a connection to which it has sent nothing."""
    client.settimeout(0)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        client.settimeout(TIMEOUT)


def dribble(clients: list[socket.socket], byte: bytes) -> None:
    for client in clients:
        with suppress(OSError):
            client.send(byte)


class Deadline:
    """A bound for a loop that waits for a condition."""

    def __init__(self) -> None:
        self._until = monotonic() + TIMEOUT

    def check(self, what: str) -> None:
        assert monotonic() < self._until, f"never happened: {what}"
