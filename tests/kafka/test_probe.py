"""How a probe reads a worker's answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from tests.kafka.probe import Answer, Probe, shared_for, showings, shown_nodes, shows_nodes
from tests.kafka.scrape import wait_until

OURS = 'flow_load_items{value_stream="V",art="A",team="T",item_type="other",flow_state="active"} 2.0\n'
SUMMED = 'flow_load_ratio{value_stream="",art="",team="",level="portfolio"} 0.5\n'
ENGINE = 'flow_ready 0.0\nflow_events_total{source="value_stream",outcome="applied"} 1.0\n'


def page(began: float, body: str, status: int = 200) -> Answer:
    return Answer("/metrics", began, began + 0.1, status, body)


def test_only_numbers_of_nodes_are_such() -> None:
    assert not shows_nodes(ENGINE)
    assert shown_nodes(ENGINE) == set()
    for body in (OURS, ENGINE + OURS, ENGINE + SUMMED):
        assert shows_nodes(body)
        assert len(shown_nodes(body)) == 1


def test_ready_and_numbers_are_claims_by_the_time_of_their_request() -> None:
    numbers = count()
    pages: dict[str, Callable[[], tuple[int, str]]] = {
        "/ready": lambda: (503, ""),
        "/metrics": lambda: (200, OURS if next(numbers) else ENGINE),
    }
    with Probe(lambda path: pages[path](), every=0) as probe:
        wait_until(lambda: len(probe.answers) > 5, "answers")
    (_, first, _, second, *_) = probe.answers
    assert probe.claims(0)[0] == second
    assert probe.claims(first.began, second.began) == []
    assert {one.path for one in probe.claims(0)} == {"/metrics"}


def test_nodes_that_two_show_together_are_timed() -> None:
    one = [page(0, OURS), page(2, OURS + SUMMED), page(9, ENGINE)]
    other = [page(1, SUMMED), page(3, ENGINE), page(4, OURS), page(8, OURS), page(10, OURS)]
    assert shared_for(showings(one), showings(other)) == 4
    assert shared_for(showings(one), showings([page(1, OURS, 500), page(11, OURS)])) == 0
