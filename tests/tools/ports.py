"""Free ports for test servers, different ones for each process of tests on this machine."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

HOST = "127.0.0.1"
# Below the ports that Linux gives to outgoing connections: none of them takes a port between `free_port` and its use,
# nor that of a server that was killed and is about to come back.
PORTS = range(15_000, 32_000)
BLOCK = 500


class Ports:
    """A block of ports that no other process takes while this object lives."""

    def __init__(self, folder: Path) -> None:
        """Lock the first block that is free. Raises OSError if all are taken."""
        folder.mkdir(exist_ok=True)
        for block in range(len(PORTS) // BLOCK):
            # The lock ends with the process, however that ends.
            self._lock = (folder / str(block)).open("ab")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lock.close()
                continue
            self.block = PORTS[block * BLOCK : (block + 1) * BLOCK]
            self._turn: Iterator[int] = cycle(self.block)
            return
        raise OSError(f"{len(PORTS) // BLOCK} processes hold all blocks of ports in {folder}")

    def free(self) -> int:
        """Return the next port on which nobody listens. A port comes again only after all others of the block.

        Raises OSError if all of the block are taken.
        """
        for port in islice(self._turn, BLOCK):
            with socket.socket() as probe, suppress(OSError):
                probe.bind((HOST, port))
                return port
        raise OSError(f"all ports from {self.block[0]} to {self.block[-1]} are taken")

    def close(self) -> None:
        """Let another process have the block."""
        self._lock.close()


_ports: list[Ports] = []


def free_port() -> int:
    """Return a loopback port that is free now, and that no other process of tests will take."""
    if not _ports:
        _ports.append(Ports(Path(tempfile.gettempdir()) / f"flowgauge-ports-{os.getuid()}"))
    return _ports[0].free()
