from __future__ import annotations

import pytest

from stream.kafka import admin


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Kafka that does not answer at once is not waited for."""
    reach = admin._reach
    monkeypatch.setattr(admin, "_reach", lambda brokers, _: reach(brokers, 0))
