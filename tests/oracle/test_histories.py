"""The generated histories: they meet the cases that they are there for."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.histories import configs, event_lists, instants
from tests.oracle.lives import LOAD, Life, lives

EXAMPLES = 40


def test_items_often_go_from_progress_back_to_new() -> None:
    moved, still_new = 0, 0

    # Derandomised: the count is the same each time.
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def count(data: st.DataObject) -> None:
        nonlocal moved, still_new
        config = data.draw(configs())
        found = [
            life for life in lives(data.draw(event_lists(config)), config, data.draw(instants())) if went_back(life)
        ]
        moved += bool(found)
        still_new += any(life.now.flow_state == "new" for life in found)

    count()
    assert moved >= EXAMPLES // 5
    assert still_new >= EXAMPLES // 10


def went_back(life: Life) -> bool:
    """Whether the item was moved from progress to `new` at any time."""
    return any(moment.flow_state == "new" and moment.flow_state_before in LOAD for moment in life.moments)
