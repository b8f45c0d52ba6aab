"""The model of a valid flow.yaml; `stream.config.loading` reads it.

The organisation is value streams with ARTs with teams. Workflows say what each tracker state means. The order of teams
and of workflows matters: the first one that matches an item applies.
"""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stream.config.duration import Duration
from stream.config.fields import (
    Amount,
    Day,
    Limit,
    Match,
    Name,
    Quantile,
    SourceName,
    Text,
    TimeZone,
    Version,
)

__all__ = ["Art", "Duration", "FlowConfig", "ProgramIncrement", "Source", "States", "Target", "TeamConfig"]
__all__ += ["ValueStream", "Workflow"]

MAX_TEAMS = 10_000
MAX_WINDOWS = 20
MAX_STATES = 500
MAX_WORKFLOWS = 500
MAX_TARGETS = 1_000
# The flow item type of all types that `item_types` does not name.
OTHER = "other"

Rule = dict[Name, Match]
Metric = Literal["flow_time", "velocity", "efficiency", "distribution", "load", "predictability"]
Level = Literal["team", "art", "value_stream", "portfolio"]
Kind = Literal["jira", "github", "gitlab", "azure-devops", "linear", "cloudevents"]
LIMIT = "WIP limit in items. A load above it raises an alert. Absent: no limit."


class _Part(BaseModel):
    """The base of all parts: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TeamConfig(_Part):
    """A team, which owns items."""

    team: Name = Field(description="Name of the team; unique within its ART.")
    load_limit: Limit = Field(None, description=LIMIT)
    owns: tuple[Annotated[Rule, Field(min_length=1)], ...] = Field(
        (),
        min_length=1,
        description="Ownership rules. The team owns an item if at least one rule matches. A rule matches if each of "
        "its fields has the value, or one of the values, that the rule names. Absent: the team owns the items whose "
        "`team` is its name.",
    )


class Art(_Part):
    """An Agile Release Train: a team of teams."""

    art: Name = Field(description="Name of the ART; unique within its value stream.")
    load_limit: Limit = Field(None, description=LIMIT)
    teams: tuple[TeamConfig, ...] = Field(min_length=1, description="Teams of the ART.")


class ValueStream(_Part):
    """A value stream: ARTs that deliver one kind of value."""

    value_stream: Name = Field(description="Name of the value stream; unique in the organisation.")
    load_limit: Limit = Field(None, description=LIMIT)
    arts: tuple[Art, ...] = Field(min_length=1, description="ARTs of the value stream.")


class States(_Part):
    """What the tracker's states mean, by flow state. States not named are `unmapped`."""

    new: tuple[Name, ...] = Field((), description="States before work has started.")
    active: tuple[Name, ...] = Field((), description="States in which somebody works on the item.")
    waiting: tuple[Name, ...] = Field((), description="States in which a started item waits.")
    done: tuple[Name, ...] = Field((), description="States in which the item is finished.")
    cancelled: tuple[Name, ...] = Field((), description="States of an abandoned item, which is never finished.")


class Workflow(_Part):
    """A workflow: the flow states of those items to which it applies."""

    name: Name = Field(description="Name of the workflow; unique.")
    applies_to: Rule = Field({}, description="Fields and values that an item must have. Empty or absent: every item.")
    states: States = Field(description="Tracker states by flow state; each state at most once.")
    on_return: Literal["keep", "reset"] = Field(
        "keep",
        description="Whether the item keeps its start when it returns to a `new` state, or resets it.",
    )


class ProgramIncrement(_Part):
    """A program increment (PI), in days of the configured time zone."""

    name: Name = Field(description="Name of the PI, as objectives name it; unique.")
    start: Day = Field(description="First day.")
    end: Day = Field(description="Last day, which belongs to the PI.")


class Source(_Part):
    """A tracker whose webhooks the gateway accepts."""

    name: SourceName = Field(description="Name of the source: `source` of its events, accepted at POST /hooks/NAME.")
    kind: Kind = Field(description="Kind of sender: decides how payloads and signatures are read.")
    secret_file: Name = Field(description="File with the secret that signs the payloads.")


class Target(_Part):
    """A KPI tied to a goal: a metric of one node that should be at most, or at least, some amount."""

    name: Name = Field(description="Name of the target; unique.")
    level: Level = Field(description="Level of the node that is measured.")
    value_stream: Name | None = Field(None, description="Value stream of the node.")
    art: Name | None = Field(None, description="ART of the node.")
    team: Name | None = Field(None, description="Team of the node.")
    metric: Metric = Field(description="Metric that is measured.")
    quantile: Quantile | None = Field(None, description="Quantile of the flow time, for `flow_time`.")
    window: Duration | None = Field(
        None, description="One of `windows`, for `flow_time`, `velocity`, `efficiency` and `distribution`."
    )
    item_type: Name | None = Field(None, description="Flow item type whose share is measured, for `distribution`.")
    at_most: Amount | None = Field(
        None, description="Upper bound: a duration for `flow_time`, else items or a ratio (0.15 is 15 %)."
    )
    at_least: Amount | None = Field(None, description="Lower bound, in the same unit as `at_most`.")


class FlowConfig(_Part):
    """The configuration of flowgauge (flow.yaml)."""

    version: Version = Field(description="Version of this format.")
    organisation: tuple[ValueStream, ...] = Field(min_length=1, description="Value streams, with ARTs and teams.")
    workflows: tuple[Workflow, ...] = Field(
        min_length=1,
        max_length=MAX_WORKFLOWS,
        description="Workflows; the first that applies to an item counts.",
    )
    item_types: dict[Name, tuple[Text, ...]] = Field(
        {},
        description="Flow item types, each with its tracker types. All other types are `other`.",
    )
    windows: tuple[Duration, ...] = Field(
        tuple(Duration.parse(label) for label in ("1d", "7d", "14d", "30d", "90d")),
        min_length=1,
        max_length=MAX_WINDOWS,
        description="Trailing windows: each is a whole number and a unit, s, m, h, d or w.",
    )
    time_zone: TimeZone = Field("UTC", description="Time zone in which days begin, such as Europe/Berlin.")
    program_increments: tuple[ProgramIncrement, ...] = Field(
        (),
        description="PIs, which must not overlap. If any is listed, objectives of other PIs are reported, but count "
        "nowhere.",
    )
    sources: tuple[Source, ...] = Field((), description="Trackers whose webhooks the gateway accepts.")
    targets: tuple[Target, ...] = Field((), max_length=MAX_TARGETS, description="KPIs tied to goals.")
    retention: Duration = Field(
        Duration.parse("400d"),
        description="How long an item is remembered after it was finished, cancelled or deleted.",
    )
    future_tolerance: Duration = Field(
        Duration.parse("5m"),
        description="How far in the future an event's time may be without being an anomaly.",
    )

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of what summaries depend on: names and rules of teams, workflows, item types.

        Limits, windows and the rest do not change it. Order counts only where it matters.
        """
        content = [
            [
                [s.value_stream, a.art, t.team, _team_rules(t)]
                for s in self.organisation
                for a in s.arts
                for t in a.teams
            ],
            [[_rule(w.applies_to), _sets(w.states.model_dump()), w.on_return] for w in self.workflows],
            _sets(self.item_types),
        ]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _team_rules(team: TeamConfig) -> list[Any]:
    return sorted((_rule(rule) for rule in team.owns or ({"team": team.team},)), key=json.dumps)


def _rule(rule: Rule) -> list[Any]:
    return sorted(
        [field, sorted({wanted} if isinstance(wanted, str) else set(wanted))] for field, wanted in rule.items()
    )


def _sets(lists: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: sorted(set(values)) for name, values in lists.items()}
