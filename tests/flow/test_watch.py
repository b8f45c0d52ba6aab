"""Each change of a limit or target once, with hysteresis, and starting from the changes reported before."""

from __future__ import annotations

import pytest

from stream.events.event import DAY
from stream.flow.boards import Boards
from stream.flow.goals import MeasuredTarget
from stream.flow.nodes import Node
from stream.flow.report import NodeNumbers, Reading
from stream.flow.watch import Change, Kind, LastNotice, Watch
from tests.flow.material import PORTFOLIO, TEAM, configured

HOUR = DAY // 24
LIMIT = ("limit", "team", "all", "Payments", "Checkout", "Cards")
TARGET = ("target", "focus")


def numbers(node: Node = TEAM, load: int = 0, limit: int | None = None, *targets: MeasuredTarget) -> NodeNumbers:
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
        LastNotice(Kind.PASSED, 5 * HOUR, 5 * HOUR, TEAM),
        None,
        {"value": 3, "limit": 2, "recovers_at": 2},
    )
    [recovered] = step(watch, 7 * HOUR, numbers(load=1, limit=2))
    assert recovered.notice == LastNotice(Kind.RECOVERED, 7 * HOUR, 5 * HOUR + 1, TEAM)
    assert recovered.lasted == 2 * HOUR
    [again] = step(watch, 9 * HOUR, numbers(load=3, limit=2))
    assert (again.notice, again.lasted) == (LastNotice(Kind.PASSED, 9 * HOUR, 5 * HOUR + 2, TEAM), None)


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
    for change in step(former, HOUR, numbers(TEAM, 3, 2, target(6.0))):
        watch.restore(change.key, change.notice)
    assert watch.look([numbers(TEAM, 3, 2, target(6.0))], 2 * HOUR) == []
    over = watch.look([numbers(TEAM, 2, 2, target(5.0))], 3 * HOUR)
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


def test_a_limit_of_a_node_that_is_not_shown_any_more_has_recovered() -> None:
    """A backlog that is planned above a node is shown there only while an item of it counts there."""
    watch, limits = Watch(), {TEAM: 8, PORTFOLIO: 3}
    assert watch.look([], 0, limits) == []
    step(watch, 0, numbers(load=9, limit=8))
    [recovered] = watch.look([], HOUR, limits)
    assert (recovered.notice, recovered.lasted) == (LastNotice(Kind.RECOVERED, HOUR, 1, TEAM), HOUR)
    assert recovered.data == {"value": 0, "limit": 8, "recovers_at": 8}
    watch.confirm([recovered])
    assert watch.look([], 2 * HOUR, limits) == []
    [again] = step(watch, 3 * HOUR, numbers(load=9, limit=8))
    assert again.notice == LastNotice(Kind.PASSED, 3 * HOUR, 2, TEAM)


def test_a_target_gets_a_notice_when_it_is_first_measured() -> None:
    watch = Watch()
    assert step(watch, 0, numbers(TEAM, 0, None, target(None))) == []
    [met] = step(watch, HOUR, numbers(TEAM, 0, None, target(4.0)))
    data = {"target": "focus", "metric": "load", "actual": 4.0, "at_least": None, "at_most": 5.0}
    assert met == Change(TARGET, LastNotice(Kind.MET, HOUR, HOUR, TEAM, "load"), None, data)
    assert watch.met_since() == {"focus": HOUR}


def test_a_target_stays_as_it_was_while_nothing_is_measured() -> None:
    watch = Watch()
    step(watch, HOUR, numbers(TEAM, 0, None, target(6.0)))
    assert watch.met_since() == {}
    assert step(watch, 2 * HOUR, numbers(TEAM, 0, None, target(None))) == []
    [met] = step(watch, 4 * HOUR, numbers(TEAM, 0, None, target(5.0)))
    assert met.lasted == 3 * HOUR
    assert step(watch, 5 * HOUR, numbers(TEAM, 0, None, target(None))) == []
    assert watch.met_since() == {"focus": 4 * HOUR}


def test_a_target_of_another_node_or_metric_begins_again() -> None:
    watch, art = Watch(), Node("art", "Payments", "Checkout", backlog="all")
    step(watch, HOUR, numbers(TEAM, 0, None, target(6.0)))
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


FEATURES = Node("art", "Payments", "Checkout", backlog="features")
STORIES = FEATURES._replace(backlog="stories")


def test_each_backlog_of_a_node_has_a_limit_of_its_own() -> None:
    watch = Watch()
    found = step(watch, HOUR, numbers(FEATURES, 3, 2), numbers(STORIES, 1, 2))
    assert [(change.key, change.notice and change.notice.node) for change in found] == [
        (("limit", "art", "features", "Payments", "Checkout"), FEATURES)
    ]
    found = step(watch, 2 * HOUR, numbers(FEATURES, 2, 2), numbers(STORIES, 3, 2))
    assert [(change.key[2], change.notice and change.notice.kind) for change in found] == [
        ("features", Kind.RECOVERED),
        ("stories", Kind.PASSED),
    ]
    [gone] = step(watch, 3 * HOUR, numbers(FEATURES, 2, 2), numbers(STORIES, 3))
    assert gone == Change(("limit", "art", "stories", "Payments", "Checkout"), None)


def test_the_portfolio_has_a_limit_under_its_level_and_backlog() -> None:
    watch = Watch()
    [passed] = step(watch, HOUR, numbers(PORTFOLIO, 3, 2))
    assert passed.key == ("limit", "portfolio", "all")
    # Its numbers are not known for a while, in no backlog.
    assert step(watch, HOUR, numbers()) == []


def test_a_target_of_another_backlog_begins_again() -> None:
    watch = Watch()
    step(watch, HOUR, numbers(FEATURES, 0, None, target(6.0)))
    [moved] = step(watch, 2 * HOUR, numbers(STORIES, 0, None, target(5.0)))
    assert moved.notice == LastNotice(Kind.MET, 2 * HOUR, HOUR + 1, STORIES, "load")
    assert moved.lasted is None


def before_backlogs(kind: Kind, metric: str = "") -> LastNotice:
    """Give a notice as a release before backlogs wrote it."""
    return LastNotice(kind, HOUR, HOUR, TEAM._replace(backlog=""), metric)


@pytest.mark.parametrize(("actual", "kind"), [(6.0, Kind.MISSED), (4.0, Kind.MET)])
def test_a_target_goes_on_from_a_notice_of_a_release_before_backlogs(actual: float, kind: Kind) -> None:
    watch = Watch()
    watch.restore(TARGET, before_backlogs(kind, "load"))
    assert step(watch, 2 * HOUR, numbers(TEAM, 0, None, target(actual))) == []
    assert watch.met_since() == ({"focus": HOUR} if kind is Kind.MET else {})


def test_a_breach_that_began_before_backlogs_has_lasted_since_then() -> None:
    watch = Watch()
    watch.restore(TARGET, before_backlogs(Kind.MISSED, "load"))
    [met] = step(watch, 4 * HOUR, numbers(TEAM, 0, None, target(4.0)))
    assert (met.notice, met.lasted) == (LastNotice(Kind.MET, 4 * HOUR, HOUR + 1, TEAM, "load"), 3 * HOUR)
    [missed] = step(watch, 5 * HOUR, numbers(TEAM, 0, None, target(6.0)))
    [again] = step(watch, 7 * HOUR, numbers(TEAM, 0, None, target(4.0)))
    assert (missed.notice and missed.notice.number, again.lasted) == (HOUR + 2, 2 * HOUR)


def test_another_node_under_a_name_is_another_target_also_if_a_release_before_backlogs_told_of_it() -> None:
    watch = Watch()
    watch.restore(TARGET, before_backlogs(Kind.MISSED, "load"))
    [moved] = step(watch, 4 * HOUR, numbers(FEATURES, 0, None, target(4.0)))
    assert (moved.notice and moved.notice.node, moved.lasted) == (FEATURES, None)


@pytest.mark.parametrize("load", [1, 2, 3])
def test_a_limit_under_its_key_of_before_backlogs_is_taken_back_and_told_under_its_new_one(load: int) -> None:
    watch, former = Watch(), ("limit", "team", "Payments", "Checkout", "Cards")
    watch.restore(former, before_backlogs(Kind.PASSED))
    changes = step(watch, 2 * HOUR, numbers(TEAM, load, 2))
    passed = [(LIMIT, LastNotice(Kind.PASSED, 2 * HOUR, 2 * HOUR, TEAM))] if load > 2 else []
    assert [(change.key, change.notice) for change in changes] == [*passed, (former, None)]
    assert step(watch, 3 * HOUR, numbers(TEAM, load, 2)) == []
