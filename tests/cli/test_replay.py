"""`flowgauge replay`: its table, its JSON, the rows that it skips, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import FLOW_YAML, REPOSITORY, Done, flowgauge
from tests.contract.documents import validator

LOG = REPOSITORY / "docs" / "example.csv"
AT = "2026-11-22T10:15:00Z"


def run(*arguments: object, **environ: str) -> Done:
    return flowgauge("replay", *arguments, **environ)


def test_json_fits_its_schema() -> None:
    done = run(LOG, "-c", FLOW_YAML, "--at", AT, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json["at"] == AT
    assert list(validator("replay").iter_errors(done.json)) == []
    assert {node["level"] for node in done.json["nodes"]} == {"portfolio", "value_stream", "art", "team"}


def test_an_offset_gives_the_same_numbers() -> None:
    local = run(LOG, "-c", FLOW_YAML, "--at", "2026-11-22T11:15:00+01:00", "--json")
    assert local.json == run(LOG, "-c", FLOW_YAML, "--at", AT, "--json").json


def test_the_table_names_all_nodes() -> None:
    done = run(LOG, "-c", FLOW_YAML, "--at", AT)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Flow at {AT}, window 14d")
    for name in ("portfolio", "Payments", "Checkout", "Cards", "Wallets"):
        assert name in done.out


def test_without_an_instant_it_is_now() -> None:
    assert run(LOG, "-c", FLOW_YAML, "--json").json["at"] > AT


def test_rows_that_are_left_out_are_named(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,time,state\n1,2026-03-01T10:00:00Z,To Do\n2,yesterday,To Do\n")
    done = run(log, "-c", FLOW_YAML, "--at", AT, "--json")
    assert done.status == 0
    assert done.json["at"] == AT
    [line] = done.err.splitlines()
    assert line.startswith(f"flowgauge: skipped {log}:3: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'LOG'"),
        ([str(LOG), "--at", "noon"], "Invalid value for '--at': 'noon'"),
        ([str(LOG), "--at", "2026-11-22T10:15:00"], "Invalid value for '--at'"),
        ([str(LOG), "--map", "=item"], "Invalid value for '--map'"),
        ([str(LOG), "--source", "a\nb"], "Invalid value for '--source'"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in run(*arguments).wrong_use


def test_a_log_that_is_not_there() -> None:
    assert "'nowhere.csv' cannot be opened" in run("nowhere.csv", "-c", FLOW_YAML).refusal


def test_a_configuration_that_is_not_there() -> None:
    assert "nowhere.yaml" in run(LOG, "-c", "nowhere.yaml").refusal


def test_a_column_that_the_log_does_not_have() -> None:
    assert "'status'" in run(LOG, "-c", FLOW_YAML, "--map", "status=state").refusal


def test_it_asks_for_no_setting() -> None:
    assert run(LOG, "-c", FLOW_YAML, "--at", AT, FLOW_KAFKA_BROKERS="http://", FLOW_WEB_PORT="x").status == 0
