"""Every metric, declared once. The page, the documents and the tests read these lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

# A metric's name, and a row for each of its samples: the labels after the node's labels, and the number.
Row = tuple[tuple[str, ...], float]
Gauge = tuple[str, Sequence[Row]]

# Predictability is of no backlog. So the backlog of a target is its own, not that of the node.
PLACE = ("value_stream", "art", "team")
OWNER = (*PLACE, "backlog")
LEVEL = (*OWNER, "level")
TARGET = (*PLACE, "level", "target", "metric", "backlog")


class Metric(NamedTuple):
    """One metric; `type` is the exposition's, `labels` in the order of the samples."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    @property
    def node_labels(self) -> tuple[str, ...]:
        """The first labels of a node's metric: those that identify the node."""
        return tuple(takewhile(LEVEL.__contains__, self.labels))

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of the samples of a node's metric."""
        suffixes = ("_bucket", "_gcount", "_gsum") if self.type == "gaugehistogram" else ("",)
        return tuple(self.name + suffix for suffix in suffixes)


OF_NODES = (
    Metric("flow_load_items", "gauge", (*OWNER, "item_type", "flow_state"), "Items in progress now (active or waiting)."),
    Metric("flow_load_points", "gauge", (*OWNER, "item_type"), "Points of the items in progress. Items without an estimate are not in it."),
    Metric("flow_load_unestimated_items", "gauge", (*OWNER, "item_type"), "Items in progress without an estimate."),
    Metric("flow_blocked_items", "gauge", (*OWNER, "item_type"), "Items in progress that are blocked now."),
    Metric("flow_blocked_age_max_seconds", "gauge", LEVEL, "How long the longest-blocked item in progress has been blocked."),
    Metric("flow_load_limit_items", "gauge", LEVEL, "WIP limit, in items."),
    Metric("flow_load_ratio", "gauge", LEVEL, "Items in progress / WIP limit."),
    Metric("flow_state_items", "gauge", (*OWNER, "state"), "Items in each workflow state now, including finished items."),
    Metric("flow_unmapped_items", "gauge", (*OWNER, "source", "state"), "Items now in a state that no workflow names. They are no load until the state is mapped."),
    Metric("flow_velocity_items", "gauge", (*OWNER, "window", "item_type"), "Items finished in the window."),
    Metric("flow_velocity_points", "gauge", (*OWNER, "window", "item_type"), "Points that the items finished in the window had at their finish."),
    Metric("flow_velocity_unestimated_items", "gauge", (*OWNER, "window", "item_type"), "Items finished in the window without an estimate at their finish."),
    Metric("flow_arrivals_items", "gauge", (*OWNER, "window", "item_type"), "Items started in the window."),
    Metric("flow_without_start_items", "gauge", (*OWNER, "window"), "Items finished in the window that were never seen in progress. They count in velocity, but not in flow time."),
    Metric("flow_time_seconds", "gaugehistogram", (*OWNER, "window"), "Flow time (finish - start) of the items finished in the window. Sum the buckets over teams, without rate()."),
    Metric("flow_time_quantile_seconds", "gauge", (*LEVEL, "window", "quantile"), "Exact quantile of flow time over the items finished in the window."),
    Metric("flow_time_mean_seconds", "gauge", (*LEVEL, "window"), "Mean flow time over the items finished in the window."),
    Metric("flow_active_seconds", "gauge", (*OWNER, "window"), "Time in active states and not blocked, summed over the items finished in the window."),
    Metric("flow_elapsed_seconds", "gauge", (*OWNER, "window"), "Sum of the flow times of the items finished in the window."),
    Metric("flow_efficiency_ratio", "gauge", (*LEVEL, "window"), "Active / elapsed seconds over the items finished in the window."),
    Metric("flow_distribution_ratio", "gauge", (*LEVEL, "window", "item_type"), "Share of each flow item type among the items finished in the window."),
    Metric("flow_item_age_quantile_seconds", "gauge", (*LEVEL, "quantile"), "Quantile of the age of the items in progress."),
    Metric("flow_item_age_max_seconds", "gauge", LEVEL, "Age of the oldest item in progress."),
    Metric("flow_item_age_lower_bound_items", "gauge", OWNER, "Items in progress that were already started when first seen. Their age is a lower bound."),
    Metric("flow_ageing_items", "gauge", OWNER, "Items in progress older than 85 % of the items that the owner finished in the longest trailing window."),
    Metric("flow_state_seconds", "gauge", (*OWNER, "window", "state"), "Time that the items finished in the window spent in each workflow state."),
    Metric("flow_objective_planned_value", "gauge", (*PLACE, "pi"), "Business value planned for the PI: committed objectives only."),
    Metric("flow_objective_actual_value", "gauge", (*PLACE, "pi"), "Business value achieved in the PI so far: all objectives, including uncommitted ones."),
    Metric("flow_objective_projected_value", "gauge", (*PLACE, "pi"), "Actual value of assessed objectives, plus the planned value of the other committed ones."),
    Metric("flow_predictability_ratio", "gauge", (*PLACE, "level", "pi"), "Actual / planned business value of the PI."),
    Metric("flow_unmapped_objectives", "gauge", (*PLACE, "source", "pi"), "Objectives of a PI that flow.yaml does not list. They count in no predictability until it does."),
    Metric("flow_target_value", "gauge", (*TARGET, "bound"), "Bound of a target (at_most or at_least), in seconds, items or as a ratio."),
    Metric("flow_target_actual_value", "gauge", TARGET, "Measured value of a target now, in the unit of its bound."),
    Metric("flow_target_met", "gauge", TARGET, "1 if the target is met now, 0 if it is missed."),
    Metric("flow_target_met_since_timestamp_seconds", "gauge", TARGET, "Since when flowgauge has seen the target met without a break."),
)  # fmt: skip

OF_ENGINE = (
    Metric("flow_events_total", "counter", ("source", "outcome"), "Records of the events topic by outcome: applied, duplicate, rejected, or rerouted (sent on to the partition of their key)."),
    Metric("flow_dead_letters_total", "counter", ("reason",), "Rejected records by reason. They are kept in the dead-letters topic."),
    Metric("flow_unreadable_records_total", "counter", ("topic",), "Records of the engine's own topics that could not be read or written and were skipped."),
    Metric("flow_clock_anomalies_total", "counter", ("source",), "Events whose time was further in the future than the tolerance when they arrived."),
    Metric("flow_backdated_events_total", "counter", ("source",), "Applied events whose time was more than a day before their arrival: an import, or a late source."),
    Metric("flow_late_events_total", "counter", (), "Events older than the retention whose item was unknown or forgotten. Each starts a new history."),
    Metric("flow_summaries_merged_total", "counter", (), "Summaries of items that were in more than 100 workflow states. Time in further states counts as `other`."),
    Metric("flow_newest_event_timestamp_seconds", "gauge", ("source",), "Newest event time seen."),
    Metric("flow_freshness_seconds", "histogram", (), "Time from an event's arrival in the topic until the gauges show it."),
    Metric("flow_lag_events", "gauge", (), "Events in the topic that are not yet processed, in the partitions that this worker holds."),
    Metric("flow_ready", "gauge", (), "1 if all numbers of this worker are correct, else 0. Numbers not known to be correct are absent."),
    Metric("flow_program_increment_info", "gauge", ("window", "pi"), "Always 1: which program increment the windows `pi` and `previous_pi` are."),
    Metric("flow_unplaced_items", "gauge", ("source", "item_type"), "Items that no backlog holds. They are in no number of a node."),
    Metric("flow_exported_series", "gauge", (), "Series of nodes on this page."),
    Metric("flow_tracked_items", "gauge", (), "Items whose summaries this worker counts."),
    Metric("flow_snapshot_timestamp_seconds", "gauge", (), "The instant of the numbers: the wall's 'as of'."),
    Metric("flow_snapshot_duration_seconds", "gauge", (), "How long it took to read the numbers."),
    Metric("flow_build_info", "gauge", ("version",), "Always 1, with the version of flowgauge as label."),
)  # fmt: skip

CATALOGUE = (*OF_NODES, *OF_ENGINE)
