"""`flowgauge simulate` refuses wrong use and a missing Kafka, before it keeps anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import NO_KAFKA, flowgauge


@pytest.mark.usefixtures("impatient")
def test_no_kafka(tmp_path: Path) -> None:
    refusal = flowgauge("simulate", "--brokers", NO_KAFKA, "--data-dir", tmp_path / "data").refusal
    assert refusal.startswith(f"Kafka at '{NO_KAFKA}' does not answer")
    assert refusal.endswith("Start it, or set FLOW_KAFKA_BROKERS")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days", "0"], "Invalid value for '--days'"),
        (["--days", "401"], "Invalid value for '--days'"),
        (["--seed", "one"], "Invalid value for '--seed'"),
        (["--data-dir", __file__], "is a file"),
        (["flow.yaml"], "unexpected extra argument"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in flowgauge("simulate", *arguments).wrong_use
