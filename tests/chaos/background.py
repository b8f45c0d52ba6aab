"""Work in a thread beside the run. An error in it is a violation too."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from tests.chaos.journal import Journal

JOIN_SECONDS = 150


class Background(ABC):
    """Runs `work` in a thread while it is entered. `closing` tells the work to end."""

    def __init__(self, name: str, journal: Journal) -> None:
        self.journal = journal
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Tell the work to end, and wait for it. Idempotent."""
        self.closing.set()
        self._thread.join(JOIN_SECONDS)

    @abstractmethod
    def work(self) -> None:
        """Do the work until `closing` is set."""

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.journal.violate("the test itself", f"{self._thread.name}: {type(error).__name__}: {error}")
