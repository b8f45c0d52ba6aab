"""Durations as a reader would write them."""

from __future__ import annotations

import pytest

from stream.cli.tables import duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.0, "0 min"),
        (59 * 60.0, "59 min"),
        (3_600.0, "1.0 h"),
        (36 * 3_600.0, "1.5 d"),
        (400 * 86_400.0, "400.0 d"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown
