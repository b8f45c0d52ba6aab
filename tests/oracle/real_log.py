"""The real log (BPI Challenge 2013, closed problems) with a configuration for it, and instants to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.oracle.logs import Log
from tests.oracle.rules import Json

PATH = Path(__file__).parents[2] / "../shared/data/bpi2013_closed_problems.events.csv.gz"
MISSING = f"the real log is not there: {PATH.name} belongs into ../shared/data beside the repository"

MAPPING = {
    "problem_id": "item",
    "changed_at": "time",
    "status+sub_status": "state",
    "support_team": "team",
}

# "Other" is left unowned, and "Unmatched/Unmatched" unmapped, on purpose.
FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Problem management
    load_limit: 250
    arts:
      - art: Lines A to C
        load_limit: 150
        teams:
          - team: Org line A1
          - team: Org line A2
            load_limit: 60
          - team: Org line B
          - team: Org line C
            load_limit: 100
      - art: Lines D to G
        load_limit: 80
        teams:
          - {team: D and F, owns: [{team: Org line D}, {team: Org line F}]}
          - {team: G1, owns: [{team: Org line G1}]}
          - {team: G3, load_limit: 40, owns: [{team: Org line G3}]}
          - {team: G4, load_limit: 30, owns: [{team: Org line G4}]}
      - art: Lines V
        teams:
          - {team: V2, load_limit: 5, owns: [{team: Org line V2}]}
          - {team: V4 and V5, owns: [{team: [Org line V4, Org line V5]}]}
          - {team: V7n, owns: [{team: Org line V7n}]}
          - {team: V11, owns: [{team: Org line V11}]}
workflows:
  - name: problems
    states:
      new: [Queued/Awaiting Assignment]
      active: [Accepted/In Progress]
      waiting: [Accepted/Assigned, Accepted/Wait]
      done: [Completed/Closed]
      cancelled: [Completed/Cancelled]
    on_return: keep
item_types:
  defect: [Problem]
windows: [7d, 30d, 90d, 365d]
"""

CONFIG: Json = yaml.safe_load(FLOW_YAML)

# Hardly begun; in the busiest month; two weeks after the last event.
INSTANTS = (
    datetime(2007, 6, 15, tzinfo=UTC),
    datetime(2012, 2, 15, 12, tzinfo=UTC),
    datetime(2012, 6, 15, tzinfo=UTC),
)


def find_log() -> Log:
    """Return the real log; skips the test, with the reason, where it is missing."""
    if not PATH.exists():
        pytest.skip(MISSING)
    return Log(PATH, MAPPING, FLOW_YAML, CONFIG, INSTANTS)
