"""The AsyncAPI document says of the topics what the program declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stream.kafka.topics import Topic, topics
from stream.settings import Settings
from stream.worker.feed_messages import node_key, read_alert, read_node_key
from tests.contract.documents import SCHEMAS, asyncapi

DEFAULTS = Settings.from_env({})
DECLARED = {topic.name: topic for topic in topics(DEFAULTS)}


def test_version() -> None:
    assert asyncapi()["asyncapi"] == "3.0.0"


def test_channels_are_the_declared_topics() -> None:
    assert {channel["address"] for channel in asyncapi()["channels"].values()} == set(DECLARED)


@pytest.mark.parametrize("topic", DECLARED.values(), ids=DECLARED)
def test_binding_agrees_with_declaration(topic: Topic) -> None:
    binding = _channel(topic.name)["bindings"]["kafka"]
    assert binding["bindingVersion"] == "0.5.0"
    assert binding["topic"] == topic.name
    assert binding["partitions"] == topic.partitions
    assert binding["replicas"] == DEFAULTS.replication_factor
    assert _as_text(binding["topicConfiguration"]) == topic.config


@pytest.mark.parametrize("topic", DECLARED.values(), ids=DECLARED)
def test_each_topic_is_sent_and_received(topic: Topic) -> None:
    document = asyncapi()
    actions = {
        operation["action"]
        for operation in document["operations"].values()
        if _local(document, operation["channel"]["$ref"])["address"] == topic.name
    }
    assert actions == {"send", "receive"}


@pytest.mark.parametrize("topic", DECLARED.values(), ids=DECLARED)
def test_each_message_names_its_key(topic: Topic) -> None:
    document = asyncapi()
    for reference in _channel(topic.name)["messages"].values():
        key = _local(document, reference["$ref"])["bindings"]["kafka"]["key"]
        described = _local(document, key["$ref"]) if "$ref" in key else key
        assert described["description"]


def test_keys_of_the_feed_are_the_programs() -> None:
    messages = asyncapi()["components"]["messages"]
    nodes, alerts = (messages[name]["bindings"]["kafka"]["key"]["examples"] for name in ("nodeMeasured", "alert"))
    assert [node_key(read_node_key(key.encode())).decode() for key in nodes] == nodes
    assert all(read_node_key(key.encode()).backlog for key in nodes)
    read = [read_alert(key.encode(), None) for key in alerts]
    assert read == [
        (("limit", "team", "stories", "Payments", "Checkout", "Cards"), None),
        (("target", "time-to-market"), None),
    ]


def test_consumer_group_is_the_programs() -> None:
    named = [
        operation["bindings"]["kafka"]["groupId"]["enum"]
        for operation in asyncapi()["operations"].values()
        if "bindings" in operation
    ]
    assert named == [[DEFAULTS.group]] * 2


def test_references_resolve() -> None:
    document = asyncapi()
    references = list(_references(document))
    named = ("event", "item-summary", "dead-letter", "node-measured", "alert")
    assert {f"{name}.schema.json" for name in named} <= set(references)
    for reference in references:
        assert _local(document, reference) if reference.startswith("#") else (SCHEMAS / reference).is_file()


def _channel(address: str) -> dict[str, Any]:
    [found] = [one for one in asyncapi()["channels"].values() if one["address"] == address]
    return dict(found)


def _local(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def _as_text(configuration: dict[str, Any]) -> dict[str, str]:
    """Write a binding's configuration the way Kafka takes it."""
    return {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in configuration.items()}


def _references(node: Any) -> Iterator[str]:
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and "$ref" in node:
        yield node["$ref"]
    for part in parts:
        yield from _references(part)
