"""Lines that have not changed are not written again, and no changed lines are shown as they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from stream.flow.board import WindowNumbers
from stream.flow.load import Ages
from stream.flow.report import NodeNumbers
from stream.gauges import samples
from stream.gauges.rendering import Rendering
from stream.gauges.samples import Exported
from stream.gauges.snapshot import Published
from tests.gauges.material import DOING, DONE, FLOW, NOW, configured, metrics, nodes, publish

CONFIG = configured(FLOW.replace("windows: [7d]", "windows: [7d, 30d]"))
EXPORTED = Exported.of(CONFIG)
TIMEOUT = 20


def publish_nodes(*numbers: NodeNumbers) -> Published:
    """Publish these nodes; without any, those of a small organisation."""
    made = publish(CONFIG, DOING, DONE)
    made.snapshot = made.snapshot._replace(nodes=numbers or made.snapshot.nodes)
    return made


def team(numbers: list[NodeNumbers], name: str = "Cards") -> NodeNumbers:
    return next(each for each in numbers if each.node.team == name)


def pieces(rendering: Rendering, name: str) -> list[bytes]:
    """Return the pieces of a sample that are not empty."""
    return [piece for piece in rendering.read()[1].get(name, ()) if piece]


def test_what_has_not_changed_is_not_written_again() -> None:
    shown = publish_nodes()
    rendering = Rendering(shown, EXPORTED)
    first = rendering.read()[1]
    shown.snapshot = shown.snapshot._replace(at=NOW + 1, nodes=tuple(shown.snapshot.nodes))
    again = rendering.read()[1]
    assert any(first["flow_load_items"])
    for name in (*samples.OWN, *samples.WINDOWED):
        assert all(one is other for one, other in zip(first[name], again[name], strict=True)), name


def test_a_node_that_changed_is_written_again_and_no_other() -> None:
    before = nodes(CONFIG, DOING)
    shown = publish_nodes(*before)
    rendering = Rendering(shown, EXPORTED)
    cards, other = pieces(rendering, "flow_load_items")
    shown.snapshot = shown.snapshot._replace(
        nodes=tuple(each._replace(by_type={}) if each.node.team == "Cards" else each for each in before)
    )
    changed, same = pieces(rendering, "flow_load_items")
    assert b'flow_state="active",item_type="feature",team="Cards",value_stream="Payments"} 1.0' in cards
    assert changed == cards.replace(b"} 1.0", b"} 0.0")
    assert same is other


def test_of_a_changed_node_only_the_windows_that_changed_are_written_again() -> None:
    before = team(nodes(CONFIG, DOING, DONE))
    shown = publish_nodes(before)
    rendering = Rendering(shown, EXPORTED)
    week, month = pieces(rendering, "flow_arrivals_items")
    window = before.windows["7d"]
    grown = WindowNumbers(window.arrivals + window.arrivals, window.finished)
    shown.snapshot = shown.snapshot._replace(nodes=(before._replace(windows={**before.windows, "7d": grown}),))
    later, same = pieces(rendering, "flow_arrivals_items")
    assert (week.count(b"} 1.0"), later.count(b"} 2.0")) == (1, 1)
    assert same is month


def test_windows_that_are_one_object_are_still_told_apart() -> None:
    before = team(nodes(CONFIG, DOING))
    empty = before.windows["7d"]
    rendering = Rendering(publish_nodes(before._replace(windows={"7d": empty, "30d": empty})), EXPORTED)
    for window, piece in zip(("7d", "30d"), pieces(rendering, "flow_without_start_items"), strict=True):
        assert f'window="{window}"' in piece.decode()


def test_what_the_clock_and_the_wall_change_is_written_each_time() -> None:
    ages = Ages(1, 0, ((0, 0, 0.0),) * 3, 0)
    shown = publish_nodes(team(nodes(CONFIG, DOING, DONE))._replace(ages=ages, blocked_since=0))
    rendering = Rendering(shown, EXPORTED)
    for at in (5, 6):
        shown.snapshot = shown.snapshot._replace(at=at * 1_000_000)
        shown.met_since = {"time-to-market": at * 1_000_000}
        for name in samples.MOVING:
            (piece,) = pieces(rendering, name)
            assert all(line.endswith(f"}} {at}.0") for line in piece.decode().splitlines()), name


def test_a_node_that_is_gone_is_neither_shown_nor_kept() -> None:
    shown = publish_nodes()
    rendering = Rendering(shown, EXPORTED)
    rendering.read()
    left = team(list(shown.snapshot.nodes))
    shown.snapshot = shown.snapshot._replace(nodes=(left,))
    assert len(pieces(rendering, "flow_load_items")) == 1
    assert list(rendering._written) == [left.node]
    shown.snapshot = Published().snapshot
    assert pieces(rendering, "flow_load_items") == []
    assert not rendering._written


def test_what_is_written_ahead_is_not_written_again() -> None:
    rendering, at_once = Rendering(publish_nodes(), EXPORTED), Rendering(publish_nodes(), EXPORTED)
    assert len(list(rendering.prepare())) == len(rendering._published.snapshot.nodes)
    written, moving = dict(rendering._written), dict(rendering._moving)
    assert not list(rendering.prepare())
    assert rendering.read()[1] == at_once.read()[1]
    assert all(rendering._written[node] is each for node, each in written.items())
    assert all(rendering._moving[node] is each for node, each in moving.items())


class Contended:
    """A lock whose first holder waits until another thread asks for it."""

    def __init__(self, other: threading.Thread) -> None:
        self._lock = threading.Lock()
        self._other = other
        self._waited_for = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._waited_for.set()
            self._lock.acquire()
        elif not self._waited_for.is_set():
            self._other.start()
            assert self._waited_for.wait(TIMEOUT)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_of_two_scrapes_at_once_the_second_waits_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering = Rendering(publish_nodes(), EXPORTED)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(rendering.read()[1])) for _ in range(2)]
    monkeypatch.setattr(rendering, "_lock", Contended(threads[1]))
    threads[0].start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert sorted(rendering._written) == sorted(numbers.node for numbers in rendering._published.snapshot.nodes)
    assert len(found) == 2
    assert found[0] == found[1]
    # Compared by identity: lines that are written again are equal, but another object.
    assert all(one is two for name in found[0] for one, two in zip(found[0][name], found[1][name], strict=True))


def test_a_client_that_reads_slowly_keeps_no_other_waiting() -> None:
    page = metrics(publish_nodes())
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}
    slow: Iterator[bytes] = iter(page(environ, lambda *_: None))
    assert next(slow).startswith(b"# HELP")
    assert not page._rendering._lock.locked()
    slow.close()  # type: ignore[attr-defined]


def test_an_item_type_that_comes_later_is_shown() -> None:
    shown = publish_nodes(*nodes(CONFIG, DOING))
    rendering = Rendering(shown, EXPORTED)
    rendering.read()
    shown.snapshot = shown.snapshot._replace(nodes=tuple(nodes(CONFIG, replace(DOING, item_type="spike"))))
    assert b'item_type="spike"' in pieces(rendering, "flow_load_items")[0]
