"""Snapshot -> metric families: which series there are, and which are gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream import __version__
from stream.config.model import MAX_STATES
from stream.events.event import DAY
from stream.events.rejection import Reason
from stream.flow.finished import BUCKETS
from stream.flow.report import bounded
from stream.gauges.catalogue import CATALOGUE, OF_NODES
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.snapshot import Published
from stream.items.summary import UNASSIGNED
from tests.gauges.material import (
    DOING,
    DONE,
    FLOW,
    LEVELS,
    MANY,
    NOW,
    OBJECTIVE,
    READY,
    UNLISTED,
    UNMAPPED,
    WITHOUT_START,
    collector,
    configured,
    moved,
    outcome,
    publish,
)

DAY_SECONDS = 86_400.0
CONFIG = configured()
OF_BACKLOGS = {name for metric in OF_NODES if "backlog" in metric.labels for name in metric.samples}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(collected: FlowCollector) -> Samples:
    return values(collected.collect())


def values(families: Iterable[Family]) -> Samples:
    """Return the value of each series, and check that no series occurs twice."""
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            name = sample.name, frozenset(sample.labels.items())
            assert name not in found
            found[name] = sample.value
    return found


def of(found: Samples, named: str, **labels: str) -> dict[str, float]:
    """Return a metric's samples that have these labels, by the values of the other labels.

    The label of the only backlog, `all`, is left out.
    """
    labels = {"backlog": "all"} | labels if named in OF_BACKLOGS else labels
    return {
        ",".join(value for label, value in sorted(names) if label not in labels): value
        for (name, names), value in found.items()
        if name == named and set(labels.items()) <= names
    }


def text(collected: FlowCollector, generate: Any = generate_latest) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collected)
    written: str = generate(registry).decode()
    return written


def test_the_families_are_the_catalogue() -> None:
    numbers = EngineNumbers()
    families = {family.name: family for family in collector(publish(CONFIG, DOING), numbers).collect()}
    assert list(families) == [metric.name.removesuffix("_total") for metric in CATALOGUE]
    for metric, family in zip(CATALOGUE, families.values(), strict=True):
        assert (family.type, family.documentation) == (metric.type, metric.help)


def test_each_sample_has_the_labels_that_the_catalogue_declares() -> None:
    numbers = EngineNumbers()
    numbers.count(outcome({("jira/acme", "applied"): 1}, ["jira/acme"], late=1, reasons=[Reason.BAD_FIELD]))
    numbers.see({"jira/acme": NOW})
    numbers.unreadable["flow.items"] += 1
    declared = {metric.name.removesuffix("_total"): set(metric.labels) for metric in CATALOGUE}
    for family in collector(publish(configured(LEVELS), *MANY), numbers).collect():
        assert family.samples, family.name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == declared[family.name]


def test_describing_names_the_catalogue_without_a_sample() -> None:
    described = list(collector(publish(CONFIG, DOING)).describe())
    assert [family.name for family in described] == [metric.name.removesuffix("_total") for metric in CATALOGUE]
    assert not any(family.samples for family in described)


def test_a_configured_team_of_which_nothing_is_known_is_exported_as_zero() -> None:
    found = samples(collector(publish(CONFIG)))
    load = of(found, "flow_load_items", team="Cards", value_stream="Payments", art="Checkout")
    types = ("defect", "feature", "other")
    assert load == {f"{state},{kind}": 0 for kind in types for state in ("active", "waiting")}
    for metric in ("flow_blocked_items", "flow_velocity_items", "flow_arrivals_items"):
        assert len(of(found, metric, team="Cards")) == len(types)
        assert set(of(found, metric, team="Cards").values()) == {0}
    assert of(found, "flow_load_ratio", team="Cards", level="team", art="Checkout") == {"Payments": 0}
    assert set(of(found, "flow_time_seconds_bucket").values()) == {0}
    assert set(of(found, "flow_elapsed_seconds").values()) == {0}


def test_the_statistics_of_nothing_are_absent_and_never_nan() -> None:
    found = samples(collector(publish(CONFIG)))
    absent = ("time_quantile_seconds", "time_mean_seconds", "efficiency_ratio", "distribution_ratio", "state_items")
    for name in (*absent, "item_age_max_seconds", "item_age_quantile_seconds", "state_seconds"):
        assert of(found, f"flow_{name}") == {}
    assert all(value == value for value in found.values())  # noqa: PLR0124


def test_a_team_in_work() -> None:
    found = samples(collector(publish(CONFIG, DOING, READY, DONE, WITHOUT_START)))
    cards = {"value_stream": "Payments", "art": "Checkout", "team": "Cards"}
    load = {name: value for name, value in of(found, "flow_load_items", **cards).items() if value}
    assert load == {"active,feature": 1, "waiting,defect": 1}
    assert of(found, "flow_blocked_items", **cards) == {"feature": 0, "defect": 1, "other": 0}
    assert of(found, "flow_state_items", **cards) == {"Doing": 1, "Ready": 1, "Done": 2}
    assert of(found, "flow_velocity_items", **cards, window="7d") == {"feature": 1, "defect": 0, "other": 1}
    assert of(found, "flow_without_start_items", **cards) == {"7d": 1}
    assert of(found, "flow_time_seconds_gcount", **cards) == {"7d": 1}
    assert of(found, "flow_time_seconds_gsum", **cards) == {"7d": 8 * DAY_SECONDS}
    buckets = of(found, "flow_time_seconds_bucket", **cards, window="7d")
    assert buckets == {bound: float(float(bound) >= 8 * DAY_SECONDS) for bound in buckets}
    assert len(buckets) == len(BUCKETS) + 1
    assert of(found, "flow_state_seconds", **cards) == {"Doing,7d": 2 * DAY_SECONDS, "Ready,7d": 6 * DAY_SECONDS}
    assert of(found, "flow_item_age_lower_bound_items", **cards) == {"": 1}
    team = {**cards, "level": "team"}
    assert of(found, "flow_load_ratio", **team) == {"": 0.5}
    assert of(found, "flow_load_limit_items", **team) == {"": 4}
    assert of(found, "flow_efficiency_ratio", **team) == {"7d": 0.25}
    assert of(found, "flow_distribution_ratio", **team) == {"feature,7d": 0.5, "other,7d": 0.5}
    assert of(found, "flow_time_quantile_seconds", **team, quantile="0.85") == {"7d": 8 * DAY_SECONDS}
    assert of(found, "flow_item_age_quantile_seconds", **team, quantile="0.5") == {"": 2 * DAY_SECONDS}


def test_objectives_of_a_team_can_be_summed_and_the_ratio_stands_at_each_level() -> None:
    found = samples(collector(publish(CONFIG, OBJECTIVE, replace(OBJECTIVE, committed=False, actual=1_000_000))))
    for name, value in (("planned", 8), ("actual", 7), ("projected", 7)):
        metric = f"flow_objective_{name}_value"
        assert of(found, metric, value_stream="Payments", art="Checkout", team="Cards") == {"2024.4": value}
        assert len(of(found, metric)) == 1
    ratios = of(found, "flow_predictability_ratio", pi="2024.4")
    assert ratios == {
        "Checkout,team,Cards,Payments": 7 / 8,
        "Checkout,art,,Payments": 7 / 8,
        ",value_stream,,Payments": 7 / 8,
        ",portfolio,,": 7 / 8,
    }


def test_targets_that_are_met_missed_and_not_measured() -> None:
    found = samples(collector(publish(CONFIG, DONE)))
    assert of(found, "flow_target_value", target="share") == {
        ",at_least,portfolio,distribution,,": 0.1,
        ",at_most,portfolio,distribution,,": 0.3,
    }
    met = {
        name: set(of(found, "flow_target_met", target=name).values()) for name in ("time-to-market", "share", "waste")
    }
    assert met == {"time-to-market": {1}, "share": {0}, "waste": {0}}
    actual = of(found, "flow_target_actual_value", target="time-to-market", metric="flow_time", level="team")
    assert list(actual.values()) == [8 * DAY_SECONDS]
    since = of(found, "flow_target_met_since_timestamp_seconds")
    assert list(since.values()) == [(NOW - DAY) / 1_000_000]
    nothing = samples(collector(publish(CONFIG)))
    assert of(nothing, "flow_target_met") == of(nothing, "flow_target_actual_value") == {}
    assert len(of(nothing, "flow_target_value")) == 4


def test_what_needs_somebody_is_told_by_place_and_age() -> None:
    found = samples(collector(publish(CONFIG, DOING, READY, DONE, UNMAPPED)))
    cards = {"value_stream": "Payments", "art": "Checkout", "team": "Cards"}
    assert of(found, "flow_unmapped_items", **cards) == {"jira/acme,On Hold": 1}
    assert of(found, "flow_blocked_age_max_seconds", **cards, level="team") == {"": DAY_SECONDS}
    assert of(found, "flow_ageing_items", **cards) == {"": 0}


def test_the_unmapped_states_of_a_node_are_bounded_and_none_is_lost() -> None:
    states = [replace(UNMAPPED, state=f"s{number:04}") for number in range(MAX_STATES + 3)]
    found = of(samples(collector(publish(CONFIG, *states))), "flow_unmapped_items", team="Cards")
    assert (len(found), sum(found.values())) == (MAX_STATES + 1, MAX_STATES + 3)


def test_objectives_of_a_pi_that_is_not_listed_are_told_by_source_and_pi_and_in_no_sum() -> None:
    found = samples(collector(publish(CONFIG, OBJECTIVE, UNLISTED)))
    cards = {"value_stream": "Payments", "art": "Checkout", "team": "Cards"}
    assert of(found, "flow_unmapped_objectives", **cards) == {"2024.04,planning": 1}
    for name in ("flow_objective_planned_value", "flow_objective_actual_value", "flow_objective_projected_value"):
        assert list(of(found, name, **cards)) == ["2024.4"]
    assert {dict(names)["pi"] for name, names in found if name == "flow_predictability_ratio"} == {"2024.4"}


def test_the_unmapped_objectives_of_a_node_are_bounded_and_none_is_lost() -> None:
    objectives = [replace(UNLISTED, pi=f"p{number:04}") for number in range(MAX_STATES + 3)]
    found = of(
        samples(collector(publish(CONFIG, *objectives))), "flow_unmapped_objectives", art="Checkout", team="Cards"
    )
    assert (len(found), found["other,other,Payments"]) == (MAX_STATES + 1, 3)


def test_summable_series_exist_for_teams_only_and_the_others_at_each_level() -> None:
    found = samples(collector(publish(CONFIG, DOING, DONE)))
    for name, names in found:
        labels = dict(names)
        if "team" in labels and "level" not in labels:
            assert labels["team"], name
            assert ("backlog" in labels) == (name in OF_BACKLOGS)
    levels = {"team": 1, "art": 1, "value_stream": 1, "portfolio": 1}
    assert {level: len(of(found, "flow_time_mean_seconds", level=level)) for level in levels} == levels
    empty = {"level": "portfolio", "value_stream": "", "art": "", "team": ""}
    assert of(found, "flow_item_age_max_seconds", **empty) == {"": 2 * DAY_SECONDS}


def test_a_team_that_is_gone_leaves_no_series() -> None:
    published = publish(CONFIG, DOING, moved(DOING, "all", UNASSIGNED))
    collected = collector(published)
    assert of(samples(collected), "flow_load_items", team="unassigned")
    published.snapshot = publish(configured(FLOW.replace("Cards", "Wallets"))).snapshot
    teams = {dict(names).get("team") for _, names in samples(collected)}
    assert teams == {None, "", "Wallets", 'Quote " and \\ slash'}


def test_an_item_type_that_is_not_configured_any_more_is_shown_while_it_counts() -> None:
    old = replace(DOING, item_type="spike")
    labels = {"team": "Cards", "value_stream": "Payments", "art": "Checkout", "flow_state": "active"}
    load = of(samples(collector(publish(CONFIG, old))), "flow_load_items", **labels)
    assert load == {"feature": 0, "defect": 0, "other": 0, "spike": 1}


def test_before_the_numbers_are_true_there_is_no_series_of_the_organisation() -> None:
    found = samples(collector(Published()))
    assert of(found, "flow_ready") == {"": 0}
    organisation = [name for name, names in found if "team" in dict(names)]
    assert organisation == []
    assert of(found, "flow_snapshot_timestamp_seconds") == {}
    assert of(found, "flow_build_info") == {__version__: 1}


def test_what_the_engine_counts() -> None:
    numbers = EngineNumbers()
    counts = {("jira/acme", "applied"): 3, ("", "rejected"): 2}
    numbers.count(outcome(counts, ["jira/acme"], late=4, reasons=[Reason.NOT_JSON] * 2))
    numbers.lag = 7
    numbers.see({"jira/acme": 1_500_000})
    for seconds in (0.01, 0.2, 7200.0):
        numbers.observe_freshness(seconds)
    found = samples(collector(publish(CONFIG, DOING), numbers))
    assert of(found, "flow_events_total") == {"applied,jira/acme": 3, "rejected,": 2}
    letters = of(found, "flow_dead_letters_total")
    assert letters == dict.fromkeys((reason.value for reason in Reason), 0) | {"not_json": 2}
    assert of(found, "flow_clock_anomalies_total") == {"jira/acme": 1}
    assert of(found, "flow_backdated_events_total") == {"jira/acme": 1}
    assert (of(found, "flow_late_events_total"), of(found, "flow_lag_events")) == ({"": 4}, {"": 7})
    assert of(found, "flow_newest_event_timestamp_seconds") == {"jira/acme": 1.5}
    freshness = of(found, "flow_freshness_seconds_bucket")
    assert (freshness["0.01"], freshness["0.1"], freshness["0.25"], freshness["3600.0"]) == (1, 1, 2, 2)
    assert freshness["+Inf"] == of(found, "flow_freshness_seconds_count")[""] == 3
    assert of(found, "flow_freshness_seconds_sum") == {"": pytest.approx(7200.21)}
    assert (of(found, "flow_ready"), of(found, "flow_tracked_items")) == ({"": 1}, {"": 1})
    assert of(found, "flow_snapshot_timestamp_seconds") == {"": NOW / 1_000_000}
    assert of(found, "flow_snapshot_duration_seconds") == {"": 0.25}


def test_the_states_of_a_node_are_bounded_and_none_is_lost() -> None:
    names = [f"s{number:04}" for number in range(MAX_STATES)]
    assert bounded(dict.fromkeys(names, 1)) == dict.fromkeys(names, 1)
    kept = bounded(dict.fromkeys([*names, "t1", "t2", "other"], 1))
    assert (len(kept), sum(kept.values()), kept["other"]) == (MAX_STATES, MAX_STATES + 3, 4)


@pytest.mark.parametrize(
    ("generate", "parse"), [(generate_latest, parse_text), (generate_openmetrics, parse_openmetrics)]
)
def test_the_parser_of_prometheus_reads_both_formats(generate: Any, parse: Any) -> None:
    collected = collector(publish(CONFIG, DOING, READY, DONE))
    assert values(parse(text(collected, generate))) == samples(collected)
