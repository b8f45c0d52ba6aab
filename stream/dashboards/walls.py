"""Walls: a screen without variables for the portfolio and for each value stream, in two sizes.

Nobody touches a wall, so it shows its names, limits and targets itself: in titles, and beside the numbers. A panel
shows the home backlog of the level that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import BigValueTextMode

from stream.config.duration import Duration
from stream.config.model import FlowConfig, Level, Target
from stream.dashboards import look, panels
from stream.dashboards.layout import Panel, PanelRow, wall
from stream.dashboards.look import now
from stream.dashboards.promql import OWNERS, escaped, flow_time, named, pick, portfolio_flow_time, total
from stream.dashboards.subjects import Subject, subjects
from stream.events.event import SECOND

# With more numbers, the text of a stat panel or a bar gauge is too small to read from afar.
MOST_TARGETS = 6
MOST_BARS = 12
UID = "flowgauge-wall-"
LARGE = "-4k"
NAMES = {"value_stream": "value stream", "art": "ART", "team": "team"}
LABELS = {"value_stream": "value_stream", "art": "value_stream, art", "team": OWNERS}
LEGENDS = {"value_stream": "{{value_stream}}", "art": "{{art}}", "team": "{{art}} / {{team}}"}
UNITS = {"flow_time": look.SECONDS, "velocity": look.ITEMS, "load": look.ITEMS}


class Size(NamedTuple):
    """The heights of the three bands of a wall in rows of Grafana's grid, and the additions to title and uid."""

    heights: tuple[int, int, int]
    title: str
    uid: str
    teams: bool


HD = Size((5, 8, 7), "", "", teams=False)
UHD = Size((10, 16, 14), " 4K", LARGE, teams=True)


def walls(config: FlowConfig, window: str) -> Iterator[dashboard.Dashboard]:
    """Build the walls of a configuration, the portfolio's first, each for 1080p and for 4K."""
    for subject in subjects(config, window):
        for size in (HD, UHD):
            about = f"{subject.title} for a screen on the wall{size.title}. Generated from flow.yaml."
            title = f"{subject.title}: wall{size.title}"
            yield wall(UID + subject.slug + size.uid, title, about, _rows(subject, size))


def _rows(subject: Subject, size: Size) -> Iterator[PanelRow]:
    first, second, third = size.heights
    level = subject.level if subject.level in subject.limited else ""
    as_of = panels.as_of(f"{subject.title}: as of")
    yield PanelRow(first, [(4, as_of), (8, _load(subject)), *((4, tile) for tile in _tiles(subject))])
    trend = panels.load_and_limit(subject.name("flow load, 24 h"), subject.scope(), level)
    below: Level = "art" if subject.level == "value_stream" else "value_stream"
    loads = [(6, _loads(subject, below)), (6, _loads(subject, "team"))] if size.teams else [(8, _loads(subject, below))]
    rest = (24 - sum(width for width, _ in loads)) // 2
    yield PanelRow(second, [*loads, (rest, trend), (rest, _targets(subject))])
    yield PanelRow(third, [(8, _distribution(subject)), (8, _trouble(subject)), (8, _predictability(subject))])


def _load(subject: Subject) -> Panel:
    about = "Items in progress and the WIP limit. Amber from 80 % of the limit, red above it."
    title, scope = subject.name("flow load"), subject.scope()
    load = now(total("flow_load_items", scope), "in progress")
    if subject.level not in subject.limited:
        return look.quietly(look.tiles(title, about, look.ITEMS, load), "in progress")
    ratio = now(pick("flow_load_ratio", scope, level=subject.level), "of limit")
    limit = now(pick("flow_load_limit_items", scope, level=subject.level), "limit")
    panel = look.tiles(title, about, look.ITEMS, ratio, load, limit)
    panel = look.special(panel, "of limit", look.RATIO, look.of_limit())
    return look.quietly(look.quietly(panel, "in progress"), "limit")


def _tiles(subject: Subject) -> Iterator[Panel]:
    scope, window = subject.scope(), subject.window
    time = portfolio_flow_time(scope, window, "0.85")
    if subject.level != "portfolio":
        time = flow_time(scope, subject.level, window, "0.85")
    about = f"85 % of the items finished in the window {window} took at most this long."
    title = subject.name(f"flow time 85 %, {window}")
    yield look.tiles(title, about, look.SECONDS, now(time)).decimals(1)
    finished = now(total("flow_velocity_items", scope, window=window))
    title = subject.name(f"finished, {window}")
    yield look.tiles(title, "Flow velocity: items finished.", look.ITEMS, finished)
    active = total("flow_active_seconds", scope, window=window)
    elapsed = total("flow_elapsed_seconds", scope, window=window)
    about = "Active / elapsed time of the finished items."
    title = subject.name(f"flow efficiency, {window}")
    yield look.tiles(title, about, look.RATIO, now(f"{active} / ({elapsed} > 0)")).decimals(0)


def _loads(subject: Subject, level: Level) -> Panel:
    scope, legend = subject.scope(level), LEGENDS[level]
    if level not in subject.limited:
        # Without a limit there is no ratio to show.
        about = f"Items in progress, active and waiting: the {MOST_BARS} highest. (own): owned above this level."
        load = named(total("flow_load_items", scope, by=LABELS[level]), LABELS[level])
        title = subject.name(f"flow load by {NAMES[level]}", level)
        return look.bars(title, about, look.ITEMS, now(f"sort_desc(topk({MOST_BARS}, {load}))", legend))
    about = f"Items in progress / WIP limit: the {MOST_BARS} highest. Amber from 80 %, red above the limit."
    ratio = pick("flow_load_ratio", scope, level=level)
    title = subject.name(f"flow load / limit by {NAMES[level]}", level)
    panel = look.bars(title, about, look.RATIO, now(f"sort_desc(topk({MOST_BARS}, {ratio}))", legend))
    return panel.thresholds(look.of_limit()).max(1.5).decimals(0)


def _targets(subject: Subject) -> Panel:
    if not subject.targets:
        return panels.in_and_out(subject.name("started and finished"), subject.scope(), subject.window)
    shown = subject.targets[:MOST_TARGETS]
    more = f" ({MOST_TARGETS} of {len(subject.targets)})" if len(subject.targets) > MOST_TARGETS else ""
    about = "Measured value of each target, green if the target is met. The bound is beside the name."
    queries = [
        now(f"max by (target) ({pick('flow_target_actual_value', target=escaped(target.name))})", _named(target))
        for target in shown
    ]
    panel = look.tiles(f"{subject.title}: targets{more}", about, look.ITEMS, *queries)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME)
    for target in shown:
        look.special(panel, _named(target), UNITS.get(target.metric, look.RATIO), _colors(target))
    return panel


def _named(target: Target) -> str:
    bounds = (("at least", target.at_least), ("at most", target.at_most))
    return f"{target.name}, " + " and ".join(f"{word} {_bound(bound)}" for word, bound in bounds if bound is not None)


def _bound(bound: Duration | float) -> str:
    return str(bound) if isinstance(bound, Duration) else f"{bound:g}"


def _colors(target: Target) -> look.Thresholds:
    least, most = _number(target.at_least), _number(target.at_most)
    met = [] if least is None else [(least, "green")]
    missed = [] if most is None else [(look.above(most), "red")]
    return look.steps("green" if least is None else "red", *met, *missed)


def _number(bound: Duration | float | None) -> float | None:
    return bound.microseconds / SECOND if isinstance(bound, Duration) else bound


def _distribution(subject: Subject) -> Panel:
    about = f"Share of each flow item type among the items finished in the window {subject.window}."
    finished = total("flow_velocity_items", subject.scope(), by="item_type", window=subject.window)
    whole = total("flow_velocity_items", subject.scope(), window=subject.window)
    query = now(f"sort_desc({finished} / on () group_left () ({whole} > 0))", "{{item_type}}")
    title = subject.name(f"flow distribution, {subject.window}")
    return look.bars(title, about, look.RATIO, query).max(1).decimals(0)


def _trouble(subject: Subject) -> Panel:
    about = (
        "Blocked items, items older than 85 % of the items that their owner finished, longest block and highest age."
    )
    scope = subject.scope()
    blocked = now(total("flow_blocked_items", scope), "blocked")
    ageing = now(total("flow_ageing_items", scope), "ageing")
    longest = now(f"max({pick('flow_blocked_age_max_seconds', scope)})", "blocked longest")
    oldest = now(f"max({pick('flow_item_age_max_seconds', scope)})", "oldest")
    panel = look.tiles(subject.name("stuck"), about, look.ITEMS, blocked, ageing, longest, oldest).decimals(0)
    for name in ("blocked", "ageing"):
        look.special(panel, name, look.ITEMS, look.none_is_good())
    for name in ("blocked longest", "oldest"):
        look.special(panel, name, look.SECONDS)
    return panel


def _predictability(subject: Subject) -> Panel:
    about = "Business value achieved / planned, by PI. SAFe calls 80 % and more reliable."
    actual = total("flow_objective_actual_value", subject.nodes, by="pi")
    planned = total("flow_objective_planned_value", subject.nodes, by="pi")
    panel = look.bars(
        f"{subject.title}: predictability", about, look.RATIO, now(f"{actual} / ({planned} > 0)", "PI {{pi}}")
    )
    return panel.max(1.2).thresholds(look.kept_promises()).decimals(0)
