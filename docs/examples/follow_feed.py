"""Follow the feed: print each limit that is passed or recovered, each target that is missed or met.

pip install kafka-python
python follow_feed.py 127.0.0.1:9092
"""

import json
import sys

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    "flow.alerts", bootstrap_servers=sys.argv[1], group_id="follow-feed", auto_offset_reset="earliest"
)
newest = {}  # Kafka may deliver a record again; the sequence of a limit or target only grows.
for record in consumer:
    if record.value is None:
        newest.pop(record.key, None)  # this limit or target is no longer watched
        continue
    event = json.loads(record.value)
    if event["sequence"] > newest.get(record.key, ""):
        newest[record.key] = event["sequence"]
        data = event["data"]
        what = data.get("target", "load limit")
        value = data.get("value", data.get("actual"))
        place = event["subject"], data.get("backlog", "")  # an earlier release wrote none
        print(event["time"], event["type"], *place, what, value, "since", data["since"], flush=True)
