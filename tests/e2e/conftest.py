"""One stack for all tests of this folder, since it takes a while to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, stack
from tests.kafka.broker import Broker


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, with a history of events."""
    with Broker() as kafka, stack(kafka, tmp_path_factory.mktemp("system")) as running:
        yield running
