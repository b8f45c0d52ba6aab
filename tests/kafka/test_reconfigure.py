"""A worker started with another flow.yaml: every number follows the new one, and nothing of the old one remains.

It runs on the generated log only, which halves the time. `test_whole_log.py` runs on both logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from tests.kafka.feed import in_disorder, records
from tests.kafka.scrape import assert_equal, exact_everywhere, merged_metrics
from tests.kafka.topics import produce
from tests.kafka.worker import Deployment, Worker
from tests.oracle.brute_force import gauges
from tests.oracle.made_log import FLOW_YAML, INSTANTS
from tests.oracle.rules import Json
from tests.oracle.series import Series

pytestmark = pytest.mark.kafka

AT = INSTANTS[1]
# Other names at every level, other owners, flow states, types and windows; nobody owns the databases.
OTHER_YAML = """\
version: 1
organisation:
  - value_stream: Ground floor
    arts:
      - art: Left wing
        load_limit: 90
        teams:
          - {team: Alpha, owns: [{team: [Network, Billing, Lifts]}]}
          - {team: Beta, load_limit: 7, owns: [{team: Phones}, {item_type: Change}]}
  - value_stream: First floor
    arts:
      - art: Right wing
        teams:
          - {team: Gamma, owns: [{team: Printing}, {team: Guests}]}
          - {team: Delta, owns: [{team: [Payroll, Doors]}]}
workflows:
  - name: requests
    states:
      new: [Open/Handed Over]
      active: [New/Triage, Open/On Hold]
      waiting: [Open/In Work]
      done: [Closed/Solved, Lost]
      cancelled: [Closed/Withdrawn]
    on_return: reset
item_types:
  request: [Request]
  trouble: [Incident, Question]
windows: [14d, 60d]
"""


@pytest.mark.parametrize("items_partitions", [1, 3])
def test_the_numbers_follow_the_configuration(
    deployment: Deployment, made_events: list[Json], items_partitions: int
) -> None:
    deployment = replace(deployment, items_partitions=items_partitions)
    deployment.create_topics()
    produce(deployment.broker, deployment.topic("events"), records(in_disorder(made_events, seed=21)))
    keep = dict if items_partitions == 1 else exact_everywhere

    # The first configuration again at the end: no configuration may have changed the histories.
    for number, text in enumerate((FLOW_YAML, OTHER_YAML, FLOW_YAML)):
        config = yaml.safe_load(text)
        path = deployment.config(text, f"flow-{number}.yaml")
        with Worker(deployment, path, clock=AT.isoformat(), name=f"w{number}") as worker:
            shown = merged_metrics([worker.wait_ready()])
            assert_equal(keep(shown), keep(gauges(made_events, config, AT)))
            assert _labels(shown, "window") == set(config["windows"])
            assert _labels(shown, "team") <= _teams(config) | {"unassigned"}
            assert _labels(shown, "value_stream") <= _streams(config) | {"unassigned"}
            worker.stop()


def _labels(gauges: Mapping[Series, float], name: str) -> set[str]:
    return {value for _, labels in gauges for label, value in labels if label == name and value}


def _streams(config: Json) -> set[str]:
    return {stream["value_stream"] for stream in config["organisation"]}


def _teams(config: Json) -> set[str]:
    return {team["team"] for stream in config["organisation"] for art in stream["arts"] for team in art["teams"]}
