"""The model of a valid flow.yaml; `stream.config.loading` reads it.

The organisation is value streams with ARTs with teams. Workflows say what each tracker state means. The order of teams
and of workflows matters: the first one that matches an item applies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from stream.config.duration import Duration
from stream.config.fields import (
    Amount,
    Day,
    LoadLimit,
    Match,
    Name,
    NodeMetric,
    Period,
    Quantile,
    SourceName,
    Text,
    TimeZone,
    Version,
    WholeDays,
    Window,
)

__all__ = ["Art", "Backlog", "Duration", "Export", "FlowConfig", "Iterations", "Level", "LoadLimit", "Period"]
__all__ += ["Portfolio", "ProgramIncrement", "Source", "States", "Target", "TeamConfig", "ValueStream", "Window"]
__all__ += ["Workflow"]

MAX_TEAMS = 10_000
MAX_WINDOWS = 20
MAX_BACKLOGS = 20
MAX_STATES = 500
MAX_WORKFLOWS = 500
MAX_TARGETS = 1_000
# The flow item type of all types that `item_types` does not name.
OTHER = "other"

Rule = dict[Name, Match]
SomeRule = Annotated[Rule, Field(min_length=1)]
Metric = Literal["flow_time", "velocity", "efficiency", "distribution", "load", "predictability"]
Level = Literal["team", "art", "value_stream", "portfolio"]
# From the lowest to the highest.
LEVELS: tuple[Level, ...] = get_args(Level)
Kind = Literal["jira", "github", "gitlab", "azure-devops", "linear", "cloudevents"]
LIMIT = (
    "WIP limit in items: a number for the home backlog of this level, or numbers by backlog. A load above it raises an "
    "alert. Absent: no limit."
)
OWNS = (
    "Ownership rules, as for teams. It owns the items that match one of them and that no node of a lower level owns. "
    "Absent: it owns nothing itself."
)
# Names of a value stream, an ART and a team; "" below the level of the node.
Names = tuple[str, str, str]


class _Part(BaseModel):
    """The base of all parts: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TeamConfig(_Part):
    """A team, which owns items."""

    team: Name = Field(description="Name of the team; unique within its ART.")
    load_limit: LoadLimit = Field(None, description=LIMIT)
    owns: tuple[SomeRule, ...] = Field(
        (),
        min_length=1,
        description="Ownership rules. The team owns an item if at least one rule matches. A rule matches if each of "
        "its fields has the value, or one of the values, that the rule names. Absent: the team owns the items whose "
        "`team` is its name.",
    )


class Art(_Part):
    """An Agile Release Train: a team of teams."""

    art: Name = Field(description="Name of the ART; unique within its value stream.")
    load_limit: LoadLimit = Field(None, description=LIMIT)
    owns: tuple[SomeRule, ...] = Field((), min_length=1, description=OWNS)
    teams: tuple[TeamConfig, ...] = Field(min_length=1, description="Teams of the ART.")


class ValueStream(_Part):
    """A value stream: ARTs that deliver one kind of value."""

    value_stream: Name = Field(description="Name of the value stream; unique in the organisation.")
    load_limit: LoadLimit = Field(None, description=LIMIT)
    owns: tuple[SomeRule, ...] = Field((), min_length=1, description=OWNS)
    arts: tuple[Art, ...] = Field(min_length=1, description="ARTs of the value stream.")


class Portfolio(_Part):
    """The level above all value streams."""

    load_limit: LoadLimit = Field(None, description=LIMIT)
    owns: tuple[SomeRule, ...] = Field((), min_length=1, description=OWNS)


class Backlog(_Part):
    """What flows on its own. Numbers never mix two backlogs."""

    backlog: Name = Field(description="Name of the backlog; unique.")
    home: Level = Field(
        description="Level at which the backlog is planned. Nodes of this level and above always show it."
    )
    holds: SomeRule | None = Field(
        None,
        description="Fields and values that an item must have. The first backlog that matches holds the item. Absent: "
        "every item that no backlog before holds.",
    )


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


class Iterations(_Part):
    """Iterations, which follow one another without a gap; days begin in the configured time zone."""

    first: Day = Field(description="First day of the first iteration.")
    length: WholeDays = Field(description="Length of each iteration, in whole days.")


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
    backlog: Name | None = Field(
        None, description="Backlog that is measured. Absent: the home backlog of the level. `predictability` has none."
    )
    metric: Metric = Field(description="Metric that is measured.")
    quantile: Quantile | None = Field(None, description="Quantile of the flow time, for `flow_time`.")
    window: Window | None = Field(
        None, description="One of `windows`, for `flow_time`, `velocity`, `efficiency` and `distribution`."
    )
    item_type: Name | None = Field(None, description="Flow item type whose share is measured, for `distribution`.")
    at_most: Amount | None = Field(
        None, description="Upper bound: a duration for `flow_time`, else items or a ratio (0.15 is 15 %)."
    )
    at_least: Amount | None = Field(None, description="Lower bound, in the same unit as `at_most`.")


class Export(_Part):
    """What /metrics exports of the nodes. Feed, walls and `replay` have everything."""

    windows: tuple[Window, ...] | None = Field(
        None, min_length=1, description="Those of `windows` that are exported. Absent: all."
    )
    leave_out: tuple[NodeMetric, ...] = Field((), description="Metrics of nodes that are not exported.")


class FlowConfig(_Part):
    """The configuration of flowgauge (flow.yaml)."""

    version: Version = Field(description="Version of this format.")
    portfolio: Portfolio = Field(
        default_factory=lambda: Portfolio.model_validate({}),
        description="What the portfolio itself owns, and its WIP limits.",
    )
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
    backlogs: tuple[Backlog, ...] = Field(
        (Backlog(backlog="all", home="team", holds=None),),
        min_length=1,
        max_length=MAX_BACKLOGS,
        description="Backlogs, which flow apart from each other; the first that matches an item holds it. Absent: one, "
        "`all`.",
    )
    windows: tuple[Window, ...] = Field(
        tuple(Duration.parse(label) for label in ("1d", "7d", "14d", "30d", "90d")),
        min_length=1,
        max_length=MAX_WINDOWS,
        description="Windows: the length of a trailing window, which is a whole number and a unit, s, m, h, d or w; or "
        "a period: pi, previous_pi, iteration or previous_iteration.",
    )
    time_zone: TimeZone = Field("UTC", description="Time zone in which days begin, such as Europe/Berlin.")
    program_increments: tuple[ProgramIncrement, ...] = Field(
        (),
        description="PIs, which must not overlap. If any is listed, objectives of other PIs are reported, but count "
        "nowhere.",
    )
    iterations: Iterations | None = Field(
        None, description="Iterations, for the windows `iteration` and `previous_iteration`."
    )
    sources: tuple[Source, ...] = Field((), description="Trackers whose webhooks the gateway accepts.")
    export: Export = Field(
        default_factory=lambda: Export.model_validate({}),
        description="What /metrics exports of the nodes. Absent: everything.",
    )
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
        """16 hex digits of what summaries depend on: owners, workflows, item types and backlogs with their rules.

        Limits, homes, windows and the rest do not change it. Order counts only where it matters.
        """
        content = [
            [[*names, sorted(map(_rule, rules), key=json.dumps)] for names, rules in self.owners],
            [[_rule(w.applies_to), _sets(w.states.model_dump()), w.on_return] for w in self.workflows],
            _sets(self.item_types),
            [[backlog.backlog, backlog.holds and _rule(backlog.holds)] for backlog in self.backlogs],
        ]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def owners(self) -> tuple[tuple[Names, tuple[Rule, ...]], ...]:
        """The nodes that own items, with their rules: the first that matches an item owns it.

        Teams are first, then ARTs, value streams and the portfolio, each in the order of the file.
        """
        streams = [((s.value_stream, "", ""), s) for s in self.organisation]
        arts = [((names[0], a.art, ""), a) for names, s in streams for a in s.arts]
        teams = [((*names[:2], t.team), t.owns or ({"team": t.team},)) for names, a in arts for t in a.teams]
        above: list[tuple[Names, Art | ValueStream | Portfolio]] = [*arts, *streams, (("", "", ""), self.portfolio)]
        return (*teams, *((names, node.owns) for names, node in above if node.owns))

    @property
    def trailing(self) -> tuple[Duration, ...]:
        """The trailing windows, in the order of the file."""
        return tuple(window for window in self.windows if isinstance(window, Duration))

    @property
    def periods(self) -> tuple[Period, ...]:
        """The windows with calendar edges, in the order of the file."""
        return tuple(window for window in self.windows if not isinstance(window, Duration))

    @property
    def window_labels(self) -> tuple[str, ...]:
        """The labels of all windows, in the order of the file."""
        return tuple(map(str, self.windows))

    @property
    def exported_windows(self) -> tuple[str, ...]:
        """The labels of the windows that /metrics exports, in the order of the file."""
        wanted = self.windows if self.export.windows is None else self.export.windows
        keys = set(map(window_key, wanted))
        return tuple(str(window) for window in self.windows if window_key(window) in keys)

    def label_of(self, window: Duration | Period) -> str:
        """Give the label that `windows` has for a window: `1w` and `7d` are the same one."""
        return next(str(each) for each in self.windows if window_key(each) == window_key(window))

    def home_of(self, level: Level) -> str | None:
        """Give the home backlog of a level, else that of the nearest level below; None if there is none."""
        return home_of(self.backlogs, level)

    def limit_of(self, load_limit: LoadLimit, level: Level) -> dict[str, int]:
        """Give the WIP limits of a node of the level, by backlog."""
        if isinstance(load_limit, int):
            home = self.home_of(level)
            return {} if home is None else {home: load_limit}
        return dict(load_limit or {})

    def backlog_of(self, target: Target) -> str | None:
        """Give the backlog of a target: its own, else the home backlog of its level."""
        return target.backlog or self.home_of(target.level)


def home_of(backlogs: Sequence[Backlog], level: Level) -> str | None:
    """Give the first backlog whose home is the level, else that of the nearest level below; None if there is none."""
    below = LEVELS[: LEVELS.index(level) + 1]
    homes = (each.backlog for home in reversed(below) for each in backlogs if each.home == home)
    return next(homes, None)


def window_key(window: Duration | Period) -> int | Period:
    """Give what identifies a window: the length of a trailing one in microseconds, or the period."""
    return window.microseconds if isinstance(window, Duration) else window


def _rule(rule: Rule) -> list[Any]:
    return sorted(
        [field, sorted({wanted} if isinstance(wanted, str) else set(wanted))] for field, wanted in rule.items()
    )


def _sets(lists: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: sorted(set(values)) for name, values in lists.items()}
