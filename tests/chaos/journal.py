"""The steps and findings of a run, printed as they happen."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter

# At most this many violations of one kind are printed, but all are counted.
PRINTED = 5


class Journal:
    """Prints lines with the seconds since its creation, and counts violations. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.violations: Counter[str] = Counter()

    def say(self, text: str) -> None:
        """Print a line."""
        with self._lock:
            sys.stdout.write(f"{time.monotonic() - self._began:7.1f} s  {text}\n")
            sys.stdout.flush()

    def violate(self, kind: str, detail: str) -> None:
        """Print and count something that must never happen."""
        with self._lock:
            self.violations[kind] += 1
            count = self.violations[kind]
        if count <= PRINTED:
            self.say(f"VIOLATION: {kind}: {detail}")
        elif count == PRINTED + 1:
            self.say(f"VIOLATION: {kind}: more of these, counted only")
