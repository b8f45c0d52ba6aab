"""The worker's app: `faust -A stream.app worker` and `flowgauge worker` start it.

Importing this module does nothing. The attribute `app` is made when it is first asked for, from the environment.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import cache

from stream.config.loading import load_config
from stream.errors import FlowgaugeError
from stream.faust_edge.app import FlowApp
from stream.settings import Settings

# A worker holds millions of objects that live long, and Python looks for cycles among all of them each time that a
# quarter more have come: a quarter of its time. Next to none are in cycles, so it looks seldom at all of them, and at
# the new ones while these are few, since events wait meanwhile.
GC_THRESHOLDS = (2_000, 10, 250_000)


@cache
def make_app() -> FlowApp:
    """Make the app of this process. Ends the process, in one line, where settings or configuration have mistakes."""
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        settings = Settings.from_env(os.environ)
        return FlowApp(settings, load_config(settings.config))
    except FlowgaugeError as error:
        sys.exit(f"flowgauge: {error}")


def __getattr__(name: str) -> FlowApp:
    if name == "app":
        return make_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
