"""Each cause gives one log line a minute, without a traceback."""

from __future__ import annotations

import logging

import pytest

from stream.worker import logs
from stream.worker.logs import OncePerMinute


class Log:
    """A log with the filter, and a clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self._filter = OncePerMinute()
        monkeypatch.setattr(logs, "monotonic", lambda: self.now)

    def lines(self, logger: str, *texts: tuple[str, object], level: int = logging.WARNING) -> list[str]:
        """Return the lines that pass the filter."""
        records = [logging.LogRecord(logger, level, __file__, 1, text, (value,), None) for text, value in texts]
        return [record.getMessage() for record in records if self._filter.filter(record)]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.delenv("FLOW_DEBUG", raising=False)
    return Log(monkeypatch)


def test_a_cause_has_one_line_a_minute_with_how_many_there_were(log: Log) -> None:
    many = [("Unable to reach node %s", number) for number in range(50)]
    assert log.lines("stream.x", *many) == ["Unable to reach node 0"]
    log.now = 59.9
    assert log.lines("stream.x", ("Unable to reach node %s", 50)) == []
    log.now = 60.0
    assert log.lines("stream.x", ("Unable to reach node %s", 51)) == [
        "Unable to reach node 51 (50 more lines like this before)"
    ]
    assert log.lines("stream.x", ("Another %s", 1), ("Another %s", 2)) == ["Another 1"]
    # In our own lines, each name is a cause of its own.
    assert log.lines("stream.x", ("Source %s", "jira"), ("Source %s", "github")) == ["Source jira", "Source github"]
    assert log.lines("faust.x", ("Source %s", "jira"), ("Source %s", "github")) == ["Source jira"]


def test_all_that_the_client_complains_of_is_one_cause(log: Log) -> None:
    log.now = 100.0
    assert log.lines("aiokafka.conn", ("Connection to %s failed", 1)) == []
    log.now = 102.0
    assert log.lines("aiokafka.conn", ("Connection to %s failed", 1)) == ["Connection to 1 failed"]
    assert log.lines("aiokafka.consumer.group_coordinator", ("Heartbeat failed: %s", 2)) == []


def test_what_the_client_complains_of_for_a_moment_is_no_news(log: Log) -> None:
    for _ in range(5):
        log.now += 61.0
        assert log.lines("aiokafka.conn", ("Coordinator %s is not available", 1)) == []


def test_what_the_client_complains_of_now_and_then_has_a_line(log: Log) -> None:
    lines = []
    for _ in range(12):
        log.now += 11.0
        lines += log.lines("aiokafka.conn", ("Request timed out: %s", 1))
    assert len(lines) == 2


def test_what_is_no_warning_goes_out(log: Log) -> None:
    assert log.lines("aiokafka.conn", ("Joined %s", 1), ("Joined %s", 2), level=logging.INFO) == [
        "Joined 1",
        "Joined 2",
    ]


def test_causes_without_end_take_no_memory_without_end(log: Log) -> None:
    for number in range(logs.MAX_CAUSES + 10):
        log.lines(f"stream.x{chr(65 + number % 26)}{'y' * (number // 26)}", ("%s", 1))
    assert len(log._filter._causes) <= logs.MAX_CAUSES


@pytest.mark.parametrize("debug", [False, True])
def test_a_traceback_goes_out_only_where_it_was_asked_for(
    log: Log, monkeypatch: pytest.MonkeyPatch, *, debug: bool
) -> None:
    if debug:
        monkeypatch.setenv("FLOW_DEBUG", "1")
    error = ValueError("no such node")
    record = logging.LogRecord("stream.x", logging.ERROR, __file__, 1, "It %s", ("failed",), (ValueError, error, None))
    assert log._filter.filter(record)
    assert record.getMessage() == ("It failed" if debug else "It failed: ValueError('no such node')")
    assert (record.exc_info is None) is not debug
