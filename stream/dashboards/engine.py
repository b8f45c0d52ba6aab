"""Whether you can trust the numbers: the engine, its lag, and the events that it rejected."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading
from stream.dashboards.look import cells, now, trend
from stream.dashboards.promql import OWNERS, named, total

RATE = "$__rate_interval"
EVENTS_PER_SECOND = "eps"
WORKER = "{{instance}}"
ABOUT = "Whether you can trust the numbers: readiness, freshness, lag, rejected events and unowned items."


def engine(frame: Frame) -> dashboard.Dashboard:
    """Build the engine's dashboard."""
    return reading("engine", ABOUT, frame, (), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(4, panels.as_of()), *((4, tile) for tile in _tiles())])
    yield PanelRow(8, [(8, _ready()), (8, _freshness()), (8, _lag())], "Readiness and freshness")
    yield PanelRow(8, [(8, _outcomes()), (8, _refused()), (8, _reasons())], "Events")
    yield PanelRow(8, [(8, _sources()), (8, _backdated()), (8, _odd_times())], "Sources")
    unknown = (_unmapped(), _unmapped_objectives(), _unplaced())
    yield PanelRow(8, [(8, panel) for panel in unknown], "Missing in the configuration")
    yield PanelRow(8, [(12, _unowned()), (12, _lower_bounds())])
    yield PanelRow(8, [(6, panel) for panel in (_snapshot(), _items(), _series(), _versions())], "Workers")


def _tiles() -> Iterator[Panel]:
    ready = look.tiles("Workers ready", "Workers whose numbers are all correct.", look.ITEMS, now("sum(flow_ready)"))
    yield ready.thresholds(look.steps("red", (1, "green")))
    waiting = now("sum(1 - flow_ready)")
    yield look.tiles(
        "Workers not ready", "Workers that do not show all their numbers.", look.ITEMS, waiting
    ).thresholds(look.none_is_good())
    lag = now("sum(flow_lag_events)")
    yield look.tiles("Lag", "Events in the topic that are not yet processed.", look.ITEMS, lag)
    letters = now("sum(increase(flow_dead_letters_total[1h]))")
    about = "Records rejected in the last hour. They are kept in the dead-letters topic."
    yield look.tiles("Dead letters, 1 h", about, look.ITEMS, letters).decimals(0).thresholds(look.none_is_good())
    unmapped = now(f"{total('flow_unmapped_items', by='backlog')} or on () 0 * sum(flow_ready)", "{{backlog}}")
    about = "Items in a state that no workflow names, by backlog. They count in no load."
    yield look.tiles("Unmapped items", about, look.ITEMS, unmapped).thresholds(look.none_is_good())


def _ready() -> Panel:
    about = "1 if all numbers of the worker are correct. It shows only numbers that it knows to be correct."
    return look.lines("Ready", about, look.ITEMS, trend("flow_ready", WORKER)).max(1)


def _freshness() -> Panel:
    about = "Time from an event's arrival in the topic until the gauges show it, for the most recent events."
    buckets = f"sum by (le) (rate(flow_freshness_seconds_bucket[{RATE}]))"
    queries = (trend(f"histogram_quantile({q}, {buckets})", f"{q:.0%}") for q in (0.5, 0.95, 0.99))
    return look.lines("Freshness", about, look.SECONDS, *queries)


def _lag() -> Panel:
    about = "Events in the topic that are not yet processed, in the partitions that the worker holds."
    return look.stacked("Lag", about, look.ITEMS, trend("flow_lag_events", WORKER))


def _outcomes() -> Panel:
    about = "Events read, by outcome: applied, duplicate, rejected, or rerouted to the partition of their key."
    query = trend(f"sum by (outcome) (rate(flow_events_total[{RATE}]))", "{{outcome}}")
    return look.stacked("Events by outcome", about, EVENTS_PER_SECOND, query)


def _refused() -> Panel:
    about = "Rejected events, by source."
    query = trend(f'sum by (source) (rate(flow_events_total{{outcome="rejected"}}[{RATE}]))', "{{source}}")
    return look.stacked("Rejected events by source", about, EVENTS_PER_SECOND, query)


def _reasons() -> Panel:
    about = "Dead letters in the dashboard's time range, by reason."
    query = now("sort_desc(sum by (reason) (increase(flow_dead_letters_total[$__range])))", "{{reason}}")
    return look.bars("Dead letters by reason", about, look.ITEMS, query).decimals(0)


def _sources() -> Panel:
    about = "How long ago the newest event of each source happened. The value of a silent source grows."
    query = now("sort_desc(time() - max by (source) (flow_newest_event_timestamp_seconds))", "{{source}}")
    return look.bars("Newest event by source", about, look.SECONDS, query)


def _backdated() -> Panel:
    about = "Events whose time was more than a day before their arrival: an import, or a late source."
    query = trend(f"sum by (source) (rate(flow_backdated_events_total[{RATE}]))", "{{source}}")
    return look.lines("Backdated events", about, EVENTS_PER_SECOND, query)


def _odd_times() -> Panel:
    about = "Events from the future (a wrong clock), and events older than the retention that start a new history."
    ahead = trend(f"sum by (source) (rate(flow_clock_anomalies_total[{RATE}]))", "from the future, {{source}}")
    late = trend(f"sum(rate(flow_late_events_total[{RATE}]))", "older than the retention")
    return look.lines("Odd times", about, EVENTS_PER_SECOND, ahead, late)


def _unmapped() -> Panel:
    about = "Items in a state that no workflow names, by source and state. Add the state to flow.yaml."
    expr = f"sort_desc({total('flow_unmapped_items', by='source, state, backlog')})"
    panel = look.rows("Unmapped states", about, look.ITEMS, cells(expr))
    return look.columns(panel, {"source": "source", "state": "state", "backlog": "backlog", "Value": "items"})


def _unmapped_objectives() -> Panel:
    about = "Objectives of a PI that flow.yaml does not list, by source and PI. They count in no predictability."
    expr = f"sort_desc({total('flow_unmapped_objectives', by='source, pi')})"
    panel = look.rows("Unmapped objectives", about, look.ITEMS, cells(expr))
    return look.columns(panel, {"source": "source", "pi": "PI", "Value": "objectives"})


def _unplaced() -> Panel:
    about = "Items that no backlog of flow.yaml holds, by source and type. They are in no number."
    panel = look.rows(
        "Items without a backlog",
        about,
        look.ITEMS,
        cells("sort_desc(sum by (source, item_type) (flow_unplaced_items))"),
    )
    return look.columns(panel, {"source": "source", "item_type": "type", "Value": "items"})


def _unowned() -> Panel:
    about = "Items in progress that nobody owns, by backlog. Add a rule that matches them to their owner in flow.yaml."
    query = trend(total("flow_load_items", by="backlog", value_stream="unassigned"), "{{backlog}}")
    return look.lines("Items without an owner", about, look.ITEMS, query)


def _lower_bounds() -> Panel:
    about = "Items in progress that were already started when first seen, by owner. Their age is a lower bound."
    items = f"{total('flow_item_age_lower_bound_items', by=f'{OWNERS}, backlog')} > 0"
    query = now(f"topk by (backlog) (12, {named(items, 'art, team')})", "{{art}} / {{team}}, {{backlog}}")
    return look.bars("Age is a lower bound", about, look.ITEMS, query)


def _snapshot() -> Panel:
    about = "How long it took to read the numbers, and how old they were at the scrape."
    took = trend("flow_snapshot_duration_seconds", "took, {{instance}}")
    age = trend("time() - flow_snapshot_timestamp_seconds", "age, {{instance}}")
    return look.lines("Snapshot", about, look.SECONDS, took, age)


def _items() -> Panel:
    about = "Items whose summaries the worker counts."
    return look.stacked("Items tracked", about, look.ITEMS, trend("flow_tracked_items", WORKER))


def _series() -> Panel:
    about = "Series of nodes that the worker exports. `export` in flow.yaml leaves out windows and metrics."
    return look.stacked("Series exported", about, look.ITEMS, trend("flow_exported_series", WORKER))


def _versions() -> Panel:
    about = "Version of flowgauge, by worker."
    panel = look.rows("Versions", about, look.ITEMS, cells("max by (instance, version) (flow_build_info)"))
    return look.columns(panel, {"instance": "worker", "version": "version", "Value": "workers"})
