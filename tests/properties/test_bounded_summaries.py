"""What a summary holds is bounded, and by which states it is bounded follows from the set of events alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config.fields import MAX_NAME as MAX_CONFIGURED
from stream.events.limits import MAX_NAME
from stream.items import fold
from stream.items.spells import MAX_SPELLS
from stream.items.summary import Summary
from tests.items.whole import read_whole
from tests.oracle import lives
from tests.oracle.brute_force import compare_numbers, numbers
from tests.oracle.rules import Json
from tests.properties.engine import ARRIVAL, Engine, accepted, configured, microseconds
from tests.properties.test_engine import in_batches

KAFKAS_LIMIT = 1_048_588
BEGUN = ARRIVAL - timedelta(days=20)
FLOW: Json = {
    "version": 1,
    "organisation": [{"value_stream": "V", "arts": [{"art": "A", "teams": [{"team": "T"}]}]}],
    "workflows": [{"name": "w", "states": {"new": ["New"], "active": ["Doing"], "done": ["Done"]}}],
    "item_types": {"feature": ["Story"]},
    "windows": ["30d"],
}


def life(states: list[str]) -> list[Json]:
    """Write an item's way through states, an hour each, to its finish."""
    return [
        {
            "specversion": "1.0",
            "id": f"{number}",
            "source": "s",
            "type": "flow.item.changed",
            "time": (BEGUN + timedelta(hours=number / 4)).isoformat(),
            "data": {"item": "1", "state": state, "team": "T", "item_type": "Story"},
        }
        for number, state in enumerate(["Doing", *states, "Done"])
    ]


@contextmanager
def few() -> Iterator[None]:
    """Let summaries name two states only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "MAX_STAYS", 2)
        patch.setattr(lives, "NAMED_STATES", 2)
        yield


ways = st.lists(
    st.sampled_from(["New", "Doing", "Done", "other", "Review", "Test", "Ready"]), min_size=3, max_size=14
).map(lambda states: life([*states, "Doing"]))
flows = st.sampled_from(["keep", "reset"]).map(
    lambda on_return: {**FLOW, "workflows": [{**FLOW["workflows"][0], "on_return": on_return}]}
)


@given(ways, flows)
def test_numbers_equal_the_oracle_beyond_the_limit(envelopes: list[Json], config: Json) -> None:
    engine = Engine(configured(config), microseconds(ARRIVAL))
    with few():
        engine.add([event for _, event in accepted(envelopes)])
        assert compare_numbers(engine.numbers(), numbers(envelopes, config, ARRIVAL)) == []


@given(ways, flows, st.randoms(use_true_random=False))
def test_order_and_batching_change_no_summary_beyond_the_limit(
    envelopes: list[Json], config: Json, random: Random
) -> None:
    events = [event for _, event in accepted(envelopes)]
    once, other = (Engine(configured(config), microseconds(ARRIVAL)) for _ in range(2))
    with few():
        once.add(events)
        random.shuffle(events)
        for batch in in_batches(events, random):
            other.add(batch)
    assert other.items == once.items


def folded(envelopes: list[Json]) -> tuple[Engine, bytes, Summary]:
    engine = Engine(configured(FLOW), microseconds(ARRIVAL))
    engine.add([event for _, event in accepted(envelopes)])
    [value] = engine.items.values()
    summary = read_whole(value, engine.derivation.name)
    assert isinstance(summary, Summary)
    return engine, value, summary


def size_of_the_longest_spells() -> int:
    """Return how many bytes the spells of an item take that keeps moving between owners with the longest names."""
    names = ["\U0001f600" * (MAX_CONFIGURED - 1) + letter for letter in "AB"]
    teams = [{"team": name, "owns": [{"team": name[-1]}]} for name in names]
    config = {**FLOW, "organisation": [{"value_stream": names[0], "arts": [{"art": names[0], "teams": teams}]}]}
    config["backlogs"] = [{"backlog": names[0], "home": "team"}]
    moves = [{**event, "data": {**event["data"], "team": "AB"[n % 2]}} for n, event in enumerate(life(["Doing"] * 300))]
    engine = Engine(configured(config), microseconds(ARRIVAL))
    engine.add([event for _, event in accepted(moves)])
    [value] = engine.items.values()
    spells = json.loads(value)["spells"]
    assert len(spells) == MAX_SPELLS
    return len(json.dumps(spells, ensure_ascii=False).encode())


def test_a_summary_fits_into_a_record_whatever_an_item_has_passed_through() -> None:
    # A control character takes six bytes of JSON.
    states = [f"{number:04}".ljust(MAX_NAME, "\x01") for number in range(1_100)]
    engine, value, summary = folded(life(states))
    assert len(value) + size_of_the_longest_spells() < KAFKAS_LIMIT / 2
    assert list(summary.stays) == ["Doing", *states[:99], "other"]
    assert sum(summary.stays.values()) == 1_101 * 900 * 1_000_000
    assert engine.merged == 1


def test_a_state_that_is_named_other_is_summed_with_the_rest() -> None:
    _, _, summary = folded(life(["other", *[f"s{number}" for number in range(150)], "other", "s3", "s140"]))
    quarter = 900 * 1_000_000
    assert len(summary.stays) == 100
    assert summary.stays["other"] == (150 - 98 + 2 + 1) * quarter
    assert summary.stays["s3"] == 2 * quarter


def test_numbers_of_an_item_with_many_states_equal_the_oracle() -> None:
    envelopes = life([f"s{number % 130}" for number in range(300)])
    engine, _, _ = folded(envelopes)
    assert compare_numbers(engine.numbers(), numbers(envelopes, FLOW, ARRIVAL)) == []


@pytest.mark.parametrize(("states", "merged"), [(99, 0), (100, 1)])
def test_merged_states_are_counted_if_the_summary_shows_them(states: int, merged: int) -> None:
    way = life([f"s{number}" for number in range(states)])
    assert folded(way)[0].merged == merged
    # The present stay of an open item is not completed, so it has no name yet.
    assert folded(way[:-1])[0].merged == 0
