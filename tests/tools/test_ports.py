from __future__ import annotations

import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.tools.ports import BLOCK, HOST, PORTS, Ports, free_port


def test_two_processes_never_have_a_port_in_common(tmp_path: Path) -> None:
    with closing(Ports(tmp_path)) as one, closing(Ports(tmp_path)) as other:
        assert not set(one.block) & set(other.block)


def test_a_block_is_free_again_when_its_holder_has_ended(tmp_path: Path) -> None:
    with closing(Ports(tmp_path)) as ended:
        pass
    with closing(Ports(tmp_path)) as following:
        assert following.block == ended.block


def test_all_blocks_may_be_taken(tmp_path: Path) -> None:
    with ExitStack() as taken:
        for _ in range(len(PORTS) // BLOCK):
            taken.enter_context(closing(Ports(tmp_path)))
        with pytest.raises(OSError, match="hold all blocks"):
            Ports(tmp_path)


def test_a_port_that_is_taken_is_left_out(tmp_path: Path) -> None:
    with closing(Ports(tmp_path)) as before:
        port = before.free()
    with closing(Ports(tmp_path)) as ports, socket.socket() as server:
        server.bind((HOST, port))
        server.listen()
        assert ports.free() > port


def test_a_port_comes_again_only_after_all_others(tmp_path: Path) -> None:
    with closing(Ports(tmp_path)) as ports:
        assert len({ports.free() for _ in range(BLOCK // 2)}) == BLOCK // 2


def test_each_call_gives_another_port() -> None:
    assert free_port() != free_port()
