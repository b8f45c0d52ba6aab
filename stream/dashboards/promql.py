"""The PromQL that the panels share.

While a partition moves, two workers may show the same node in one scrape. So every query of the organisation first
reduces to one series a node: `max without (instance, job) (...)`.

A query is about one backlog: an epic, its features and their stories are the same work, and are never summed. Plans
have no backlog, and each target has its own.
"""

from __future__ import annotations

import json
from typing import NamedTuple

OWNERS = "value_stream, art, team"
NODE = f"level, {OWNERS}, backlog"
# The name of what a node above the teams owns itself: it has no name of a node below it.
OWN = "(own)"


class Scope(NamedTuple):
    """The matchers of a query, one for each label, such as `="$art"`. An empty one matches any value."""

    value_stream: str = ""
    art: str = ""
    team: str = ""
    backlog: str = ""

    def holding(self, backlog: str) -> Scope:
        """Give the same nodes in one backlog, by its name."""
        return self._replace(backlog=f'="{escaped(backlog)}"')

    def whole(self) -> Scope:
        """Give the same nodes for what has no backlog: plans, and the list of targets."""
        return self._replace(backlog="")


CHOSEN = '="$backlog"'
EVERYTHING = Scope()
VALUE_STREAMS = Scope('=~"$value_stream"', backlog=CHOSEN)
ART = Scope('="$value_stream"', '="$art"', backlog=CHOSEN)
ARTS = Scope('="$value_stream"', '=~"$art"', backlog=CHOSEN)
TEAM = Scope('="$value_stream"', '="$art"', '="$team"', CHOSEN)


def only(value_stream: str) -> Scope:
    """Give the scope of one value stream by its name."""
    return Scope(f'="{escaped(value_stream)}"')


def escaped(name: str) -> str:
    """Escape a name for a PromQL string. A dollar is escaped too, or Grafana would read a variable."""
    return json.dumps(name, ensure_ascii=False)[1:-1].replace("$", "\\x24")


def pick(metric: str, scope: Scope = EVERYTHING, /, **labels: str | tuple[str, ...]) -> str:
    """Select a metric within a scope, one series a node; each of `labels` gives one value or several alternatives."""
    matchers = [f"{name}{matcher}" for name, matcher in scope._asdict().items() if matcher]
    for name, value in labels.items():
        matchers.append(f'{name}="{value}"' if isinstance(value, str) else f'{name}=~"{"|".join(value)}"')
    selector = f"{metric}{{{', '.join(matchers)}}}" if matchers else metric
    return f"max without (instance, job) ({selector})"


def total(metric: str, scope: Scope = EVERYTHING, /, by: str = "", **labels: str | tuple[str, ...]) -> str:
    """Sum a metric of owners, by the labels that `by` lists."""
    return f"sum by ({by}) ({pick(metric, scope, **labels)})" if by else f"sum({pick(metric, scope, **labels)})"


def named(expr: str, labels: str) -> str:
    """Name what an ART, a value stream or the portfolio owns itself, where one of these labels is empty."""
    for label in labels.split(", "):
        expr = f'label_replace({expr}, "{label}", "{OWN}", "{label}", "")'
    return expr


def flow_time(scope: Scope, level: str, window: str, quantile: str) -> str:
    """Select the exact quantile of flow time."""
    return pick("flow_time_quantile_seconds", scope, level=level, window=window, quantile=quantile)


def portfolio_flow_time(scope: Scope, window: str, quantile: str) -> str:
    """Give the portfolio's quantile: exact if one worker holds everything, else from the owners' buckets.

    For buckets without items, histogram_quantile gives NaN, which `>= 0` removes.
    """
    exact = flow_time(scope, "portfolio", window, quantile)
    buckets = total("flow_time_seconds_bucket", scope, by="le", window=window)
    return f"max({exact}) or histogram_quantile({quantile}, {buckets}) >= 0"
