"""`/metrics`: the metrics that a request asks for, in the format and encoding that it accepts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import choose_encoder, gzip_accepted

from stream.gauges import exposition
from stream.gauges.catalogue import OF_NODES
from stream.gauges.collector import EngineCollector, FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.rendering import Rendering
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published

Respond = Callable[[str, list[tuple[str, str]]], Any]

# Level 1 takes a fourteenth of the time of level 9, and its output is a third larger.
GZIP_LEVEL = 1
GZIP_FORMAT = zlib.MAX_WBITS + 16
PIECES_A_CHUNK = 1_024
# Our metric names are the same in all escaping schemes except these.
ESCAPED = ("escaping=dots", "escaping=values")
# What is read from the lines of nodes.
OF_A_NODE = frozenset(("flow_exported_series", *(name for metric in OF_NODES for name in metric.samples)))


class Metrics:
    """A WSGI application.

    A scrape that asks for numbers of nodes calls `renew` in its thread. It returns when a new snapshot is published.
    """

    def __init__(
        self,
        published: Published,
        engine: EngineNumbers,
        exported: Exported,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self._published = published
        self._renew = renew
        self._engine = engine
        self._rendering = Rendering(published, exported)
        self._client = make_wsgi_app(_registry(FlowCollector(published, engine, exported)))

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """Answer a GET. The Prometheus client answers requests for a rare escaping scheme."""
        encode, kind = _agreed(environ.get("HTTP_ACCEPT", ""))
        if kind.endswith(ESCAPED):
            self._renew()
            body: Iterable[bytes] = self._client(environ, respond)
            return body
        pieces = self._page(encode, kind, parse_qs(environ.get("QUERY_STRING", "")).get("name[]"))
        headers = [("Content-Type", kind)]
        if gzip_accepted(environ.get("HTTP_ACCEPT_ENCODING", "")):
            pieces = _compressed(pieces)
            headers.append(("Content-Encoding", "gzip"))
        respond("200 OK", [*headers, ("Content-Length", str(sum(map(len, pieces))))])
        return _chunks(pieces)

    def prepare(self) -> Iterator[None]:
        """Write what the next scrape will show, one node at a time."""
        return self._rendering.prepare()

    def _page(self, encode: Callable[[Any], bytes], kind: str, asked: list[str] | None) -> list[bytes]:
        if asked is None or OF_A_NODE.intersection(asked):
            self._renew()
            snapshot, lines = self._rendering.read()
        else:
            snapshot, lines = self._published.snapshot, {}
        write = exposition.openmetrics if kind.startswith("application/openmetrics-text") else exposition.text
        series = sum(piece.count(b"\n") for pieces in lines.values() for piece in pieces)
        registry = _registry(EngineCollector(self._engine, snapshot, series))
        engine = encode(registry if asked is None else registry.restricted_registry(asked))
        return [*write(lines, asked), engine]


def _agreed(accept: str) -> tuple[Callable[[Any], bytes], str]:
    try:
        return choose_encoder(accept)
    except TypeError:
        # The client fails if a version is not a number. Answer as if no format was asked for.
        return choose_encoder("")


def _registry(collector: FlowCollector | EngineCollector) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _chunks(pieces: list[bytes]) -> Iterator[bytes]:
    for begin in range(0, len(pieces), PIECES_A_CHUNK):
        yield b"".join(pieces[begin : begin + PIECES_A_CHUNK])


def _compressed(pieces: list[bytes]) -> list[bytes]:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_FORMAT)
    return [*map(compressor.compress, _chunks(pieces)), compressor.flush()]
