"""What `flowgauge dead-letters` reads in a record's headers, against `schemas/dead-letter.schema.json`."""

from __future__ import annotations

from stream.cli.dead_letters import HEADERS
from tests.contract.documents import schema


def test_headers_are_those_of_the_schema() -> None:
    assert set(schema("dead-letter")["properties"]) == HEADERS
