"""One cause is one log line a minute.

While Kafka is away, each part of its client complains many times a second, which hides the line that explains it.
"""

from __future__ import annotations

import logging
import os
import re
from time import monotonic

EVERY = 60.0
"""Seconds for which a cause stays quiet after its line."""
MOMENT = 2.0
"""Seconds for which the client may complain without a line."""
QUIET = 60.0
"""Seconds without a complaint after which the next one counts as a new cause."""
CLIENT = "aiokafka"
MAX_CAUSES = 1_000
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


class OncePerMinute(logging.Filter):
    """Passes the first line of each cause, then one a minute that says how many were left out.

    All complaints of Kafka's client have one cause. If they last for a moment only, none is passed, since the client
    tries again by itself. Lines of our own loggers have the same cause if only their numbers differ; lines of others,
    if only their values differ.
    """

    def __init__(self) -> None:
        super().__init__()
        self._causes: dict[str, tuple[float, int]] = {}
        # When the client began to complain, and when it last did.
        self._began, self._came = 0.0, -QUIET

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is passed. Its traceback is removed, unless FLOW_DEBUG is set."""
        if not os.environ.get("FLOW_DEBUG"):
            _without_traceback(record)
        if record.levelno < logging.WARNING:
            return True
        cause, now = _cause(record), monotonic()
        if cause == CLIENT and self._is_momentary(now):
            return False
        last, unsaid = self._causes.get(cause, (-EVERY, 0))
        if now - last < EVERY:
            self._causes[cause] = last, unsaid + 1
            return False
        if len(self._causes) >= MAX_CAUSES:
            self._causes.clear()
        self._causes[cause] = now, 0
        if unsaid:
            record.msg, record.args = f"{record.getMessage()} ({unsaid:,} more lines like this before)", ()
        return True

    def _is_momentary(self, now: float) -> bool:
        if now - self._came > QUIET:
            self._began = now
        self._came = now
        return now - self._began < MOMENT


def _cause(record: logging.LogRecord) -> str:
    package = record.name.partition(".")[0]
    if package == CLIENT:
        return CLIENT
    text = record.getMessage() if package == "stream" else str(record.msg)
    return f"{record.name} {_NUMBER.sub('', text)}"


def _without_traceback(record: logging.LogRecord) -> None:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = f"{record.getMessage()}: {error!r}", ()
    record.exc_info = record.exc_text = record.stack_info = None
