"""What a start leaves behind is given back, with any C library."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

from stream.agents import memory


class Part:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("library", [SimpleNamespace(), SimpleNamespace(malloc_trim=lambda pad: pad)])
def test_what_is_in_cycles_goes(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: library)
    gc.disable()
    try:
        left = ref(Part())
        assert left() is not None
        memory.give_back()
        assert left() is None
    finally:
        gc.enable()


def test_the_real_library_takes_it() -> None:
    memory.give_back()


def test_all_objects_are_looked_at_seldom() -> None:
    before = gc.get_threshold()
    try:
        memory.look_seldom()
        assert gc.get_threshold() == memory.GC_THRESHOLDS
    finally:
        gc.set_threshold(*before)
