"""A worker's process: its signals and its log."""

from __future__ import annotations

import logging
import signal
from contextlib import suppress
from typing import Any

import faust

from stream.worker.logs import OncePerMinute


class FlowWorker(faust.Worker):
    """Faust's worker, without spinner and banner, since its output is a log. It ends within 15 seconds of a signal."""

    app: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.spinner = None

    def install_signal_handlers(self) -> None:
        """Have the worker show nothing from the first signal on, even if the event loop is busy."""
        self.app.worker.engine.ending.watch()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: object) -> None:
        self.app.worker.engine.ending.begin()
        # A closed loop means that the process is about to end anyway.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._schedule_shutdown, signal.Signals(number))

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Limit the log to one line a minute for each cause."""
        super().on_setup_root_logger(logger, level)
        for handler in logger.handlers:
            handler.addFilter(OncePerMinute())

    def say(self, msg: str, file: Any = None, end: str = "\n", **options: Any) -> None:
        """Print nothing."""
