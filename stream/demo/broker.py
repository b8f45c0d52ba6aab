"""The embedded broker: librdkafka's mock cluster in a process of its own, on a free loopback port.

It speaks the Kafka protocol, but is made for trying: a topic has 4 partitions and appears when it is first
named, each partition keeps some 5 MB and drops the oldest beyond, nothing is compacted, and all is
forgotten when the process ends. It ends with the process that started it.

As a module this is the child: it prints `ADDRESS` or `error: WHY`, and lives as long as its parent.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from stream.demo.child import Child, ChildOwner, wait_for_parent
from stream.errors import ServeError

PARTITIONS = 4
"""Partitions of each of its topics; the broker knows no other number."""

PARTITION_BYTES = 5_000_000
"""What a partition keeps, about."""

ANSWER_SECONDS = 10.0


class EmbeddedBroker(ChildOwner):
    """A running embedded broker; `bootstrap` is its address, host:port."""

    def __init__(self, topics: Sequence[str]) -> None:
        """Start it with these topics. Raises ServeError if it cannot be had."""
        if importlib.util.find_spec("confluent_kafka") is None:
            raise ServeError("the embedded broker needs confluent-kafka: pip install 'flowgauge[demo]'")
        self._child = Child("stream.demo.broker", topics)
        line = self._child.first_line()
        if not line or line.startswith("error: "):
            self.stop()
            why = line.removeprefix("error: ") or f"exit status {self._child.ended()}"
            raise ServeError(f"the embedded broker does not start ({why}): try again, or use a real Kafka")
        self.bootstrap = line

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid


def main() -> None:
    """Serve until the parent is gone."""
    import confluent_kafka

    try:
        producer = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
        for topic in sys.argv[1:]:
            producer.list_topics(topic, timeout=ANSWER_SECONDS)
        brokers = producer.list_topics(timeout=ANSWER_SECONDS).brokers.values()
    except confluent_kafka.KafkaException as error:
        print(f"error: {error}", flush=True)
        sys.exit(1)
    print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
    wait_for_parent()


if __name__ == "__main__":
    main()
