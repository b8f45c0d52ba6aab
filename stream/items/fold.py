"""The fold: an item's history becomes its summary.

Events with `time` <= now are folded in order of (time, sequence, id, source), by the rules of docs/metrics.md:

- start: the first entry into `active` or `waiting`; a return to `new` keeps it, or drops it (`on_return: reset`).
- finish: the latest entry into `done` from a state that is not `done`, while the item is still done.
- stays: the time between start and finish, by state. The first `MAX_STAYS` states, in the order of their first stay,
  keep their names. The time in all further states counts as `other`.
- active time: time in `active` states between start and finish while the item was not blocked.
- blocked: an overlay, never a state. It ends at `done` or `cancelled`.
- deleted: an overlay too. A later change with a state restores the item. Other fields of a deletion change nothing.
- erased: the item counts in no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stream.config.model import OTHER
from stream.events.event import Event, EventType
from stream.items.row import Entry
from stream.items.rules import Rules, WorkflowRules
from stream.items.summary import ENDED_STATES, LOAD_STATES, NO_STAYS, FlowState, Stamp, Summary

# Raise it with every change of the fold's results: all summaries are then derived again. With a new or changed field of
# the summary, raise `SUMMARY_VERSION` too.
FOLD_VERSION = 3
# A summary must fit into a record, however many states the item has passed through.
MAX_STAYS = 100
# Looking up a member of an enum costs more than all other work with it here.
_CHANGED, _DELETED = EventType.CHANGED, EventType.DELETED
_NEW, _ACTIVE, _DONE, _UNMAPPED = FlowState.NEW, FlowState.ACTIVE, FlowState.DONE, FlowState.UNMAPPED


def fold(item: str, entries: Iterable[Entry], rules: Rules, now: int) -> Summary | None:
    """Fold the (sorted) entries that are known at `now` (microseconds); None if none is known or all is erased."""
    life = live(entries, rules, now)
    return None if life is None else life.summary(item)


def live(entries: Iterable[Entry], rules: Rules, now: int) -> Life | None:
    """Give the item after the (sorted) entries known at `now`; None if none is known or all is erased."""
    life: Life | None = None
    for entry in entries:
        if entry.time > now:
            break
        if entry.type is EventType.ERASED:
            return None
        if life is None:
            life = Life(rules, entry)
        life.add(entry)
    return life


class Life:
    """The state of an item between two of its events."""

    __slots__ = (
        "active", "at", "attributes", "blocked_since", "deleted", "finish", "finished_active", "finished_merged",
        "finished_stays", "flow_state", "from_the_middle", "merged", "rules", "start", "start_is_lower_bound", "state",
        "stays", "workflow",
    )  # fmt: skip

    def __init__(self, rules: Rules, first: Entry | Event) -> None:
        self.rules = rules
        self.attributes: dict[str, Any] = {}
        self.at = first.time
        self.state: str | None = None
        self.workflow: WorkflowRules | None = None
        self.flow_state: FlowState | None = None
        self.blocked_since: int | None = None
        self.deleted = False
        self.start: Stamp | None = None
        self.start_is_lower_bound = False
        self.finish: Stamp | None = None
        self.active = self.finished_active = 0
        self.stays: dict[str, int] = {}
        self.finished_stays = NO_STAYS
        # Whether some stays are merged into `other`: now, and at the finish.
        self.merged = self.finished_merged = False
        self.from_the_middle = True
        self._begin(first.changes if first.type is _CHANGED else {}, first.source)

    def _begin(self, changes: Mapping[str, Any], source: str) -> None:
        """Set the state before the first event, if the event names one. Entering that state counts as nothing."""
        previous = changes.get("previous_state")
        if previous is None or "state" not in changes:
            if previous is not None:
                self.attributes["state"] = previous
            return
        self.state = previous
        self.flow_state = _flow_state(self.rules.workflow({**changes, "source": source}), previous)
        self.from_the_middle = self.flow_state in LOAD_STATES

    def add(self, entry: Entry | Event) -> None:
        """Let time pass until the event, then apply its changes."""
        self._elapse(entry.time)
        changes: Mapping[str, Any] = entry.changes if entry.type is _CHANGED else {}
        rules, attributes, source = self.rules, self.attributes, entry.source
        former = attributes.get("source")
        for field in rules.fields:
            if field in changes:
                attributes[field] = changes[field]
        if source != former:
            attributes["source"] = source
        if entry.type is _DELETED:
            self.deleted = True
        elif self.deleted and changes.get("state") is not None:
            self.deleted = False
        if "blocked" in changes:
            already = entry.time if self.blocked_since is None else self.blocked_since
            self.blocked_since = already if changes["blocked"] is True else None
        workflow, state = self.workflow, attributes.get("state")
        if source != former or not changes.keys().isdisjoint(rules.workflow_fields):
            workflow = rules.workflow(attributes)
        if state != self.state or workflow is not self.workflow:
            self.workflow = workflow
            self._enter(state, entry.time)
        if self.blocked_since is not None and self.flow_state in ENDED_STATES:
            self.blocked_since = None
        self.from_the_middle = False

    def _elapse(self, until: int) -> None:
        if self.start is not None and until > self.at and self.state is not None:
            passed, state, stays = until - self.at, self.state, self.stays
            if state not in stays and len(stays) >= MAX_STAYS:
                state, self.merged = OTHER, True
            stays[state] = stays.get(state, 0) + passed
            if self.flow_state is _ACTIVE and self.blocked_since is None:
                self.active += passed
        self.at = until

    def _enter(self, state: str | None, time: int) -> None:
        before = self.flow_state
        self.state = state
        self.flow_state = after = None if state is None else _flow_state(self.workflow, state)
        if self.start is None and after in LOAD_STATES:
            self.start = self._stamp(time)
            self.start_is_lower_bound = self.from_the_middle
        elif after is _NEW and before is not _NEW and self.workflow is not None and self.workflow.resets_on_return:
            self._reset()
        if after is not _DONE:
            self.finish = None
        elif before is not _DONE:
            self.finish = self._stamp(time)
            self.finished_active, self.finished_stays = self.active, dict(self.stays)
            self.finished_merged = self.merged

    def _reset(self) -> None:
        self.start = None
        self.start_is_lower_bound = False
        self.active = 0
        self.stays = {}
        self.merged = False

    def _stamp(self, time: int) -> Stamp:
        return Stamp(time, self.rules.owner(self.attributes), self.rules.item_type(self.attributes))

    @property
    def is_measured(self) -> bool:
        """Whether the item has both a start and a finish."""
        return self.start is not None and self.finish is not None

    @property
    def is_merged(self) -> bool:
        """Whether some stays in the summary are merged into `other`, since there are too many states."""
        return self.is_measured and self.finished_merged

    def summary(self, item: str) -> Summary:
        """Give the item's summary."""
        measured = self.is_measured
        return Summary(
            item,
            self.attributes["source"],
            self.rules.owner(self.attributes),
            self.rules.item_type(self.attributes),
            self.state,
            self.flow_state,
            blocked_since=self.blocked_since,
            deleted=self.deleted,
            start=self.start,
            start_is_lower_bound=self.start_is_lower_bound,
            finish=self.finish,
            active=self.finished_active if measured else 0,
            stays=self.finished_stays if measured else NO_STAYS,
        )


def _flow_state(workflow: WorkflowRules | None, state: str) -> FlowState:
    return _UNMAPPED if workflow is None else workflow.flow_state(state)
