"""The demo's worker process, and its port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from stream.demo.worker_process import WorkerProcess, free_port
from stream.errors import ServeError


def test_the_next_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port


def test_an_address_that_is_not_here() -> None:
    with pytest.raises(ServeError, match=r"cannot serve on '192\.0\.2\.1:6066' .*set FLOW_WEB_HOST"):
        free_port("192.0.2.1", 6066)


def test_a_worker_that_ends_is_said_with_its_last_line(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "none.yaml", {}, "127.0.0.1", 1, tmp_path / "log") as worker:
        worker._child._process.wait(60)
        with pytest.raises(ServeError, match="the worker ended with status [12]: .*none.yaml"):
            worker.check()
