"""Child processes with their wall and CPU seconds, from /proc and wait4."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchmarks.errors import BenchmarkError

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
STOP_SECONDS = 20
TAIL = 4_000
_UTIME = 11
_RSS = 1


class Mark(NamedTuple):
    """A report of a child: the instant (monotonic seconds), its CPU seconds up to then, and the result."""

    at: float
    cpu: float
    result: Any


class Usage(NamedTuple):
    """A child's totals: CPU seconds and peak memory in bytes."""

    cpu: float
    peak: int


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a running process, all its threads and the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[_UTIME : _UTIME + 4])) / TICKS


def rss_of(pid: int) -> int:
    """Return the memory of a running process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[_RSS]) * PAGE


class Child:
    """A child process that reports its marks as JSON lines. Use it as a context manager, which ends it.

    `seconds` is how long it may run. Its stderr goes to `log`.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], seconds: float, folder: Path
    ) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env=dict(environment), cwd=folder, text=True
            )
        self._timer = threading.Timer(seconds, self._signal, [signal.SIGKILL])
        self._timer.daemon = True
        self._usage: Usage | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._usage is None:
            self._signal(signal.SIGKILL)
            self.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def mark(self, name: str) -> Mark:
        """Wait for the mark of that name, and skip other lines. Raises BenchmarkError if the child ends first."""
        output: Any = self._process.stdout
        for line in output:
            said = _read(line)
            if said.get("mark") == name:
                return Mark(said["at"], cpu_of(self.pid), said["result"])
        raise BenchmarkError(f"{self._process.args!r} ended without its mark {name!r}:\n{tail(self._log)}")

    def stop(self) -> Usage:
        """Send SIGTERM, then SIGKILL if necessary, and return the totals."""
        self._signal(signal.SIGTERM)
        killer = threading.Timer(STOP_SECONDS, self._signal, [signal.SIGKILL])
        killer.start()
        usage = self.wait()
        killer.cancel()
        return usage

    def wait(self) -> Usage:
        """Wait for the end and return the totals."""
        _, status, used = os.wait4(self.pid, 0)
        self._timer.cancel()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._usage = Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
        return self._usage

    def _signal(self, number: int) -> None:
        # Popen's own method would wait for the ended child itself, and its totals would be lost.
        if self._usage is None:
            os.kill(self.pid, number)


def run_json(command: Sequence[str], folder: Path, seconds: float) -> Any:
    """Run a program to its end and read the JSON that it prints. Raises BenchmarkError."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=seconds)
    if done.returncode != 0:
        raise BenchmarkError(f"{command!r} failed:\n{done.stderr[-TAIL:]}")
    return json.loads(done.stdout)


def tail(log: Path) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-TAIL:]


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
