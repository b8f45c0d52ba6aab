from __future__ import annotations

import pytest

from stream.kafka import admin


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a Kafka that does not answer at once."""
    reach = admin._reach
    monkeypatch.setattr(admin, "_reach", lambda brokers, _: reach(brokers, 0))
