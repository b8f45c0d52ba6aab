"""For all tests."""

from __future__ import annotations

from hypothesis import settings

# No test asserts how long something takes: on a busy machine anything may take long.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
