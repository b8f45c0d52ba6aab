"""Prints the findings of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from tests.chaos.journal import Journal
from tests.chaos.observer import LEASE, Observer
from tests.chaos.supervisor import Supervisor
from tests.kafka.probe import Node, Showing, shared_for

# How much scrapes a second apart and a busy machine may add to the time for which two workers show one node.
SHARED_MARGIN = 5.0


def report(journal: Journal, supervisors: Sequence[Supervisor], observers: Sequence[Observer]) -> None:
    """Print the report of a run, after the checks that need all pages together."""
    shared = max(shared_for(one.showings, other.showings) for one, other in combinations(observers, 2))
    if shared > LEASE + SHARED_MARGIN:
        journal.violate("two workers", f"one node was shown by two for {shared:.0f} s")
    for line in _lines(supervisors, observers, shared):
        journal.say(line)
    for kind, count in journal.violations.items():
        journal.say(f"violations: {count} x {kind}")
    journal.say("FAILED" if journal.violations else "nothing was violated")


def _lines(supervisors: Sequence[Supervisor], observers: Sequence[Observer], shared: float) -> Iterator[str]:
    looks, ready = sum(one.looks for one in observers), sum(one.ready for one in observers)
    showing = sum(bool(nodes) for one in observers for _, nodes in one.showings)
    yield f"{looks} scrapes, of them {ready} of a worker that said ready before and after, {showing} with numbers"
    gap = longest_gap([one.showings for one in observers])
    yield f"for at most {gap:.0f} s some numbers were shown nowhere, for at most {shared:.0f} s one at two workers"
    ends = sum((supervisor.ends for supervisor in supervisors), Counter())
    yield f"{ends.total()} ends of workers:"
    for reason, count in ends.most_common():
        yield f"{count:5} x {reason}"
    logged = sum(len(supervisor.worker.log.splitlines()) for supervisor in supervisors)
    yield f"{logged} lines in the workers' logs"


def longest_gap(workers: Sequence[Sequence[Showing]]) -> float:
    """Return the longest time, in seconds, for which some node that was ever shown was shown by no worker.

    The portfolio is ignored: it is shown only while one worker has all partitions of `flow.items`.
    """
    ever: set[Node] = set().union(*(nodes for showings in workers for _, nodes in showings))
    everything = {node for node in ever if ("level", "portfolio") not in node}
    shown: dict[int, set[Node]] = {}
    pages = sorted((time, number) for number, showings in enumerate(workers) for time, _ in showings)
    by_page = {(time, number): nodes for number, showings in enumerate(workers) for time, nodes in showings}
    longest, since, complete = 0.0, pages[0][0] if pages else 0.0, False
    for time, number in pages:
        if not complete:
            longest = max(longest, time - since)
        shown[number] = by_page[time, number]
        was_complete, complete = complete, everything <= set().union(*shown.values())
        if was_complete and not complete:
            since = time
    return longest
