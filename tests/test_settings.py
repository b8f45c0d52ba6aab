"""Deployment settings from the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from stream.errors import SettingsError
from stream.settings import SETTINGS, Settings


def test_defaults() -> None:
    assert Settings.from_env({}) == Settings(
        brokers=("127.0.0.1:9092",),
        topic_prefix="flow.",
        config=Path("flow.yaml"),
        web_host="127.0.0.1",
        web_port=6066,
        gateway_port=6070,
        data_dir=Path(".flowgauge"),
        events_partitions=4,
        items_partitions=1,
        replication_factor=1,
        clock="wall",
        embedded=False,
    )


def test_everything_from_the_environment() -> None:
    environ = {
        "FLOW_KAFKA_BROKERS": "kafka-1:9093, kafka-2,[::1]:9094",
        "FLOW_TOPIC_PREFIX": "acme-flow_",
        "FLOW_CONFIG": "/etc/flow.yaml",
        "FLOW_WEB_HOST": "0.0.0.0",
        "FLOW_WEB_PORT": "80",
        "FLOW_GATEWAY_PORT": "65535",
        "FLOW_DATA_DIR": "/var/lib/flowgauge",
        "FLOW_EVENTS_PARTITIONS": "64",
        "FLOW_ITEMS_PARTITIONS": "8",
        "FLOW_REPLICATION_FACTOR": "3",
        "FLOW_CLOCK": "2012-05-31T00:00:00+02:00",
        "FLOW_EMBEDDED": "1",
        "FLOW_UNHEARD_OF": "x",
    }
    assert Settings.from_env(environ) == Settings(
        brokers=("kafka-1:9093", "kafka-2:9092", "[::1]:9094"),
        topic_prefix="acme-flow_",
        config=Path("/etc/flow.yaml"),
        web_host="0.0.0.0",
        web_port=80,
        gateway_port=65_535,
        data_dir=Path("/var/lib/flowgauge"),
        events_partitions=64,
        items_partitions=8,
        replication_factor=3,
        clock="2012-05-31T00:00:00+02:00",
        embedded=True,
    )


def test_the_table_has_each_field_once() -> None:
    assert [setting.field for setting in SETTINGS] == [field.name for field in fields(Settings)]
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.help for setting in SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_empty_is_absent(setting: object) -> None:
    assert Settings.from_env({setting.variable: " "}) == Settings.from_env({})  # type: ignore[attr-defined]


def test_defaults_of_the_class_are_those_of_the_variables() -> None:
    assert Settings() == Settings.from_env({})


def test_several_mistakes_are_named_together() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"FLOW_WEB_PORT": "web", "FLOW_CLOCK": "event", "FLOW_EMBEDDED": "yes"})
    assert str(caught.value) == (
        "FLOW_WEB_PORT is 'web': it must be a whole number from 1 to 65535, such as '6066'; "
        "FLOW_EMBEDDED is 'yes': it must be 0 or 1, such as '0'"
    )


def test_group_and_topic_have_the_prefix() -> None:
    settings = Settings.from_env({"FLOW_TOPIC_PREFIX": "acme."})
    assert settings.group == "acme.engine"
    assert settings.topic("events") == "acme.events"


@pytest.mark.parametrize("clock", ["wall", "event", "2026-11-22T10:15:00Z", "2026-11-22t10:15:00.250-05:00"])
def test_clock(clock: str) -> None:
    assert Settings.from_env({"FLOW_CLOCK": clock}).clock == clock


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLOW_KAFKA_BROKERS", "kafka-1:0"),
        ("FLOW_KAFKA_BROKERS", "kafka-1:70000"),
        ("FLOW_KAFKA_BROKERS", "kafka://kafka-1:9092"),
        ("FLOW_KAFKA_BROKERS", "kafka-1,,kafka-2"),
        ("FLOW_KAFKA_BROKERS", "kafka-1;kafka-2"),
        ("FLOW_KAFKA_BROKERS", "kafka 1"),
        ("FLOW_TOPIC_PREFIX", "flow/"),
        ("FLOW_TOPIC_PREFIX", "f" * 201),
        ("FLOW_WEB_HOST", "http://localhost"),
        ("FLOW_WEB_PORT", "0"),
        ("FLOW_WEB_PORT", "65536"),
        ("FLOW_WEB_PORT", "6066.0"),
        ("FLOW_GATEWAY_PORT", "-1"),
        ("FLOW_GATEWAY_PORT", "\u0661\u0662"),
        ("FLOW_EVENTS_PARTITIONS", "0"),
        ("FLOW_ITEMS_PARTITIONS", "10001"),
        ("FLOW_REPLICATION_FACTOR", "three"),
        ("FLOW_CLOCK", "now"),
        ("FLOW_CLOCK", "2026-11-22T10:15:00"),
        ("FLOW_CLOCK", "2026-11-31T10:15:00Z"),
        ("FLOW_CLOCK", "2026-11-22"),
        ("FLOW_EMBEDDED", "yes"),
    ],
)
def test_mistake_names_variable_value_and_mend(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable} is {value!r}: it must be ")
    assert "such as" in message
    assert "\n" not in message
