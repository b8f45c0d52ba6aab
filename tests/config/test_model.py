"""The model: durations, defaults, normal forms, and what the fingerprint follows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stream.config.loading import load_config, parse_config
from stream.config.mistake import did_you_mean, key_of, quoted
from stream.config.model import Duration, FlowConfig

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REFERENCE = ROOT / "deploy" / "flow.yaml"
CONTENT: dict[str, Any] = yaml.safe_load(REFERENCE.read_text())


def fingerprint(content: dict[str, Any]) -> str:
    return parse_config(yaml.safe_dump(content, sort_keys=False), "flow.yaml").fingerprint


@pytest.mark.parametrize(
    ("label", "seconds"),
    [("30s", 30), ("5m", 300), ("24h", 86_400), ("1d", 86_400), ("2w", 1_209_600), ("36500d", 3_153_600_000)],
)
def test_a_duration_is_counted_in_microseconds(label: str, seconds: int) -> None:
    duration = Duration.parse(label)
    assert (duration.label, duration.microseconds) == (label, seconds * 1_000_000)
    assert str(duration) == label
    assert Duration.parse(duration) is duration


@pytest.mark.parametrize("text", ["", "d", "7", "7 d", "07d", "-7d", "7d\n", "7D", "1.5d", "\u0667d", 7, None])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration: give a whole number and a unit"):
        Duration.parse(text)


def test_defaults() -> None:
    config = load_config(HERE / "minimal.good.yaml")
    assert [window.label for window in config.windows] == ["1d", "7d", "14d", "30d", "90d"]
    assert (config.retention.label, config.future_tolerance.label, config.time_zone) == ("400d", "5m", "UTC")
    assert config.workflows[0].applies_to == {}
    assert config.workflows[0].on_return == "keep"
    assert config.organisation[0].load_limit is None
    assert config.organisation[0].arts[0].teams[0].owns == ()


def test_values_of_rules_are_text() -> None:
    config = load_config(HERE / "aliases.good.yaml")
    expected = {"board": "7", "urgent": "true", "weight": "1.5", "note": ""}
    assert config.organisation[0].arts[0].teams[0].owns == (expected,)
    assert [workflow.applies_to for workflow in config.workflows] == [
        {"board": ("7", "8")},
        {"urgent": "false"},
    ]


def test_bounds_of_targets() -> None:
    config = load_config(REFERENCE)
    bounds = {target.name: (target.at_least, target.at_most) for target in config.targets}
    assert bounds["time-to-market"] == (None, Duration.parse("8d"))
    assert bounds["room-for-debt"] == (0.1, 0.3)


def test_the_model_cannot_be_changed() -> None:
    config = load_config(REFERENCE)
    with pytest.raises(ValidationError):
        config.time_zone = "UTC"  # type: ignore[misc]


def test_the_model_survives_json() -> None:
    config = load_config(REFERENCE)
    assert FlowConfig.model_validate_json(config.model_dump_json(exclude_defaults=True)) == config


def shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key], data) for key in data.draw(st.permutations(list(value)))}
    return [shuffled(part, data) for part in value] if isinstance(value, list) else value


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_the_fingerprint_is_independent_of_the_order_of_keys(data: st.DataObject) -> None:
    assert fingerprint(shuffled(CONTENT, data)) == fingerprint(CONTENT)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(REFERENCE.read_text())
    *way, last = path
    holder: Any = content
    for key in way:
        holder = holder[key]
    assert holder.get(last) != to if isinstance(holder, dict) else holder[last] != to
    holder[last] = to
    return content


TEAMS = ("organisation", 0, "arts", 0, "teams")
CARDS, WALLETS = CONTENT["organisation"][0]["arts"][0]["teams"]


@pytest.mark.parametrize(
    "content",
    [
        changed("organisation", 0, "load_limit", to=61),
        changed(*TEAMS, 1, "load_limit", to=None),
        changed("organisation", 0, "load_limit", to={"epics": 3}),
        changed("portfolio", "load_limit", to={"stories": 500}),
        changed("backlogs", 0, "home", to="value_stream"),
        changed("backlogs", 1, "holds", to={"item_type": "Feature"}),
        changed("windows", to=[*CONTENT["windows"], "365d", "iteration"]),
        changed("iterations", "length", to="3w"),
        changed("export", "leave_out", to=["flow_state_seconds"]),
        changed("retention", to="500d"),
        changed("time_zone", to="UTC"),
        changed("targets", to=[]),
        changed("sources", to=[]),
        changed("program_increments", to=CONTENT["program_increments"][:1]),
        changed("future_tolerance", to="1h"),
        changed("workflows", 0, "name", to="flow"),
        changed(*TEAMS, 1, "owns", to=[{"team": ["Wallets"]}]),
        changed(*TEAMS, 0, "owns", to=CARDS["owns"][::-1]),
        changed("workflows", 0, "states", "new", to=["To Do", "Backlog"]),
    ],
)
def test_what_leaves_the_fingerprint_as_it_is(content: dict[str, Any]) -> None:
    assert fingerprint(content) == fingerprint(CONTENT)


@pytest.mark.parametrize(
    "content",
    [
        changed("organisation", 1, "value_stream", to="Operation"),
        changed("organisation", 1, "arts", 0, "art", to="Help"),
        changed("organisation", to=CONTENT["organisation"][::-1]),
        changed("organisation", 0, "arts", 0, "teams", to=[WALLETS, CARDS]),
        changed(*TEAMS, 0, "owns", to=CARDS["owns"][:1]),
        changed(*TEAMS, 0, "owns", 0, "project", to="PAX"),
        changed("organisation", 0, "arts", 0, "owns", to=[{"project": "CHX"}]),
        changed("organisation", 0, "owns", 0, "project", to="PAX"),
        changed("organisation", 1, "owns", to=[{"project": "OPS"}]),
        changed("portfolio", "owns", 0, to={"project": "PORT"}),
        changed("portfolio", to={"load_limit": 5}),
        changed("backlogs", 0, "holds", "item_type", to=["Epic", "Theme"]),
        changed("backlogs", 2, "backlog", to="rest"),
        changed("backlogs", 2, "holds", to={"item_type": "Story"}),
        changed("backlogs", to=[CONTENT["backlogs"][1], CONTENT["backlogs"][0], CONTENT["backlogs"][2]]),
        changed("workflows", 0, "states", "new", to=["Backlog", "Todo"]),
        changed("workflows", 0, "states", "new", to=["Backlog"]),
        changed("workflows", 0, "on_return", to="reset"),
        changed("workflows", 0, "applies_to", to={"source": "jira/acme", "project": "PAY"}),
        changed("workflows", to=CONTENT["workflows"][:1]),
        changed("item_types", "feature", to=["Story"]),
        changed("item_types", to={**CONTENT["item_types"], "chore": ["Chore"]}),
    ],
)
def test_what_changes_the_fingerprint(content: dict[str, Any]) -> None:
    assert fingerprint(without_measures(content)) != fingerprint(without_measures(CONTENT))


def without_measures(content: dict[str, Any]) -> dict[str, Any]:
    """The configuration without what may name nodes or backlogs that a change takes away."""
    plain: dict[str, Any] = yaml.safe_load(yaml.safe_dump({**content, "targets": []}, sort_keys=False))
    for stream in plain["organisation"]:
        stream.pop("load_limit", None)
        for art in stream["arts"]:
            art.pop("load_limit", None)
    return plain


def test_the_order_of_workflows_decides() -> None:
    flows = [{**flow, "applies_to": {"source": name}} for flow, name in zip(CONTENT["workflows"], "ab", strict=True)]
    assert fingerprint(changed("workflows", to=flows)) != fingerprint(changed("workflows", to=flows[::-1]))


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    program = "import sys; from stream.config.loading import load_config; print(load_config(sys.argv[1]).fingerprint)"
    run = subprocess.run(
        [sys.executable, "-c", program, str(REFERENCE)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONHASHSEED": "7"},
        cwd=ROOT,
    )
    assert run.stdout.strip() == load_config(REFERENCE).fingerprint


def test_places_and_values_are_written_on_one_line() -> None:
    assert key_of(("organisation", 0, "arts", 11, "art")) == "organisation[0].arts[11].art"
    assert key_of(("item_types", "Tech Debt", 1)) == 'item_types["Tech Debt"][1]'
    assert quoted("a\nb") == '"a\\nb"'
    assert quoted("x" * 61) == '"' + "x" * 57 + '..."'
    assert did_you_mean("owner", ["owns", "team"]) == 'did you mean "owns"?'
    assert did_you_mean("colour", ["owns", "team"]) == ""
