"""Keeps a worker running as a service manager does, and notes each end and its reason."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from types import TracebackType

from tests.chaos.background import Background
from tests.chaos.journal import Journal
from tests.kafka.worker import Worker

RESTART_SECONDS = 1.0
LOOK_EVERY = 0.1
# The deadline of a stop, with a margin for a busy machine.
STOP_SECONDS, STOP_MARGIN = 15.0, 1.0
_NUMBERS = re.compile(r"\d[\d.,]*")
_LONGEST, _TRACED = 160, 2_000
# The lines of a worker that goes on running.
_LIVING = ("flowgauge: reading ", "flowgauge: ready", "flowgauge: not ready")


class Supervisor(Background):
    """Starts a worker again whenever it has ended. `close` tells the worker to end."""

    def __init__(self, worker: Worker, journal: Journal) -> None:
        super().__init__(f"the supervisor of {worker.name}", journal)
        self.worker = worker
        self.ends: Counter[str] = Counter()
        self.told: float | None = None
        self._killed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.worker.kill()

    def kill(self) -> None:
        """End the worker with SIGKILL, if it runs."""
        if self.worker.alive:
            self._killed = True
            self.worker.signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Tell the worker to end. `told` is the time (`time.monotonic`) of that, until it has ended."""
        if self.worker.alive and self.told is None:
            self.worker.signal(signal.SIGTERM)
            self.told = time.monotonic()

    def work(self) -> None:
        """Run the worker repeatedly."""
        while not self.closing.is_set():
            logged = len(self.worker.log)
            self.worker.start()
            while self.worker.alive:
                self._look_at_the_deadline()
                time.sleep(LOOK_EVERY)
            self._note_end(self.worker.log[logged:])
            self.told, self._killed = None, False
            self.closing.wait(RESTART_SECONDS)

    def _look_at_the_deadline(self) -> None:
        if self.closing.is_set():
            self.terminate()
        if self.told is not None and time.monotonic() - self.told > STOP_SECONDS + STOP_MARGIN:
            self.journal.violate("no end", f"{self.worker.name} runs {STOP_SECONDS:.0f} s after SIGTERM")
            self.kill()

    def _note_end(self, log: str) -> None:
        name, status = self.worker.name, self.worker.status
        last = _last_words(log)
        if "Traceback" in log:
            self.journal.violate("traceback", f"{name}: {log[log.index('Traceback') :][:_TRACED]!r}")
        if self._killed:
            reason = "killed"
        elif self.told is not None:
            reason = f"told to end, status {status}"
        else:
            reason = f"by itself, status {status}: {_NUMBERS.sub('#', last)[:_LONGEST]}"
            if not last:
                self.journal.violate("unexplained end", f"{name}, status {status}: {log[-_LONGEST:]!r}")
        self.ends[reason] += 1
        self.journal.say(f"{name} has ended {reason if self._killed or self.told else f'by itself: {last}'}")


def _last_words(log: str) -> str:
    """Return the line in which a worker says why it ends. Another thread may log a line after it."""
    said = [line for line in log.splitlines() if line.startswith("flowgauge: ") and not line.startswith(_LIVING)]
    return said[-1] if said else ""
