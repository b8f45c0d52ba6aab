"""Settings and fixtures for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.oracle.logs import Log
from tests.oracle.made_log import write_log
from tests.oracle.real_log import find_log
from tests.oracle.rules import Json

# No test asserts how long something takes: on a busy machine anything may be slow.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def made_log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The log that the repository generates."""
    return write_log(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="session", params=["made", "real"])
def whole_log(request: pytest.FixtureRequest, made_log: Log) -> Log:
    """Each log in turn: always the generated one, and the real one if it is present."""
    return made_log if request.param == "made" else find_log()


@pytest.fixture(scope="session")
def made_events(made_log: Log) -> list[Json]:
    """The events of the generated log, for tests that need only that one."""
    return made_log.events
