"""A wall with a small organisation on it."""

from __future__ import annotations

from dataclasses import replace

from stream.config.load import parse_config
from stream.config.model import FlowConfig
from stream.events.event import DAY
from stream.flow.boards import Boards
from stream.flow.report import NodeNumbers, read
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.snapshot import Snapshot, Wall
from stream.items.summary import FlowState, Stamp, Summary, Team

NOW = 20_000 * DAY
CARDS = Team("Payments", "Checkout", "Cards")

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
"""


def configured(text: str = FLOW) -> FlowConfig:
    """Read a configuration."""
    return parse_config(text, "flow.yaml")


def started(days: int, owner: Team = CARDS) -> Stamp:
    """Stamp some days ago."""
    return Stamp(NOW - days * DAY, owner, "feature")


def nodes(config: FlowConfig, *summaries: Summary) -> list[NodeNumbers]:
    """Count summaries and read all nodes."""
    boards = Boards(config, lambda _: 0)
    for number, summary in enumerate(summaries):
        boards.put(0, b"%d" % number, summary)
    return read(boards, config.windows, NOW)


DOING = Summary("1", "jira/acme", CARDS, "feature", "Doing", FlowState.ACTIVE, start=started(2))
READY = replace(
    DOING, item_type="defect", state="Ready", flow_state=FlowState.WAITING, blocked=True, start_is_lower_bound=True
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
WITHOUT_START = replace(DONE, start=None, finish=Stamp(NOW, CARDS, "other"), active=0, stays={})


def wall(config: FlowConfig, *summaries: Summary, reasons: tuple[tuple[str, str], ...] = ()) -> Wall:
    """Hang a snapshot of the summaries on a wall."""
    hung = Wall()
    hung.snapshot = Snapshot(NOW, nodes(config, *summaries), reasons, len(summaries), 0.25)
    return hung


def collector(hung: Wall, numbers: EngineNumbers | None = None) -> FlowCollector:
    """Make the collector of a wall, as the worker does."""
    return FlowCollector(hung, numbers or EngineNumbers(), configured().item_types)
