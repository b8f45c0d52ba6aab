"""Series of backlogs, of owners above the teams, of points and periods, and what is exported of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stream.config.node_metrics import NODE_METRICS
from stream.gauges.catalogue import OF_NODES
from stream.gauges.collector import FlowCollector
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Snapshot
from stream.items.summary import Owner
from tests.gauges.material import (
    CARDS,
    CHECKOUT,
    DOING,
    DONE,
    LEVELS,
    MANY,
    NOW,
    OBJECTIVE,
    READY,
    UNMAPPED,
    collector,
    configured,
    moved,
    publish,
    started,
)
from tests.gauges.test_collector import Samples, samples

CONFIG = configured(LEVELS)
TEAM = {"value_stream": "Payments", "art": "Checkout", "team": "Cards"}
ART = {**TEAM, "team": ""}
PORTFOLIO = dict.fromkeys(TEAM, "")
EVERYTHING = Owner("", "", "")


def of(found: Samples, named: str, **labels: str) -> dict[tuple[str, ...], float]:
    """Return a metric's samples that have these labels, by the values of the other labels."""
    return {
        tuple(value for label, value in sorted(names) if label not in labels): value
        for (name, names), value in found.items()
        if name == named and set(labels.items()) <= names
    }


def alive(values: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in values.items() if value}


def collected(exported: Exported | None = None) -> FlowCollector:
    return collector(publish(CONFIG, *MANY), None, exported)


def test_the_metrics_that_may_be_left_out_are_those_of_nodes() -> None:
    assert tuple(metric.name for metric in OF_NODES) == NODE_METRICS


def test_the_numbers_of_a_backlog_are_under_its_name() -> None:
    found = samples(collected())
    assert alive(of(found, "flow_load_items", **TEAM)) == {
        ("features", "active", "feature"): 1,
        ("stories", "active", "feature"): 1,
        ("stories", "waiting", "defect"): 1,
    }
    assert of(found, "flow_load_ratio", level="art", **ART) == {("features",): 2 / 5, ("stories",): 2 / 9}
    # A number of the team is the limit of its home backlog.
    assert of(found, "flow_load_limit_items", level="team", **TEAM) == {("stories",): 4}


def test_below_its_home_a_backlog_has_no_zeros() -> None:
    found = samples(collected(Exported.of(CONFIG)))
    # Cards has a feature in progress, and stories. Features are planned in ARTs.
    assert of(found, "flow_load_unestimated_items", backlog="features", **TEAM).keys() == {("feature",)}
    assert of(found, "flow_load_unestimated_items", backlog="stories", **TEAM).keys() > {("feature",)}
    idle = publish(CONFIG, moved(replace(DOING, start=started(200)), "features"))
    windowed = ("flow_velocity_items", "flow_time_seconds_gcount", "flow_elapsed_seconds")
    for named in windowed:
        assert of(samples(collector(idle, None, Exported.of(CONFIG))), named, backlog="features", **TEAM) == {}
        assert of(samples(collector(idle, None, Exported.of(CONFIG))), named, backlog="stories", **TEAM)


def test_an_owner_above_the_teams_has_summable_series_of_what_it_owns_itself() -> None:
    found = samples(collected())
    assert alive(of(found, "flow_load_items", **ART)) == {("features", "waiting", "defect"): 1}
    assert of(found, "flow_velocity_items", item_type="feature", window="7d", **ART) == {("features",): 1}
    assert of(found, "flow_time_seconds_gcount", window="7d", **ART) == {("features",): 1}
    # What it counts with its teams is under its level, once.
    assert {labels[0] for labels in of(found, "flow_time_mean_seconds", level="art", **ART)} == {"features", "stories"}
    assert of(found, "flow_time_mean_seconds", level="team", window="7d", **ART) == {}


def test_summed_over_owners_the_series_are_the_load_of_the_portfolio() -> None:
    limited = LEVELS.replace("version: 1", "version: 1\nportfolio: {load_limit: {features: 8, stories: 8}}")
    found = samples(collector(publish(configured(limited), *MANY)))
    load = of(found, "flow_load_ratio", level="portfolio", **PORTFOLIO)
    for backlog in ("features", "stories"):
        assert sum(of(found, "flow_load_items", backlog=backlog).values()) == 8 * load[backlog,]


def test_an_owner_above_the_teams_is_shown_while_something_counts_there() -> None:
    config = configured(f"{LEVELS}portfolio: {{owns: [{{project: PORT}}]}}\n")
    published = publish(config, moved(DOING, "features", EVERYTHING))
    assert alive(of(samples(collector(published)), "flow_load_items", **PORTFOLIO)) == {
        ("features", "active", "feature"): 1
    }
    ages = of(samples(collector(published)), "flow_item_age_max_seconds", **PORTFOLIO)
    assert list(ages) == [("features", "portfolio")]
    published.snapshot = publish(config).snapshot
    assert of(samples(collector(published)), "flow_load_items", **PORTFOLIO) == {}


def test_points_are_told_by_type_and_items_without_an_estimate_apart() -> None:
    stories = [moved(each, "stories") for each in (DOING, DOING, READY, DONE)]
    found = samples(collector(publish(CONFIG, *stories, moved(replace(DONE, points=None), "stories"))))
    cards = {**TEAM, "backlog": "stories"}
    assert alive(of(found, "flow_load_points", **cards)) == {("feature",): 1}
    assert of(found, "flow_load_unestimated_items", **cards) == {("defect",): 1, ("feature",): 0, ("other",): 0}
    assert alive(of(found, "flow_velocity_points", window="7d", **cards)) == {("feature",): 6}
    assert alive(of(found, "flow_velocity_unestimated_items", window="7d", **cards)) == {}
    unestimated = replace(DONE, finish=replace(DONE.finish, points=None))  # type: ignore[type-var]
    found = samples(collector(publish(CONFIG, moved(unestimated, "stories"))))
    assert alive(of(found, "flow_velocity_unestimated_items", window="7d", **cards)) == {("feature",): 1}
    assert alive(of(found, "flow_velocity_points", window="7d", **cards)) == {}


def test_a_period_is_a_window_and_it_is_said_which_increment_it_is() -> None:
    found = samples(collected())
    stories = {**TEAM, "backlog": "stories", "item_type": "feature"}
    # The increment began three days ago; what was finished yesterday began before it.
    assert of(found, "flow_velocity_items", **stories) == {("7d",): 1, ("iteration",): 1, ("pi",): 1}
    assert of(found, "flow_arrivals_items", **stories) == {("7d",): 3, ("iteration",): 3, ("pi",): 3}
    assert of(found, "flow_program_increment_info") == {("2024.4", "pi"): 1}


def test_an_increment_is_told_of_only_while_numbers_are_shown() -> None:
    published = publish(CONFIG, *MANY)
    published.stopping = True
    found = samples(collector(published))
    assert of(found, "flow_program_increment_info") == of(found, "flow_unplaced_items") == {}
    assert of(found, "flow_exported_series") == {(): 0}


def test_items_without_a_backlog_are_told_of_by_source_and_type_and_are_in_no_number() -> None:
    assert of(samples(collected()), "flow_unplaced_items") == {("feature", "jira/acme"): 1}
    found = samples(collector(publish(CONFIG, moved(UNMAPPED, None), moved(DONE, None))))
    assert of(found, "flow_unplaced_items") == {("feature", "jira/acme"): 2}
    assert of(found, "flow_unmapped_items") == alive(of(found, "flow_velocity_items")) == {}


def test_predictability_has_no_backlog_and_stands_once_at_each_node() -> None:
    found = samples(collector(publish(CONFIG, OBJECTIVE, DOING)))
    ratios = [dict(names) for name, names in found if name == "flow_predictability_ratio"]
    assert sorted(names["level"] for names in ratios) == ["art", "portfolio", "team", "value_stream"]
    assert all("backlog" not in names for names in ratios)
    assert of(found, "flow_objective_planned_value", **TEAM) == {("2024.4",): 8}


def test_a_target_says_of_which_backlog_it_is() -> None:
    found = samples(collected())
    backlogs = {
        names["target"]: names["backlog"]
        for names in (dict(labels) for name, labels in found if name == "flow_target_value")
    }
    assert backlogs == {"time-to-market": "stories", "share": "features", "waste": "features"}


def test_a_target_for_predictability_is_of_no_backlog() -> None:
    target = "targets:\n  - {name: promises, level: art, art: Checkout, metric: predictability, at_least: 0.5}\n"
    published = publish(configured(LEVELS.replace("targets:\n", target)), OBJECTIVE)
    published.met_since = {"promises": NOW}
    found = [dict(labels) for name, labels in samples(collector(published)) if name.startswith("flow_target_")]
    assert [names["backlog"] for names in found if names["target"] == "promises"] == [""] * 4


@pytest.mark.parametrize("name", NODE_METRICS)
def test_a_metric_that_is_left_out_is_the_only_one_without_series(name: str) -> None:
    published = publish(CONFIG, *MANY)
    kept = samples(collector(published, None, Exported.of(CONFIG)))
    metric = next(each for each in OF_NODES if each.name == name)
    left = samples(collector(published, None, Exported.of(CONFIG)._replace(left_out=frozenset([name]))))
    assert {each for each, _ in kept} - {each for each, _ in left} == set(metric.samples)


def test_windows_that_are_not_exported_have_no_series() -> None:
    exported = Exported.of(configured(f"{LEVELS}export: {{windows: [1w, pi]}}\n"))
    assert exported.windows == {"7d", "pi"}
    # Targets and ages do not depend on it.
    kept, everything = samples(collected(exported)), samples(collected())
    assert {dict(names).get("window") for _, names in kept} == {None, "7d", "pi"}
    assert {dict(names).get("window") for _, names in everything} == {None, "7d", "pi", "iteration"}
    for name in ("flow_target_actual_value", "flow_item_age_max_seconds", "flow_program_increment_info"):
        assert of(kept, name) == of(everything, name)


def test_without_a_choice_everything_is_exported() -> None:
    windows, below = frozenset({"7d", "pi", "iteration"}), frozenset({("team", "features")})
    assert Exported.of(CONFIG) == (("feature", "defect", "other"), windows, frozenset(), below)
    everything = Exported(("feature", "defect", "other"), below=below)
    assert samples(collected(Exported.of(CONFIG))) == samples(collected(everything))


@pytest.mark.parametrize("exported", [None, Exported.of(CONFIG)._replace(windows=frozenset(["pi"]))])
def test_the_number_of_exported_series_is_told(exported: Exported | None) -> None:
    found = samples(collected(exported))
    of_nodes = {name for metric in OF_NODES for name in metric.samples}
    assert of(found, "flow_exported_series") == {(): sum(name in of_nodes for name, _ in found)}


def test_what_a_snapshot_tells_of_the_organisation_is_withdrawn_with_it() -> None:
    snapshot = Snapshot(NOW, (), (), periods={"pi": "a"}, unplaced={("a", "b"): 1})
    withdrawn = snapshot.withdrawn(("stopping", "why"))
    assert (withdrawn.periods, withdrawn.unplaced, withdrawn.ready) == ({}, {}, False)


def test_what_an_owner_owns_itself_has_no_ages_of_its_own() -> None:
    """Quantiles cannot be summed, and the ART's own are not shown with those of the whole ART."""
    items = [moved(DOING, "features", CHECKOUT), moved(replace(READY, blocked_since=NOW), "features", CARDS)]
    found = samples(collector(publish(CONFIG, *items)))
    for name in ("flow_item_age_max_seconds", "flow_blocked_age_max_seconds"):
        assert len(of(found, name, backlog="features", **ART)) == 1
