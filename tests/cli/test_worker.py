"""`flowgauge worker` refuses wrong use, bad settings and a bad configuration, before it starts anything."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.command import FLOW_YAML, REPOSITORY, Done, flowgauge

SECONDS = 60


def run(*arguments: object, **environ: str) -> Done:
    """Run it in a process of its own: importing the app creates it, once for each process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "stream", "worker", *map(str, arguments)],
        cwd=REPOSITORY,
        env=inherited | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "0"], "Invalid value for '--port'"),
        (["--port", "http"], "Invalid value for '--port'"),
        (["--clock", "noon"], "'noon': it must be `wall`, `event` or an instant"),
        (["--clock", "2026-11-22T10:15:00"], "it must be `wall`, `event` or an instant"),
        (["--loglevel", "loud"], "'loud' is not one of"),
        (["flow.yaml"], "unexpected extra argument"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in flowgauge("worker", *arguments).wrong_use


def test_settings_that_cannot_be_used() -> None:
    refusal = run("-c", FLOW_YAML, FLOW_WEB_PORT="many", FLOW_EVENTS_PARTITIONS="0").refusal
    assert refusal.startswith("FLOW_WEB_PORT is 'many': it must be a whole number from 1 to 65535, such as '6066'; ")
    assert "FLOW_EVENTS_PARTITIONS is '0'" in refusal


def test_a_configuration_that_is_not_there() -> None:
    assert "nowhere.yaml" in run("-c", "nowhere.yaml", FLOW_CONFIG=str(FLOW_YAML)).refusal
