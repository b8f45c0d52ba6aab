"""The HTTP server against slow, misbehaving and malformed clients, over real loopback sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.gauges.server import Limits, Server
from tests.gauges.clients import (
    HOST,
    TIMEOUT,
    Deadline,
    ask,
    closed,
    connect,
    dribble,
    exchange,
    parsed,
    rest,
)
from tests.tools.ports import free_port

LARGE = b"x" * (1 << 24)


def app(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise ValueError("a\nbug")
    body = LARGE if environ["PATH_INFO"] == "/large" else b"small\n"
    respond("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(limits: Limits, application: Callable[..., Iterable[bytes]] = app) -> Iterator[int]:
    port = free_port()
    server = Server(HOST, port, application, limits)
    server.start()
    try:
        yield port
    finally:
        server.stop()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Limits()) as bound:
        yield bound


def test_a_request_that_comes_byte_by_byte_ends_although_each_byte_is_quick() -> None:
    with serving(Limits(reading=0.3)) as port, connect(port) as slow:
        deadline = Deadline()
        while not closed(slow):
            deadline.check("the slow request ends")
            dribble([slow], b"G")
        assert ask(port, "/").status == 200


def test_a_reader_that_takes_its_time_ends_too() -> None:
    over = threading.Event()

    class Body(list[bytes]):
        def close(self) -> None:
            over.set()

    def large(_: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        respond("200 OK", [])
        return Body([LARGE])

    with serving(Limits(answering=0.3), large) as port, connect(port, small=True) as slow:
        slow.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert over.wait(TIMEOUT)
        assert len(rest(slow)) < len(LARGE)


def test_a_newcomer_displaces_who_has_waited_longest_without_a_request() -> None:
    with serving(Limits(connections=3)) as port, ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(5)]
        for oldest in clients[:2]:
            assert rest(oldest) == b""
        assert not any(closed(client) for client in clients[2:])
        assert ask(port, "/").status == 200
        assert rest(clients[2]) == b""
        clients[4].sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert parsed(rest(clients[4])).body == b"small\n"


def test_a_newcomer_is_refused_only_where_all_have_complete_requests() -> None:
    asked, answer = threading.Semaphore(0), threading.Event()

    def held(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        asked.release()
        answer.wait(TIMEOUT)
        return app(environ, respond)

    with serving(Limits(connections=2), held) as port, ExitStack() as stack:
        busy = [stack.enter_context(connect(port)) for _ in range(2)]
        for client in busy:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert asked.acquire(timeout=TIMEOUT)
        with connect(port) as newcomer:
            refused = parsed(rest(newcomer))
        assert refused.status == 503
        assert int(refused.headers["Content-Length"]) == len(refused.body)
        answer.set()
        assert [parsed(rest(client)).status for client in busy] == [200, 200]
        assert ask(port, "/").status == 200


def test_what_was_displaced_half_way_is_not_answered() -> None:
    asked = []

    def noting(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        return app(environ, respond)

    with serving(Limits(connections=1), noting) as port, connect(port) as slow:
        slow.sendall(b"GET /half HTTP/1.0\r\nHost: ")
        assert ask(port, "/whole").status == 200
        assert rest(slow) == b""
    assert asked == ["/whole"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/x.y\r\n\r\n", 400),
        (b"GET / FTP/1.0\r\n\r\n", 400),
        (b"GET / / HTTP/1.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n", 414),
        (b"GET / HTTP/1.0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.0\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_a_malformed_request_is_told_so(
    port: int, request_line: bytes, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert parsed(exchange(port, request_line)).status == status
    assert capfd.readouterr() == ("", "")


@settings(max_examples=100, deadline=None)
@given(sent=st.binary(max_size=60), clean=st.booleans())
@example(sent=b"", clean=False)
@example(sent=b"GET / HTTP/1.0\r\n: \r\n\xff\xfe: \x00\r\n \r\n", clean=True)
def test_any_bytes_are_answered_or_end(port: int, sent: bytes, clean: bool) -> None:
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.0\r\n" * clean + sent)
        client.shutdown(socket.SHUT_WR)
        answer = rest(client)
    assert (not answer and not sent and not clean) or parsed(answer).status in {200, 400, 505}


def test_a_client_that_is_still_sending_hears_what_is_wrong(port: int) -> None:
    long = b"GET / HTTP/1.0\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"
    assert parsed(exchange(port, long)).status == 431


def test_a_bug_is_one_line_and_500(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(port, "/broken").status == 500
    assert capfd.readouterr() == ("", "flowgauge: GET /broken failed: ValueError('a\\nbug')\n")


@pytest.mark.parametrize("calls", ["", "p", "pp", "sp", "ssp", "psp", "spsp", "spp"])
def test_start_and_stop_in_any_order_and_number(calls: str) -> None:
    port = free_port()
    server = Server(HOST, port, app)
    does = {"s": server.start, "p": server.stop}

    def run() -> None:
        for call in calls:
            does[call]()
        server.stop()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    Server(HOST, port, app).stop()


def test_a_stop_waits_for_nobody() -> None:
    port = free_port()
    server = Server(HOST, port, app, Limits(connections=3))
    server.start()
    with connect(port, small=True) as reader, connect(port) as writer:
        reader.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        writer.sendall(b"GET ")
        assert reader.recv(1) == b"H"
        began = monotonic()
        server.stop()
        assert monotonic() - began < 1
        assert len(rest(reader)) < len(LARGE)
        assert rest(writer) == b""
