"""Why an event is refused: a closed list, which is also the metric's label."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reason in a dead letter's `flow_reason` header and in `flow_dead_letters_total`."""

    NOT_JSON = "not_json"
    NOT_AN_EVENT = "not_an_event"
    UNKNOWN_TYPE = "unknown_type"
    BAD_FIELD = "bad_field"
    BAD_TIME = "bad_time"
    IN_THE_FUTURE = "in_the_future"
    TOO_LARGE = "too_large"
    TOMBSTONE = "tombstone"
    KEY_MISMATCH = "key_mismatch"
    HISTORY_FULL = "history_full"
    UNREADABLE_BATCH = "unreadable_batch"
    UNREADABLE_HISTORY = "unreadable_history"


class Rejection(Exception):
    """An event that is refused; `detail` quotes what is wrong and says how to fix it."""

    def __init__(self, reason: Reason, detail: str, source: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.source = source
