"""The limits of an event; docs/reference.md lists them."""

from __future__ import annotations

from stream.events.event import DAY

MAX_EVENT_BYTES = 1 << 20
MAX_AHEAD = 30 * DAY
MAX_ID = 1_024
MAX_NAME = 256
MAX_TEXT = 4_096
MAX_FIELDS = 100
MAX_LABELS = 100
MAX_VALUE = 1_000_000_000
MAX_DEPTH = 32
# Titles and addresses may be personal data, and no number needs them. The item is an attribute of the event itself.
LEFT_OUT = ("item", "title", "url")
