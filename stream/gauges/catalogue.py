"""Every metric, declared once. The page, the documents and the tests read these lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# A metric, and a row for each of its samples: the labels after those that tell the node, and the number.
Row = tuple[tuple[str, ...], float]
Gauge = tuple[str, Sequence[Row]]

OWNER = ("value_stream", "art", "team")
LEVEL = (*OWNER, "level")
TARGET = (*LEVEL, "target", "metric")


class Metric(NamedTuple):
    """One metric; `type` is the exposition's, `labels` in the order of the samples."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    @property
    def place(self) -> tuple[str, ...]:
        """The first of the labels of a node's metric: those that tell the node."""
        return LEVEL if "level" in self.labels else OWNER

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of the samples of a node's metric."""
        suffixes = ("_bucket", "_gcount", "_gsum") if self.type == "gaugehistogram" else ("",)
        return tuple(self.name + suffix for suffix in suffixes)


OF_NODES = (
    Metric("flow_load_items", "gauge", (*OWNER, "item_type", "flow_state"), "Items in progress now (active or waiting)."),
    Metric("flow_blocked_items", "gauge", (*OWNER, "item_type"), "Items in progress that are blocked now."),
    Metric("flow_blocked_age_max_seconds", "gauge", LEVEL, "How long the longest-blocked item in progress has been blocked."),
    Metric("flow_load_limit_items", "gauge", LEVEL, "WIP limit, in items."),
    Metric("flow_load_ratio", "gauge", LEVEL, "Items in progress / WIP limit."),
    Metric("flow_state_items", "gauge", (*OWNER, "state"), "Items in each workflow state now, finished ones included."),
    Metric("flow_unmapped_items", "gauge", (*OWNER, "source", "state"), "Items now in a state that no workflow names: no load until it is mapped."),
    Metric("flow_velocity_items", "gauge", (*OWNER, "window", "item_type"), "Items finished in the trailing window."),
    Metric("flow_arrivals_items", "gauge", (*OWNER, "window", "item_type"), "Items started in the trailing window."),
    Metric("flow_without_start_items", "gauge", (*OWNER, "window"), "Items finished in the window that were never seen in progress: in velocity, not in flow time."),
    Metric("flow_time_seconds", "gaugehistogram", (*OWNER, "window"), "Flow time (finish - start) of the items finished in the window; sum buckets over teams, no rate()."),
    Metric("flow_time_quantile_seconds", "gauge", (*LEVEL, "window", "quantile"), "Exact quantile of flow time over the items finished in the window."),
    Metric("flow_time_mean_seconds", "gauge", (*LEVEL, "window"), "Mean flow time over the items finished in the window."),
    Metric("flow_active_seconds", "gauge", (*OWNER, "window"), "Time in active states, not blocked, of the items finished in the window."),
    Metric("flow_elapsed_seconds", "gauge", (*OWNER, "window"), "Sum of flow time of the items finished in the window."),
    Metric("flow_efficiency_ratio", "gauge", (*LEVEL, "window"), "Active / elapsed seconds over the items finished in the window."),
    Metric("flow_distribution_ratio", "gauge", (*LEVEL, "window", "item_type"), "Share of each flow item type among the items finished in the window."),
    Metric("flow_item_age_quantile_seconds", "gauge", (*LEVEL, "quantile"), "Quantile of the age of the items in progress."),
    Metric("flow_item_age_max_seconds", "gauge", LEVEL, "Age of the oldest item in progress."),
    Metric("flow_item_age_lower_bound_items", "gauge", OWNER, "Items in progress that were first seen in mid-life: their age is a lower bound."),
    Metric("flow_ageing_items", "gauge", OWNER, "Items in progress older than 85 % of what the team itself finished in the longest window."),
    Metric("flow_state_seconds", "gauge", (*OWNER, "window", "state"), "Time spent in each workflow state by the items finished in the window."),
    Metric("flow_objective_planned_value", "gauge", (*OWNER, "pi"), "Business value planned for the PI: committed objectives only."),
    Metric("flow_objective_actual_value", "gauge", (*OWNER, "pi"), "Business value achieved in the PI so far: all objectives, uncommitted ones included."),
    Metric("flow_objective_projected_value", "gauge", (*OWNER, "pi"), "Actual value where an objective is assessed, else the planned value of the committed ones."),
    Metric("flow_predictability_ratio", "gauge", (*LEVEL, "pi"), "Actual / planned business value of the PI."),
    Metric("flow_unmapped_objectives", "gauge", (*OWNER, "source", "pi"), "Objectives of a PI that flow.yaml does not list: in no predictability until it does."),
    Metric("flow_target_value", "gauge", (*TARGET, "bound"), "Bound of a target (at_most or at_least): seconds, items or a ratio."),
    Metric("flow_target_actual_value", "gauge", TARGET, "What a target measures now, in the unit of its bound."),
    Metric("flow_target_met", "gauge", TARGET, "1 where the target is met now, 0 where it is missed."),
    Metric("flow_target_met_since_timestamp_seconds", "gauge", TARGET, "Since when the target has been seen met without a break."),
)  # fmt: skip

OF_ENGINE = (
    Metric("flow_events_total", "counter", ("source", "outcome"), "Records of the events topic by what became of them: applied, duplicate, rejected or rerouted (sent on to the partition of its key)."),
    Metric("flow_dead_letters_total", "counter", ("reason",), "Refused records by reason; they are kept in the dead-letters topic."),
    Metric("flow_unreadable_records_total", "counter", ("topic",), "Records of the engine's own topics that could not be read, or not be written, and were passed over."),
    Metric("flow_clock_anomalies_total", "counter", ("source",), "Events whose time lay beyond the tolerance in the future when they came."),
    Metric("flow_backdated_events_total", "counter", ("source",), "Applied events whose time lay more than a day before their arrival: an import, or a late source."),
    Metric("flow_late_events_total", "counter", (), "Events older than the retention that began an item anew."),
    Metric("flow_summaries_merged_total", "counter", (), "Summaries of items that stood in more than 100 workflow states: the time in further ones is told as `other`."),
    Metric("flow_newest_event_timestamp_seconds", "gauge", ("source",), "Newest event time seen."),
    Metric("flow_freshness_seconds", "histogram", (), "From the event's arrival in the topic until it stands in the gauges."),
    Metric("flow_lag_events", "gauge", (), "Events in the topic that are not folded yet, in the partitions that this worker holds."),
    Metric("flow_ready", "gauge", (), "1 when the numbers are true; before that the gauges of the organisation are absent."),
    Metric("flow_tracked_items", "gauge", (), "Items whose summaries this worker counts."),
    Metric("flow_snapshot_timestamp_seconds", "gauge", (), "The instant at which the gauges were read: the wall's 'as of'."),
    Metric("flow_snapshot_duration_seconds", "gauge", (), "How long reading the boards took."),
    Metric("flow_build_info", "gauge", ("version",), "1, with the version of flowgauge."),
)  # fmt: skip

CATALOGUE = (*OF_NODES, *OF_ENGINE)
