"""The journal: every event that the demo has accepted, in order, in an SQLite file.

The embedded broker loses its data when it ends. So the journal is replayed first at the next start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from stream.errors import ServeError

_TABLES = """
CREATE TABLE IF NOT EXISTS event (position INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS origin (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class JournalRecord(NamedTuple):
    """A record of the events topic: the item's id and the event's envelope, as bytes."""

    key: bytes
    value: bytes


class EventJournal:
    """An open journal; one process at a time has it open.

    All methods raise ServeError, in one line, if the disk is full or the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal, and its folder if needed."""
        self._path = path
        with self._clearly():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.executescript(_TABLES)
            except sqlite3.Error:
                self._db.close()
                raise

    def append(self, records: Sequence[JournalRecord]) -> None:
        """Write all records or none. When this returns, they are on the disk."""
        with self._clearly(), self._transaction():
            self._db.executemany("INSERT INTO event (key, value) VALUES (?, ?)", records)

    def replay(self) -> Iterator[JournalRecord]:
        """Yield the records in the order in which they were appended."""
        with self._clearly():
            for key, value in self._db.execute("SELECT key, value FROM event ORDER BY position"):
                yield JournalRecord(key, value)

    def count(self) -> int:
        """Return the number of records."""
        with self._clearly():
            (number,) = self._db.execute("SELECT count(*) FROM event").fetchone()
            return int(number)

    def last(self) -> JournalRecord | None:
        """Return the newest record, if there is any."""
        with self._clearly():
            row = self._db.execute("SELECT key, value FROM event ORDER BY position DESC LIMIT 1").fetchone()
            return JournalRecord(*row) if row else None

    def origin(self) -> dict[str, str]:
        """Return where the events come from, as `set_origin` noted it."""
        with self._clearly():
            return dict(self._db.execute("SELECT name, value FROM origin").fetchall())

    def set_origin(self, origin: dict[str, str]) -> None:
        """Note where the events come from."""
        with self._clearly(), self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO origin VALUES (?, ?)", origin.items())

    def close(self) -> None:
        """Close the file."""
        # Appended records are on the disk already, so an error here is harmless.
        try:
            self._db.close()
        except sqlite3.Error:
            return

    def __enter__(self) -> Self:
        """Return the open journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite rolls back by itself if the disk is full.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _clearly(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ServeError(f"the journal '{self._path}' cannot be used ({error}): {_fix(error)}") from error
        except sqlite3.DatabaseError as error:
            fix = "move the file away, and a new one is created"
            raise ServeError(f"the journal '{self._path}' is damaged ({error}): {fix}") from error
        except OSError as error:
            fix = "give --data-dir a writable folder"
            raise ServeError(f"the journal '{self._path}' cannot be used ({error.strerror}): {fix}") from error


def _fix(error: sqlite3.OperationalError) -> str:
    if "locked" in str(error):
        return "another demo has it open: end that one, or give another --data-dir"
    return "free disk space and check that the folder is writable, or give another --data-dir"
