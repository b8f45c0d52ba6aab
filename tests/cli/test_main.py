"""The common behaviour of all commands: help, exit status, and one line on failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from stream.cli import check_config
from stream.cli.main import COMMANDS, cli
from stream.errors import FlowgaugeError
from stream.settings import SETTINGS
from tests.cli.command import FLOW_YAML, REPOSITORY, flowgauge


def paths() -> list[list[str]]:
    """Yield the arguments that call each command and each group."""
    found = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        found += [[name], *([name, below] for below in getattr(command, "commands", ()))]
    return found


each_command = pytest.mark.parametrize("path", paths(), ids=" ".join)


def test_help_names_the_commands_and_the_variables() -> None:
    done = flowgauge("--help")
    assert (done.status, done.err) == (0, "")
    for name in [*COMMANDS, *(setting.variable for setting in SETTINGS)]:
        assert f"  {name} " in done.out


@each_command
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_command_has_help(path: list[str], option: str) -> None:
    done = flowgauge(*path, option)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: flowgauge {' '.join(path)} ")


@each_command
def test_an_option_that_no_command_has(path: list[str]) -> None:
    assert "No such option: --frobnicate" in flowgauge(*path, "--frobnicate").wrong_use


def test_a_command_that_is_not_there() -> None:
    assert "No such command 'frobnicate'." in flowgauge("frobnicate").wrong_use


def test_without_a_command_it_shows_its_help() -> None:
    assert "Commands: check-config" in flowgauge().wrong_use


@pytest.mark.parametrize(
    "path", [["topics", "list"], ["dead-letters", "list"], ["import", "log.csv"], ["simulate"], ["demo"]], ids=" ".join
)
def test_a_setting_that_cannot_be_used(path: list[str]) -> None:
    refusal = flowgauge(*path, FLOW_KAFKA_BROKERS="http://kafka").refusal
    assert refusal.startswith("FLOW_KAFKA_BROKERS is 'http://kafka': it must be HOST:PORT")


def test_an_option_goes_before_its_variable() -> None:
    refusal = flowgauge("topics", "--brokers", "kafka-1:0", "list", FLOW_KAFKA_BROKERS="kafka-2:9092").refusal
    assert refusal.startswith("FLOW_KAFKA_BROKERS is 'kafka-1:0'")


def test_whatever_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise FlowgaugeError("the work failed")

    monkeypatch.setattr(check_config, "load_config", fail)
    assert flowgauge("check-config", FLOW_YAML).refusal == "the work failed"


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stream", "topics", "list", "--json"],
            cwd=REPOSITORY, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("flowgauge: the output cannot be written: ")


def test_help_needs_no_library_of_a_command() -> None:
    look = "import sys; import stream.cli.main; print({'faust', 'kafka', 'pydantic', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
