"""Backlogs with their homes, owners at every level, periods and export, as the model has them."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from stream.config.loading import load_config, parse_config
from stream.config.mistake import Mistakes
from stream.config.model import LEVELS, Backlog, Duration, FlowConfig, Level, home_of

HERE = Path(__file__).parent
LEVELLED = load_config(HERE / "contract.good.yaml")
MINIMAL = (HERE / "minimal.good.yaml").read_text()


def configured(further: str = "") -> FlowConfig:
    return parse_config(MINIMAL + further, "flow.yaml")


def test_without_the_keys_there_is_one_backlog_and_nobody_above_the_teams_owns() -> None:
    config = configured()
    assert config.backlogs == (Backlog(backlog="all", home="team"),)
    assert {level: config.home_of(level) for level in LEVELS} == dict.fromkeys(LEVELS, "all")
    assert (config.portfolio.load_limit, config.portfolio.owns) == (None, ())
    assert config.owners == ((("Payments", "Checkout", "Cards"), ({"team": "Cards"},)),)
    assert config.iterations is None
    assert config.exported_windows == config.window_labels == ("1d", "7d", "14d", "30d", "90d")


def test_backlogs() -> None:
    assert [(each.backlog, each.home, each.holds) for each in LEVELLED.backlogs] == [
        ("epics", "portfolio", {"item_type": ("Epic",)}),
        ("features", "art", {"item_type": ("Feature",)}),
        ("stories", "team", None),
    ]
    homes = [LEVELLED.home_of(level) for level in LEVELS]
    assert homes == ["stories", "features", "features", "epics"]


def backlogs(*homes: Level) -> list[Backlog]:
    return [Backlog(backlog=f"b{number}", home=home) for number, home in enumerate(homes)]


def test_of_several_backlogs_at_a_level_the_first_is_its_home_backlog() -> None:
    assert home_of(backlogs("art", "team", "art", "team"), "team") == "b1"
    assert home_of(backlogs("art", "team", "art", "team"), "art") == "b0"
    assert home_of(backlogs("team", "art", "team"), "portfolio") == "b1"


@pytest.mark.parametrize(("home", "level"), list(product(LEVELS, LEVELS)))
def test_a_backlog_is_the_home_backlog_at_its_level_and_above(home: Level, level: Level) -> None:
    found = home_of(backlogs(home), level)
    assert found == ("b0" if LEVELS.index(level) >= LEVELS.index(home) else None)


def test_limits_by_backlog() -> None:
    [payments] = LEVELLED.organisation
    [checkout] = payments.arts
    cards, wallets = checkout.teams
    assert LEVELLED.limit_of(LEVELLED.portfolio.load_limit, "portfolio") == {"epics": 5}
    assert LEVELLED.limit_of(payments.load_limit, "value_stream") == {"epics": 3, "features": 60}
    assert LEVELLED.limit_of(checkout.load_limit, "art") == {"features": 30}
    assert LEVELLED.limit_of(cards.load_limit, "team") == {"stories": 8}
    assert LEVELLED.limit_of(wallets.load_limit, "team") == {}


def test_a_number_limits_nothing_at_a_level_without_a_home_backlog() -> None:
    config = configured("backlogs: [{backlog: epics, home: portfolio}]\n")
    assert config.limit_of(3, "team") == {}
    assert config.limit_of({"epics": 3}, "team") == {"epics": 3}


def test_owners_are_teams_then_arts_then_value_streams_then_the_portfolio() -> None:
    text = """
version: 1
portfolio: {owns: [{project: PORT}]}
organisation:
  - value_stream: Payments
    owns: [{project: PAY}]
    arts:
      - {art: Checkout, owns: [{project: CHK}, {project: BAS}], teams: [{team: Cards, owns: [{component: 1}]}]}
      - {art: Returns, teams: [{team: Refunds}]}
  - value_stream: Operations
    arts: [{art: Support, owns: [{project: SUP}], teams: [{team: First Line}]}]
workflows: [{name: w, states: {active: [Doing], done: [Done]}}]
"""
    assert parse_config(text, "flow.yaml").owners == (
        (("Payments", "Checkout", "Cards"), ({"component": "1"},)),
        (("Payments", "Returns", "Refunds"), ({"team": "Refunds"},)),
        (("Operations", "Support", "First Line"), ({"team": "First Line"},)),
        (("Payments", "Checkout", ""), ({"project": "CHK"}, {"project": "BAS"})),
        (("Operations", "Support", ""), ({"project": "SUP"},)),
        (("Payments", "", ""), ({"project": "PAY"},)),
        (("", "", ""), ({"project": "PORT"},)),
    )


def test_windows_are_trailing_or_periods() -> None:
    assert [window.label for window in LEVELLED.trailing] == ["1d", "7d", "14d", "30d", "90d"]
    assert LEVELLED.periods == ("pi", "previous_pi")
    assert LEVELLED.window_labels == ("1d", "7d", "14d", "30d", "90d", "pi", "previous_pi")
    assert LEVELLED.iterations is not None
    assert LEVELLED.iterations.first == date(2026, 10, 1)
    assert LEVELLED.iterations.length == Duration.parse("2w")


def test_windows_may_be_periods_only() -> None:
    config = configured("windows: [iteration]\niterations: {first: 2026-10-01, length: 24h}\n")
    assert (config.trailing, config.periods, config.window_labels) == ((), ("iteration",), ("iteration",))


def test_a_window_has_one_label_however_long_it_is_written() -> None:
    config = configured("windows: [30d, 7d]\nexport: {windows: [1w]}\n")
    assert config.label_of(Duration.parse("168h")) == "7d"
    assert config.exported_windows == ("7d",)
    assert LEVELLED.label_of("pi") == "pi"


def test_what_is_exported() -> None:
    assert LEVELLED.exported_windows == ("7d", "30d", "pi")
    assert LEVELLED.export.leave_out == ("flow_state_seconds",)


def test_the_backlog_of_a_target() -> None:
    [target] = LEVELLED.targets
    assert LEVELLED.backlog_of(target) == "features"
    assert LEVELLED.backlog_of(target.model_copy(update={"backlog": None, "level": "portfolio"})) == "epics"
    assert LEVELLED.backlog_of(target.model_copy(update={"backlog": "stories"})) == "stories"


def test_the_model_survives_json() -> None:
    assert FlowConfig.model_validate_json(LEVELLED.model_dump_json(exclude_defaults=True)) == LEVELLED
    limits: dict[str, Any] = LEVELLED.model_dump(mode="json")["organisation"][0]
    assert (limits["load_limit"], limits["arts"][0]["load_limit"]) == ({"epics": 3, "features": 60}, 30)


INCREMENTS = """
program_increments:
  - {name: a, start: 2026-10-01, end: 2026-12-10}
  - {name: b, start: 2027-01-04, end: 2027-03-26}
  - {name: c, start: 2027-04-05, end: 2027-06-18}
iterations: {first: 2026-10-01, length: 2w}
"""


@pytest.mark.parametrize(
    ("window", "days"),
    [
        ("pi", 95),  # the first increment, until the second begins
        ("previous_pi", 186),  # the first one, until the third begins
        ("iteration", 14),
        ("previous_iteration", 28),
    ],
)
def test_the_shortest_retention_of_a_period(window: str, days: int) -> None:
    text = f"{INCREMENTS}windows: [1d, {window}]\nretention: "
    assert configured(f"{text}{days}d\n").periods == (window,)
    with pytest.raises(Mistakes, match=f"set `retention` to {days}d or more"):
        configured(f"{text}{days - 1}d\n")


@pytest.mark.parametrize(("window", "days"), [("pi", 100), ("previous_pi", 131)])
def test_the_last_increments_are_remembered_until_the_last_one_ends(window: str, days: int) -> None:
    increments = "[{name: a, start: 2026-10-01, end: 2026-10-31}, {name: b, start: 2026-11-01, end: 2027-02-08}]"
    text = f"program_increments: {increments}\nwindows: [1d, {window}]\nretention: "
    assert configured(f"{text}{days}d\n").periods == (window,)
    with pytest.raises(Mistakes, match=f"set `retention` to {days}d or more"):
        configured(f"{text}{days - 1}d\n")
