"""Child processes that never outlive their parent.

The child holds the reading end of a pipe, and only its parent has the other end. When that end closes, even because
the parent was killed, the child ends. The child runs in a session of its own, so Ctrl-C reaches only the parent, which
then ends its children in order.

Run as a module (`python -m stream.demo.child ARGS`), this runs `flowgauge ARGS` as such a child.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Self

STOP_SECONDS = 15.0


class Child:
    """A Python module that runs in a child process."""

    def __init__(
        self,
        module: str,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        out: IO[bytes] | None = None,
    ) -> None:
        """Start it. Its output goes to `out`; without `out`, stdout goes to a pipe and stderr is discarded."""
        # -P: a folder `stream` in the working directory must not be taken for this package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *args],
            stdin=subprocess.PIPE,
            stdout=out or subprocess.PIPE,
            stderr=subprocess.STDOUT if out else subprocess.DEVNULL,
            env=None if env is None else {**os.environ, **env},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def first_line(self) -> str:
        """Wait for the first line that the child prints, and return it; "" if it ends without one."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode(errors="replace").strip()

    def ended(self) -> int | None:
        """Return the exit status, or None while the child runs."""
        return self._process.poll()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the child with SIGTERM, and after that many seconds with SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class ChildOwner:
    """The owner of a child process. As a context manager it ends the child with its block."""

    _child: Child

    def ended(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._child.ended()

    def stop(self) -> None:
        """End the child process."""
        self._child.stop()

    def __enter__(self) -> Self:
        """Return itself; the child is running."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child process."""
        self.stop()


def wait_for_parent() -> None:
    """Block until the parent has ended."""
    # os.read instead of sys.stdin: a thread that waits in a buffered reader keeps the interpreter from ending.
    while os.read(0, 4096):
        pass


def end_with_parent() -> None:
    """Start a thread that ends this process when its parent has ended: with SIGTERM, then by force."""

    def watch() -> None:
        wait_for_parent()
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def main() -> None:
    """Run the flowgauge command that the arguments name, until it or the parent ends."""
    end_with_parent()
    from stream.cli.main import main as flowgauge

    flowgauge(sys.argv[1:])


if __name__ == "__main__":
    main()
