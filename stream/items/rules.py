"""The configuration as the fold needs it: owner, backlog, workflow and flow item type by an item's attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream.config.model import OTHER, FlowConfig, Workflow
from stream.items.matching import Rule, as_text, fingerprint_of, matches
from stream.items.summary import UNASSIGNED, FlowState, Owner

MAX_REMEMBERED = 100_000
# Attributes that no rule needs, and a summary has.
SHOWN = ("key", "parent", "points")


class WorkflowRules:
    """One workflow: the flow state of each of its states, and what a return to `new` does."""

    def __init__(self, workflow: Workflow) -> None:
        self.applies_to: Rule = workflow.applies_to
        self.resets_on_return = workflow.on_return == "reset"
        self._flow_states = {
            state: flow_state
            for flow_state in FlowState
            if flow_state is not FlowState.UNMAPPED
            for state in getattr(workflow.states, flow_state.value)
        }

    def flow_state(self, state: str) -> FlowState:
        """Give the flow state of a workflow state; `unmapped` if the workflow does not name it."""
        return self._flow_states.get(state, FlowState.UNMAPPED)


class Rules:
    """Rules over attributes. Answers are cached, since most items have the same attributes."""

    def __init__(self, config: FlowConfig) -> None:
        self._owners = [(Owner(*names), rules) for names, rules in config.owners]
        self._owner_fields = _fields(rule for _, rules in self._owners for rule in rules)
        # Most teams own the items that name them. These teams are looked up; only the others are searched.
        self._places: dict[str, int] = {}
        self._others: list[tuple[int, tuple[Rule, ...]]] = []
        for place, (owner, rules) in enumerate(self._owners):
            if owner.team and rules == ({"team": owner.team},):
                self._places.setdefault(owner.team, place)
            else:
                self._others.append((place, rules))
        self._workflows = [WorkflowRules(workflow) for workflow in config.workflows]
        self._workflow_fields = _fields(workflow.applies_to for workflow in self._workflows)
        # A backlog without `holds` takes the rest.
        self._backlogs = [(each.backlog, each.holds or {}) for each in config.backlogs]
        self._backlog_fields = _fields(holds for _, holds in self._backlogs)
        # Owner, backlog, type and workflow of an item can change only with one of these fields or with the source.
        placing = {*self._owner_fields, *self._backlog_fields, *self._workflow_fields, "item_type"} - {"source"}
        # The attributes that the fold needs, besides the source, and whether they place the item.
        self.fields = {field: field in placing for field in sorted(placing | {*SHOWN, "state"})}
        self._types = {name: kind for kind, names in config.item_types.items() for name in names}
        self._owner_of: dict[Any, Owner] = {}
        self._backlog_of: dict[Any, str | None] = {}
        self._workflow_of: dict[Any, WorkflowRules | None] = {}

    def owner(self, attributes: Mapping[str, Any]) -> Owner:
        """Give the first owner with a rule that matches: teams first, then ARTs, value streams and the portfolio.

        The owners of a level are in the order of the file. `unassigned` if no rule matches.
        """
        key = _key(self._owner_fields, attributes)
        found = self._owner_of.get(key)
        if found is None:
            found = self._first(attributes)
            _remember(self._owner_of, key, found)
        return found

    def _first(self, attributes: Mapping[str, Any]) -> Owner:
        name = attributes.get("team")
        names = name if isinstance(name, list | tuple) else () if name is None else (name,)
        named = [self._places[as_text(each)] for each in names if as_text(each) in self._places]
        ruled = next((place for place, rules in self._others if _any(rules, attributes)), None)
        first = min([*named, *(() if ruled is None else (ruled,))], default=None)
        return UNASSIGNED if first is None else self._owners[first][0]

    def backlog(self, attributes: Mapping[str, Any]) -> str | None:
        """Give the first backlog whose `holds` matches; None if none does."""
        key = _key(self._backlog_fields, attributes)
        if key not in self._backlog_of:
            found = next((backlog for backlog, holds in self._backlogs if matches(holds, attributes)), None)
            _remember(self._backlog_of, key, found)
        return self._backlog_of[key]

    def team_named(self, team: str | None, art: str | None = None, value_stream: str | None = None) -> Owner:
        """Give the first team of that name, within the ART and value stream if they are given; else `unassigned`."""
        wanted = (value_stream, art, team)
        named = (owner for owner, _ in self._owners if owner.team and owner.team == team)
        return next(
            (owner for owner in named if all(w in (None, n) for w, n in zip(wanted, owner, strict=True))), UNASSIGNED
        )

    def workflow(self, attributes: Mapping[str, Any]) -> WorkflowRules | None:
        """Give the first workflow whose `applies_to` matches; None if none does."""
        key = _key(self._workflow_fields, attributes)
        if key not in self._workflow_of:
            found = next((flow for flow in self._workflows if matches(flow.applies_to, attributes)), None)
            _remember(self._workflow_of, key, found)
        return self._workflow_of[key]

    def item_type(self, attributes: Mapping[str, Any]) -> str:
        """Give the flow item type of the tracker's type; `other` if none is configured for it."""
        kind = attributes.get("item_type")
        if type(kind) is str:
            return self._types.get(kind, OTHER)
        return OTHER if kind is None else self._types.get(as_text(kind), OTHER)


def _key(fields: tuple[str, ...], attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    values = [attributes.get(field) for field in fields]
    return tuple([value if type(value) is str else fingerprint_of(value) for value in values])


def _any(rules: tuple[Rule, ...], attributes: Mapping[str, Any]) -> bool:
    return any(matches(rule, attributes) for rule in rules)


def _fields(rules: Any) -> tuple[str, ...]:
    return tuple(sorted({field for rule in rules for field in rule}))


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    # Attributes are free text from outside, so a cache of them needs a bound.
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
    memory[key] = value
