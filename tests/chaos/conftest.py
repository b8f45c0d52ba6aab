"""Silences the clients: they log every fault, and would hide a run's own report."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiokafka", "kafka"):
        caplog.set_level(logging.CRITICAL + 1, name)
