"""A worker that cannot start ends soon with one line, status 1 and no traceback."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.worker import Deployment, one_refusal
from tests.tools.ports import free_port

pytestmark = pytest.mark.kafka

SECONDS = 60
FLOW_YAML = """\
version: 1
organisation:
  - value_stream: Payments
    arts:
      - art: Checkout
        teams: [{team: Cards}]
workflows:
  - name: delivery
    states: {new: [Backlog], active: [In Progress], done: [Done]}
"""
LOG = "item,time,state,team\n1,2026-03-01T10:00:00Z,In Progress,Cards\n"


@pytest.fixture
def config(deployment: Deployment) -> Path:
    """A configuration without mistakes."""
    return deployment.config(FLOW_YAML)


def test_kafka_that_nobody_started(deployment: Deployment, config: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    log = deployment.config(LOG, "log.csv")
    for command in (["worker"], ["import", str(log)]):
        done = deployment.run(*command, "-c", str(config), timeout=SECONDS, FLOW_KAFKA_BROKERS=address)
        assert address in one_refusal(done)


def test_kafka_that_does_not_answer(tmp_path: Path) -> None:
    # A broker of its own: the session's must not be paused during other tests.
    with Broker() as broker:
        deployment = Deployment(broker, "paused.", tmp_path)
        config = deployment.config(FLOW_YAML)
        broker.pause()
        done = deployment.run("worker", "-c", str(config), timeout=SECONDS)
    assert broker.bootstrap in one_refusal(done)


def test_another_number_of_partitions(deployment: Deployment, config: Path) -> None:
    replace(deployment, events_partitions=3).create_topics()
    done = deployment.run("worker", "-c", str(config), timeout=SECONDS, FLOW_EVENTS_PARTITIONS="1")
    line = one_refusal(done)
    assert deployment.topic("events") in line
    assert "FLOW_EVENTS_PARTITIONS=3" in line


def test_no_configuration(deployment: Deployment) -> None:
    missing = deployment.folder / "nowhere.yaml"
    assert str(missing) in one_refusal(deployment.run("worker", "-c", str(missing), timeout=SECONDS))


def test_a_folder_for_a_configuration(deployment: Deployment) -> None:
    folder = deployment.folder / "folder.yaml"
    folder.mkdir()
    assert str(folder) in one_refusal(deployment.run("worker", "-c", str(folder), timeout=SECONDS))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no-yaml", "version: 1\norganisation: [\n"),
        ("no-text", "version: 1\x00\n"),
        ("mistake", FLOW_YAML.replace("team: Cards", "team: Cards, load_limit: many")),
    ],
    ids=["no-yaml", "no-text", "mistake"],
)
def test_a_configuration_with_a_mistake(deployment: Deployment, name: str, text: str) -> None:
    config = deployment.config(text, f"{name}.yaml")
    assert config.name in one_refusal(deployment.run("worker", "-c", str(config), timeout=SECONDS))


def test_a_port_in_use(deployment: Deployment, config: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = deployment.run("worker", "-c", str(config), timeout=SECONDS, FLOW_WEB_PORT=port)
    assert port in one_refusal(done)


def test_a_setting_that_cannot_be_used(deployment: Deployment, config: Path) -> None:
    done = deployment.run("worker", "-c", str(config), timeout=SECONDS, FLOW_WEB_PORT="many")
    assert "FLOW_WEB_PORT" in one_refusal(done)
