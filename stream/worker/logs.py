"""One cause is one log line a minute.

When Kafka is away its client complains a hundred times a second, in each of its parts, and the line that explains what
happened drowns.
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
"""Seconds without a complaint after which the next one begins another story."""
CLIENT = "aiokafka"
MAX_CAUSES = 1_000
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


class OncePerMinute(logging.Filter):
    """Lets the first line of each cause through, then one a minute that says how many there were.

    All that Kafka's client complains of is one cause, and no news while it lasts for a moment only: the client tries
    again by itself. For our own loggers the line without its numbers is the cause, and for any other the text without
    its values.
    """

    def __init__(self) -> None:
        super().__init__()
        self._causes: dict[str, tuple[float, int]] = {}
        # When the client's present complaints began, and when the last came.
        self._began, self._came = 0.0, -QUIET

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line may go out; it goes without a traceback, unless FLOW_DEBUG is set."""
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
