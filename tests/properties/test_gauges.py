"""What a scrape shows of generated histories, held against the oracle's gauges."""

from __future__ import annotations

from hypothesis import given, settings

from stream.flow.report import Reading
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.metrics import Metrics
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published, Snapshot
from tests.gauges.test_metrics import ask
from tests.oracle.brute_force import compare, gauges, parse_metrics
from tests.oracle.series import Series
from tests.properties.engine import Engine, accepted, configured, microseconds
from tests.properties.test_engine import TIMES, Story, stories


def scraped(engine: Engine) -> dict[Series, float]:
    """Show the engine's numbers on a page, and read it."""
    published = Published()
    boards = engine.boards()
    nodes = Reading(engine.config, boards).read(engine.now)
    unplaced = boards.unplaced(range(engine.partitions))
    published.snapshot = Snapshot(engine.now, nodes, (), periods=boards.open.names, unplaced=unplaced)
    return parse_metrics(ask(Metrics(published, EngineNumbers(), Exported.of(engine.config))).body.decode())


@settings(max_examples=150 * TIMES, deadline=None)
@given(stories())
def test_gauges_equal_the_oracle(story: Story) -> None:
    config, envelopes, at = story
    pairs = accepted(envelopes)
    engine = Engine(configured(config), microseconds(at))
    engine.add([event for _, event in pairs])
    assert compare(scraped(engine), gauges([envelope for envelope, _ in pairs], config, at)) == []
