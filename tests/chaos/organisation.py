"""The organisation of the chaos tests: two value streams with limits at every level, and a fixed clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

CLOCK = datetime(2026, 6, 1, tzinfo=UTC)
# All items are finished within this window, so that its velocity is the number of items done.
WINDOW = "90d"
# An item only moves from one of these to a later one, in whatever order its events arrive.
STATES = ("New", "Doing", "Done")
DOING, DONE = 1, 2
# The value stream and ART of each team.
TEAMS: Mapping[str, tuple[str, str]] = {
    "Cards": ("Payments", "Checkout"),
    "Wallets": ("Payments", "Checkout"),
    "Homes": ("Lending", "Loans"),
    "Cars": ("Lending", "Loans"),
}
TYPES = ("Story", "Bug", "Spike")
# Every node has a limit, so its limit is among the gauges wherever the node is shown.
FLOW_YAML = f"""\
version: 1
organisation:
  - value_stream: Payments
    load_limit: 80
    arts:
      - art: Checkout
        load_limit: 60
        teams: [{{team: Cards, load_limit: 30}}, {{team: Wallets, load_limit: 30}}]
  - value_stream: Lending
    load_limit: 80
    arts:
      - art: Loans
        load_limit: 60
        teams: [{{team: Homes, load_limit: 30}}, {{team: Cars, load_limit: 30}}]
workflows:
  - name: all
    states: {{new: [{STATES[0]}], active: [{STATES[DOING]}], done: [{STATES[DONE]}]}}
item_types:
  feature: [Story]
  defect: [Bug]
windows: [7d, 30d, {WINDOW}]
"""
