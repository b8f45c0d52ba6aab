"""`export.leave_out` of flow.yaml takes the name of every metric of nodes, and no other."""

from __future__ import annotations

from stream.config.node_metrics import NODE_METRICS
from stream.gauges.catalogue import OF_NODES

# The points, which the catalogue gets with their numbers.
POINTS = {
    "flow_load_points",
    "flow_load_unestimated_items",
    "flow_velocity_points",
    "flow_velocity_unestimated_items",
}


def test_the_names_are_those_of_the_catalogue() -> None:
    assert set(NODE_METRICS) == {metric.name for metric in OF_NODES} | POINTS


def test_no_name_is_there_twice() -> None:
    assert len(set(NODE_METRICS)) == len(NODE_METRICS)
