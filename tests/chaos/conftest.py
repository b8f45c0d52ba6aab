"""The clients complain of every fault, and there are many: their logs would hide a run's own account."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiokafka", "kafka"):
        caplog.set_level(logging.CRITICAL + 1, name)
