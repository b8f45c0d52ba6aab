"""The embedded broker: librdkafka's mock cluster in a process of its own, on a free loopback port.

It speaks the Kafka protocol, but is only for trials:
- A topic has 4 partitions and is created when it is first named.
- Each partition keeps about 5 MB and drops older records. Nothing is compacted.
- It loses everything when its process ends, and it ends with the process that started it.

Run as a module, this is the child: it prints `ADDRESS` or `error: WHY`, and runs until its parent ends.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from stream.demo.child import Child, ChildOwner, wait_for_parent
from stream.errors import ServeError

PARTITIONS = 4
"""The number of partitions of each of its topics, which cannot be changed."""

PARTITION_BYTES = 5_000_000
"""About how much a partition keeps."""

ANSWER_SECONDS = 10.0


class EmbeddedBroker(ChildOwner):
    """A running embedded broker; `bootstrap` is its address, host:port."""

    def __init__(self, topics: Sequence[str]) -> None:
        """Start it with these topics. Raises ServeError if it does not start."""
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
    """Serve until the parent ends."""
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
