"""A TCP proxy in front of Kafka that can fall silent, cut connections or add latency at any moment."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from enum import Flag
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
CHUNK = 64 * 1024
# How much a silent or slow direction holds. Beyond that the sender's own buffers fill up, as on a real network.
HELD_CHUNKS = 64
CONTROL_SECONDS = 10

Chunks = asyncio.Queue[tuple[float, bytes]]
Work = Coroutine[Any, Any, None]


class Direction(Flag):
    """The directions through a proxy."""

    TO_SERVER = 1
    TO_CLIENT = 2
    BOTH = 3


class Proxy:
    """Forwards connections to a loopback port, in a thread of its own. Use it as a context manager.

    At first it forwards everything. The port stays reserved while the proxy runs, even while it is cut.
    Bytes sent during a silence are delivered after it, as TCP does when a network has recovered.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        # A bound socket that never listens: it keeps the port reserved, and clients are refused while no other listens.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind((HOST, 0))
        self.port: int = self._reserved.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)
        self._lanes = {way: _Lane() for way in (Direction.TO_SERVER, Direction.TO_CLIENT)}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """The address for clients, `host:port`."""
        return f"{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.pass_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONTROL_SECONDS)
        self._loop.close()
        self._reserved.close()

    def pass_on(self) -> None:
        """Forward everything at once, including held bytes, and accept new connections."""
        self._set(Direction.BOTH, _Lane.pass_on)

    def silence(self, direction: Direction = Direction.BOTH) -> None:
        """Accept and keep connections, but forward nothing in this direction."""
        self._set(direction, _Lane.silence)

    def delay(self, seconds: float, direction: Direction = Direction.BOTH) -> None:
        """Forward everything in this direction with this delay."""
        self._set(direction, lambda lane: lane.delay(seconds))

    def forget(self) -> None:
        """Never again forward anything on the open connections, like a firewall that has dropped their state.

        Neither end is notified. New connections work.
        """
        self._run(self._forget())

    def cut(self) -> None:
        """Reset all connections and refuse new ones. Held bytes are lost."""
        self._run(self._cut())

    def _set(self, direction: Direction, change: Callable[[_Lane], None]) -> None:
        self._run(self._change(direction, change))

    def _run(self, work: Work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CONTROL_SECONDS)

    async def _change(self, direction: Direction, change: Callable[[_Lane], None]) -> None:
        for way, lane in self._lanes.items():
            if way in direction:
                change(lane)
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self.port, reuse_port=True)

    async def _forget(self) -> None:
        for lane in self._lanes.values():
            lane.silence()
        self._lanes = {way: _Lane() for way in self._lanes}

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._forward(reader, writer)
        except (asyncio.CancelledError, OSError):
            _reset(writer)
        finally:
            writer.close()
            self._connections.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, to_client = self._lanes.values()
        upstream, downstream = await asyncio.open_connection(HOST, self._target)
        try:
            await _first(to_server.carry(reader, downstream), to_client.carry(upstream, writer))
        except (asyncio.CancelledError, OSError):
            _reset(downstream)
            raise
        finally:
            downstream.close()


class _Lane:
    """One direction of all connections of a proxy."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._delay = 0.0

    def pass_on(self) -> None:
        self._delay = 0.0
        self._open.set()

    def silence(self) -> None:
        self._open.clear()

    def delay(self, seconds: float) -> None:
        self._delay = seconds
        self._open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward until the sender closes. The close is held back like its bytes."""
        chunks: Chunks = asyncio.Queue(HELD_CHUNKS)
        await _first(_take(reader, chunks), self._give(chunks, writer))

    async def _give(self, chunks: Chunks, writer: asyncio.StreamWriter) -> None:
        chunk = b"-"
        while chunk:
            arrived, chunk = await chunks.get()
            await asyncio.sleep(max(0.0, arrived + self._delay - asyncio.get_running_loop().time()))
            await self._open.wait()
            writer.write(chunk)
            await writer.drain()


async def _take(reader: asyncio.StreamReader, chunks: Chunks) -> None:
    chunk = b"-"
    while chunk:
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            chunk = b""
        await chunks.put((asyncio.get_running_loop().time(), chunk))
    await asyncio.Event().wait()


async def _first(*works: Work) -> None:
    """Run all until the first is done, and end the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Make the connection end with RST, like a lost connection, instead of an orderly FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
