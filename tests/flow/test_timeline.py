"""Cuts of a timeline."""

from __future__ import annotations

import pytest

from stream.flow.timeline import Timeline


def test_a_cut_is_open_at_its_begin_and_closed_at_now() -> None:
    timeline = Timeline()
    for time in (15, 5, 10, 10, 20):
        timeline.put((time, f"{time}.{len(timeline)}".encode()))
    cuts = {now: [time for time, _ in timeline.read(timeline.cut(10, now))] for now in (4, 5, 10, 14, 15, 20, 30, 31)}
    assert cuts == {4: [], 5: [5], 10: [5, 10, 10], 14: [5, 10, 10], 15: [10, 10, 15], 20: [15, 20], 30: [], 31: []}


def test_a_cut_of_another_content_is_another_cut() -> None:
    timeline = Timeline()
    timeline.put((5, b"a"))
    before = timeline.cut(10, 10)
    timeline.take((5, b"a"))
    timeline.put((6, b"b"))
    assert timeline.cut(10, 10)[1:] == before[1:]
    assert timeline.cut(10, 10) != before


def test_what_is_not_in_cannot_be_taken_out() -> None:
    timeline = Timeline()
    timeline.put((5, b"a"))
    with pytest.raises(ValueError, match="not in list"):
        timeline.take((5, b"b"))
    timeline.take((5, b"a"))
    assert len(timeline) == 0
