"""The oracle's gauges, comparisons and log reader, against numbers worked out by hand."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.gauges.catalogue import OF_ENGINE, OF_NODES
from tests.oracle import configurations, histories
from tests.oracle.brute_force import (
    compare,
    compare_numbers,
    events_from_log,
    gauges,
    numbers,
    parse_metrics,
)
from tests.oracle.comparison import COUNTS, LEFT_OUT, STATISTICS, SUMS, by_place
from tests.oracle.lives import lives
from tests.oracle.nodes import load_in, places
from tests.oracle.real_log import find_log
from tests.oracle.rules import Json, levels
from tests.oracle.series import Series, series

CONFIG: Json = {
    "organisation": [
        {
            "value_stream": "V",
            "arts": [{"art": "A", "teams": [{"team": "T", "load_limit": 4}, {"team": "U"}]}],
        }
    ],
    "workflows": [{"name": "w", "states": {"active": ["Doing"], "waiting": ["Ready"], "done": ["Done"]}}],
    "item_types": {"feature": ["Story"]},
    "windows": ["7d"],
}
AT = datetime(2026, 7, 5, tzinfo=UTC)


def changed(item: str, time: str, **data: object) -> Json:
    """Make an event of an item of team T."""
    fields = {"item": item, "team": "T", **data}
    return {"id": item + time, "source": "s", "type": "flow.item.changed", "time": time + "Z", "data": fields}


EVENTS = [
    changed("1", "2026-07-01T00:00:00", state="Doing", item_type="Story"),
    changed("1", "2026-07-01T01:00:00", state="Done"),
    changed("2", "2026-07-01T00:00:00", state="Ready"),
    changed("2", "2026-07-02T12:00:00", state="Done"),
    changed("3", "2026-07-04T00:00:00", state="Doing", blocked=True),
]


def of_team(name: str, **labels: str) -> Series:
    """Name a series of team T, unless the labels say otherwise."""
    return series(name, **{"value_stream": "V", "art": "A", "team": "T", "backlog": "all"} | labels)


def test_gauges_of_three_items() -> None:
    found = gauges(EVENTS, CONFIG, AT)
    week = {"window": "7d"}
    team = {"level": "team"} | week
    portfolio = {"level": "portfolio", "backlog": "all"} | week
    expected = {
        of_team("flow_load_items", item_type="other", flow_state="active"): 1,
        of_team("flow_blocked_items", item_type="other"): 1,
        of_team("flow_state_items", state="Done"): 2,
        of_team("flow_state_items", state="Doing"): 1,
        of_team("flow_load_limit_items", level="team"): 4,
        of_team("flow_load_ratio", level="team"): 0.25,
        of_team("flow_velocity_items", item_type="feature", **week): 1,
        of_team("flow_velocity_items", item_type="other", **week): 1,
        of_team("flow_arrivals_items", item_type="feature", **week): 1,
        of_team("flow_arrivals_items", item_type="other", **week): 2,
        of_team("flow_time_seconds_bucket", le="3600.0", **week): 1,
        of_team("flow_time_seconds_bucket", le="86400.0", **week): 1,
        of_team("flow_time_seconds_bucket", le="172800.0", **week): 2,
        of_team("flow_time_seconds_bucket", le="31536000.0", **week): 2,
        of_team("flow_time_seconds_bucket", le="+Inf", **week): 2,
        of_team("flow_time_seconds_gcount", **week): 2,
        of_team("flow_time_seconds_gsum", **week): 37 * 3600,
        of_team("flow_elapsed_seconds", **week): 37 * 3600,
        of_team("flow_active_seconds", **week): 3600,
        of_team("flow_state_seconds", state="Doing", **week): 3600,
        of_team("flow_state_seconds", state="Ready", **week): 36 * 3600,
        of_team("flow_time_mean_seconds", **team): 18.5 * 3600,
        of_team("flow_time_quantile_seconds", quantile="0.5", **team): 18.5 * 3600,
        of_team("flow_efficiency_ratio", **team): 1 / 37,
        of_team("flow_distribution_ratio", item_type="feature", **team): 0.5,
        of_team("flow_item_age_max_seconds", level="team"): 86400,
        of_team("flow_item_age_quantile_seconds", level="team", quantile="0.95"): 86400,
        series("flow_time_quantile_seconds", quantile="0.85", **portfolio): (1 + 0.85 * 35) * 3600,
        series("flow_efficiency_ratio", **portfolio): 1 / 37,
    }
    assert {name: found.get(name) for name in expected} == pytest.approx(expected)
    assert sum(name == "flow_time_seconds_bucket" for name, _ in found) == 19
    assert not [labels for _, labels in found if ("team", "U") in labels]


def test_windows_and_buckets_hold_their_upper_bound_and_not_their_lower() -> None:
    item = [
        changed("1", "2026-07-01T00:00:00", state="Doing"),
        changed("1", "2026-07-01T01:00:00.000001", state="Done"),
    ]
    just_over = gauges(item, CONFIG, AT)
    assert of_team("flow_time_seconds_bucket", window="7d", le="3600.0") not in just_over
    assert just_over[of_team("flow_time_seconds_bucket", window="7d", le="14400.0")] == 1
    started = gauges(item, CONFIG, datetime(2026, 7, 8, tzinfo=UTC))
    assert "flow_arrivals_items" not in {name for name, _ in started}
    assert started[of_team("flow_velocity_items", window="7d", item_type="other")] == 1
    finished = gauges(item, CONFIG, datetime(2026, 7, 8, 1, 0, 0, 1, tzinfo=UTC))
    assert {name for name, _ in finished} == {"flow_state_items", "flow_load_limit_items", "flow_load_ratio"}


def test_comparison_names_each_difference() -> None:
    want = gauges(EVENTS, CONFIG, AT)
    assert compare(want, want) == []
    idle = {of_team("flow_distribution_ratio", item_type="defect", level="team", window="7d"): 0.0}
    zero = {of_team("flow_load_items", item_type="feature", flow_state="waiting"): 0.0}
    foreign = {series("flow_ready"): 1.0}
    assert compare(want | idle | zero | foreign, want) == []
    written = {"1209600.0": "1.2096e+06", "31536000.0": "3.1536e+07"}
    as_go_does = {
        (name, frozenset((label, written.get(value, value)) for label, value in labels)): gauge
        for (name, labels), gauge in want.items()
    }
    assert as_go_does != want
    assert compare(as_go_does, want) == []
    for series_, value in [
        (of_team("flow_load_items", item_type="other", flow_state="active"), 2.0),
        (of_team("flow_load_items", item_type="feature", flow_state="active"), 1.0),
        (of_team("flow_state_seconds", window="7d", state="Doing"), 3601.0),
        (of_team("flow_efficiency_ratio", level="team", window="7d"), 0.03),
        (
            series(
                "flow_efficiency_ratio", level="team", value_stream="V", art="A", team="U", backlog="all", window="7d"
            ),
            0.0,
        ),
        (series("flow_distribution_ratio", level="team", team="U", window="7d", item_type="feature"), 0.0),
        (of_team("flow_item_age_max_seconds", level="team"), float("nan")),
    ]:
        assert len(compare(want | {series_: value}, want)) == 1, series_
    for name in ["flow_load_items", "flow_load_ratio", "flow_time_seconds_gsum", "flow_item_age_max_seconds"]:
        missing = {series_: value for series_, value in want.items() if series_[0] != name}
        assert compare(missing, want), name


def test_comparison_refuses_a_metric_that_it_does_not_know() -> None:
    [line] = compare({of_team("flow_new_items"): 0.0}, {})
    assert "comparison.py" in line


def test_comparison_knows_how_to_compare_every_metric_once() -> None:
    lists = [COUNTS, SUMS, STATISTICS, LEFT_OUT]
    assert sorted(name for each in lists for name in each) == sorted(set().union(*lists))
    of_engine = [
        one.name + end
        for one in OF_ENGINE
        for end in (("_bucket", "_count", "_sum") if one.type == "histogram" else ("",))
    ]
    assert set().union(*lists) == {*of_engine, *(name for one in OF_NODES for name in one.samples)}
    of_items = {"flow_program_increment_info", "flow_unplaced_items"}
    assert {*of_engine, "flow_target_met_since_timestamp_seconds"} - of_items == LEFT_OUT


def test_comparison_of_objects_names_each_difference() -> None:
    want = numbers(EVENTS, CONFIG, AT)
    other = numbers(EVENTS[:-1], CONFIG, AT)
    assert compare_numbers(want, want) == []
    assert "team/V/A/T:all.load.items: 0 instead of 1" in compare_numbers(other, want)
    assert compare_numbers(want | {"nodes": want["nodes"][1:]}, want) == ["portfolio:all: missing node"]
    nobody = numbers([changed("4", "2026-01-01T00:00:00", state="Done", team="Nobody")], CONFIG, AT)
    assert len(nobody["nodes"]) == 8
    assert compare_numbers(nobody, numbers([], CONFIG, AT)) == []
    loaded = numbers([changed("4", "2026-07-01T00:00:00", state="Doing", team="Nobody")], CONFIG, AT)
    named = [node for node in loaded["nodes"] if node["value_stream"] != "unassigned"]
    assert len(compare_numbers(loaded | {"nodes": named}, loaded)) == 3


@pytest.mark.parametrize("end", ["", "# EOF\n"], ids=["prometheus", "openmetrics"])
def test_a_scrape_is_read_and_empty_labels_are_none(end: str) -> None:
    text = (
        "# HELP flow_load_items Items in progress.\n# TYPE flow_load_items gauge\n"
        'flow_load_items{value_stream="V",art="A",team="",item_type="a\\"b"} 3.0\n'
    )
    expected = {series("flow_load_items", value_stream="V", art="A", item_type='a"b'): 3.0}
    assert parse_metrics(text + end) == expected


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_log_is_read(tmp_path: Path, name: str) -> None:
    rows = "nr,when,a,b,team\n1,2026-07-01T00:00:00Z,X,Y,T\n1,2026-07-02T00:00:00Z,,,U\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(rows.encode()) if name.endswith(".gz") else rows.encode())
    first, second = events_from_log(path, {"nr": "item", "when": "time", "a+b": "state"})
    assert first["data"] == {"item": "1", "state": "X/Y", "team": "T"}
    assert second["data"] == {"item": "1", "team": "U"}
    assert second["time"] == "2026-07-02T00:00:00Z"
    assert first["sequence"] < second["sequence"]
    assert first["id"] != second["id"]


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_order_and_repetition_change_nothing_and_levels_reconcile(data: st.DataObject) -> None:
    config = data.draw(configurations.configs())
    events = data.draw(histories.event_lists(config))
    at = data.draw(histories.instants())
    found = numbers(events, config, at)
    again = [*events, *events[:3]]
    Random(len(events)).shuffle(again)
    assert numbers(again, config, at) == found
    sums = dict.fromkeys(by_place(found), 0)
    for owner, backlog in {place for life in lives(events, config, at) for place in places(life)}:
        items = len(load_in((("own", *owner), backlog), lives(events, config, at)))
        for node in levels(owner):
            sums[*node, backlog] += items
    assert {place: node["load"]["items"] for place, node in by_place(found).items()} == sums


def test_the_real_log_after_its_end() -> None:
    log = find_log()
    found = numbers(log.events, log.config, log.instants[2])
    portfolio = next(node for node in found["nodes"] if node["level"] == "portfolio")
    # The log holds problems that were closed: each ends so, in 2012.
    assert len({event["data"]["item"] for event in log.events}) == 1487
    assert portfolio["load"]["items"] == 0
    assert portfolio["windows"]["365d"]["velocity"] == 1487
