"""A snapshot of a small organisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from stream.config.loading import parse_config
from stream.config.model import FlowConfig
from stream.events.event import DAY
from stream.events.rejection import Reason, Rejection
from stream.flow.boards import Boards
from stream.flow.report import NodeNumbers, Reading
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.metrics import Metrics
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published, Snapshot
from stream.items.objective import Objective
from stream.items.outcome import Outcome, Refusal
from stream.items.summary import FlowState, Owner, Stamp, Summary

NOW = 20_000 * DAY
CARDS = Owner("Payments", "Checkout", "Cards")
CHECKOUT = Owner("Payments", "Checkout", "")

FLOW = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - {art: Checkout, teams: [{team: Cards, load_limit: 4}, {team: "Quote \\" and \\\\ slash"}]}
workflows:
  - {name: delivery, states: {active: [Doing], waiting: [Ready], done: [Done]}}
item_types: {feature: [Story], defect: [Bug]}
windows: [7d]
time_zone: Europe/Berlin
program_increments: [{name: "2024.4", start: 2024-10-01, end: 2024-12-10}]
targets:
  - {name: time-to-market, level: team, team: Cards, metric: flow_time, quantile: 0.85, window: 7d, at_most: 9d}
  - {name: share, level: portfolio, metric: distribution, item_type: defect, window: 7d, at_least: 0.1, at_most: 0.3}
  - {name: waste, level: art, art: Checkout, metric: efficiency, window: 7d, at_least: 0.4}
"""

# The same with two backlogs and periods. The ART owns features.
LEVELS = f"""\
{FLOW.replace("art: Checkout, ", "art: Checkout, load_limit: {features: 5, stories: 9}, owns: [{project: CHK}], ", 1)}
backlogs:
  - {{backlog: features, home: art, holds: {{item_type: Feature}}}}
  - {{backlog: stories, home: team, holds: {{item_type: [Story, Bug]}}}}
iterations: {{first: 2024-10-01, length: 2w}}
""".replace("windows: [7d]", "windows: [7d, pi, iteration]")


def configured(text: str = FLOW) -> FlowConfig:
    """Parse a configuration."""
    return parse_config(text, "flow.yaml")


def started(days: int, owner: Owner = CARDS) -> Stamp:
    """Return a stamp of some days ago."""
    return Stamp(NOW - days * DAY, owner, "feature", "all", 3_000_000)


def boards_of(config: FlowConfig, *summaries: Summary | Objective) -> Boards:
    """Count summaries."""
    boards = Boards(config, lambda _: 0)
    for number, summary in enumerate(summaries):
        boards.put(0, b"%d" % number, summary)
    return boards


def nodes(config: FlowConfig, *summaries: Summary | Objective) -> list[NodeNumbers]:
    """Count summaries and read all nodes."""
    return Reading(config, boards_of(config, *summaries)).read(NOW)


def moved(summary: Summary, backlog: str | None, owner: Owner = CARDS) -> Summary:
    """Let an item have been another owner's, in another backlog, all its life."""
    start, finish = (
        stamp and replace(stamp, owner=owner, backlog=backlog) for stamp in (summary.start, summary.finish)
    )
    return replace(summary, owner=owner, backlog=backlog, start=start, finish=finish)


DOING = Summary("1", "jira/acme", CARDS, "feature", "Doing", FlowState.ACTIVE, "all", points=500_000, start=started(2))
READY = replace(
    DOING,
    item_type="defect",
    points=None,
    state="Ready",
    flow_state=FlowState.WAITING,
    blocked_since=NOW - DAY,
    start_is_lower_bound=True,
)
DONE = replace(
    DOING,
    state="Done",
    flow_state=FlowState.DONE,
    start=started(9),
    finish=started(1),
    active=2 * DAY,
    stays={"Doing": 2 * DAY, "Ready": 6 * DAY},
)
WITHOUT_START = replace(DONE, start=None, finish=Stamp(NOW, CARDS, "other", "all"), active=0, stays={})

UNMAPPED = replace(DOING, state="On Hold", flow_state=FlowState.UNMAPPED)
OBJECTIVE = Objective("o", "jira/acme", CARDS, "2024.4", committed=True, planned=8_000_000, actual=6_000_000)
UNLISTED = replace(OBJECTIVE, objective="u", source="planning", pi="2024.04")
# Everything at once, for `LEVELS`: stories of a team, features of it and of its ART, and an item without a backlog.
MANY = (
    *(moved(each, "stories") for each in (DOING, READY, DONE, WITHOUT_START, UNMAPPED)),
    moved(replace(READY, blocked_since=None), "features", CHECKOUT),
    moved(DONE, "features", CHECKOUT),
    moved(DOING, "features"),
    moved(DOING, None),
    OBJECTIVE,
    UNLISTED,
)


def outcome(
    counts: dict[tuple[str, str], int], sources: Sequence[str] = (), late: int = 0, reasons: Iterable[Reason] = ()
) -> Outcome:
    """Make the outcome of a batch. Each of `sources` had one event from the future and one from long ago."""
    refusals = [Refusal(None, Rejection(reason, "why", "jira/acme")) for reason in reasons]
    once = Counter(sources)
    return Outcome(refusals=refusals, counts=Counter(counts), anomalies=once, backdated=once, late=late)


def publish(
    config: FlowConfig, *summaries: Summary | Objective, reasons: tuple[tuple[str, str], ...] = ()
) -> Published:
    """Publish a snapshot of the summaries."""
    published = Published()
    published.met_since = {"time-to-market": NOW - DAY, "waste": NOW}
    boards = boards_of(config, *summaries)
    read = Reading(config, boards).read(NOW)
    published.snapshot = Snapshot(
        NOW, read, reasons, len(summaries), 0.25, periods=boards.open.names, unplaced=boards.unplaced({0})
    )
    return published


EXPORTED = Exported.of(configured(LEVELS))


def collector(
    published: Published, numbers: EngineNumbers | None = None, exported: Exported | None = None
) -> FlowCollector:
    """Make the collector as the worker does."""
    return FlowCollector(published, numbers or EngineNumbers(), exported or EXPORTED)


def metrics(published: Published, numbers: EngineNumbers | None = None, exported: Exported | None = None) -> Metrics:
    """Make the application that answers `/metrics` as the worker does."""
    return Metrics(published, numbers or EngineNumbers(), exported or EXPORTED)
