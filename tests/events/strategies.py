"""Events as the decoder gives them: each field in its one canonical form."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from stream.events.event import Event, EventType
from stream.events.limits import MAX_VALUE
from stream.events.time import parse_time

ARRIVAL = parse_time("2026-11-23T00:00:00Z")

_CHARACTERS = st.characters(codec="utf-8")
_CLEAN = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])


def names(limit: int = 256) -> st.SearchStrategy[str]:
    """Give ids: not blank, without control characters."""
    return st.text(_CLEAN, min_size=1, max_size=min(limit, 40)).filter(str.strip)


_TEXTS = st.none() | st.text(_CHARACTERS, max_size=256)
_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_AMOUNTS = st.none() | st.integers(0, MAX_VALUE) | st.floats(0, MAX_VALUE)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(_CHARACTERS, max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_CHARACTERS), inner, max_size=3),
    max_leaves=8,
)
_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "state": _TEXTS,
    "previous_state": _TEXTS,
    "team": _TEXTS,
    "item_type": _TEXTS,
    "blocked": st.booleans(),
    "points": _AMOUNTS,
    "labels": st.lists(st.text(_CHARACTERS, max_size=256), max_size=5),
}
_OBJECTIVE: dict[str, st.SearchStrategy[Any]] = {
    "pi": st.none() | names(),
    "art": _TEXTS,
    "value_stream": _TEXTS,
    "team": _TEXTS,
    "committed": st.booleans(),
    "planned_value": _AMOUNTS,
    "actual_value": _AMOUNTS,
}
_RESERVED = {"item", "title", "url", *_KNOWN}


@st.composite
def _item_changes(draw: st.DrawFn) -> dict[str, Any]:
    further = st.text(_CHARACTERS, max_size=256).filter(lambda field: field not in _RESERVED)
    changes: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=_KNOWN))
    return changes | draw(st.dictionaries(further, _VALUES, max_size=3))


_CHANGES = {
    EventType.CHANGED: _item_changes(),
    EventType.DELETED: _item_changes(),
    EventType.ERASED: st.just({}),
    EventType.OBJECTIVE: st.fixed_dictionaries({}, optional=_OBJECTIVE),
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Give any canonical event that came by ARRIVAL."""
    kind = draw(st.sampled_from(EventType))
    return Event(
        source=draw(names()),
        id=draw(names(1_024)),
        time=draw(st.integers(parse_time("0001-01-01T00:00:00Z"), ARRIVAL)),
        sequence=draw(st.text(_CLEAN, max_size=20)),
        type=kind,
        item=draw(names()),
        changes=draw(_CHANGES[kind]),
    )
