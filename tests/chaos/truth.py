"""The gauges that `replay`, the engine in one process, computes for some changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest

from stream.config.loading import parse_config
from stream.events.decode import decode_value
from stream.events.time import parse_time
from stream.flow.replay import Replay
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published, Snapshot
from tests.chaos.lives import Change
from tests.chaos.organisation import CLOCK, FLOW_YAML
from tests.oracle.series import Series, parse_metrics


def replayed(changes: Iterable[Change]) -> dict[Series, float]:
    """Return every gauge of a node, as one worker that had exactly these changes would show it."""
    config, at = parse_config(FLOW_YAML, "flow.yaml"), parse_time(CLOCK.isoformat())
    replay = Replay(config, at)
    replay.add(decode_value(change.value, at) for change in changes)
    published = Published()
    published.snapshot = Snapshot(at, replay.read(), ())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FlowCollector(published, EngineNumbers(), Exported.of(config)))
    return of_nodes(parse_metrics(generate_latest(registry).decode()))


def of_nodes(gauges: Mapping[Series, float]) -> dict[Series, float]:
    """Keep the gauges of nodes, except the portfolio's: no partition knows them if `flow.items` has several."""
    return {
        (name, labels): value
        for (name, labels), value in gauges.items()
        if {"value_stream", "level"} & {label for label, _ in labels} and ("level", "portfolio") not in labels
    }
