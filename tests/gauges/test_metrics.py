"""`/metrics` has the same bytes as the Prometheus client's page of the same snapshot."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, make_wsgi_app

from stream import __version__
from stream.events.event import DAY
from stream.gauges.catalogue import OF_NODES
from stream.gauges.collector import FlowCollector
from stream.gauges.engine_numbers import EngineNumbers
from stream.gauges.metrics import Metrics
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published, Snapshot
from tests.gauges.material import (
    DOING,
    DONE,
    EXPORTED,
    LEVELS,
    MANY,
    NOW,
    collector,
    configured,
    metrics,
    outcome,
    publish,
)
from tests.gauges.snapshots import exports, seen_met, snapshots

GOLDEN = Path(__file__).parent / "golden.prom"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAMES = [
    *(name for metric in OF_NODES for name in metric.samples),
    *("flow_time_seconds", "flow_events", "flow_events_total", "flow_freshness_seconds_bucket", "flow_ready", "up"),
    *("flow_program_increment_info", "flow_unplaced_items", "flow_exported_series"),
]
BOTH = pytest.mark.parametrize("accept", ["", OPENMETRICS])


class Answer(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


def ask(application: Any, accept: str = "", query: str = "", encoding: str = "") -> Answer:
    """Request the page from a WSGI application."""
    begun: list[Any] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/metrics",
        "QUERY_STRING": query,
        "HTTP_ACCEPT": accept,
        "HTTP_ACCEPT_ENCODING": encoding,
    }
    body: Iterable[bytes] = application(environ, lambda status, headers: begun.extend((status, dict(headers))))
    return Answer(*begun, b"".join(body))


def client(collected: FlowCollector) -> Any:
    """Make the Prometheus client's application, with which ours is compared."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collected)
    return make_wsgi_app(registry)


def same(ours: Answer, theirs: Answer) -> bool:
    """Return whether a page and its length are the client's."""
    length = {"Content-Length": str(len(theirs.body))}
    return ours == Answer(theirs.status, theirs.headers | length, theirs.body)


def busy() -> tuple[Published, EngineNumbers]:
    numbers = EngineNumbers()
    numbers.count(outcome({("jira/acme", "applied"): 5}, ["jira/acme"]))
    numbers.see({"jira/acme": NOW})
    return publish(configured(LEVELS), *MANY), numbers


def pair(snapshot: Snapshot, exported: Exported) -> tuple[Metrics, Any]:
    """Publish a snapshot; return our application and the client's."""
    published, numbers = Published(), EngineNumbers()
    published.snapshot, published.met_since = snapshot, seen_met(snapshot)
    return Metrics(published, numbers, exported), client(FlowCollector(published, numbers, exported))


@settings(max_examples=300, deadline=None)
@given(snapshots, exports, st.sampled_from(["", OPENMETRICS]))
def test_any_snapshot_is_written_as_the_client_writes_it(snapshot: Snapshot, exported: Exported, accept: str) -> None:
    ours, theirs = pair(snapshot, exported)
    expected = ask(theirs, accept)
    assert same(ask(ours, accept), expected)
    assert same(ask(ours, accept), expected)


@BOTH
@pytest.mark.parametrize("odd", ["100 %", "%s %(art)s", 'quote " slash \\ line\n', "\x00 € 😀", ""])
def test_a_team_of_any_name(odd: str, accept: str) -> None:
    published, numbers = busy()
    published.snapshot = published.snapshot._replace(
        nodes=[
            each._replace(node=each.node._replace(art=odd, team=odd + each.node.team))
            for each in published.snapshot.nodes
        ]
    )
    assert same(ask(metrics(published, numbers), accept), ask(client(collector(published, numbers)), accept))


@settings(max_examples=150, deadline=None)
@given(snapshots, exports, st.sampled_from(["", OPENMETRICS]), st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_what_is_asked_for_by_name_is_what_the_client_gives(
    snapshot: Snapshot, exported: Exported, accept: str, asked: list[str]
) -> None:
    ours, theirs = pair(snapshot, exported)
    query = "&".join(f"name[]={name}" for name in asked)
    assert same(ask(ours, accept, query), ask(theirs, accept, query))


@BOTH
@pytest.mark.parametrize("name", NAMES)
def test_each_name_alone(name: str, accept: str) -> None:
    published, numbers = busy()
    query = f"name[]={name}"
    expected = ask(client(collector(published, numbers)), accept, query)
    assert same(ask(metrics(published, numbers), accept, query), expected)
    assert (name.encode() in expected.body) == (name not in {"up", "flow_time_seconds", "flow_events"})


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "text/plain; version=0.0.4",
        "text/plain; version=1.0.0; escaping=allow-utf-8",
        "text/plain; version=1.0.0; escaping=underscores",
        "application/openmetrics-text",
        "application/openmetrics-text; version=0.0.1",
        "application/openmetrics-text; version=2.0.0; escaping=allow-utf-8",
        f"{OPENMETRICS}; escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.5,*/*;q=0.1",
    ],
)
def test_formats_are_agreed_on_as_the_client_does(accept: str) -> None:
    published, numbers = busy()
    assert same(ask(metrics(published, numbers), accept), ask(client(collector(published, numbers)), accept))


@pytest.mark.parametrize("escaping", ["dots", "values"])
@pytest.mark.parametrize("accept", ["text/plain; version=1.0.0", OPENMETRICS])
def test_names_in_a_rare_escaping_are_the_clients(accept: str, escaping: str) -> None:
    published, numbers = busy()
    asked = f"{accept}; escaping={escaping}"
    answer = ask(metrics(published, numbers), asked)
    assert answer == ask(client(collector(published, numbers)), asked)
    assert answer.headers["Content-Type"].endswith(f"escaping={escaping}")


@BOTH
def test_gzip_is_the_same_page_and_says_how_long_it_is(accept: str) -> None:
    published, numbers = busy()
    page = metrics(published, numbers)
    plain, packed = ask(page, accept), ask(page, accept, encoding="deflate, gzip;q=0.5")
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5
    expected = {"Content-Encoding": "gzip", "Content-Length": str(len(packed.body))}
    assert packed.headers == plain.headers | expected


@pytest.mark.parametrize("accept", ["text/plain; version=a", "application/openmetrics-text; version=.", "\xff;=,;"])
def test_an_accept_header_that_makes_no_sense_is_passed_over(accept: str) -> None:
    published, numbers = busy()
    assert same(ask(metrics(published, numbers), accept), ask(client(collector(published, numbers))))


def test_a_worker_that_has_only_begun_shows_all_metrics_without_the_organisations_samples() -> None:
    answer = ask(metrics(Published()))
    assert same(answer, ask(client(collector(Published()))))
    assert b"# TYPE flow_load_items gauge\n# HELP flow_load_points" in answer.body


def golden_page() -> str:
    """Give the page of a small snapshot, as `golden.prom` has it."""
    numbers = EngineNumbers()
    numbers.count(outcome({("jira/acme", "applied"): 5, ("jira/acme", "duplicate"): 1}))
    numbers.see({"jira/acme": NOW - DAY})
    numbers.observe_freshness(0.125)
    config = configured(f"{LEVELS}export: {{windows: [pi]}}\n")
    page = ask(metrics(publish(config, *MANY), numbers, Exported.of(config))).body.decode()
    return page.replace(f'version="{__version__}"', 'version="0"')


def test_the_text_of_a_small_snapshot() -> None:
    """`golden.prom` is a whole scrape. Any change of names, labels, help or order shows here."""
    assert golden_page() == GOLDEN.read_text("utf-8"), "run: python -m tests.docs.generate, and read the difference"


@pytest.mark.parametrize(
    ("query", "accept", "renewed"),
    [
        ("", "", 1),
        ("", f"{OPENMETRICS}; escaping=dots", 1),
        ("name[]=flow_load_items&name[]=up", "", 1),
        ("name[]=flow_ready", "", 0),
        ("name[]=flow_unplaced_items&name[]=flow_program_increment_info", "", 0),
    ],
)
def test_who_asks_for_nodes_has_the_boards_read(query: str, accept: str, renewed: int) -> None:
    shown, asked = Published(), []

    def renew() -> None:
        asked.append(shown.snapshot)
        shown.snapshot = publish(configured(), DOING).snapshot

    page = Metrics(shown, EngineNumbers(), EXPORTED, renew)
    body = ask(page, accept, query).body
    assert len(asked) == renewed
    assert (b"flow_load_items{" in body.replace(b"__", b"_")) == (renewed == 1)


@pytest.mark.parametrize("query", ["", "name[]=flow_exported_series", "name[]=flow_exported_series&name[]=flow_ready"])
def test_the_number_of_series_of_nodes_is_that_of_the_whole_page(query: str) -> None:
    shown, asked = Published(), []

    def renew() -> None:
        asked.append(shown.snapshot)
        shown.snapshot = publish(configured(), DOING, DONE).snapshot

    page = Metrics(shown, EngineNumbers(), EXPORTED, renew)
    count = int(float(re.findall(rb"^flow_exported_series (.*)$", ask(page, "", query).body, re.MULTILINE)[0]))
    lines = ask(page).body.splitlines()
    first = {line.split(b"{")[0] for line in lines if b"value_stream=" in line}
    assert len(asked) == 2
    assert count == sum(line.split(b"{")[0] in first for line in lines)


def test_what_is_left_out_has_no_series_but_is_still_described() -> None:
    text = LEVELS + "export: {windows: [pi], leave_out: [flow_time_seconds, flow_state_seconds, flow_load_items]}\n"
    config = configured(text)
    published = publish(config, *MANY)
    body = ask(metrics(published, None, Exported.of(config))).body.decode()
    shown = {line.split("{")[0] for line in body.splitlines() if "value_stream=" in line}
    everything = ask(metrics(published)).body.decode()
    assert {line.split("{")[0] for line in everything.splitlines() if "value_stream=" in line} - shown == {
        *("flow_time_seconds_bucket", "flow_time_seconds_gcount", "flow_time_seconds_gsum"),
        *("flow_state_seconds", "flow_load_items"),
    }
    assert set(re.findall('window="(.*?)"', body)) == {"pi"}
    assert "# TYPE flow_state_seconds gauge" in body
