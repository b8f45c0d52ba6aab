"""The fold: an item's history becomes its summary.

Events with `time` <= now are folded in order of (time, sequence, id, source), by the rules of docs/metrics.md:

- start: the first entry into `active` or `waiting`; a return to `new` keeps it, or drops it (`on_return: reset`).
- finish: the latest entry into `done` from a state that is not `done`, while the item is still done.
- stays: the time between start and finish, by state; of an item that is not finished, its completed stays since the
  start. The first `MAX_STAYS` states, in the order of their first stay, keep their names. The time in all further
  states counts as `other`.
- left_at: the age (time since the start) at which the item last left each state.
- spells: the intervals in which the item was in load, by owner and backlog; the newest hundred.
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
from stream.events.limits import MAX_NAME
from stream.items.matching import as_text
from stream.items.points import points_of
from stream.items.row import Entry
from stream.items.rules import Rules, WorkflowRules
from stream.items.spells import Spells
from stream.items.summary import ENDED_STATES, LOAD_STATES, NO_STAYS, UNASSIGNED, FlowState, Stamp, Summary

# Raise it with every change of the fold's results: all summaries are then derived again. With a new or changed field of
# the summary, raise `SUMMARY_VERSION` too.
FOLD_VERSION = 4
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
        "active", "at", "attributes", "backlog", "blocked_since", "deleted", "finish", "finished_active",
        "finished_left_at", "finished_merged", "finished_stays", "flow_state", "from_the_middle", "item_type",
        "left_at", "merged", "owner", "rules", "spells", "start", "start_is_lower_bound", "started", "state",
        "state_since", "stay_since", "stays", "workflow",
    )  # fmt: skip

    def __init__(self, rules: Rules, first: Entry | Event) -> None:
        self.rules = rules
        self.attributes: dict[str, Any] = {}
        self.at = first.time
        self.state: str | None = None
        self.state_since = self.stay_since = self.started = first.time
        self.owner = UNASSIGNED
        self.item_type = OTHER
        self.backlog: str | None = None
        self.workflow: WorkflowRules | None = None
        self.flow_state: FlowState | None = None
        self.blocked_since: int | None = None
        self.deleted = False
        self.start: Stamp | None = None
        self.start_is_lower_bound = False
        self.finish: Stamp | None = None
        self.active = self.finished_active = 0
        self.stays: dict[str, int] = {}
        self.left_at: dict[str, int] = {}
        self.finished_stays = self.finished_left_at = NO_STAYS
        self.spells = Spells()
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
        placed = self._change(changes, entry.source)
        if entry.type is _DELETED:
            self.deleted = True
        elif self.deleted and changes.get("state") is not None:
            self.deleted = False
        if "blocked" in changes:
            already = entry.time if self.blocked_since is None else self.blocked_since
            self.blocked_since = already if changes["blocked"] is True else None
        rules, attributes, workflow = self.rules, self.attributes, self.workflow
        if placed:
            self.owner, self.backlog = rules.owner(attributes), rules.backlog(attributes)
            self.item_type, workflow = rules.item_type(attributes), rules.workflow(attributes)
        state = attributes.get("state")
        if state != self.state or workflow is not self.workflow:
            self.workflow = workflow
            self._enter(state, entry.time)
        if self.blocked_since is not None and self.flow_state in ENDED_STATES:
            self.blocked_since = None
        if self.flow_state in LOAD_STATES and not self.deleted:
            self.spells.in_load(entry.time, self.owner, self.backlog)
        else:
            self.spells.out_of_load(entry.time)
        self.from_the_middle = False

    def _change(self, changes: Mapping[str, Any], source: str) -> bool:
        """Let attributes take their new values; give whether the item may have another place by them."""
        attributes, rules = self.attributes, self.rules
        placed = attributes.get("source") != source
        if placed:
            attributes["source"] = source
        fields = rules.fields
        for field, value in changes.items():
            places = fields.get(field)
            if places is not None:
                # Most events repeat texts that have not changed. Equal values of other types may differ: 1 and true.
                if places and not placed and (type(value) is not str or attributes.get(field) != value):
                    placed = True
                attributes[field] = value
        return placed

    def _elapse(self, until: int) -> None:
        if self.start is not None and self.flow_state is _ACTIVE and self.blocked_since is None:
            self.active += until - self.at
        self.at = until

    def _enter(self, state: str | None, time: int) -> None:
        """Enter a state, or see the present state as another workflow sees it."""
        before = self.flow_state
        if state != self.state:
            self._leave(time)
        self.state = state
        self.flow_state = after = None if state is None else _flow_state(self.workflow, state)
        if self.start is None and after in LOAD_STATES:
            self.start = self._stamp(time)
            self.start_is_lower_bound = self.from_the_middle
            self.started = self.stay_since = time
        elif after is _NEW and before is not _NEW and self.workflow is not None and self.workflow.resets_on_return:
            self._reset()
        if after is not _DONE:
            self.finish = None
        elif before is not _DONE:
            self._finish(state, time)

    def _leave(self, time: int) -> None:
        """Complete the stay in the present state."""
        state = self.state
        if self.start is not None and state is not None:
            self._add_stay(self.stays, state, time)
            self.left_at[self._named(self.left_at, state)] = time - self.started
        self.state_since = self.stay_since = time

    def _add_stay(self, stays: dict[str, int], state: str, until: int) -> None:
        if until > self.stay_since:
            name = self._named(stays, state)
            stays[name] = stays.get(name, 0) + until - self.stay_since

    def _finish(self, state: str | None, time: int) -> None:
        self.finish = self._stamp(time, points_of(self.attributes.get("points")))
        self.finished_active = self.active
        self.finished_stays, self.finished_left_at = dict(self.stays), dict(self.left_at)
        if self.start is not None and state is not None:
            # By another workflow, an item may be done in a state in which it has been for some time.
            self._add_stay(self.finished_stays, state, time)
        self.finished_merged = self.merged

    def _named(self, stays: Mapping[str, int], state: str) -> str:
        if state in stays or len(stays) < MAX_STAYS:
            return state
        self.merged = True
        return OTHER

    def _reset(self) -> None:
        self.start = None
        self.start_is_lower_bound = False
        self.active = 0
        self.stays, self.left_at = {}, {}
        self.merged = False

    def _stamp(self, time: int, points: int | None = None) -> Stamp:
        return Stamp(time, self.owner, self.item_type, self.backlog, points)

    @property
    def is_measured(self) -> bool:
        """Whether the item has both a start and a finish."""
        return self.start is not None and self.finish is not None

    @property
    def is_merged(self) -> bool:
        """Whether some stays in the summary are merged into `other`, since there are too many states."""
        return self.finished_merged if self.finish is not None else self.merged

    def summary(self, item: str) -> Summary:
        """Give the item's summary."""
        measured, attributes = self.is_measured, self.attributes
        finished = self.finish is not None
        return Summary(
            item,
            attributes["source"],
            self.owner,
            self.item_type,
            self.state,
            self.flow_state,
            backlog=self.backlog,
            key=_text(attributes.get("key")),
            parent=_text(attributes.get("parent")),
            points=points_of(attributes.get("points")),
            state_since=None if self.state is None else self.state_since,
            blocked_since=self.blocked_since,
            deleted=self.deleted,
            start=self.start,
            start_is_lower_bound=self.start_is_lower_bound,
            finish=self.finish,
            active=self.finished_active if measured else 0,
            stays=self.finished_stays if finished else dict(self.stays),
            left_at=self.finished_left_at if finished else dict(self.left_at),
            spells=self.spells.all(),
            spells_are_cut=self.spells.are_cut,
        )


def _text(value: Any) -> str | None:
    # A summary must fit into a record.
    if type(value) is str:
        return value if len(value) <= MAX_NAME else value[:MAX_NAME]
    return None if value is None or isinstance(value, dict | list) else as_text(value)[:MAX_NAME]


def _flow_state(workflow: WorkflowRules | None, state: str) -> FlowState:
    return _UNMAPPED if workflow is None else workflow.flow_state(state)
