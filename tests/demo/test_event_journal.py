"""The journal keeps all appended records, and fails with one clear line."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from stream.demo.event_journal import EventJournal, JournalRecord
from stream.errors import ServeError

RECORDS = [JournalRecord(f"item-{number % 7}".encode(), b'{"n":%d}' % number) for number in range(100)]

FILL = """
import resource, sys
from pathlib import Path
from stream.demo.event_journal import EventJournal, JournalRecord
from stream.errors import ServeError

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
with EventJournal(Path(sys.argv[1])) as journal:
    kept = 0
    try:
        while True:
            journal.append([JournalRecord(b"k", b"x" * 10_000)])
            kept += 1
    except ServeError as error:
        print(error)
print(kept)
"""


def test_what_was_appended_is_replayed_in_order_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "journal.sqlite"
    with EventJournal(path) as journal:
        journal.append(RECORDS[:60])
        journal.append([])
        journal.append(RECORDS[60:])
        journal.set_origin({"kind": "log", "file": "a"})
        journal.set_origin({"file": "b"})
    with EventJournal(path) as journal:
        assert list(journal.replay()) == RECORDS
        assert journal.count() == 100
        assert journal.last() == RECORDS[-1]
        assert journal.origin() == {"kind": "log", "file": "b"}


def test_a_new_journal_is_empty(tmp_path: Path) -> None:
    with EventJournal(tmp_path / "journal.sqlite") as journal:
        assert list(journal.replay()) == []
        assert journal.count() == 0
        assert journal.last() is None
        assert journal.origin() == {}


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    broken = JournalRecord(b"k", None)  # type: ignore[arg-type]
    with EventJournal(tmp_path / "journal.sqlite") as journal:
        with pytest.raises(ServeError, match="NOT NULL"):
            journal.append([RECORDS[0], broken])
        journal.append(RECORDS[1:3])
        assert list(journal.replay()) == RECORDS[1:3]


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    run = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=True)
    message, kept = run.stdout.splitlines()
    assert message.startswith(f"the journal '{path}' cannot be used (")
    assert message.endswith("or give another --data-dir")
    assert run.stderr == ""
    with EventJournal(path) as journal:
        assert journal.count() == int(kept) > 0


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with EventJournal(path), pytest.raises(ServeError, match="another demo has it open"):
        EventJournal(path)


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("no database at all\n" * 100)
    with pytest.raises(ServeError, match="is damaged .*move the file away"):
        EventJournal(path)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServeError, match="give --data-dir a writable folder"):
        EventJournal(tmp_path / "file" / "journal.sqlite")


def test_the_file_is_plain_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with EventJournal(path) as journal:
        journal.append(RECORDS)
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(DISTINCT key) FROM event").fetchone() == (7,)
    db.close()
