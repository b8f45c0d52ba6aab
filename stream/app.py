"""The worker's app: `faust -A stream.app worker` and `flowgauge worker` start it.

Importing this module does nothing. The attribute `app` is made from the environment when it is first read.
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

# A worker has millions of objects that live long. By default Python searches all of them for cycles whenever a quarter
# more are new, which takes a quarter of its time. Almost none are in cycles, so these thresholds make full searches
# rare. Searches of new objects come early, while there are few, since events wait meanwhile.
GC_THRESHOLDS = (2_000, 10, 250_000)


@cache
def make_app() -> FlowApp:
    """Make the app of this process. Mistakes in settings or configuration end the process with one line."""
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
