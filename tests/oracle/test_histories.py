"""The generated histories: they meet the cases that they are there for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.oracle.configurations import configs
from tests.oracle.histories import ITEMS, event_lists, instants
from tests.oracle.lives import LOAD, Life, Moment, lives
from tests.oracle.past import completed_stays, left_at, spells
from tests.oracle.periods import INCREMENTS, ITERATIONS, windows_at

EXAMPLES = 250


def test_the_cases_are_met_often() -> None:
    met: Counter[str] = Counter()

    # With a fixed seed, the count is the same each time.
    @seed(15)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def count(data: st.DataObject) -> None:
        config, at = data.draw(configs()), data.draw(instants())
        many = lives(data.draw(event_lists(config)), config, at)
        met.update({name for name, meets in CASES.items() for life in many if meets(life)})
        for label, window in windows_at(config, at).items():
            ends = [life.finish for life in many if life.finish is not None]
            met.update({label} if any(window.holds(end.time) for end in ends) else {})

    count()
    few = {name: met[name] for name in [*CASES, *INCREMENTS, *ITERATIONS] if met[name] < 2}
    assert few == {}
    assert met["from progress to new"] >= EXAMPLES // 10


CASES: dict[str, Callable[[Life], bool]] = {
    "from progress to new": lambda life: any(one.flow_state == "new" and was_load(one) for one in life.moments),
    "new again": lambda life: life.now.flow_state == "new" and any(was_load(one) for one in life.moments),
    "load of a node above the teams": lambda life: life.in_load and is_above(life.now),
    "finish of a node above the teams": lambda life: life.finish is not None and is_above(life.finish),
    "another backlog in progress": lambda life: len({spell[3] for spell in spells(life)}) > 1,
    "another owner in progress": lambda life: len({spell[2] for spell in spells(life)}) > 1,
    "another backlog at the finish": lambda life: moved(life.start, life.finish),
    "another backlog after the finish": lambda life: moved(life.finish, life.now),
    "no backlog": lambda life: life.now.backlog is None and not life.now.deleted,
    "estimated in progress": lambda life: life.in_load and bool(life.now.points),
    "estimated anew in progress": lambda life: len({one.points for one in life.moments if one.is_load}) > 1,
    "estimated at the finish": lambda life: life.finish is not None and bool(life.finish.points),
    "estimated anew after the finish": lambda life: life.finish is not None and life.finish.points != life.now.points,
    "several spells": lambda life: len(spells(life)) > 1,
    "a parent": lambda life: life.now.parent in ITEMS,
    "completed stays": lambda life: bool(completed_stays(life)),
    "left a state": lambda life: bool(left_at(life)),
}


def was_load(moment: Moment) -> bool:
    """Whether the item was in progress until that moment."""
    return moment.flow_state_before in LOAD


def is_above(moment: Moment) -> bool:
    """Whether a node above the teams owned the item in a backlog at that moment."""
    return not moment.owner[2] and moment.backlog is not None


def moved(one: Moment | None, other: Moment | None) -> bool:
    """Whether both moments are there, in different backlogs."""
    return one is not None and other is not None and one.backlog != other.backlog
