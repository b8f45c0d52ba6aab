"""The check that no query mixes two backlogs finds what mixes them, and nothing else."""

from __future__ import annotations

import pytest

from tests.alerts.backlogs import mixes

LABELS = {
    "load": {"team", "backlog", "item_type"},
    "velocity": {"team", "backlog"},
    "objective": {"team"},
    "up": {"instance"},
    "flow_target_met": {"team", "backlog", "target"},
}


@pytest.mark.parametrize(
    "query",
    [
        "load",
        "load > 1",
        "sum without (item_type) (load)",
        "sum by (team, backlog) (load)",
        'sum(load{backlog="stories"})',
        'sum by (team) (max without (instance) (load{backlog="stories"}))',
        'topk(3, load{backlog="stories"})',
        "topk by (backlog) (3, load)",
        "sum by (team, backlog) (load) / on (team, backlog) velocity",
        "load - ignoring (item_type) velocity",
        "load and on (team, backlog) velocity > 0",
        'sum(load{backlog="stories"}) / sum(velocity{backlog="stories"})',
        "sum(objective) / sum(up)",
        "sum by (backlog) (load) or on () 0 * sum(up)",
        "absent(load) and on () up",
        'histogram_quantile(0.5, sum by (le) (load{backlog="stories"}))',
        'label_replace(sum by (team, backlog) (load), "team", "x", "team", "")',
        "sum by (backlog) (rate(load[5m]))",
        "sum(max by (target) (flow_target_met))",
    ],
)
def test_one_backlog_at_a_time_passes(query: str) -> None:
    assert not mixes(query, LABELS)


@pytest.mark.parametrize(
    "query",
    [
        "sum(load)",
        "sum by (team) (load)",
        "max without (backlog) (load)",
        "count(load)",
        "topk(3, load)",
        'sum(load{backlog=~"stories|features"})',
        'sum(load{backlog!="epics"})',
        'sum(load{backlog=""})',
        "load / on (team) velocity",
        "load - ignoring (backlog, item_type) velocity",
        "load and on (team) velocity > 0",
        'load / on (team) velocity{backlog="stories"}',
        'sum(load{backlog="stories"}) + sum(load{backlog="features"})',
        'sum(load{backlog="stories"}) or sum(load{backlog="features"})',
        "histogram_quantile(0.5, sum by (le) (load))",
        "sum(rate(load[5m]))",
        'label_replace(load, "backlog", "x", "", "")',
        "sum(flow_target_met)",
        "avg by (team) (flow_target_met)",
        "sum(max by (target) (flow_target_met) * on () group_left () load)",
    ],
)
def test_two_backlogs_at_a_time_are_found(query: str) -> None:
    assert mixes(query, LABELS)
