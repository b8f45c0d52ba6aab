"""`flowgauge demo` refuses wrong use and unusable surroundings in one line, before it starts anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli.demo import command
from stream.demo.portfolio import PORTFOLIO
from stream.demo.worker import Worker, free_port
from stream.errors import ConfigError, FlowgaugeError, InputError, ServeError


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--log", "a.csv"], "a log needs its configuration"),
        (["-c", "flow.yaml"], "belong together"),
        (["--map", "a=b"], "give --log FILE too"),
        (["--log", "a.csv", "-c", "flow.yaml", "--seed", "1"], "leave it out with --log"),
        (["--days", "0"], "Invalid value for '--days'"),
        (["--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_wrong_use(args: list[str], message: str) -> None:
    result = CliRunner().invoke(command, args)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        (["--log", "none.csv", "-c", str(PORTFOLIO)], InputError, "'none.csv' cannot be opened"),
        (["--log", "none.csv", "-c", "none.yaml"], ConfigError, "none.yaml"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(
    args: list[str], kind: type[FlowgaugeError], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOW_DATA_DIR", raising=False)
    result = CliRunner().invoke(command, args)
    assert isinstance(result.exception, kind)
    assert message in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_next_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port


def test_an_address_that_is_not_here() -> None:
    with pytest.raises(ServeError, match=r"'192\.0\.2\.1:6066' cannot be served .*set FLOW_WEB_HOST"):
        free_port("192.0.2.1", 6066)


def test_a_worker_that_ends_is_said_with_its_last_line(tmp_path: Path) -> None:
    with Worker(tmp_path / "none.yaml", {}, "127.0.0.1", 1, tmp_path / "log") as worker:
        worker._child._process.wait(60)
        with pytest.raises(ServeError, match="the worker ended with status [12]: .*none.yaml"):
            worker.check()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--clock", "yesterday"], "'yesterday': it must be `wall`, `event` or an instant"),
        (["--log", "none.csv", "-c", str(PORTFOLIO), "--map", "a"], "the mapping 'a' cannot be read"),
    ],
)
def test_wrong_use_is_exit_status_2(args: list[str], message: str) -> None:
    result = CliRunner().invoke(command, args)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
