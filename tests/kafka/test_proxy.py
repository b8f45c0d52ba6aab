"""The proxy that tests put in front of Kafka, here in front of an echo server."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.kafka.proxy import Direction, Proxy

# Timeouts for answers that must come, and for those that must not.
SECONDS = 10
QUIET = 0.3


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while received := self.request.recv(1024):
            self.request.sendall(received)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about a connection that was reset."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Proxy(server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)


def hears_nothing(client: socket.socket) -> bool:
    client.settimeout(QUIET)
    try:
        return client.recv(1024) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(SECONDS)


def test_it_passes_on(proxy: Proxy) -> None:
    with connect(proxy) as client:
        client.sendall(b"one")
        assert client.recv(1024) == b"one"


@pytest.mark.parametrize("direction", [*Direction, Direction.BOTH])
def test_what_a_silence_holds_back_comes_after_it(proxy: Proxy, direction: Direction) -> None:
    with connect(proxy) as old:
        proxy.silence(direction)
        with connect(proxy) as new:
            for client in (old, new):
                client.sendall(b"held")
                assert hears_nothing(client)
            proxy.pass_on()
            assert [client.recv(1024) for client in (old, new)] == [b"held", b"held"]


def test_a_client_that_leaves_during_a_silence_does_no_harm(proxy: Proxy) -> None:
    proxy.silence()
    with connect(proxy) as client:
        client.sendall(b"held")
    proxy.pass_on()
    test_it_passes_on(proxy)


def test_a_cut_resets_and_refuses_until_it_is_over(proxy: Proxy) -> None:
    with connect(proxy) as client:
        client.sendall(b"one")
        assert client.recv(1024) == b"one"
        proxy.cut()
        with pytest.raises(ConnectionError):
            client.recv(1024)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
    proxy.pass_on()
    test_it_passes_on(proxy)


def test_what_is_delayed_comes_in_order_and_later(proxy: Proxy) -> None:
    proxy.delay(0.2, Direction.TO_SERVER)
    with connect(proxy) as client:
        began = time.monotonic()
        for number in range(5):
            client.sendall(b"%d" % number)
        received = b""
        while len(received) < 5:
            received += client.recv(1024)
        assert received == b"01234"
        assert time.monotonic() - began >= 0.2


def test_without_a_server_a_connection_ends() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(nobody.getsockname()[1]) as proxy:
            try:
                client = connect(proxy)
            except ConnectionResetError:
                # It ended before the client had noticed that it was open.
                return
            with client:
                assert ends(client)


def ends(client: socket.socket) -> bool:
    try:
        return client.recv(1024) == b""
    except ConnectionError:
        return True


def test_what_it_has_forgotten_stays_silent_and_new_connections_work(proxy: Proxy) -> None:
    with connect(proxy) as old:
        old.sendall(b"one")
        assert old.recv(1024) == b"one"
        proxy.forget()
        old.sendall(b"two")
        assert hears_nothing(old)
        with connect(proxy) as new:
            new.sendall(b"three")
            assert new.recv(1024) == b"three"
        proxy.pass_on()
        assert hears_nothing(old)
