"""Whether the numbers can be trusted: the engine, its lag, and what it refused."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard

from stream.dashboards import look, panels
from stream.dashboards.layout import Frame, Panel, PanelRow, reading
from stream.dashboards.look import cells, now, trend
from stream.dashboards.promql import OWNERS, total

RATE = "$__rate_interval"
EVENTS_PER_SECOND = "eps"
WORKER = "{{instance}}"
ABOUT = "Whether the numbers can be trusted: readiness, freshness, lag, and what was refused or belongs to nobody."


def engine(frame: Frame) -> dashboard.Dashboard:
    """Build the engine's dashboard."""
    return reading("engine", ABOUT, frame, (), _rows())


def _rows() -> Iterator[PanelRow]:
    yield PanelRow(4, [(4, panels.as_of()), *((4, tile) for tile in _tiles())])
    yield PanelRow(8, [(8, _ready()), (8, _freshness()), (8, _lag())], "True and fresh")
    yield PanelRow(8, [(8, _outcomes()), (8, _refused()), (8, _reasons())], "Events")
    yield PanelRow(8, [(8, _sources()), (8, _backdated()), (8, _odd_times())], "Sources")
    unknown = (_unmapped(), _unmapped_objectives(), _unowned(), _lower_bounds())
    yield PanelRow(8, [(6, panel) for panel in unknown], "What the configuration does not know")
    yield PanelRow(8, [(8, _snapshot()), (8, _items()), (8, _versions())], "Workers")


def _tiles() -> Iterator[Panel]:
    ready = look.tiles("Workers ready", "Workers whose numbers are true.", look.ITEMS, now("sum(flow_ready)"))
    yield ready.thresholds(look.steps("red", (1, "green")))
    waiting = now("sum(1 - flow_ready)")
    yield look.tiles("Workers not ready", "Workers that show no numbers yet.", look.ITEMS, waiting).thresholds(
        look.none_is_good()
    )
    lag = now("sum(flow_lag_events)")
    yield look.tiles("Lag", "Events that stand in the topic and are not folded yet.", look.ITEMS, lag)
    letters = now("sum(increase(flow_dead_letters_total[1h]))")
    told = "Records refused in the last hour; they are kept in the dead-letters topic."
    yield look.tiles("Dead letters, 1 h", told, look.ITEMS, letters).decimals(0).thresholds(look.none_is_good())
    unmapped = now(f"{total('flow_unmapped_items')} or 0 * sum(flow_ready)")
    told = "Items in a state that no workflow names: they are in no load."
    yield look.tiles("Unmapped items", told, look.ITEMS, unmapped).thresholds(look.none_is_good())


def _ready() -> Panel:
    told = "1 when the worker's numbers are true. Before that it shows no numbers of the organisation."
    return look.lines("Ready", told, look.ITEMS, trend("flow_ready", WORKER)).max(1)


def _freshness() -> Panel:
    told = "From an event's arrival in the topic until it stands in the gauges, of the events of the moment."
    buckets = f"sum by (le) (rate(flow_freshness_seconds_bucket[{RATE}]))"
    queries = (trend(f"histogram_quantile({q}, {buckets})", f"{q:.0%}") for q in (0.5, 0.95, 0.99))
    return look.lines("Freshness", told, look.SECONDS, *queries)


def _lag() -> Panel:
    told = "Events that stand in the topic and are not folded yet, in the partitions that the worker holds."
    return look.stacked("Lag", told, look.ITEMS, trend("flow_lag_events", WORKER))


def _outcomes() -> Panel:
    told = (
        "Events read, by what became of them: applied, duplicate, rejected, or rerouted to the partition of their key."
    )
    query = trend(f"sum by (outcome) (rate(flow_events_total[{RATE}]))", "{{outcome}}")
    return look.stacked("Events by outcome", told, EVENTS_PER_SECOND, query)


def _refused() -> Panel:
    told = "Events rejected, by source."
    query = trend(f'sum by (source) (rate(flow_events_total{{outcome="rejected"}}[{RATE}]))', "{{source}}")
    return look.stacked("Rejected events by source", told, EVENTS_PER_SECOND, query)


def _reasons() -> Panel:
    told = "Dead letters over the dashboard's time range, by reason."
    query = now("sort_desc(sum by (reason) (increase(flow_dead_letters_total[$__range])))", "{{reason}}")
    return look.bars("Dead letters by reason", told, look.ITEMS, query).decimals(0)


def _sources() -> Panel:
    told = "How long ago the newest event of each source happened. A source that falls silent climbs."
    query = now("sort_desc(time() - max by (source) (flow_newest_event_timestamp_seconds))", "{{source}}")
    return look.bars("Newest event by source", told, look.SECONDS, query)


def _backdated() -> Panel:
    told = "Events whose time lay more than a day before their arrival: an import, or a late source."
    query = trend(f"sum by (source) (rate(flow_backdated_events_total[{RATE}]))", "{{source}}")
    return look.lines("Backdated events", told, EVENTS_PER_SECOND, query)


def _odd_times() -> Panel:
    told = "Events from the future (a wrong clock), and events older than the retention that began an item anew."
    ahead = trend(f"sum by (source) (rate(flow_clock_anomalies_total[{RATE}]))", "from the future, {{source}}")
    late = trend(f"sum(rate(flow_late_events_total[{RATE}]))", "older than the retention")
    return look.lines("Odd times", told, EVENTS_PER_SECOND, ahead, late)


def _unmapped() -> Panel:
    told = "Items in a state that no workflow names, by source and state. Name the state in flow.yaml."
    expr = f"sort_desc({total('flow_unmapped_items', by='source, state')})"
    panel = look.rows("Unmapped states", told, look.ITEMS, cells(expr))
    return look.columns(panel, {"source": "source", "state": "state", "Value": "items"})


def _unmapped_objectives() -> Panel:
    told = "Objectives of a PI that flow.yaml does not list, by source and PI: they are in no predictability."
    expr = f"sort_desc({total('flow_unmapped_objectives', by='source, pi')})"
    panel = look.rows("Unmapped objectives", told, look.ITEMS, cells(expr))
    return look.columns(panel, {"source": "source", "pi": "PI", "Value": "objectives"})


def _unowned() -> Panel:
    told = "Items in progress that no team owns. Give some team a rule in flow.yaml that matches them."
    query = trend(total("flow_load_items", value_stream="unassigned"), "in progress")
    return look.lines("Items nobody owns", told, look.ITEMS, query)


def _lower_bounds() -> Panel:
    told = "Items in progress that were first seen in mid-life, by team: their age is a lower bound."
    query = now(f"topk(12, {total('flow_item_age_lower_bound_items', by=OWNERS)} > 0)", "{{art}} / {{team}}")
    return look.bars("Age is a lower bound", told, look.ITEMS, query)


def _snapshot() -> Panel:
    told = "How long reading the boards took, and how old the snapshot was at the moment of asking."
    took = trend("flow_snapshot_duration_seconds", "took, {{instance}}")
    age = trend("time() - flow_snapshot_timestamp_seconds", "age, {{instance}}")
    return look.lines("Snapshot", told, look.SECONDS, took, age)


def _items() -> Panel:
    told = "Items whose summaries the worker counts."
    return look.stacked("Items tracked", told, look.ITEMS, trend("flow_tracked_items", WORKER))


def _versions() -> Panel:
    told = "Version of flowgauge, by worker."
    panel = look.rows("Versions", told, look.ITEMS, cells("max by (instance, version) (flow_build_info)"))
    return look.columns(panel, {"instance": "worker", "version": "version", "Value": "workers"})
