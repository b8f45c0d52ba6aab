"""The worker's HTTP server, over real loopback sockets."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.errors import ServeError
from stream.gauges import page
from stream.gauges.metrics import Respond
from stream.gauges.page import SCRAPES, STALLED_AFTER, Page
from stream.gauges.server import LIMITS
from stream.gauges.snapshot import Published
from tests.gauges.clients import HOST, TIMEOUT, Deadline, ask, closed, connect, dribble
from tests.gauges.material import DOING, configured, metrics, publish
from tests.tools.ports import free_port

LARGE = b"x" * (1 << 24)
PATHS = ("/metrics", "/ready", "/live", "/", "/nothing")


class Server:
    """A page that answers, and what it shows."""

    def __init__(self, answer: Callable[..., Iterable[bytes]] | None = None) -> None:
        self.published = Published()
        self.port = free_port()
        self.page = Page(HOST, self.port, self.published, answer or metrics(self.published))
        self.page.start()

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
        """Return status, content type and body."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.page.stop()


@pytest.fixture
def server(running: Server) -> Server:
    """Return the server with the snapshot of a worker that has only just started."""
    fresh = Published()
    running.published.snapshot, running.published.heartbeat = fresh.snapshot, fresh.heartbeat
    return running


def test_metrics_are_the_format_that_was_asked_for(server: Server) -> None:
    server.published.snapshot = publish(configured(), DOING).snapshot
    status, kind, body = server.get("/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    plain = {family.name: family for family in parse_text(body)}
    status, kind, body = server.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert body.endswith("# EOF\n")
    opened = {family.name: family for family in parse_openmetrics(body)}  # type: ignore[no-untyped-call]
    assert plain["flow_load_items"].samples == opened["flow_load_items"].samples
    assert sum(sample.value for sample in opened["flow_load_items"].samples) == 1


def test_metrics_can_be_narrowed_to_some_names(server: Server) -> None:
    _, _, body = server.get("/metrics?name[]=flow_ready")
    assert [family.name for family in parse_text(body)] == ["flow_ready"]


def test_a_whole_page_comes_compressed_and_says_how_long_it_is(server: Server) -> None:
    server.published.snapshot = publish(configured(), DOING).snapshot
    _, _, plain = server.get("/metrics")
    connection = http.client.HTTPConnection(HOST, server.port, timeout=TIMEOUT)
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(body)
    assert gzip.decompress(body).decode() == plain


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(server: Server, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = server.published.heartbeat = monotonic()
    # `/live` reports seconds, with a varying number of digits.
    monkeypatch.setattr(page, "monotonic", lambda: now)
    server.published.snapshot = publish(configured(), DOING).snapshot
    answer, head = ask(server.port, path), ask(server.port, path, "HEAD")
    assert (head.status, head.body) == (answer.status, b"")
    assert int(head.headers["Content-Length"]) == len(answer.body) > 0
    del answer.headers["Date"], head.headers["Date"]
    assert head.headers == answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW", "get"])
def test_other_methods_are_not_allowed(server: Server, path: str, method: str) -> None:
    refused = ask(server.port, path, method, body=b"x" * 1_000_000)
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert refused.body == b"use GET or HEAD\n"


def test_slow_clients_keep_nobody_out(server: Server) -> None:
    server.published.heartbeat = monotonic()
    server.published.snapshot = publish(configured(), DOING).snapshot
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server.port)) for _ in range(300)]
        deadline = Deadline()
        request = itertools.cycle(b"GET /metrics HTTP/1.0\r\nX: " + b"x" * 60_000)
        while sum(map(closed, slow)) < len(slow) - LIMITS.connections:
            deadline.check("all connections above the limit are closed")
            dribble(slow, bytes([next(request)]))
            for path in ("/live", "/ready", "/metrics"):
                assert ask(server.port, path).status == 200


def test_slow_readers_of_metrics_keep_nobody_from_the_rest() -> None:
    def large(_: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        respond("200 OK", [])
        return [LARGE]

    server = Server(large)
    server.published.heartbeat = monotonic()
    server.published.snapshot = publish(configured()).snapshot
    with ExitStack() as stack:
        stack.callback(server.page.stop)
        slow = [stack.enter_context(connect(server.port, small=True)) for _ in range(SCRAPES)]
        for client in slow:
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.0 200"
        refused = ask(server.port, "/metrics")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (ask(server.port, "/live").status, ask(server.port, "/ready").status) == (200, 200)
        slow.pop().close()
        deadline = Deadline()
        while ask(server.port, "/metrics", "HEAD").status != 200:
            deadline.check("there is room for a scrape again")


def test_not_ready_says_why_and_then_is_ready(server: Server) -> None:
    status, kind, body = server.get("/ready")
    assert (status, kind) == (503, "application/json")
    reason = {"reason": "starting", "detail": "the worker has only just begun"}
    assert json.loads(body) == {"ready": False, "reasons": [reason]}
    server.published.snapshot = publish(
        configured(), reasons=(("backlog", "5 events are still to be folded"),)
    ).snapshot
    status, _, body = server.get("/ready")
    assert (status, json.loads(body)["reasons"][0]["reason"]) == (503, "backlog")
    server.published.snapshot = publish(configured()).snapshot
    status, _, body = server.get("/ready")
    assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})


def test_live_while_the_event_loop_beats(server: Server) -> None:
    server.published.heartbeat = monotonic()
    status, _, body = server.get("/live")
    assert (status, json.loads(body)["live"]) == (200, True)
    server.published.heartbeat = monotonic() - STALLED_AFTER - 1
    status, _, body = server.get("/live")
    assert (status, json.loads(body)["live"]) == (503, False)
    assert json.loads(body)["seconds_since_heartbeat"] > STALLED_AFTER


def test_the_index_leads_on_and_other_paths_are_not_found(server: Server) -> None:
    status, kind, body = server.get("/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    for path in ("/metrics", "/ready", "/live"):
        assert f"href={path}" in body
    status, _, body = server.get("/tables")
    assert (status, body) == (404, "not found; try /metrics, /ready or /live\n")


def test_requests_are_not_logged(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    server.get("/ready")
    assert capfd.readouterr() == ("", "")


def test_a_client_that_hangs_up_is_no_news_and_the_next_one_is_answered(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection((HOST, server.port), timeout=TIMEOUT) as hasty:
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        hasty.sendall(b"GET /metrics HTTP/1.0\r\n")
    assert server.get("/ready")[0] == 503
    assert capfd.readouterr() == ("", "")


def test_a_taken_port_is_one_clear_line(server: Server) -> None:
    with pytest.raises(ServeError) as refused:
        Page(HOST, server.port, server.published, metrics(server.published))
    message = str(refused.value)
    assert message.startswith(f"cannot serve on {HOST}:{server.port}: ")
    assert "FLOW_WEB_PORT" in message
    assert "\n" not in message


def test_a_stopped_page_frees_its_port() -> None:
    first = Server()
    first.page.stop()
    again = Page(HOST, first.port, first.published, metrics(first.published))
    again.start()
    again.stop()


def test_a_page_that_never_answered_is_stopped_at_once_and_never_answers() -> None:
    port = free_port()
    page = Page(HOST, port, Published(), metrics(Published()))
    stopping = threading.Thread(target=page.stop, daemon=True)
    stopping.start()
    stopping.join(TIMEOUT)
    assert not stopping.is_alive()
    page.start()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_an_address_that_is_not_this_machines_is_one_clear_line() -> None:
    with pytest.raises(ServeError, match=r"cannot serve on 192\.0\.2\.1:6066: .*FLOW_WEB_HOST"):
        Page("192.0.2.1", 6066, Published(), metrics(Published()))
