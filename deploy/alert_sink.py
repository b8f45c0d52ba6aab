#!/usr/bin/env python3
"""Show received webhooks: what Alertmanager would send to Slack, Teams and your own tools.

    python deploy/alert_sink.py [--host 127.0.0.1] [--port 9094]

The sink keeps the newest 200 POSTs to any path, in memory only. `/` shows them. `/received` gives them as JSON, oldest
first: `[{"number": 1, "received": 1795601700.25, "path": "/alerts", "body": {...}}]`. `received` is in seconds since
1970, and a body that is not JSON is text. DELETE `/received` forgets them. The sink has no authentication: use it for
trials and tests only.
"""

from __future__ import annotations

import argparse
import html
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = 200
LARGEST = 256 * 1024
SECONDS = 10.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>Alert sink</title>
<style>body {{ font-family: sans-serif; margin: 2em }} td, th {{ text-align: left; padding: .4em 1em .4em 0;
vertical-align: top; border-top: 1px solid #ccc }} pre {{ margin: 0; white-space: pre-wrap }}</style>
<h1>Alert sink</h1><p>{count} received, newest first; <a href="/received">as JSON</a></p>
<table><tr><th>number<th>UTC<th>path<th>what</tr>{rows}</table></html>
"""


@dataclass(frozen=True)
class Webhook:
    """A webhook: its number from 1, its arrival in seconds since 1970, its path, and its body (JSON, else text)."""

    number: int
    received: float
    path: str
    body: Any


class Sink:
    """Keeps the newest webhooks; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._kept: deque[Webhook] = deque(maxlen=KEPT)

    def add(self, path: str, body: bytes) -> Webhook:
        """Keep a webhook and say so on standard output."""
        with self._lock:
            self._count += 1
            webhook = Webhook(self._count, time.time(), path, _read(body))  # noqa: TID251 -- arrival time
            self._kept.append(webhook)
        sys.stdout.write(f"{_utc(webhook.received)} {path} {' | '.join(_lines(webhook.body)) or '(empty)'}\n")
        sys.stdout.flush()
        return webhook

    def webhooks(self) -> list[Webhook]:
        """Give the kept webhooks, oldest first."""
        with self._lock:
            return list(self._kept)

    def forget(self) -> None:
        """Forget the kept webhooks; their numbers continue."""
        with self._lock:
            self._kept.clear()


class Server(ThreadingHTTPServer):
    """The HTTP server; `sink` holds its webhooks."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.sink = Sink()
        super().__init__((host, port), Handler)


class Handler(BaseHTTPRequestHandler):
    """Receive webhooks and show them."""

    server: Server
    timeout = SECONDS

    def do_POST(self) -> None:
        """Keep the body."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal():
            return self._answer(411, "text/plain", "send a Content-Length\n")
        if int(size) > LARGEST:
            self.close_connection = True
            return self._answer(413, "text/plain", f"at most {LARGEST} bytes\n")
        webhook = self.server.sink.add(self.path, self.rfile.read(int(size)))
        # Slack's API answers `ok`, and Alertmanager checks it.
        return self._answer(200, "application/json", json.dumps({"ok": True, "number": webhook.number}))

    def do_GET(self) -> None:
        """Show the webhooks."""
        webhooks = self.server.sink.webhooks()
        if self.path == "/received":
            return self._answer(200, "application/json", json.dumps([asdict(each) for each in webhooks]))
        if self.path == "/":
            rows = "".join(_row(each) for each in reversed(webhooks))
            return self._answer(200, "text/html", PAGE.format(count=len(webhooks), rows=rows))
        return self._answer(404, "text/plain", "try / or /received\n")

    def do_DELETE(self) -> None:
        """Forget the webhooks."""
        if self.path != "/received":
            return self._answer(404, "text/plain", "try /received\n")
        self.server.sink.forget()
        return self._answer(200, "application/json", "{}")

    def log_message(self, *_: Any) -> None:
        """Log nothing: the sink already logs each webhook."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _lines(body: Any) -> Iterator[str]:
    """Give the lines that matter: the alerts in Alertmanager's JSON, the texts in messages to Slack and Teams."""
    try:
        yield from [_alert(alert) for alert in body["alerts"]]
    except (AttributeError, KeyError, TypeError):
        yield from _texts(body)


def _alert(alert: Any) -> str:
    labels, notes = alert["labels"], alert["annotations"]
    return _one_line(f"{alert['status']} {labels['alertname']}: {notes.get('summary', labels)}")


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, list):
        for each in body:
            yield from _texts(each)
    elif isinstance(body, dict):
        for key, each in body.items():
            if key in {"title", "text"} and isinstance(each, str):
                yield _one_line(each)
            else:
                yield from _texts(each) if isinstance(each, (dict, list)) else ()
    elif body:
        yield _one_line(str(body))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _row(webhook: Webhook) -> str:
    what = "<br>".join(html.escape(line) for line in _lines(webhook.body))
    whole = html.escape(json.dumps(webhook.body, indent=2))
    cells = (str(webhook.number), _utc(webhook.received), html.escape(webhook.path))
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}<td>{what}<details><pre>{whole}</pre></details></tr>"


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=9094, help="port to listen on (default 9094)")
    options = parser.parse_args()
    with Server(options.host, options.port) as server:
        sys.stdout.write(f"alert sink: http://{options.host}:{server.server_port}/\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
