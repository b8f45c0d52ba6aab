"""The end of a worker that cannot go on: one line, and no acknowledgement."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

from stream.errors import FlowgaugeError


def stop_unacknowledged(error: BaseException) -> NoReturn:
    """End the process at once.

    Raising is not enough: Faust acknowledges in a `finally`, restarts the agent after the record, and goes on. After a
    restart the events in work come again, to this worker or to another one.
    """
    if not isinstance(error, FlowgaugeError) and os.environ.get("FLOW_DEBUG"):
        traceback.print_exception(error)
    reason = str(error) if isinstance(error, FlowgaugeError) else f"{type(error).__name__}: {error}"
    one_line = " ".join(reason.split())
    sys.stderr.write(f"flowgauge: stopped, nothing is acknowledged that is not done: {one_line}\n")
    sys.stderr.flush()
    os._exit(1)


class ending_on_error:  # noqa: N801
    """Ends the worker without acknowledging if the block raises."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            stop_unacknowledged(error)
