"""Each change of a limit or target once, with hysteresis, and starting from the changes reported before."""

from __future__ import annotations

import pytest

from stream.events.event import DAY
from stream.flow.boards import Boards
from stream.flow.goals import MeasuredTarget
from stream.flow.nodes import PORTFOLIO, Node
from stream.flow.report import NodeNumbers, Reading
from stream.flow.watch import Change, Kind, LastNotice, Watch
from tests.flow.material import configured

HOUR = DAY // 24
CARDS = Node("team", "Payments", "Checkout", "Cards")
LIMIT = ("limit", "team", "Payments", "Checkout", "Cards")
TARGET = ("target", "focus")


def numbers(node: Node = CARDS, load: int = 0, limit: int | None = None, *targets: MeasuredTarget) -> NodeNumbers:
    empty = Reading(configured(), Boards(configured(), lambda _: 0)).read(0)[0]
    return empty._replace(node=node, load=load, limit=limit, targets=targets)


def target(actual: float | None, metric: str = "load") -> MeasuredTarget:
    return MeasuredTarget("focus", metric, None, 5.0, actual, None if actual is None else actual <= 5)


def step(watch: Watch, now: int, *nodes: NodeNumbers) -> list[Change]:
    changes = watch.look(nodes, now)
    watch.confirm(changes)
    return changes


def test_a_limit_is_passed_above_it_and_recovered_a_tenth_below() -> None:
    watch = Watch()
    told = [step(watch, 0, numbers(load=load, limit=25)) for load in (25, 26, 25, 24, 26, 23, 25, 26)]
    assert [[change.notice.kind for change in changes if change.notice] for changes in told] == [
        [],
        [Kind.PASSED],
        [],
        [],
        [],
        [Kind.RECOVERED],
        [],
        [Kind.PASSED],
    ]


@pytest.mark.parametrize(("limit", "recovers_at"), [(1, 1), (9, 9), (10, 9), (19, 18), (20, 18), (100, 90)])
def test_small_limits_recover_at_the_limit(limit: int, recovers_at: int) -> None:
    watch = Watch()
    step(watch, 0, numbers(load=limit + 1, limit=limit))
    assert step(watch, 0, numbers(load=recovers_at + 1, limit=limit)) == []
    [change] = step(watch, 0, numbers(load=recovers_at, limit=limit))
    assert change.data == {"value": recovers_at, "limit": limit, "recovers_at": recovers_at}


def test_a_change_says_since_when_and_how_long_the_breach_lasted() -> None:
    watch = Watch()
    [passed] = step(watch, 5 * HOUR, numbers(load=3, limit=2))
    assert passed == Change(
        LIMIT,
        LastNotice(Kind.PASSED, 5 * HOUR, 5 * HOUR, CARDS),
        None,
        {"value": 3, "limit": 2, "recovers_at": 2},
    )
    [recovered] = step(watch, 7 * HOUR, numbers(load=1, limit=2))
    assert recovered.notice == LastNotice(Kind.RECOVERED, 7 * HOUR, 5 * HOUR + 1, CARDS)
    assert recovered.lasted == 2 * HOUR
    [again] = step(watch, 9 * HOUR, numbers(load=3, limit=2))
    assert (again.notice, again.lasted) == (LastNotice(Kind.PASSED, 9 * HOUR, 5 * HOUR + 2, CARDS), None)


def test_a_clock_that_goes_back_makes_no_negative_breach() -> None:
    watch = Watch()
    step(watch, 5 * HOUR, numbers(load=3, limit=2))
    [recovered] = step(watch, 4 * HOUR, numbers(load=1, limit=2))
    assert recovered.lasted == 0


def test_no_notice_is_repeated_and_none_is_kept_before_it_is_durable() -> None:
    watch = Watch()
    nodes = [numbers(load=3, limit=2)]
    first = watch.look(nodes, HOUR)
    assert watch.look(nodes, HOUR) == first
    watch.confirm(first)
    assert watch.look(nodes, 2 * HOUR) == []


def test_a_watch_goes_on_where_another_ended() -> None:
    former, watch = Watch(), Watch()
    for change in step(former, HOUR, numbers(CARDS, 3, 2, target(6.0))):
        watch.restore(change.key, change.notice)
    assert watch.look([numbers(CARDS, 3, 2, target(6.0))], 2 * HOUR) == []
    over = watch.look([numbers(CARDS, 2, 2, target(5.0))], 3 * HOUR)
    assert [(change.key, change.lasted) for change in over] == [(LIMIT, 2 * HOUR), (TARGET, 2 * HOUR)]


def test_another_limit_is_looked_at_like_any_change() -> None:
    watch = Watch()
    step(watch, 0, numbers(load=9, limit=8))
    [recovered] = step(watch, HOUR, numbers(load=9, limit=10))
    assert recovered.data == {"value": 9, "limit": 10, "recovers_at": 9}


def test_a_limit_that_is_watched_no_more_is_taken_back_once() -> None:
    for nodes in ([numbers(load=9)], []):
        watch = Watch()
        step(watch, 0, numbers(load=9, limit=8))
        assert step(watch, HOUR, *nodes) == [Change(LIMIT, None)]
        assert step(watch, HOUR, *nodes) == []


def test_a_target_gets_a_notice_when_it_is_first_measured() -> None:
    watch = Watch()
    assert step(watch, 0, numbers(CARDS, 0, None, target(None))) == []
    [met] = step(watch, HOUR, numbers(CARDS, 0, None, target(4.0)))
    data = {"target": "focus", "metric": "load", "actual": 4.0, "at_least": None, "at_most": 5.0}
    assert met == Change(TARGET, LastNotice(Kind.MET, HOUR, HOUR, CARDS, "load"), None, data)
    assert watch.met_since() == {"focus": HOUR}


def test_a_target_stays_as_it_was_while_nothing_is_measured() -> None:
    watch = Watch()
    step(watch, HOUR, numbers(CARDS, 0, None, target(6.0)))
    assert watch.met_since() == {}
    assert step(watch, 2 * HOUR, numbers(CARDS, 0, None, target(None))) == []
    [met] = step(watch, 4 * HOUR, numbers(CARDS, 0, None, target(5.0)))
    assert met.lasted == 3 * HOUR
    assert step(watch, 5 * HOUR, numbers(CARDS, 0, None, target(None))) == []
    assert watch.met_since() == {"focus": 4 * HOUR}


def test_a_target_of_another_node_or_metric_begins_again() -> None:
    watch, art = Watch(), Node("art", "Payments", "Checkout")
    step(watch, HOUR, numbers(CARDS, 0, None, target(6.0)))
    [moved] = step(watch, 2 * HOUR, numbers(art, 0, None, target(6.0)))
    assert moved.notice == LastNotice(Kind.MISSED, 2 * HOUR, HOUR + 1, art, "load")
    [other] = step(watch, 3 * HOUR, numbers(art, 0, None, target(4.0, "velocity")))
    assert other.notice == LastNotice(Kind.MET, 3 * HOUR, HOUR + 2, art, "velocity")
    assert other.lasted is None


def test_the_portfolio_may_be_unknown_for_a_while() -> None:
    watch = Watch()
    step(watch, 0, numbers(PORTFOLIO, 0, None, target(6.0)))
    assert step(watch, HOUR, numbers()) == []
    assert step(watch, HOUR, numbers(), numbers(PORTFOLIO)) == [Change(TARGET, None)]
